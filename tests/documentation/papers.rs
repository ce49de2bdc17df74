//! The papers beside the pages, read by the programs that they are for.

use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};

use crate::needs::{Check, group, python};

pub(crate) fn trials() -> Vec<Trial> {
    let checks: [(&str, Check); 3] = [
        ("the_workflow_fits_its_schema", || {
            fits("vendor.github-workflows", ".github/workflows/ci.yml")
        }),
        ("the_citation_fits_its_schema", || {
            fits("vendor.citation-file-format", "CITATION.cff")
        }),
        ("dependencies_are_those_that_are_allowed", || {
            succeeds("cargo-deny", &["check", "bans", "licenses", "sources"])
        }),
    ];
    group("papers", python(), checks)
}

fn fits(schema: &str, file: &str) -> Result<(), Failed> {
    succeeds("check-jsonschema", &["--builtin-schema", schema, file])
}

/// Runs a program that stands beside the interpreter.
fn succeeds(program: &str, arguments: &[&str]) -> Result<(), Failed> {
    let python = std::env::var_os("SKYSCAN_PYTHON").ok_or("SKYSCAN_PYTHON names no interpreter")?;
    let output = Command::new(Path::new(&python).with_file_name(program))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|error| format!("{program}: {error}; ./test installs it"))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let told = [output.stdout, output.stderr].concat();
            Err(String::from_utf8_lossy(&told).into_owned().into())
        }
    }
}
