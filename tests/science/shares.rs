//! Intervals of shares beside those of scipy.

use std::io::Write;
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};
use skyscan::study::statistics::Share;

use crate::needs::{python, trial_with};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial_with(
        python(),
        "shares::intervals_are_those_of_scipy",
        intervals,
    )]
}

fn intervals() -> Result<(), Failed> {
    let totals = [1, 2, 7, 20, 99, 200, 400, 5000];
    let counts: Vec<(usize, usize)> = totals
        .into_iter()
        .flat_map(|n| [0, 1, n / 3, n / 2, 9 * n / 10, n - 1, n].map(|k| (k, n)))
        .filter(|(k, n)| k <= n)
        .collect();
    let python = std::env::var_os("SKYSCAN_PYTHON").ok_or("SKYSCAN_PYTHON names no interpreter")?;
    let mut child = Command::new(python)
        .arg("tests/consumers/intervals.py")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let lines: String = counts.iter().map(|(k, n)| format!("{k} {n}\n")).collect();
    let mut input = child.stdin.take().ok_or("it is piped")?;
    input.write_all(lines.as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    let theirs: Vec<[f64; 2]> = serde_json::from_slice(&output.stdout)?;
    assert_eq!(theirs.len(), counts.len());
    for ((k, n), [low, high]) in counts.into_iter().zip(theirs) {
        let ours = Share::of(k, n);
        let is_close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        if !is_close(ours.low, low) || !is_close(ours.high, high) {
            return Err(format!("{k} of {n}: {ours:?}, scipy {low} to {high}").into());
        }
    }
    Ok(())
}
