//! A minute of real faults changes no map.

use std::path::Path;
use std::time::Duration;

use skyscan_chaos::Chaos;

/// Seeds from here on have other faults than those that were looked at by hand.
const SEED: u64 = 5_000;

#[tokio::test]
async fn a_minute_of_real_faults_changes_no_map() {
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
        time: Duration::from_secs(60),
        most_scans: u64::MAX,
    };
    let mut told = Vec::new();
    let tally = chaos.run(|line| told.push(line.to_owned())).await.unwrap();
    assert_eq!(tally.broken, [""; 0], "{told:#?}");
    // Scans to which nothing was done would prove nothing.
    assert!(tally.n_scans() > 1 && tally.faults.len() > 4, "{told:#?}");
    let needs_broker = std::env::var_os("CI").is_some();
    let over_broker = tally.scans.keys().any(|scan| scan.starts_with("RabbitMQ"));
    assert!(over_broker || !needs_broker, "{told:#?}");
}
