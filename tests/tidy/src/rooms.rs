//! The table of rooms in ARCHITECTURE.md, and that the code keeps to it.

use std::collections::BTreeSet;

use crate::source::{ours, read, root};

/// A room: a crate below `science`, a module of the root package, or a module that has a row of its
/// own in the table of rooms of ARCHITECTURE.md. The table says which others each may use.
pub(crate) struct Room {
    /// Last part of its path: `light` for `science/reco/light`.
    pub(crate) name: String,
    /// Folder or file, without `.rs`: `science/reco/light`.
    pub(crate) place: String,
    pub(crate) uses: BTreeSet<String>,
}

/// The table of rooms, from the bottom up.
pub(crate) fn rooms() -> Vec<Room> {
    let text = read(&root().join("ARCHITECTURE.md"));
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| `science/") || line.starts_with("| `src/"));
    let rooms: Vec<Room> = rows
        .map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [place, _, uses] = cells[..] else {
                panic!("a room has three cells: {row}");
            };
            let place = place.trim_matches('`').trim_end_matches(".rs").to_owned();
            let uses = uses
                .split(", ")
                .filter(|used| !used.is_empty() && *used != "nothing");
            Room {
                name: place.rsplit('/').next().unwrap().to_owned(),
                place,
                uses: uses.map(str::to_owned).collect(),
            }
        })
        .collect();
    assert!(rooms.len() > 10, "only {} rooms were found", rooms.len());
    rooms
}

#[test]
fn rooms_use_only_those_below_them() {
    let rooms = rooms();
    let mut below = BTreeSet::new();
    for room in &rooms {
        for used in &room.uses {
            assert!(
                below.contains(used),
                "{} may not stand on {used}",
                room.name
            );
        }
        assert!(
            below.insert(room.name.clone()),
            "two rooms are called {}",
            room.name
        );
    }
    let mut wrong = Vec::new();
    let mut n_arrows = 0;
    for source in ours() {
        let Some(room) = source.room(&rooms) else {
            continue;
        };
        for used in source.named_rooms(&rooms) {
            n_arrows += 1;
            if used != room.name && !room.uses.contains(&used) {
                wrong.push(format!("{} uses {used}", source.path));
            }
        }
    }
    assert!(n_arrows > 50, "only {n_arrows} arrows were found");
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_module_has_its_row_in_the_table_of_rooms() {
    let rooms = rooms();
    let homeless: Vec<String> = ours()
        .into_iter()
        .filter(|source| !["src/lib.rs", "src/main.rs"].contains(&source.path.as_str()))
        .filter(|source| source.room(&rooms).is_none())
        .map(|source| source.path)
        .collect();
    assert_eq!(homeless, [""; 0]);
    let empty: Vec<&str> = rooms
        .iter()
        .filter(|room| {
            !ours()
                .iter()
                .any(|source| source.room(&rooms).is_some_and(|own| own.name == room.name))
        })
        .map(|room| room.place.as_str())
        .collect();
    assert_eq!(empty, [""; 0]);
}
