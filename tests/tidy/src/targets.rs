//! What is not built for tests has none: a manifest that says so would hide them.

use crate::source::{members, read, relative, root, rust_files};

/// Fences in documentation that rustdoc would take for Rust.
fn has_example(text: &str) -> bool {
    let mut is_inside = false;
    text.lines().any(|line| {
        let line = line.trim_start();
        let line = line
            .strip_prefix("//!")
            .or_else(|| line.strip_prefix("///"));
        let Some(fence) = line.and_then(|line| line.trim().strip_prefix("```")) else {
            return false;
        };
        is_inside = !is_inside;
        is_inside
            && matches!(
                fence,
                "" | "rust" | "no_run" | "should_panic" | "compile_fail"
            )
    })
}

/// What a manifest says of one of its targets, `[lib]` or `[[bin]]`.
fn says(manifest: &str, target: &str, what: &str) -> bool {
    let of_target = manifest
        .split("\n[")
        .filter_map(|part| part.strip_prefix(target));
    of_target.flat_map(str::lines).any(|line| line == what)
}

#[test]
fn what_is_not_built_for_tests_has_none() {
    let mut hidden = Vec::new();
    for folder in members().iter().map(|member| root().join(member)) {
        let manifest = read(&folder.join("Cargo.toml"));
        let untested = |target| says(&manifest, target, "test = false");
        let is_shown = !says(&manifest, "lib]", "doctest = false");
        let (library, program) = (untested("lib]"), untested("[bin]]"));
        let src = folder.join("src");
        for path in rust_files().iter().filter(|path| path.starts_with(&src)) {
            let text = read(path);
            let is_program = *path == src.join("main.rs") || path.starts_with(src.join("bin"));
            let is_untested = if is_program { program } else { library };
            if is_untested && text.contains("#[test]") || !is_shown && has_example(&text) {
                hidden.push(relative(path));
            }
        }
    }
    assert_eq!(hidden, [""; 0]);
}

#[test]
fn examples_are_told_from_drawings() {
    assert!(has_example("/// ```\n/// let x = 1;\n/// ```"));
    assert!(has_example(
        "//! ```text\n//! a\n//! ```\n//! ```no_run\n//! b\n//! ```"
    ));
    assert!(!has_example("//! ```text\n//! a -> b\n//! ```\nfn f() {}"));
}
