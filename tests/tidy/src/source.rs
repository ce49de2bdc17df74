//! The project as text: its files, and which words and rooms their code names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::rooms::Room;

/// A file of the project without its comments and its tests.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) code: String,
}

impl Source {
    /// The room that it belongs to, the innermost if it is in several.
    pub(crate) fn room<'a>(&self, rooms: &'a [Room]) -> Option<&'a Room> {
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
    pub(crate) fn names(&self, word: &str) -> bool {
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
    pub(crate) fn named_rooms(&self, rooms: &[Room]) -> BTreeSet<String> {
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
pub(crate) fn ours() -> Vec<Source> {
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
pub(crate) fn sources(folder: &str) -> Vec<Source> {
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
pub(crate) fn naming(folder: &str, crates: &[&str]) -> Vec<String> {
    sources(folder)
        .into_iter()
        .filter(|source| crates.iter().any(|name| source.names(name)))
        .map(|source| source.path)
        .collect()
}

/// Folders of the workspace's crates.
pub(crate) fn members() -> Vec<String> {
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

pub(crate) fn rust_files() -> Vec<PathBuf> {
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

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

pub(crate) fn relative(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}
