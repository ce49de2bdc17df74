//! Who may name which library, wait, send or print.

use crate::rooms::Table;
use crate::source::{members, naming, ours, read, root, sources};

/// These think; they neither wait nor send. The kernel of computing likelihoods needs threads, the
/// external one processes.
const PURE: [&str; 8] = [
    "event",
    "sky",
    "light",
    "readout",
    "synthetic",
    "reco",
    "photons",
    "scan",
];
const WAITING_KERNELS: [&str; 5] = [
    "science/reco/src/compute.rs",
    "science/reco/src/external.rs",
    "science/reco/src/external/pool.rs",
    "science/reco/src/external/program.rs",
    "science/reco/src/external/running.rs",
];

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
    // The Gate is an actor of replays.
    let knows = |path: &String| {
        path.starts_with("src/actors")
            || path.starts_with("src/cli")
            || path == "src/scenario/workload/gate.rs"
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
    let rooms = Table::outer();
    let wrong: Vec<String> = ours()
        .into_iter()
        .filter(|source| {
            rooms
                .room(&source.path)
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

/// Whoever judges what the project does must not make its mistakes.
#[test]
fn the_checker_shares_nothing_with_what_it_judges() {
    let manifest = read(&root().join("simulator/checker/Cargo.toml"));
    let (_, after) = manifest.split_once("\n[dependencies]\n").unwrap();
    assert_eq!(after.trim(), "", "it depends on something");
    assert!(!manifest.contains("dev-dependencies"));
    let sources = sources("simulator/checker");
    assert!(sources.len() > 3, "only {} files were found", sources.len());
    let knows = |source: &crate::source::Source| {
        let uses = source.code.lines().map(str::trim);
        let mut uses = uses.filter_map(|line| line.strip_prefix("use "));
        uses.any(|path| !["std::", "crate::"].iter().any(|own| path.starts_with(own)))
    };
    let wrong: Vec<&str> = (sources.iter())
        .filter(|source| source.names("skyscan") || knows(source))
        .map(|source| source.path.as_str())
        .collect();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn only_commands_benches_and_the_test_suite_of_transports_print() {
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
        .filter(|path| !path.contains("/benches/") && !path.ends_with("/src/main.rs"))
        .collect();
    assert_eq!(printing, [""; 0]);
}
