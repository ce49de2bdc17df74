//! `skyscan event show`

use serde::Serialize;

use super::super::input::EventArguments;
use super::super::{Failure, Format, failed, print};
use crate::event::detector::{Detector, DetectorMark, MissingModules};
use crate::event::{BrightestDom, Claim, ClaimView, EventView, SeedView};
use crate::sky::coordinates::SkyFrame;

/// All that is shown of an event.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    view: EventView,
    pulse_series: String,
    /// The detector that the event's file names.
    #[serde(skip_serializing_if = "Option::is_none")]
    made_for: Option<DetectorMark>,
    /// Light on modules that the detector lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_modules: Option<MissingModules>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<Alert>,
    /// Physics events in the file besides.
    other_events: usize,
    warnings: Vec<String>,
}

/// What the alert says of its event.
#[derive(Debug, Serialize)]
struct Alert {
    reco: Vec<ClaimView>,
    neutrino: Claim,
}

/// Prints what an event file holds. A detector that cannot have seen the event is told, not refused:
/// looking harms nobody.
pub(super) fn show(
    arguments: &EventArguments,
    detector: &Detector,
    format: Format,
) -> Result<(), Failure> {
    let (reading, other_events) = arguments.survey()?;
    let event = &reading.event;
    let frame = SkyFrame::new(event.mjd, &detector.site);
    let to_equatorial = |direction| {
        let equatorial = frame.to_equatorial(direction);
        (
            equatorial.ra_rad.to_degrees(),
            equatorial.dec_rad.to_degrees(),
        )
    };
    let alert = (reading.reco.is_some() || reading.neutrino.is_some()).then(|| Alert {
        reco: reading
            .reco
            .iter()
            .flat_map(|reco| ClaimView::of(reco, to_equatorial))
            .collect(),
        neutrino: reading.neutrino.clone().unwrap_or(Claim::Nothing),
    });
    let mut warnings = reading.warnings.clone();
    match detector.suits(event, reading.detector.as_ref()) {
        Ok(more) => warnings.extend(more),
        Err(unfit) => warnings.push(format!("a scan would refuse this event: {unfit}")),
    }
    let shown = Shown {
        view: EventView::new(event, to_equatorial),
        pulse_series: event.pulse_series.clone(),
        made_for: reading.detector,
        missing_modules: detector.missing_modules(event),
        alert,
        other_events,
        warnings,
    };
    for warning in &shown.warnings {
        tracing::warn!("{warning}");
    }
    print(&match format {
        Format::Json => serde_json::to_string(&shown).map_err(failed)?,
        Format::Text => describe(&shown),
    })
}

fn describe(shown: &Shown) -> String {
    let view = &shown.view;
    let mut text = format!(
        "run {} event {}  MJD {:.8}  {}\n\
         {} pulses ({} coincident) of {} on {} DOMs and {} strings, {:.1} PE\n",
        view.run_id,
        view.event_id,
        view.mjd,
        if view.stream.is_empty() {
            "no alert stream"
        } else {
            &view.stream
        },
        view.pulses,
        view.hlc_pulses,
        shown.pulse_series,
        view.doms,
        view.strings,
        view.charge_pe,
    );
    if let (Some(first), Some(last)) = (view.first_ns, view.last_ns) {
        text += &format!("from {first:.0} to {last:.0} ns\n");
    }
    if let Some(brightest) = &view.brightest {
        let BrightestDom {
            string,
            dom,
            charge_pe,
        } = brightest;
        text += &format!("brightest DOM {string}-{dom} with {charge_pe:.1} PE\n");
    }
    if let Some(truth) = &view.truth {
        text += "truth of the simulation\n";
        text += &guess(truth);
    }
    if !view.seeds.is_empty() {
        text += "first guesses\n";
    }
    for seed in &view.seeds {
        text += &guess(seed);
    }
    if let Some(alert) = &shown.alert {
        text += "what the alert says\n";
        for fit in &alert.reco {
            let direction = direction(fit.ra_deg, fit.dec_deg);
            text += &format!("  {:<32} {direction}  {}\n", fit.name, fit.values);
        }
        if alert.neutrino.entries().next().is_some() {
            text += &format!("  {:<32} {}\n", "neutrino", alert.neutrino);
        }
    }
    if let Some(mark) = &shown.made_for {
        let digits = mark.sha256.get(..8).unwrap_or_default();
        text += &format!("made for the detector {} ({digits})\n", mark.name);
    }
    if shown.other_events > 0 {
        text += &format!(
            "{} more events are in this file: see --list, choose by --event\n",
            shown.other_events
        );
    }
    text
}

fn guess(seed: &SeedView) -> String {
    let direction = direction(seed.ra_deg, seed.dec_deg);
    format!(
        "  {:<32} {direction}  at ({:.0}, {:.0}, {:.0}) m, {:.0} ns\n",
        seed.name, seed.x_m, seed.y_m, seed.z_m, seed.time_ns
    )
}

fn direction(ra_deg: Option<f64>, dec_deg: Option<f64>) -> String {
    match ra_deg.zip(dec_deg) {
        Some((ra, dec)) => format!("RA {ra:7.2}  Dec {dec:+7.2}"),
        None => "no direction            ".to_owned(),
    }
}
