//! Files that name each other in a circle have to be understood all at once.
//!
//! The rule: an arrow goes from a file to each file that declares something which it names, also if it
//! gets at it through a re-export. A file may name the modules that it is a part of (`super::Thing`, as
//! far as `Thing` stands in that file), which are one thing in several files; such an arrow does not
//! count, the one from a module down to its parts does. Two files that name each other are allowed; a
//! circle of more is not.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Graph;

#[test]
fn no_more_than_two_files_name_each_other_in_a_circle() {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for arrow in Graph::read().arrows() {
        if !arrow.is_to_own_ancestor {
            named.entry(arrow.from).or_default().insert(arrow.to);
        }
    }
    assert!(named.len() > 100, "only {} files name others", named.len());
    let circles = circles(&named);
    let large: Vec<&Vec<String>> = circles.iter().filter(|circle| circle.len() > 2).collect();
    assert!(large.is_empty(), "dissolve {large:#?}");
}

/// Files that can be reached from each other, sorted; those that are alone are left out.
fn circles(named: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> = named
        .keys()
        .map(|from| (from, reachable(named, from)))
        .collect();
    let mut found = BTreeSet::new();
    for (from, to) in &reached {
        let back = |other: &&&String| reached.get(**other).is_some_and(|all| all.contains(from));
        let circle: BTreeSet<String> = to
            .iter()
            .filter(back)
            .map(|file| (**file).clone())
            .collect();
        if !circle.is_empty() {
            found.insert(circle.into_iter().collect::<Vec<_>>());
        }
    }
    found.into_iter().collect()
}

fn reachable<'a>(
    named: &'a BTreeMap<String, BTreeSet<String>>,
    from: &'a String,
) -> BTreeSet<&'a String> {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(file) = next.pop() {
        for to in named.get(file).into_iter().flatten() {
            if seen.insert(to) {
                next.push(to);
            }
        }
    }
    seen
}

#[test]
fn a_circle_is_found_with_all_of_its_files() {
    let arrows = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "a")];
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in arrows {
        let to = to.to_owned();
        named.entry(from.to_owned()).or_default().insert(to);
    }
    assert_eq!(circles(&named), [["a", "b", "c"]]);
}
