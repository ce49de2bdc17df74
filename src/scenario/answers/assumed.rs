//! What is assumed: the sources of a scenario that say so, each with the numbers that it answers for.

use std::collections::{BTreeMap, BTreeSet};

use super::known::Known;

/// Texts with one of these speak of a number that nobody has looked up or measured.
const MARKS: [&str; 3] = ["assumed", "not measured", "unknown"];

/// Each text with its numbers, over all of these scenarios; plain "assumed" comes last.
pub(super) fn assumptions(known: &Known, scenarios: &[&str]) -> Vec<(String, BTreeSet<String>)> {
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for report in scenarios.iter().filter_map(|name| known.whole(name)) {
        for (path, text) in &report.sources {
            if MARKS.iter().any(|mark| text.contains(mark)) {
                found.entry(text).or_default().insert(shown(path));
            }
        }
    }
    let plain = found.remove("assumed");
    let mut listed: Vec<(String, BTreeSet<String>)> = found
        .into_iter()
        .map(|(text, paths)| (text.to_owned(), grouped(&paths)))
        .collect();
    listed.extend(plain.map(|paths| ("assumed without a reason".to_owned(), grouped(&paths))));
    listed
}

/// Several numbers of a table are told as the table.
fn grouped(paths: &BTreeSet<String>) -> BTreeSet<String> {
    let table = |path: &str| path.rsplit_once('.').map(|(table, _)| table.to_owned());
    let each = paths.iter().map(|path| match table(path) {
        Some(name)
            if paths
                .iter()
                .filter(|p| table(p).as_ref() == Some(&name))
                .count()
                > 1 =>
        {
            name
        }
        _ => path.clone(),
    });
    each.collect()
}

/// The key as it stands in the file: that of a variant is the same key.
fn shown(path: &str) -> String {
    let key = match path.strip_prefix("variant \"") {
        Some(rest) => rest.split_once("\".").map_or(rest, |(_, key)| key),
        None => path,
    };
    key.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_numbers_of_a_table_are_the_table() {
        let paths = ["a.b.x", "a.b.y", "a.z", "seed"].map(str::to_owned);
        let grouped = grouped(&paths.into());
        assert_eq!(
            grouped.into_iter().collect::<Vec<_>>(),
            ["a.b", "a.z", "seed"]
        );
    }

    #[test]
    fn a_variant_changes_the_same_key() {
        assert_eq!(shown("fleet.workers"), "fleet.workers");
        assert_eq!(shown("variant \"31.4 s\".fleet.workers"), "fleet.workers");
    }
}
