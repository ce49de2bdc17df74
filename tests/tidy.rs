//! What the code promises about its own shape, read from the source: which module may know which,
//! who may name a library, how long a file may be.

#![expect(clippy::unwrap_used, reason = "a panic is how a check fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Longest source file, in lines.
const LONGEST_FILE: usize = 500;

/// The modules of `src` from the bottom up, and which others each may name. One that is missing
/// here, or names a module that stands further down, breaks the build: think before adding.
const ARROWS: [(&str, &[&str]); 15] = [
    ("event", &[]),
    ("sky", &["event"]),
    ("light", &["event"]),
    ("synthetic", &["event", "light"]),
    ("reco", &["event", "sky", "light"]),
    ("scan", &["event", "sky", "reco"]),
    ("protocol", &["event", "sky", "reco"]),
    ("telemetry", &["reco", "protocol"]),
    ("transport", &[]),
    ("actors", &["sky", "reco", "scan", "protocol", "telemetry"]),
    ("drawing", &[]),
    ("output", &["event", "sky", "scan", "drawing"]),
    (
        "scenario",
        &[
            "event",
            "sky",
            "reco",
            "scan",
            "protocol",
            "telemetry",
            "transport",
            "actors",
            "drawing",
            "output",
        ],
    ),
    ("deploy", &[]),
    (
        "cli",
        &[
            "event",
            "sky",
            "synthetic",
            "reco",
            "scan",
            "telemetry",
            "transport",
            "actors",
            "output",
            "scenario",
            "deploy",
        ],
    ),
];

/// These think; they neither wait nor send. The kernel of computing likelihoods needs threads, the
/// simulated one a clock, the external one processes.
const PURE: [&str; 6] = ["event", "sky", "light", "synthetic", "reco", "scan"];
const WAITING_KERNELS: [&str; 5] = [
    "src/reco/compute.rs",
    "src/reco/external.rs",
    "src/reco/external/pool.rs",
    "src/reco/external/running.rs",
    "src/reco/simulated.rs",
];

#[test]
fn modules_name_only_those_below_them() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    let mut below = BTreeSet::new();
    for (module, uses) in ARROWS {
        for used in uses {
            assert!(below.contains(used), "{module} may not stand on {used}");
        }
        below.insert(module);
    }
    let mut wrong = Vec::new();
    let mut n_arrows = 0;
    for source in sources("src") {
        let Some(module) = source.module() else {
            continue;
        };
        let uses = allowed.get(module).copied().unwrap_or_else(|| {
            panic!(
                "{} belongs to no module that has a place in ARROWS",
                source.path
            )
        });
        for used in source.named_modules() {
            n_arrows += 1;
            if used != module && !uses.contains(&used.as_str()) {
                wrong.push(format!("{} names {used}", source.path));
            }
        }
    }
    assert!(n_arrows > 50, "only {n_arrows} arrows were found");
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_module_of_the_library_has_its_place() {
    let library = read(&root().join("src/lib.rs"));
    let declared: BTreeSet<&str> = library
        .lines()
        .filter_map(|line| line.trim().strip_suffix(';'))
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "))
        .collect();
    let placed: BTreeSet<&str> = ARROWS.into_iter().map(|(module, _)| module).collect();
    assert_eq!(declared, placed);
}

#[test]
fn one_file_names_the_pixel_library() {
    assert_eq!(naming("src", &["cdshealpix"]), ["src/sky/healpix.rs"]);
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
fn only_the_actors_and_the_command_line_know_actix() {
    let knows = |path: &String| path.starts_with("src/actors") || path.starts_with("src/cli");
    let others: Vec<String> = naming("src", &["actix"])
        .into_iter()
        .filter(|path| !knows(path))
        .collect();
    assert_eq!(others, [""; 0]);
}

#[test]
fn what_thinks_neither_waits_nor_sends() {
    let runtimes = ["tokio", "actix", "async_std", "skyscan_transport"];
    let names: Vec<String> = PURE
        .iter()
        .flat_map(|module| [format!("src/{module}.rs"), format!("src/{module}/")])
        .collect();
    let wrong: Vec<String> = naming("src", &runtimes)
        .into_iter()
        .filter(|path| !WAITING_KERNELS.contains(&path.as_str()))
        .filter(|path| names.iter().any(|name| path.starts_with(name)))
        .collect();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn transports_know_nothing_of_the_sky() {
    assert_eq!(naming("transports", &["skyscan::"]), [""; 0]);
    for member in members().iter().filter(|m| m.starts_with("transports/")) {
        let manifest = read(&root().join(member).join("Cargo.toml"));
        let on_us = |line: &&str| line.split(['=', '.']).next().map(str::trim) == Some("skyscan");
        assert_eq!(manifest.lines().find(on_us), None, "{member}");
    }
}

#[test]
fn only_the_command_line_and_the_test_suite_of_transports_print() {
    let printing: Vec<String> = sources("src")
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
    /// The module of `src` that it belongs to; the roots `lib.rs` and `main.rs` belong to none.
    fn module(&self) -> Option<&str> {
        let inner = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        let first = inner.split('/').next()?;
        (!["lib", "main"].contains(&first)).then_some(first)
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

    /// Every module of the library that its paths lead to: through `crate::`, or through so many
    /// `super::` that they arrive at the root.
    fn named_modules(&self) -> BTreeSet<String> {
        let depth = self.path.split('/').count() - 1;
        let up = "super::".repeat(depth);
        let mut found = BTreeSet::new();
        for root in ["crate::", up.as_str()] {
            for (at, _) in self.code.match_indices(root) {
                found.extend(heads(&self.code[at + root.len()..]));
            }
        }
        found
    }
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
