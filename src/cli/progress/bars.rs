//! On a terminal: a line for each round, and one for what is known of the source. The last round
//! runs; those above it have ended and stand still. Every line fits into the width there is, which is
//! looked at with each drawing.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::known::Known;
use super::layout::{self, Running, Source};
use super::pace::Pace;
use super::{Interim, View, words};
use crate::actors::progress::{Progress, RoundName};
use crate::cli::stderr::{Terminal, tell_above, write_line};

/// How often the lines are drawn anew while no task ends.
const TICK_EVERY: Duration = Duration::from_millis(250);
/// Drawings per second at most.
const MOST_DRAWINGS: u8 = 20;

#[derive(Debug)]
pub(super) struct Bars {
    all: MultiProgress,
    rounds: BTreeMap<RoundName, Round>,
    /// The line below the rounds.
    below: ProgressBar,
    source: Arc<Mutex<Source>>,
    known: Known,
}

#[derive(Debug)]
struct Round {
    bar: ProgressBar,
    pace: Pace,
    drawn: Arc<Mutex<Drawn>>,
}

/// What the line of a round is made of.
#[derive(Debug)]
struct Drawn {
    running: Running,
    /// When somebody was there to begin it.
    begun: Instant,
}

impl View for Bars {
    fn update(&mut self, progress: &Progress) {
        let all_rounds = &progress.rounds;
        for round in all_rounds {
            let (n_done, n_planned) = (round.n_done, round.n_planned);
            if !self.rounds.contains_key(&round.name) {
                self.end_round();
                self.begin_round(round.name, n_planned);
            }
            let Some(Round { bar, pace, drawn }) = self.rounds.get_mut(&round.name) else {
                continue;
            };
            if bar.is_finished() {
                continue;
            }
            held(drawn, |Drawn { running, begun }| {
                if progress.waits_for_workers() {
                    (*begun, *pace) = (Instant::now(), Pace::default());
                }
                pace.note(begun.elapsed(), n_done);
                *running = Running {
                    name: round.name,
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
        if let Some(line) = self.known.hear(interim) {
            write_line(&line);
        }
        self.show_regions();
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
            known: Known::default(),
        }
    }

    fn begin_round(&mut self, name: RoundName, n_planned: u64) {
        let running = Running {
            name,
            n_done: 0,
            n_planned,
            left: words::left(None),
            who: String::new(),
        };
        let begun = Instant::now();
        let drawn = Arc::new(Mutex::new(Drawn { running, begun }));
        let shown = Arc::clone(&drawn);
        let bar = self
            .all
            .insert_before(&self.below, ProgressBar::new(n_planned));
        bar.set_style(style(move |_| {
            held(&shown, |Drawn { running, begun }| {
                layout::running(running, begun.elapsed(), width())
            })
        }));
        bar.enable_steady_tick(TICK_EVERY);
        let round = Round {
            bar,
            pace: Pace::default(),
            drawn,
        };
        self.rounds.insert(name, round);
    }

    fn show_regions(&self) {
        held(&self.source, |source| {
            source.regions = self.known.sizes().to_vec()
        });
    }

    /// Leaves the line of the running round as it is, with the time that the round took.
    fn end_round(&mut self) {
        let Some((name, round)) = self.rounds.last_key_value() else {
            return;
        };
        if round.bar.is_finished() {
            return;
        }
        let line = held(&round.drawn, |Drawn { running, begun }| {
            layout::ended(running, begun.elapsed())
        });
        round.bar.set_style(style(move |_| line.clone()));
        round.bar.abandon();
        self.known.round_ends(name.nside);
        self.show_regions();
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
