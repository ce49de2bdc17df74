//! The answers that ship, and the digests that they are made from.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::Failed;
use skyscan::scenario::model::validation;
use skyscan::scenario::results::digest;
use skyscan::scenario::setup::Setup;
use skyscan::scenario::setup::file::Scenario;

use crate::needs::Check;
use crate::replay::command::{replay, shipped};

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("the_answers_are_made_from_the_digests", answers_are_current),
        ("every_digest_is_of_its_scenario", digests_are_current),
        ("a_quick_form_answers_nothing", quick_form_is_refused),
    ]
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// A folder of a test's own, empty.
fn folder(name: &str) -> Result<PathBuf, Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn answers(arguments: &[&str]) -> Result<Output, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skyscan"));
    Ok(command.arg("answers").args(arguments).output()?)
}

fn answers_are_current() -> Result<(), Failed> {
    let (out, reports) = (folder("answers")?, root().join("reports"));
    let output = answers(&[&reports.to_string_lossy(), "--out", &out.to_string_lossy()])?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let mut names = vec![PathBuf::from("ANSWERS.md")];
    for dir in [out.join("answers"), root().join("answers")] {
        for entry in std::fs::read_dir(dir)? {
            names.push(Path::new("answers").join(entry?.file_name()));
        }
    }
    for name in names {
        if std::fs::read(out.join(&name)).ok() != std::fs::read(root().join(&name)).ok() {
            return Err(format!(
                "{} is not current, or nothing's: run skyscan answers scenarios/reports --out scenarios",
                name.display()
            )
            .into());
        }
    }
    Ok(())
}

/// Whoever changes a scenario replays it again.
fn digests_are_current() -> Result<(), Failed> {
    let digests = digest::all(&root().join("reports"))?;
    if digests.is_empty() {
        return Err("there are none".into());
    }
    let is_model = |name: &String| {
        let of = |model: fn(&str) -> String| digests.keys().any(|base| model(base) == *name);
        of(validation::predicted_name) || of(validation::control_name)
    };
    // What the model said of a scenario hangs on a calibration, too, which is no file of the project.
    for (name, report) in digests.iter().filter(|(name, _)| !is_model(name)) {
        let scenario = Scenario::parse(&shipped(&format!("{name}.toml"))?)?;
        let shown = |variant: &str, setup: &Setup| -> Result<String, Failed> {
            Ok(format!("{variant}: {}", serde_json::to_string(setup)?))
        };
        let planned = scenario.points.iter();
        let planned: Vec<String> = planned
            .map(|point| shown(&point.variant, &point.setup))
            .collect::<Result<_, _>>()?;
        let replayed: Vec<String> = report
            .points
            .iter()
            .map(|point| shown(&point.variant, &point.setup))
            .collect::<Result<_, _>>()?;
        if planned != replayed || scenario.sources != report.sources {
            return Err(
                format!("{name}.toml is not what its digest is of: replay it again").into(),
            );
        }
        if report.is_quick || !report.complete {
            return Err(format!("{name}.json is no digest").into());
        }
    }
    Ok(())
}

fn quick_form_is_refused() -> Result<(), Failed> {
    let out = folder("quick-answers")?;
    let path = out.to_string_lossy();
    let output = replay(&["scenarios/eager-80k.toml", "--quick", "--out", &path])?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let report = out.join("eager-80k/report.json");
    let output = answers(&[&path, "--add", &report.to_string_lossy(), "--out", &path])?;
    let told = String::from_utf8_lossy(&output.stderr);
    match output.status.code() == Some(2) && told.contains("a quick form") {
        true => Ok(()),
        false => Err(format!("{}: {told}", output.status).into()),
    }
}
