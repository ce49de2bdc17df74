//! The files that ship for a service: valid, and calling what there is.

use std::path::Path;

use libtest_mimic::Failed;

use super::parsed::read;
use crate::scan::command::{run, stderr};

/// That the program knows all of these words, which begin with its subcommand.
fn known(words: &[&str]) -> Result<(), Failed> {
    let told = run(&[words, &["--help"]].concat())?;
    match told.status.success() {
        true => Ok(()),
        false => Err(format!("{words:?}: {}", stderr(&told)).into()),
    }
}

pub(crate) fn by_kubernetes() -> Result<(), Failed> {
    let manifests = read("kubernetes", Path::new("deploy/kubernetes/service.yaml"))?;
    let kinds: Vec<_> = (manifests.iter())
        .filter_map(|manifest| manifest["kind"].as_str())
        .collect();
    if kinds != ["PersistentVolumeClaim", "Deployment", "Service"] {
        return Err(format!("{kinds:?}").into());
    }
    let container = &manifests[1]["spec"]["template"]["spec"]["containers"][0];
    let words = container["args"].as_array().ok_or("no arguments")?;
    known(
        &words
            .iter()
            .filter_map(|word| word.as_str())
            .collect::<Vec<&str>>(),
    )
}

pub(crate) fn by_systemd() -> Result<(), Failed> {
    let unit = std::fs::read_to_string("deploy/systemd/skyscan.service")?;
    let command = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/skyscan "));
    known(
        &command
            .ok_or("no command")?
            .split(' ')
            .collect::<Vec<&str>>(),
    )
}
