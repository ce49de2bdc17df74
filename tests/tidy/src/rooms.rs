//! Who may use whom: the tables of rooms in ARCHITECTURE.md beside the paths in the code.
//!
//! The first table has the rooms of the project, another one those of `src/scenario`, which all others
//! see as one. An arrow leads to the room of the file that declares what is named, however it got there.

use std::collections::BTreeSet;

use crate::graph::{Arrow, Graph};
use crate::source::{ours, read, root};

/// A room: a crate below `science`, a module of the root package, or a module that has a row of its
/// own. The table says which others each may use.
pub(crate) struct Room {
    /// Last part of its path: `light` for `science/reco/light`.
    pub(crate) name: String,
    /// Folder or file, without `.rs`: `science/reco/light`.
    place: String,
    uses: BTreeSet<String>,
}

/// The rooms of one table, from the bottom up.
pub(crate) struct Table(Vec<Room>);

/// What is divided into rooms once more.
const DIVIDED: &str = "src/scenario";

impl Table {
    /// The rooms of the project.
    pub(crate) fn outer() -> Self {
        Self::of(|place| !place.starts_with(&format!("{DIVIDED}/")))
    }

    /// The rooms of what is divided once more.
    fn inner() -> Self {
        Self::of(|place| place.starts_with(&format!("{DIVIDED}/")))
    }

    fn of(is_in_it: impl Fn(&str) -> bool) -> Self {
        let text = read(&root().join("ARCHITECTURE.md"));
        let rows = text
            .lines()
            .filter(|line| line.starts_with("| `science/") || line.starts_with("| `src/"));
        let rooms = rows.map(|row| {
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
        });
        let rooms: Vec<Room> = rooms.filter(|room| is_in_it(&room.place)).collect();
        assert!(rooms.len() > 5, "only {} rooms were found", rooms.len());
        Self(rooms)
    }

    /// The room that a file belongs to, the innermost if it is in several.
    pub(crate) fn room(&self, file: &str) -> Option<&Room> {
        let inner = file.strip_suffix(".rs")?.replacen("/src/", "/", 1);
        let inner = inner.strip_suffix("/lib").unwrap_or(&inner);
        let holds = |room: &&Room| {
            inner
                .strip_prefix(room.place.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let rooms = self.0.iter();
        rooms.filter(holds).max_by_key(|room| room.place.len())
    }

    /// Rooms that use one which does not stand above them in the table.
    fn upside_down(&self) -> Vec<String> {
        let mut above = BTreeSet::new();
        let mut wrong = Vec::new();
        for room in &self.0 {
            let not_there = room.uses.iter().filter(|used| !above.contains(*used));
            wrong.extend(not_there.map(|used| format!("{} on {used}", room.name)));
            if !above.insert(room.name.clone()) {
                wrong.push(format!("two rooms are called {}", room.name));
            }
        }
        wrong
    }

    /// Arrows from one room to another that its row does not name.
    fn forbidden(&self, arrows: &BTreeSet<Arrow>) -> Vec<String> {
        let mut n_between = 0;
        let mut wrong = Vec::new();
        for arrow in arrows {
            let (Some(from), Some(to)) = (self.room(&arrow.from), self.room(&arrow.to)) else {
                continue;
            };
            if from.name != to.name {
                n_between += 1;
                if !from.uses.contains(&to.name) {
                    wrong.push(format!("{} uses {} of {}", arrow.from, arrow.to, to.name));
                }
            }
        }
        assert!(n_between > 50, "only {n_between} arrows were found");
        wrong
    }

    /// Rooms that have no file.
    fn empty(&self) -> Vec<&str> {
        let files: Vec<String> = ours().into_iter().map(|source| source.path).collect();
        let is_empty = |room: &&Room| {
            let is_its = |file: &String| self.room(file).is_some_and(|own| own.name == room.name);
            !files.iter().any(is_its)
        };
        let rooms = self.0.iter().filter(is_empty);
        rooms.map(|room| room.place.as_str()).collect()
    }
}

#[test]
fn rooms_use_only_those_above_them_in_their_table() {
    let arrows = Graph::read().arrows();
    for table in [Table::outer(), Table::inner()] {
        assert_eq!(table.upside_down(), [""; 0]);
        assert_eq!(table.forbidden(&arrows), [""; 0]);
    }
}

#[test]
fn no_room_of_replays_names_the_file_that_holds_them_all() {
    let front = format!("{DIVIDED}.rs");
    let below = format!("{DIVIDED}/");
    let wrong: Vec<String> = (Graph::read().arrows().into_iter())
        .filter(|arrow| arrow.to == front && arrow.from.starts_with(&below))
        .map(|arrow| arrow.from)
        .collect();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_module_has_its_row_in_a_table_of_rooms() {
    let (outer, inner) = (Table::outer(), Table::inner());
    let roots = ["src/lib.rs", "src/main.rs"];
    let below = format!("{DIVIDED}/");
    let homeless: Vec<String> = ours()
        .into_iter()
        .map(|source| source.path)
        .filter(|file| match file.starts_with(&below) {
            true => inner.room(file).is_none(),
            false => outer.room(file).is_none() && !roots.contains(&file.as_str()),
        })
        .collect();
    assert_eq!(homeless, [""; 0]);
    assert_eq!([outer.empty(), inner.empty()].concat(), [""; 0]);
}
