//! On a terminal: a line for each round, and one for what is known of the source. The last round
//! runs; those above it have ended and stand still. Every line fits into the width there is, which is
//! looked at with each drawing.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::layout::{self, Running, Source};
use super::pace::Pace;
use super::{Interim, View, words};
use crate::actors::progress::Progress;
use crate::cli::stderr::{Terminal, tell_above, write_line};
use crate::sky::Nside;

/// How often the lines are drawn anew while no task ends.
const TICK_EVERY: Duration = Duration::from_millis(250);
/// Drawings per second at most.
const MOST_DRAWINGS: u8 = 20;

#[derive(Debug)]
pub(super) struct Bars {
    all: MultiProgress,
    rounds: BTreeMap<Nside, Round>,
    /// The line below the rounds.
    below: ProgressBar,
    source: Arc<Mutex<Source>>,
    was_stable: bool,
}

#[derive(Debug)]
struct Round {
    bar: ProgressBar,
    begun: Instant,
    pace: Pace,
    running: Arc<Mutex<Running>>,
}

impl View for Bars {
    fn update(&mut self, progress: &Progress) {
        let all_rounds = &progress.rounds;
        for round in all_rounds {
            let (n_done, n_planned) = (round.n_done, round.n_planned);
            if !self.rounds.contains_key(&round.nside) {
                self.end_round();
                self.begin_round(round.nside, n_planned);
            }
            let Some(Round {
                bar,
                begun,
                pace,
                running,
            }) = self.rounds.get_mut(&round.nside)
            else {
                continue;
            };
            if bar.is_finished() {
                continue;
            }
            pace.note(begun.elapsed(), n_done);
            held(running, |running| {
                *running = Running {
                    nside: round.nside,
                    n_done,
                    n_planned,
                    left: words::left(pace.left(n_planned.saturating_sub(n_done))),
                    who: words::who(progress),
                };
            });
            bar.set_position(n_done);
        }
        held(&self.source, |source| {
            source.best = progress.best.map(|(best, _)| best)
        });
        self.below.tick();
    }

    fn interim(&mut self, interim: &Interim) {
        held(&self.source, |source| {
            source.regions = words::sizes(interim)
        });
        if interim.is_stable && !self.was_stable {
            write_line(&words::stable(interim));
        }
        self.was_stable = interim.is_stable;
    }

    fn finish(&mut self) {
        self.end_round();
        // The answer says it better.
        self.below.finish_and_clear();
    }
}

impl Bars {
    pub(super) fn new() -> Self {
        let terminal = Box::new(Terminal::default());
        let target = ProgressDrawTarget::term_like_with_hz(terminal, MOST_DRAWINGS);
        let all = MultiProgress::with_draw_target(target);
        tell_above(Some(all.clone()));
        let source = Arc::new(Mutex::new(Source::default()));
        let shown = Arc::clone(&source);
        let below = all.add(ProgressBar::no_length());
        below.set_style(style(move |_| {
            held(&shown, |source| layout::source(source, width()))
        }));
        Self {
            all,
            rounds: BTreeMap::new(),
            below,
            source,
            was_stable: false,
        }
    }

    fn begin_round(&mut self, nside: Nside, n_planned: u64) {
        let begun = Instant::now();
        let running = Arc::new(Mutex::new(Running {
            nside,
            n_done: 0,
            n_planned,
            left: words::left(None),
            who: String::new(),
        }));
        let shown = Arc::clone(&running);
        let bar = self
            .all
            .insert_before(&self.below, ProgressBar::new(n_planned));
        bar.set_style(style(move |_| {
            held(&shown, |running| {
                layout::running(running, begun.elapsed(), width())
            })
        }));
        bar.enable_steady_tick(TICK_EVERY);
        let round = Round {
            bar,
            begun,
            pace: Pace::default(),
            running,
        };
        self.rounds.insert(nside, round);
    }

    /// Leaves the line of the running round as it is, with the time that the round took.
    fn end_round(&self) {
        let Some((_, round)) = self.rounds.last_key_value() else {
            return;
        };
        if round.bar.is_finished() {
            return;
        }
        let took = round.begun.elapsed();
        let line = held(&round.running, |running| layout::ended(running, took));
        round.bar.set_style(style(move |_| line.clone()));
        round.bar.abandon();
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        tell_above(None);
    }
}

/// Columns of the terminal at this moment.
fn width() -> usize {
    usize::from(Term::stderr().size().1)
}

/// Whoever panicked meanwhile left words that are at worst old.
fn held<T, R>(of: &Mutex<T>, act: impl FnOnce(&mut T) -> R) -> R {
    act(&mut of.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A line that is made anew with each drawing.
fn style(line: impl Fn(&ProgressState) -> String + Clone + Send + Sync + 'static) -> ProgressStyle {
    ProgressStyle::with_template("{line}")
        .expect("the template is tested by every scan on a terminal")
        .with_key("line", move |state: &ProgressState, to: &mut dyn Write| {
            // A String that does not take it leaves nothing to tell.
            let _ = to.write_str(&line(state));
        })
}
