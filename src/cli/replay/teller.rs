//! What people are told while a replay runs: each run when it begins and ends, and a line now and then.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use super::check::span;
use super::foreseen::Foreseen;
use super::tell;
use crate::cli::progress::{Pace, left};
use crate::scenario::results::Run;
use crate::scenario::run::step::Step;
use crate::scenario::setup::file::Scenario;

/// How often a line is written while a run goes on.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Knows how the run goes that is under way, and what is still to come.
#[derive(Debug)]
pub(super) struct Teller {
    going: RefCell<Option<Going>>,
    begun: Instant,
    foreseen: RefCell<Foreseen>,
}

#[derive(Debug)]
struct Going {
    begun: Instant,
    last_line: Instant,
    pace: Pace,
}

impl Teller {
    /// Of a scenario that begins now.
    pub(super) fn of(scenario: &Scenario) -> Self {
        Self {
            going: RefCell::default(),
            begun: Instant::now(),
            foreseen: RefCell::new(Foreseen::of(scenario)),
        }
    }

    /// Tells a step, if it is time to.
    pub(super) fn tell(&self, step: Step<'_>) {
        match step {
            Step::Begins {
                number,
                n_points,
                repeat,
                planned,
            } => {
                self.going.replace(None);
                let left_s = self
                    .foreseen
                    .borrow()
                    .left_s(self.begun.elapsed().as_secs_f64());
                let left = left_s.map_or(String::new(), |left_s| {
                    format!("; about {} left in all", span(left_s))
                });
                tell(&format!(
                    "point {} of {n_points}, repeat {}: {} N = {}{left}",
                    number + 1,
                    repeat + 1,
                    planned.variant,
                    planned.setup.n_slots()
                ));
            }
            Step::Goes {
                n_settled,
                n_tasks,
                n_out,
                n_slots,
            } => {
                let mut going = self.going.borrow_mut();
                let going = going.get_or_insert_with(Going::new);
                going.pace.note(going.begun.elapsed(), n_settled as u64);
                if going.last_line.elapsed() < LINE_EVERY {
                    return;
                }
                going.last_line = Instant::now();
                let n_left = n_tasks.saturating_sub(n_settled);
                let tail = match n_left <= n_out {
                    true => format!(", last {n_left}"),
                    false => String::new(),
                };
                tell(&format!(
                    "  {n_settled} of {n_tasks} tasks{tail}, {n_slots} slots, {}",
                    left(going.pace.left(n_left as u64))
                ));
            }
            Step::Ends(run) => {
                self.foreseen.borrow_mut().ended();
                tell(&outcome(run));
            }
            Step::Fails(error) => tell(&format!("  could not be run: {error:#}")),
        }
    }
}

impl Going {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            last_line: now,
            pace: Pace::default(),
        }
    }
}

fn outcome(run: &Run) -> String {
    let mut line = format!("  {} tasks in {:.1} s", run.tasks.accepted, run.makespan_s);
    if let Some(steady) = run.steady {
        line += &format!(
            ", {:.1} tasks/s, utilisation {:.4}",
            steady.throughput_per_s, steady.utilisation
        );
    }
    if let Some(reason) = &run.void {
        line += &format!("; void: {reason}");
    }
    line
}
