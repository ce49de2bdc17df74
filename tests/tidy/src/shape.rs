//! How long a file may be, how it is named, how it begins, which lints a crate keeps.

use crate::source::{members, read, relative, root, rust_files};

/// Longest source file, in lines.
const LONGEST_FILE: usize = 500;

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let long: Vec<String> = rust_files()
        .iter()
        .map(|path| (path, read(path).lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(path, lines)| format!("{}: {lines} lines", relative(path)))
        .collect();
    assert_eq!(long, [""; 0]);
}

#[test]
fn modules_are_files_by_their_own_name() {
    let nameless: Vec<String> = rust_files()
        .iter()
        .filter(|path| path.file_name().is_some_and(|name| name == "mod.rs"))
        .map(|path| relative(path))
        .collect();
    assert_eq!(nameless, [""; 0]);
}

#[test]
fn every_file_says_what_it_owns() {
    let silent: Vec<String> = rust_files()
        .iter()
        .filter(|path| !path.ends_with("tests.rs"))
        .filter(|path| {
            // A crate may show its README.
            let text = read(path);
            !text.starts_with("//!") && !text.starts_with("#![doc = include_str!(")
        })
        .map(|path| relative(path))
        .collect();
    assert_eq!(silent, [""; 0]);
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    for member in members() {
        let manifest = read(&root().join(&member).join("Cargo.toml"));
        assert!(
            manifest.contains("\n[lints]\nworkspace = true\n"),
            "{member}"
        );
    }
}
