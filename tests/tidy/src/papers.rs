//! Papers that say the same twice: versions, lists, licences; and how wide a line may be.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::source::{read, relative, root, rust_files};

/// Widest line of a comment, in characters; rustfmt sees to code.
const WIDEST_COMMENT: usize = 120;
/// Widest line of a page. Tables, commands and what they print cannot be broken.
const WIDEST_PAGE: usize = 150;
/// Pages that a command writes.
const WRITTEN_PAGES: [&str; 2] = ["docs/reference.md", "scenarios/ANSWERS.md"];

#[test]
fn lines_are_no_wider_than_a_screen() {
    let is_table = |line: &str| line.trim_start_matches(['/', '!', ' ']).starts_with('|');
    let is_one_word = |line: &str| line.split_whitespace().count() == 2;
    let mut wide = Vec::new();
    for path in rust_files() {
        wide.extend(wider_than(WIDEST_COMMENT, &path, |line| {
            !line.trim_start().starts_with("//") || is_table(line) || is_one_word(line)
        }));
    }
    for path in pages() {
        wide.extend(wider_than(WIDEST_PAGE, &path, |line| {
            is_table(line) || line.starts_with("    ")
        }));
    }
    assert_eq!(wide, [""; 0]);
}

fn wider_than(most: usize, path: &Path, is_excused: impl Fn(&str) -> bool) -> Vec<String> {
    let text = read(path);
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| line.chars().count() > most && !is_excused(line))
        .map(|(n_before, _)| format!("{}:{}", relative(path), n_before + 1))
        .collect()
}

/// Pages that people write.
fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for folder in ["", "docs", "scenarios", "deploy", "bench", "demo"] {
        let entries = std::fs::read_dir(root().join(folder)).unwrap();
        pages.extend(entries.map(|entry| entry.unwrap().path()).filter(|path| {
            path.extension().is_some_and(|end| end == "md")
                && !WRITTEN_PAGES.contains(&relative(path).as_str())
        }));
    }
    assert!(pages.len() > 10, "only {} pages were found", pages.len());
    pages
}

#[test]
fn the_first_lines_tell_the_oldest_rust() {
    let oldest = value_of("rust-version");
    let readme = read(&root().join("README.md"));
    let told = format!("Linux only, Rust {oldest} or newer");
    assert!(
        readme.lines().take(6).any(|line| line.starts_with(&told)),
        "README.md begins without: {told}"
    );
}

/// A cargo that is too old shall say that it is, and not stumble over a word that it does not know.
#[test]
fn an_old_cargo_gets_as_far_as_the_edition() {
    let manifest = read(&root().join("Cargo.toml"));
    let profiles = manifest.split_once("[profile.").unwrap().1;
    let named: Vec<&str> = profiles
        .lines()
        .filter(|line| line.starts_with("debug = \""))
        .collect();
    assert_eq!(named, [""; 0]);
}

#[test]
fn the_library_lists_the_modules_that_it_has() {
    let library = read(&root().join("src/lib.rs"));
    let listed: BTreeSet<&str> = library
        .lines()
        .filter_map(|line| Some(line.strip_prefix("//! - [`")?.split_once("`]:")?.0))
        .collect();
    let mut declared = BTreeSet::new();
    for line in library.lines() {
        if let Some(module) = line.strip_prefix("pub mod ") {
            declared.insert(module.trim_end_matches(';'));
        } else if let Some(path) = line.strip_prefix("pub use skyscan_") {
            let path = path.trim_end_matches(';');
            let name = path.rsplit("::").next().unwrap_or(path);
            let name = name.rsplit(" as ").next().unwrap_or(name);
            declared.extend(name.trim_matches(['{', '}']).split(", "));
        }
    }
    assert_eq!(listed, declared);
}

#[test]
fn the_citation_is_of_this_version() {
    let citation = read(&root().join("CITATION.cff"));
    let version = format!("\nversion: {}\n", value_of("version"));
    assert!(citation.contains(&version), "no line{version}");
    for licence in value_of("license").split(" OR ") {
        assert!(citation.contains(&format!("- {licence}\n")), "{licence}");
        let short = licence.split('-').next().unwrap().to_uppercase();
        let text = read(&root().join(format!("LICENSE-{short}")));
        assert!(text.len() > 1000, "LICENSE-{short} is no licence");
    }
}

/// A value of `[workspace.package]`.
fn value_of(key: &str) -> String {
    let manifest = read(&root().join("Cargo.toml"));
    let start = format!("{key} = \"");
    let line = manifest.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap().trim_end_matches('"').to_owned()
}
