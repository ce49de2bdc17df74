//! How long a replay will still take.

use crate::scenario::run::forecast::{self, Forecast};
use crate::scenario::setup::file::Scenario;

/// How much of the work that was foreseen is done.
#[derive(Debug, Default)]
pub(super) struct Foreseen {
    runs: Vec<Forecast>,
    n_ended: usize,
}

impl Foreseen {
    /// Of a scenario; empty where nothing can be foreseen.
    pub(super) fn of(scenario: &Scenario) -> Self {
        Self {
            runs: forecast::all(scenario).unwrap_or_default(),
            n_ended: 0,
        }
    }

    /// One more run has ended.
    pub(super) fn ended(&mut self) {
        self.n_ended += 1;
    }

    /// Seconds until all runs will have ended, if those that have took `elapsed_s`.
    pub(super) fn left_s(&self, elapsed_s: f64) -> Option<f64> {
        let (ended, left) = self.runs.split_at_checked(self.n_ended)?;
        let sum = |runs: &[Forecast]| runs.iter().map(|run| run.seconds).sum::<f64>();
        let slowness = match ended {
            [] => 1.0,
            ended => elapsed_s / sum(ended).max(1e-9),
        };
        (!left.is_empty()).then(|| slowness * sum(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_that_of_the_runs_to_come_at_the_pace_of_those_that_ended() {
        let run = |seconds| Forecast {
            seconds,
            ..Forecast::default()
        };
        let mut foreseen = Foreseen {
            runs: vec![run(10.0), run(20.0), run(30.0)],
            n_ended: 0,
        };
        assert_eq!(foreseen.left_s(0.0), Some(60.0));
        foreseen.ended();
        // It took twice as long as was foreseen.
        assert_eq!(foreseen.left_s(20.0), Some(100.0));
        foreseen.ended();
        foreseen.ended();
        assert_eq!(foreseen.left_s(120.0), None);
        assert_eq!(Foreseen::default().left_s(1.0), None);
    }
}
