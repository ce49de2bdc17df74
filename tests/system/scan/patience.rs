//! A scan that waits: for workers, and for a result.

use libtest_mimic::Failed;
use serde_json::Value;
use skyscan_free_ports::free_ports;

use crate::needs::Check;
use crate::scan::command::{DEMO, run, stderr};

const INCOMPLETE: i32 = 3;

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![("nobody_there_is_told_and_given_up_when_asked", nobody_comes)]
}

/// Nobody there is no error; whoever waits learns after five seconds what to look at.
fn nobody_comes() -> Result<(), Failed> {
    let [port] = free_ports::<1>()?;
    let url = format!("zmq://127.0.0.1:{port}");
    let there = ["scan", DEMO, "--workers", "0", "--transport", &url];
    let patience = ["--give-up", "6.5", "--format", "json", "--progress", "none"];
    let output = run(&[&there[..], &patience].concat())?;
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(INCOMPLETE), "{told}");
    assert_eq!(told.matches("no worker has come for").count(), 1, "{told}");
    assert!(told.contains("--transport"), "{told}");
    assert!(told.contains("gives up"), "{told}");
    let scan: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(scan["complete"], false);
    assert!(scan["best_fit"].is_null());
    Ok(())
}
