//! What the rounds of a zoom cost a fleet, and what slots bring that work ahead.

use std::collections::BTreeSet;

use super::{Answer, Chart, Question};
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{
    ALL, CORE_HOURS, DOLLARS, HALF, NEARLY_ALL, REPEATS, WASTED, WORKERS,
};
use crate::scenario::answers::say::{beside, count, list, time};
use crate::scenario::results::Point;

pub(super) const QUESTION: Question = Question {
    asked: "Each round of a zoom waits for the one before: what does that cost a fleet, and what is to be had back?",
    said: "Our own question. The talk: a coarse scan, then zoom into the hot region.",
    scenarios: &["zoom-rounds"],
    charts: &[("zoom-rounds", Chart::Ends)],
    columns: &[
        WORKERS, HALF, NEARLY_ALL, ALL, CORE_HOURS, WASTED, DOLLARS, REPEATS,
    ],
    answer,
};

/// The same scan by a fleet of one size.
struct Three<'k> {
    rounds: &'k Point,
    ahead: &'k Point,
    pile: &'k Point,
}

impl Three<'_> {
    fn seconds(point: &Point) -> f64 {
        point.mean.makespan_s.map_or(0.0, |end| end.mean)
    }

    /// Of what the rounds cost, which share is had back.
    fn share_back(&self) -> f64 {
        let [rounds, ahead, pile] = [self.rounds, self.ahead, self.pile].map(Self::seconds);
        (rounds - ahead) / (rounds - pile)
    }
}

fn threes(known: &Known) -> Vec<Three<'_>> {
    let points = known.points("zoom-rounds");
    let of = |n_workers, waits, ahead| {
        points.iter().find(|point| {
            let zoom = point.setup.workload.zoom.as_ref();
            point.workers == n_workers
                && zoom.is_some_and(|zoom| zoom.barriers == waits)
                && point.setup.policy.work_ahead == ahead
        })
    };
    let sizes: BTreeSet<usize> = points.iter().map(|point| point.workers).collect();
    let three = |n_workers| {
        Some(Three {
            rounds: of(n_workers, true, false)?,
            ahead: of(n_workers, true, true)?,
            pile: of(n_workers, false, false)?,
        })
    };
    sizes.into_iter().filter_map(three).collect()
}

fn answer(known: &Known) -> Option<Answer> {
    let threes = threes(known);
    // More slots than a round has pixels: there the rounds cost most.
    let most = threes.last()?;
    let less = beside(Three::seconds(most.ahead), Three::seconds(most.rounds));
    let told: Vec<String> = threes
        .iter()
        .map(|three| {
            let Three { rounds, ahead, pile } = three;
            format!(
                "on {} slots a scan takes {} round after round, {} if idle slots work ahead, and {} if all its tasks \
                 lay in one pile, which nobody can know ({:.0} % of what the rounds cost are had back)",
                count(rounds.workers),
                time(rounds, rounds.mean.makespan_s),
                time(ahead, ahead.mean.makespan_s),
                time(pile, pile.mean.makespan_s),
                100.0 * three.share_back()
            )
        })
        .collect();
    Some(Answer {
        short: format!(
            "waiting takes {} time on {} slots; slots that work ahead take {less}",
            beside(Three::seconds(most.rounds), Three::seconds(most.pile)),
            count(most.rounds.workers),
        ),
        told: format!("With fits of 201 s, {}. The map is the same.", list(&told)),
    })
}
