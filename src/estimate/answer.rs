//! The answer: everything that an estimate says, and what of it meets a deadline and a budget.

use serde::Serialize;

use super::fleet::{Fleet, MissingFleet};
use super::range::Range;
use super::work::{RoundOfWork, Work};
use crate::output::EventIdentity;

/// Everything that an estimate says.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// The event.
    pub event: EventIdentity,
    /// What the scan will run.
    pub reco: String,
    /// What the number of pixels was foreseen with, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreseen_with: Option<String>,
    /// Pixels of the scan.
    pub pixels: Range,
    /// Pixels that were fitted for this.
    pub pixels_fitted: usize,
    /// Its rounds.
    pub rounds: Vec<RoundOfWork>,
    /// Seconds of a core for a pixel.
    pub seconds_per_pixel: f64,
    /// Seconds of a core for the whole scan.
    pub core_seconds: Range,
    /// What it takes on each fleet.
    pub fleets: Vec<Fleet>,
    /// Fleets of which nothing is known, since they were not run to their end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingFleet>,
    /// What was asked for.
    #[serde(flatten)]
    pub limits: Limits,
    /// Whether some fleet meets that; absent if nothing was asked for, or only one that is missing could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_met: Option<bool>,
}

/// What a scan may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Limits {
    /// Seconds from when the fleet is asked for until the last result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_s: Option<f64>,
    /// Dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<f64>,
}

/// Whether a fleet meets the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meets {
    /// Also at the upper end of its intervals.
    Surely,
    /// As expected, and not at the upper end.
    Likely,
    /// Not even as expected.
    Not,
}

impl Limits {
    /// Whether anything was asked for.
    pub fn is_given(&self) -> bool {
        self.deadline_s.is_some() || self.budget.is_some()
    }

    /// Whether a fleet meets them.
    pub fn met_by(&self, fleet: &Fleet) -> Meets {
        let dollars = fleet.dollars.unwrap_or_default();
        let within = |of: fn(Range) -> f64| {
            let in_time = self.deadline_s.is_none_or(|most| of(fleet.t100_s) <= most);
            fleet.complete && in_time && self.budget.is_none_or(|most| of(dollars) <= most)
        };
        match (within(|range| range.high), within(|range| range.expected)) {
            (true, _) => Meets::Surely,
            (false, true) => Meets::Likely,
            (false, false) => Meets::Not,
        }
    }
}

impl Answer {
    /// What follows for the fleets that were run, beside those that are missing.
    pub fn of(
        event: EventIdentity,
        reco: String,
        foreseen_with: Option<String>,
        work: &Work,
        (fleets, missing): (Vec<Fleet>, Vec<MissingFleet>),
        limits: Limits,
    ) -> Self {
        let is_met = fleets
            .iter()
            .any(|fleet| limits.met_by(fleet) != Meets::Not);
        Self {
            event,
            reco,
            foreseen_with,
            pixels: work.pixels,
            pixels_fitted: work.n_fitted,
            rounds: work.rounds.clone(),
            seconds_per_pixel: work.mean_s,
            core_seconds: work.core_seconds,
            limits,
            is_met: (limits.is_given() && (is_met || missing.is_empty())).then_some(is_met),
            fleets,
            missing,
        }
    }

    /// The cheapest fleet that surely meets the limits, or else that likely does; of those that cost the same, the
    /// fastest.
    pub fn choice(&self) -> Option<(&Fleet, Meets)> {
        let paid = |fleet: &Fleet| fleet.dollars.map_or(0.0, |dollars| dollars.expected);
        let cheapest = |wanted: Meets| {
            let meeting = self
                .fleets
                .iter()
                .filter(|fleet| self.limits.met_by(fleet) == wanted);
            meeting.min_by(|a, b| {
                let time = a.t100_s.expected.total_cmp(&b.t100_s.expected);
                paid(a).total_cmp(&paid(b)).then(time)
            })
        };
        [Meets::Surely, Meets::Likely]
            .into_iter()
            .find_map(|wanted| Some((cheapest(wanted)?, wanted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::work::tests::work;

    fn fleet(t100_s: Range, dollars: f64) -> Fleet {
        Fleet {
            profile: "aws".to_owned(),
            cores: 16,
            machines: 1,
            t50_s: t100_s,
            t90_s: t100_s,
            t100_s,
            core_hours: Range::exact(1.0),
            dollars: Some(Range::exact(dollars)),
            complete: true,
        }
    }

    #[test]
    fn the_upper_ends_have_to_be_within_the_limits() {
        let limits = Limits {
            deadline_s: Some(100.0),
            budget: Some(2.0),
        };
        let sure = fleet(Range::within(60.0, 1.5), 1.0);
        let unsure = fleet(Range::within(80.0, 1.5), 1.0);
        let dear = fleet(Range::within(60.0, 1.5), 3.0);
        assert_eq!(limits.met_by(&sure), Meets::Surely);
        assert_eq!(limits.met_by(&unsure), Meets::Likely);
        assert_eq!(limits.met_by(&dear), Meets::Not);
        let incomplete = Fleet {
            complete: false,
            ..sure
        };
        assert_eq!(limits.met_by(&incomplete), Meets::Not);
    }

    #[test]
    fn what_is_missing_is_told_and_may_meet_what_nothing_else_does() {
        let limits = Limits {
            deadline_s: Some(70.0),
            budget: None,
        };
        let of = |t100_s: f64, missing: &[usize]| {
            let missing = missing.iter().map(|cores| MissingFleet {
                profile: "google".to_owned(),
                cores: *cores,
                machines: 1,
            });
            let fleets = vec![fleet(Range::exact(t100_s), 1.0)];
            let identity = EventIdentity {
                run_id: 1,
                event_id: 2,
                mjd: 59_000.0,
                stream: String::new(),
            };
            let reco = "photon-mpe".to_owned();
            let all = (fleets, missing.collect());
            Answer::of(identity, reco, None, &work(), all, limits)
        };
        assert_eq!(of(80.0, &[]).is_met, Some(false));
        assert_eq!(of(80.0, &[16]).is_met, None);
        let answer = of(60.0, &[16, 1024]);
        assert_eq!(answer.is_met, Some(true));
        let text = crate::estimate::text::text(&answer);
        assert!(text.contains("google  16, 1024 cores"), "{text}");
        assert!(text.contains("Done within 70.0 s"), "{text}");
    }
}
