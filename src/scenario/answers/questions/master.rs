//! Why a ZeroMQ master could not keep up.

use super::{Answer, Chart, Question};
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{BUSY, FORMULA, HUB, LIMIT, RATE, REPEATS, WORKERS};
use crate::scenario::answers::reach::{Reach, reaches};
use crate::scenario::answers::say::{count, list};

pub(super) const QUESTION: Question = Question {
    asked: "Why could a ZeroMQ master not keep up with more than 2,000 cores?",
    said: "The talk, of its ZeroMQ master-worker: \"over 2000 cores can't keep up\".",
    scenarios: &["chep19-zmq-2000", "chep19-zmq-2000-fits", "window-ablation"],
    charts: &[
        ("chep19-zmq-2000", Chart::Busy),
        ("chep19-zmq-2000-fits", Chart::Busy),
    ],
    columns: &[WORKERS, BUSY, FORMULA, RATE, HUB, LIMIT, REPEATS],
    answer,
};

/// What held the fleet of 2019 back, whatever carried the tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::scenario::answers) struct Brakes {
    /// A window of tasks that is smaller than the fleet.
    pub(in crate::scenario::answers) window: Option<usize>,
    /// A master that takes its time for each task.
    pub(in crate::scenario::answers) is_slow: bool,
}

impl Brakes {
    /// Those of a variant, if its fleets are up to this large.
    pub(super) fn of(reach: &Reach<'_>, largest: usize) -> Option<Self> {
        let setup = &reach.any()?.setup;
        Some(Self {
            window: setup.transport.window.filter(|window| *window < largest),
            is_slow: setup.hub.service_s > 0.0,
        })
    }
}

/// Variants with their brakes.
pub(in crate::scenario::answers) fn braked(reaches: &[Reach<'_>]) -> Vec<(Brakes, usize)> {
    let tried = |reach: &Reach<'_>| reach.fails.or(reach.holds).map_or(0, |point| point.workers);
    let largest = reaches.iter().map(tried).max().unwrap_or(0);
    let each = reaches.iter().enumerate();
    each.filter_map(|(at, reach)| Some((Brakes::of(reach, largest)?, at)))
        .collect()
}

fn answer(known: &Known) -> Option<Answer> {
    let reaches = reaches(known.counting("chep19-zmq-2000")?);
    let braked = braked(&reaches);
    let with = |has_window: bool, is_slow: bool| {
        let fits =
            |brakes: &Brakes| brakes.window.is_some() == has_window && brakes.is_slow == is_slow;
        let (brakes, at) = braked.iter().find(|(brakes, _)| fits(brakes))?;
        Some((*brakes, reaches.get(*at)?))
    };
    let (_, as_it_was) = with(true, true)?;
    let (_, free) = with(false, false)?;
    let mut alone = Vec::new();
    let mut causes = Vec::new();
    if let Some((brakes, reach)) = with(true, false) {
        alone.push(format!("with the window alone it {}", reach.told()));
        if let (Some(window), Some(_)) = (brakes.window, reach.fails) {
            causes.push(format!("a window of {} tasks", count(window)));
        }
    }
    if let Some((_, reach)) = with(false, true) {
        alone.push(format!("with the slow master alone it {}", reach.told()));
        if let (Some(point), true) = (reach.any(), reach.fails.is_some()) {
            let setup = &point.setup;
            let milliseconds = 1e3 * setup.hub.service_s / setup.time_scale;
            causes.push(format!("a master of {milliseconds:.0} ms a task"));
        }
    }
    let is_freed = free.workers() > as_it_was.workers();
    let first = format!(
        "With the window and the master of 2019 the fleet {}; {}; with neither, over the same ZeroMQ, \
         it {}.",
        as_it_was.told(),
        alone.join("; "),
        free.told()
    );
    let (short, second) = match is_freed && !causes.is_empty() {
        true => (
            format!("{}, not ZeroMQ", list(&causes)),
            format!(
                "What stopped it was {}, not ZeroMQ: without them it goes {} at least as far.",
                list(&causes),
                crate::drawing::chart::short(
                    free.workers() as f64 / as_it_was.workers().max(1) as f64
                ) + " times"
            ),
        ),
        false => (
            "not told by these figures".to_owned(),
            "Taking them away did not help here, so these figures do not tell what it was."
                .to_owned(),
        ),
    };
    Some(Answer {
        short,
        told: format!("{first} {second}"),
    })
}
