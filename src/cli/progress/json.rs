//! A JSON object per line. docs/progress.md lists the keys.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::pace::Pace;
use super::{Interim, View};
use crate::actors::progress::{Progress, RoundName};
use crate::cli::stderr::write_line;
use crate::output::summary::RegionExtent;
use crate::sky::Equatorial;
use crate::sky::map::PixelFit;

/// Raised when a key changes its meaning or goes.
const VERSION: u32 = 1;
/// How often the state is told while a round runs.
const EVERY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct JsonLines {
    begun: Instant,
    told: Option<Instant>,
    /// The running round, when it began and how it goes.
    round: Option<(RoundName, Instant, Pace)>,
    last: Option<Progress>,
}

impl JsonLines {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            told: None,
            round: None,
            last: None,
        }
    }

    fn tell(&self, kind: &str, mut object: Value) {
        object["skyscan_progress"] = VERSION.into();
        object["kind"] = kind.into();
        object["elapsed_s"] = self.begun.elapsed().as_secs_f64().into();
        write_line(&object.to_string());
    }

    fn tell_state(&mut self, progress: &Progress) {
        self.told = Some(Instant::now());
        let rounds: Vec<Value> = progress
            .rounds
            .iter()
            .map(|round| {
                json!({
                    "nside": round.name.nside,
                    "systematics": round.name.is_systematic,
                    "done": round.n_done,
                    "planned": round.n_planned,
                })
            })
            .collect();
        let running = progress.rounds.last().zip(self.round.as_ref());
        let rate = running.map(|(round, (_, begun, _))| {
            round.n_done as f64 / begun.elapsed().as_secs_f64().max(1e-3)
        });
        let left = running.and_then(|(round, (_, _, pace))| {
            let left = pace.left(round.n_planned.saturating_sub(round.n_done))?;
            let [from, to] = match left.between {
                Some((from, to)) => [json!(from), json!(to)],
                None => [Value::Null, Value::Null],
            };
            Some(json!({"expected": left.seconds, "from": from, "to": to}))
        });
        self.tell(
            "state",
            json!({
                "rounds": rounds,
                "pixels_per_s": rate,
                "round_left_s": left,
                "slots": progress.n_slots,
                "tasks": progress.tasks,
                "tasks_out": progress.n_out,
                "is_tail": progress.n_waiting == 0 && progress.n_out > 0,
                "best_fit": progress.best.map(best),
            }),
        );
    }
}

fn best((direction, fit): (Equatorial, PixelFit)) -> Value {
    json!({
        "ra_deg": direction.ra_rad.to_degrees(),
        "dec_deg": direction.dec_rad.to_degrees(),
        "llh": fit.llh,
    })
}

impl View for JsonLines {
    fn update(&mut self, progress: &Progress) {
        let name = progress.rounds.last().map(|round| round.name);
        let is_new = name != self.round.as_ref().map(|(name, ..)| *name);
        if let (true, Some(name)) = (is_new || progress.waits_for_workers(), name) {
            self.round = Some((name, Instant::now(), Pace::default()));
        }
        if let (Some(round), Some((_, begun, pace))) = (progress.rounds.last(), &mut self.round) {
            pace.note(begun.elapsed(), round.n_done);
        }
        if is_new || self.told.is_none_or(|told| told.elapsed() >= EVERY) {
            self.tell_state(progress);
            self.last = None;
        } else {
            self.last = Some(progress.clone());
        }
    }

    fn interim(&mut self, interim: &Interim) {
        let regions: Vec<RegionExtent> = interim.regions.iter().map(Into::into).collect();
        self.tell(
            "interim",
            json!({
                "nside": interim.nside,
                "best_fit": best(interim.best),
                "regions": regions,
                "is_stable": interim.is_stable,
                "files": interim.files,
            }),
        );
    }

    fn finish(&mut self) {
        if let Some(last) = self.last.take() {
            self.tell_state(&last);
        }
        self.tell("end", json!({}));
    }
}
