//! Alert rules and configuration, as promtool reads them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use super::prometheus::Result;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus")
}

/// Runs promtool; what it says if it is not content.
fn promtool(arguments: &[&str]) -> Result<()> {
    let ended = Command::new("promtool")
        .args(arguments)
        .current_dir(folder())
        .output()?;
    match ended.status.success() {
        true => Ok(()),
        false => Err([ended.stdout, ended.stderr]
            .map(|told| String::from_utf8_lossy(&told).into_owned())
            .concat()
            .into()),
    }
}

pub(crate) fn are_valid() -> Result<()> {
    promtool(&["check", "config", "prometheus.yml"])?;
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", "alerts.yml"])
}

pub(crate) fn fire_when_they_should() -> Result<()> {
    promtool(&["test", "rules", "alerts_test.yml"])?;
    // An alert that nobody has seen fire may never do.
    let text = std::fs::read_to_string(folder().join("alerts.yml"))?;
    let alerts = names(&text, "- alert: ");
    let tests = std::fs::read_to_string(folder().join("alerts_test.yml"))?;
    let seen = names(&tests, "- alertname: ");
    if alerts.is_empty() || alerts != seen {
        return Err(format!("there are {alerts:?}, seen to fire are {seen:?}").into());
    }
    Ok(())
}

fn names<'a>(text: &'a str, before: &str) -> BTreeSet<&'a str> {
    let lines = text.lines().map(str::trim);
    lines.filter_map(|line| line.strip_prefix(before)).collect()
}
