//! A bar per round. The last one is the round that runs; those above it have ended.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::pace::Pace;
use super::{Interim, View, words};
use crate::actors::progress::Progress;
use crate::cli::stderr::Terminal;
use crate::sky::Nside;

/// How often the bar is drawn anew while no task ends.
const TICK_EVERY: Duration = Duration::from_millis(250);
/// Drawings per second at most.
const MOST_DRAWINGS: u8 = 20;

#[derive(Debug)]
pub(super) struct Bars {
    all: MultiProgress,
    rounds: BTreeMap<Nside, Round>,
    regions: String,
    was_stable: bool,
}

#[derive(Debug)]
struct Round {
    bar: ProgressBar,
    begun: Instant,
    pace: Pace,
}

impl View for Bars {
    fn update(&mut self, progress: &Progress) {
        for round in &progress.rounds {
            if !self.rounds.contains_key(&round.nside) {
                self.end_round();
                let bar = self.all.add(ProgressBar::new(round.n_planned));
                bar.set_style(style(
                    "{prefix:>10} [{bar:24}] {pos}/{len}  {rate}  {wide_msg}",
                ));
                bar.set_prefix(format!("nside {}", round.nside));
                bar.enable_steady_tick(TICK_EVERY);
                let begun = Round {
                    bar,
                    begun: Instant::now(),
                    pace: Pace::default(),
                };
                self.rounds.insert(round.nside, begun);
            }
            if let Some(Round { bar, begun, pace }) = self.rounds.get_mut(&round.nside) {
                pace.note(begun.elapsed(), round.n_done);
                bar.set_length(round.n_planned);
                bar.set_position(round.n_done);
                let left = pace.left(round.n_planned.saturating_sub(round.n_done));
                let mut message = format!("{}  {}", words::left(left), words::state(progress));
                if !self.regions.is_empty() {
                    message += &format!(", {}", self.regions);
                }
                bar.set_message(message);
            }
        }
    }

    fn interim(&mut self, interim: &Interim) {
        self.regions = words::regions(interim);
        if interim.is_stable && !self.was_stable {
            // A line above the bars; where it cannot be written nobody looks.
            let _ = self.all.println(format!(
                "contour stable at nside {}: {}",
                interim.nside, self.regions
            ));
        }
        self.was_stable = interim.is_stable;
    }

    fn finish(&mut self) {
        self.end_round();
    }
}

impl Bars {
    pub(super) fn new() -> Self {
        let terminal = Box::new(Terminal::default());
        let target = ProgressDrawTarget::term_like_with_hz(terminal, MOST_DRAWINGS);
        Self {
            all: MultiProgress::with_draw_target(target),
            rounds: BTreeMap::new(),
            regions: String::new(),
            was_stable: false,
        }
    }

    /// Leaves the running bar as it is, with the time that its round took.
    fn end_round(&self) {
        if let Some((_, Round { bar, .. })) = self.rounds.last_key_value() {
            bar.set_style(style(
                "{prefix:>10} [{bar:24}] {pos}/{len}  {rate}  in {elapsed}",
            ));
            bar.abandon();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates are tested by every scan on a terminal")
        .progress_chars("=> ")
        .with_key("rate", |state: &ProgressState, to: &mut dyn Write| {
            // A String that does not take it leaves nothing to tell.
            let _ = to.write_str(&words::rate(state.pos(), state.elapsed()));
        })
}
