//! Records of decisions and the links to them.

use std::collections::BTreeSet;

use crate::source::{read, relative, root, rust_files};

#[test]
fn every_decision_is_linked_from_the_code_that_it_explains() {
    let page = read(&root().join("docs/decisions.md"));
    let records: BTreeSet<&str> = (page.lines())
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    assert!(records.len() > 20, "only {} records", records.len());
    let mut linked = BTreeSet::new();
    for file in rust_files() {
        let text = read(&file);
        let links = text.lines().filter_map(|line| {
            let link = line.strip_prefix("//! Decision: ")?;
            link.strip_suffix(" (`docs/decisions.md`).")
        });
        for title in links {
            let known = records.get(title);
            assert!(
                known.is_some(),
                "{} names no record: {title}",
                relative(&file)
            );
            linked.extend(known);
        }
    }
    assert_eq!(linked, records);
}
