//! What the code promises about its own shape, read from the source: which module may know which,
//! who may name a library, how long a file may be.

#![expect(clippy::unwrap_used, reason = "a panic is how a check fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Longest source file, in lines.
const LONGEST_FILE: usize = 500;

/// A room: a crate below `science`, a module of the root package, or a module that has a row of its
/// own in the table of rooms of ARCHITECTURE.md. The table says which others each may use.
struct Room {
    /// Last part of its path: `light` for `science/reco/light`.
    name: String,
    /// Folder or file, without `.rs`: `science/reco/light`.
    place: String,
    uses: BTreeSet<String>,
}

/// The table of rooms, from the bottom up.
fn rooms() -> Vec<Room> {
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

/// These think; they neither wait nor send. The kernel of computing likelihoods needs threads, the
/// external one processes.
const PURE: [&str; 6] = ["event", "sky", "light", "synthetic", "reco", "scan"];
const WAITING_KERNELS: [&str; 4] = [
    "science/reco/src/compute.rs",
    "science/reco/src/external.rs",
    "science/reco/src/external/pool.rs",
    "science/reco/src/external/running.rs",
];

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

#[test]
fn one_file_names_the_pixel_library() {
    assert_eq!(naming("src", &["cdshealpix"]), [""; 0]);
    assert_eq!(
        naming("science", &["cdshealpix"]),
        ["science/sky/src/healpix.rs"]
    );
}

#[test]
fn one_file_names_the_backends() {
    let backends: Vec<String> = members()
        .iter()
        .filter_map(|member| member.strip_prefix("transports/"))
        // Neither is a relay one: it stands between any two of them.
        .filter(|name| !["contract", "conformance", "relay"].contains(name))
        .map(|name| format!("skyscan_transport_{name}"))
        .collect();
    assert!(!backends.is_empty());
    let backends: Vec<&str> = backends.iter().map(String::as_str).collect();
    assert_eq!(naming("src", &backends), ["src/transport.rs"]);
}

#[test]
fn only_actors_and_the_command_line_know_actix() {
    // Pile and Gate are the actors of replays.
    let replayed = ["src/scenario/gate.rs", "src/scenario/pile.rs"];
    let knows = |path: &String| {
        path.starts_with("src/actors")
            || path.starts_with("src/cli")
            || replayed.contains(&path.as_str())
    };
    let others: Vec<String> = naming("src", &["actix"])
        .into_iter()
        .filter(|path| !knows(path))
        .collect();
    assert_eq!(others, [""; 0]);
}

#[test]
fn what_thinks_neither_waits_nor_sends() {
    let runtimes = ["tokio", "actix", "async_std", "skyscan_transport"];
    let rooms = rooms();
    let wrong: Vec<String> = ours()
        .into_iter()
        .filter(|source| {
            source
                .room(&rooms)
                .is_some_and(|room| PURE.contains(&room.name.as_str()))
        })
        .filter(|source| runtimes.iter().any(|name| source.names(name)))
        .map(|source| source.path)
        .filter(|path| !WAITING_KERNELS.contains(&path.as_str()))
        .collect();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn transports_know_nothing_of_the_sky() {
    let ours = [
        "skyscan",
        "skyscan-event",
        "skyscan-sky",
        "skyscan-reco",
        "skyscan-scan",
        "skyscan-output",
    ];
    assert_eq!(
        naming(
            "transports",
            &ours
                .map(|name| name.replace('-', "_") + "::")
                .each_ref()
                .map(String::as_str)
        ),
        [""; 0]
    );
    for member in members().iter().filter(|m| m.starts_with("transports/")) {
        let manifest = read(&root().join(member).join("Cargo.toml"));
        let on_us = |line: &&str| {
            let name = line.split(['=', '.']).next().map_or("", str::trim);
            ours.contains(&name)
        };
        assert_eq!(manifest.lines().find(on_us), None, "{member}");
    }
}

#[test]
fn only_the_command_line_and_the_test_suite_of_transports_print() {
    let printing: Vec<String> = ours()
        .into_iter()
        .chain(sources("transports"))
        .filter(|source| {
            ["println!", "eprintln!", "print!", "eprint!", "dbg!"]
                .iter()
                .any(|what| source.names(what))
        })
        .map(|source| source.path)
        .filter(|path| !path.starts_with("src/cli") && !path.starts_with("transports/conformance/"))
        .collect();
    assert_eq!(printing, [""; 0]);
}

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

/// A file of the project without its comments and its tests.
struct Source {
    path: String,
    code: String,
}

impl Source {
    /// The room that it belongs to, the innermost if it is in several.
    fn room<'a>(&self, rooms: &'a [Room]) -> Option<&'a Room> {
        let inner = self.path.strip_suffix(".rs")?.replacen("/src/", "/", 1);
        let holds = |room: &&Room| {
            inner
                .strip_prefix(room.place.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        rooms
            .iter()
            .filter(holds)
            .max_by_key(|room| room.place.len())
    }

    /// Whether a word stands in the code, on its own or at the front of a path.
    fn names(&self, word: &str) -> bool {
        self.code.match_indices(word).any(|(at, _)| {
            let before = self.code[..at].chars().next_back();
            let after = self.code[at + word.len()..].chars().next();
            let of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let goes_on = of_word(word.chars().next_back()) && of_word(after);
            !(of_word(before) || goes_on)
        })
    }

    /// Every room that its paths lead to: through `crate::`, through so many `super::` that they
    /// arrive at the root, or through another crate of ours.
    fn named_rooms(&self, rooms: &[Room]) -> BTreeSet<String> {
        let names = |name: &String| rooms.iter().any(|room| room.name == *name);
        let own_crate = self
            .path
            .strip_prefix("science/")
            .and_then(|path| path.split('/').next());
        let inner = self.path.split_once("src/").map_or("", |(_, inner)| inner);
        let up = "super::".repeat(inner.split('/').count());
        let mut found = BTreeSet::new();
        for way in ["crate::", up.as_str()] {
            for (at, _) in self.code.match_indices(way) {
                let first = heads(&self.code[at + way.len()..]);
                // Inside a crate of science a word that is no room is a part of the crate itself.
                found.extend(
                    first
                        .into_iter()
                        .filter(|head| own_crate.is_none() || names(head)),
                );
            }
        }
        let crates = rooms.iter().filter_map(|room| {
            let name = room.place.strip_prefix("science/")?;
            (!name.contains('/')).then_some(room)
        });
        for room in crates {
            let way = format!("skyscan_{}", room.name);
            for (at, _) in self.code.match_indices(&way) {
                let rest = &self.code[at + way.len()..];
                let inner = match rest.strip_prefix("::") {
                    Some(path) => heads(path),
                    None if rest.starts_with([';', ' ']) => Vec::new(),
                    // The name of something else that begins like it.
                    None => continue,
                };
                let is_room = |head: &&String| {
                    let place = format!("{}/{head}", room.place);
                    rooms.iter().any(|room| room.place == place)
                };
                let of_rooms: Vec<String> = inner.iter().filter(is_room).cloned().collect();
                if of_rooms.len() < inner.len() || inner.is_empty() {
                    found.insert(room.name.clone());
                }
                found.extend(of_rooms);
            }
        }
        found
    }
}

/// Sources of the root package and of the crates below `science`.
fn ours() -> Vec<Source> {
    let mut all = sources("src");
    all.extend(sources("science"));
    all
}

/// First words of a path or of a group of paths: `a::b` and `{a::b, c::{d, e}}`.
fn heads(path: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        let text = text.trim_start();
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![word(path)];
    };
    let mut heads = vec![word(group)];
    let mut open = 1;
    for (at, c) in group.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            ',' if open == 1 => heads.push(word(&group[at + 1..])),
            _ => {}
        }
        if open == 0 {
            break;
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

#[test]
fn heads_of_groups_are_found() {
    assert_eq!(heads("event::{self, Event};"), ["event"]);
    assert_eq!(
        heads("{\n event::{self, Event},\n sky, reco::Reco,\n}; use std::{io, fs}"),
        ["event", "sky", "reco"]
    );
}

/// Sources below a folder, without files and modules of tests.
fn sources(folder: &str) -> Vec<Source> {
    rust_files()
        .iter()
        .map(|path| (relative(path), path))
        .filter(|(name, _)| name.starts_with(&format!("{folder}/")))
        .filter(|(name, _)| !name.contains("/tests/") && !name.ends_with("/tests.rs"))
        .map(|(name, path)| Source {
            path: name,
            code: code(&read(path)),
        })
        .collect()
}

/// A text without line comments and without the module of tests that ends it.
fn code(text: &str) -> String {
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text);
    text.lines()
        .map(|line| line.split("//").next().unwrap_or(line))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// Paths of the files below a folder whose code names one of these crates.
fn naming(folder: &str, crates: &[&str]) -> Vec<String> {
    sources(folder)
        .into_iter()
        .filter(|source| crates.iter().any(|name| source.names(name)))
        .map(|source| source.path)
        .collect()
}

/// Folders of the workspace's crates.
fn members() -> Vec<String> {
    let manifest = read(&root().join("Cargo.toml"));
    let list = manifest
        .split_once("members = [")
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(list, _)| list)
        .unwrap();
    let members: Vec<String> = list
        .split(',')
        .map(|member| member.trim().trim_matches('"').to_owned())
        .filter(|member| !member.is_empty())
        .collect();
    assert!(members.len() > 3, "{members:?}");
    members
}

fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(files.len() > 100, "only {} files were found", files.len());
    files
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
