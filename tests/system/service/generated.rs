//! A client that others made from the service's description.

use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;
use serde_json::Value;

use super::running::Running;
use super::{QUICK, lone};
use crate::scan::command::{DEMO, empty_folder, map_sha256, stderr, text};

/// It submits, waits and fetches.
pub(super) fn submits_and_fetches() -> Result<(), Failed> {
    let python = std::env::var_os("SKYSCAN_PYTHON").ok_or("SKYSCAN_PYTHON names no interpreter")?;
    let data = empty_folder("service-generated")?;
    let service = Running::start(&data, &[])?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consumers/client_generated.py");
    let mut client = Command::new(python);
    client.arg("-B").arg(script);
    client.args([&service.url, text(&data.join("admin-token"))?, DEMO]);
    let output = client.output()?;
    if !output.status.success() {
        return Err(stderr(&output).into());
    }
    let found: Value = serde_json::from_slice(&output.stdout)?;
    let told = (found["state"].as_str(), found["priority"].as_str());
    if told != (Some("done"), Some("urgent")) {
        return Err(format!("{told:?}").into());
    }
    match map_sha256(&found["result"])? == lone(DEMO, &QUICK)? {
        true => Ok(()),
        false => Err("another map than a lone scan's".into()),
    }
}
