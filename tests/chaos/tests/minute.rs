//! A minute of real faults changes no map.

#![expect(clippy::unwrap_used, reason = "a panic is how a check fails")]

use std::path::Path;
use std::time::Duration;

use skyscan_chaos::{Chaos, Tally};

/// Seeds from here on have other faults than those that were looked at by hand.
const SEED: u64 = 5_000;

/// So many scans, however long that takes: a minute where nobody else is at work for the five of all faults.
async fn lived(n_scans: u64, only: &str) -> Tally {
    // target/release/deps/minute-…
    let program = std::env::current_exe().unwrap();
    let program = program.parent().unwrap().with_file_name("skyscan");
    assert!(
        program.exists(),
        "{program:?} is not there: cargo build --release"
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let chaos = Chaos {
        program,
        event: root.join("demo/event.json"),
        seed: SEED,
        time: Duration::MAX,
        most_scans: n_scans,
        only: only.to_owned(),
    };
    let mut told = Vec::new();
    let tally = chaos.run(|line| told.push(line.to_owned())).await.unwrap();
    assert_eq!(tally.broken, [""; 0], "{told:#?}");
    tally
}

fn is_ci() -> bool {
    std::env::var_os("CI").is_some()
}

#[tokio::test]
async fn a_minute_of_real_faults_changes_no_map() {
    let tally = lived(5, "").await;
    // Scans to which nothing was done would prove nothing.
    assert!(tally.n_scans() == 5 && tally.faults.len() > 4, "{tally}");
    let over_broker = tally.scans.keys().any(|scan| scan.starts_with("RabbitMQ"));
    assert!(over_broker || !is_ci(), "{tally}");
}

#[tokio::test]
async fn wall_clocks_that_jump_change_no_map() {
    if !skyscan_chaos::can_jump() {
        assert!(!is_ci(), "faketime is not installed");
        return;
    }
    let tally = lived(2, "clock").await;
    assert!(tally.faults.values().sum::<u64>() > 3, "{tally}");
}
