//! The tests that the pages of faults name.

use crate::source::{read, root, rust_files};

#[test]
fn every_fault_has_a_test_that_exists_or_says_why_not() {
    let pages = ["docs/faults.md", "docs/promises.md", "docs/escaped.md"];
    let mut pages: String = pages.map(|page| read(&root().join(page))).concat();
    // What others found has no tests of its own in that table.
    pages.truncate(pages.find("## Found otherwise").unwrap());
    let code: String = rust_files().iter().map(|path| read(path)).collect();
    let is_row = |line: &&str| line.starts_with("| ") && !line.ends_with("| test |");
    let mut n_named = 0;
    let mut wrong = Vec::new();
    for row in pages.lines().filter(is_row) {
        let cell = row.trim_matches('|').rsplit('|').next().unwrap().trim();
        if cell.starts_with("none: ") {
            continue;
        }
        let names: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            wrong.push(format!("no test: {row}"));
        }
        n_named += names.len();
        // A function, or a trial by its name.
        let is_there = |name: &&str| {
            code.contains(&format!("fn {name}()")) || code.contains(&format!("{name}\""))
        };
        wrong.extend(
            names
                .iter()
                .filter(|name| !is_there(name))
                .map(|name| format!("no such test: {name}")),
        );
    }
    assert!(n_named > 40, "only {n_named} tests are named");
    assert_eq!(wrong, [""; 0]);
}
