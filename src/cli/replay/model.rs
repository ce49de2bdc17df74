//! What `skyscan replay` does with the model of virtual time: calibrates it, uses that, and puts what
//! it says beside what is measured.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::{read_report, tell};
use crate::cli::{Failure, Format, INCOMPLETE, MISSED, bad_input, failed, print};
use crate::output::file::write_atomically;
use crate::scenario::model::calibration::{self, Calibration};
use crate::scenario::model::validation::{
    CONTROL_FACTOR, control_name, predicted_name, validate as compare,
};
use crate::scenario::report::{self, validation};
use crate::scenario::results::Report;
use crate::scenario::setup::file::Scenario;

#[derive(Debug, clap::Args)]
pub(super) struct ModelArguments {
    /// Measure what hub, broker and links of this machine cost, with at most 500 workers, and write
    /// that into a file; takes two minutes
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenarios", "validate", "calibration", "transport"])]
    pub(super) calibrate: Option<PathBuf>,
    /// Costs of hub and broker for scenarios in virtual time, from such a file instead of from the
    /// scenario
    #[arg(long, value_name = "FILE", conflicts_with = "validate")]
    calibration: Option<PathBuf>,
    /// Replay a scenario, and in virtual time what the model says of it with the costs in such a file; prints the
    /// errors. Once more with hubs that are too slow on purpose, which must not fit. Exit code 5 if the model
    /// does not hold
    #[arg(long, value_name = "FILE", conflicts_with = "transport")]
    pub(super) validate: Option<PathBuf>,
    /// Do not measure for `--validate` again: take this report.json of the same scenario
    #[arg(long, value_name = "REPORT", requires = "validate")]
    pub(super) measured: Option<PathBuf>,
}

impl ModelArguments {
    /// The scenarios with calibrated costs, if a calibration is given.
    pub(super) fn calibrated(&self, scenarios: Vec<Scenario>) -> Result<Vec<Scenario>, Failure> {
        let Some(file) = &self.calibration else {
            return Ok(scenarios);
        };
        let calibration = read(file)?;
        let calibrated = |scenario: Scenario| {
            let name = scenario.name.clone();
            let calibrated = scenario.calibrated(&calibration);
            calibrated
                .with_context(|| format!("cannot calibrate {name}"))
                .map_err(bad_input)
        };
        scenarios.into_iter().map(calibrated).collect()
    }
}

fn read(file: &Path) -> Result<Calibration, Failure> {
    Calibration::read(file)
        .with_context(|| format!("cannot use {}", file.display()))
        .map_err(bad_input)
}

/// Measures and writes a calibration.
pub(super) fn calibrate(
    file: &Path,
    quick: bool,
    replayed: impl Fn(&Scenario) -> Result<Report, Failure>,
) -> Result<u8, Failure> {
    let scenario = calibration::scenario();
    let scenario = if quick { scenario.quick() } else { scenario };
    let report = replayed(&scenario)?;
    print(&report::table::text(&report, super::width()))?;
    if !report.complete {
        return Ok(INCOMPLETE);
    }
    let calibration = Calibration::of(&report).map_err(failed)?;
    let text = serde_json::to_string_pretty(&calibration).map_err(failed)? + "\n";
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| bad_input(anyhow!("{} is no name of a file", file.display())))?;
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.unwrap_or_else(|| Path::new("."));
    write_atomically(dir, name, |out| out.write_all(text.as_bytes())).map_err(failed)?;
    for doubt in &calibration.doubts {
        tell(&format!("doubtful: {doubt}"));
    }
    tell(&format!("wrote {}", file.display()));
    Ok(0)
}

/// Measures scenarios, predicts them twice, and compares.
pub(super) fn validate(
    file: &Path,
    measured: Option<&Path>,
    scenarios: &[Scenario],
    out: Option<&Path>,
    format: Format,
    replayed: impl Fn(&Scenario) -> Result<Report, Failure>,
) -> Result<u8, Failure> {
    let calibration = read(file)?;
    let mut validations = Vec::new();
    for scenario in scenarios {
        let predict = |slower: f64, name: String| {
            let predicted = scenario.clone().predicted(&calibration, slower);
            let mut predicted = predicted
                .with_context(|| format!("cannot predict {}", scenario.name))
                .map_err(bad_input)?;
            predicted.name = name;
            Ok(predicted)
        };
        let predicted = predict(1.0, predicted_name(&scenario.name))?;
        let control = predict(CONTROL_FACTOR, control_name(&scenario.name))?;
        let measured = match measured {
            Some(path) => read_report(path)?,
            None => replayed(scenario)?,
        };
        let (predicted, control) = (replayed(&predicted)?, replayed(&control)?);
        let complete = [&measured, &predicted, &control].iter().all(|r| r.complete);
        if !complete {
            tell("not compared: a replay is incomplete");
            return Ok(INCOMPLETE);
        }
        let validation = compare(&measured, &predicted, &control);
        if let Some(out) = out {
            let dir = out.join(&scenario.name);
            report::write_validation(&dir, &validation).map_err(failed)?;
        }
        validations.push(validation);
    }
    print(&match format {
        Format::Text => {
            let texts: Vec<String> = validations.iter().map(validation::text).collect();
            texts.join("\n")
        }
        Format::Json => serde_json::to_string(&validations).map_err(failed)?,
    })?;
    let holds = validations.iter().all(|validation| validation.holds);
    Ok(if holds { 0 } else { MISSED })
}
