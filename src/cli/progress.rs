//! A bar per round on a terminal, a line now and then elsewhere; on stderr.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::actors::progress::{Progress, RoundProgress};
use crate::sky::Nside;

/// How often a line is written where there is no terminal; at the end of a round there is one
/// anyway.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// How often the time left is drawn anew while no task ends.
const TICK_EVERY: Duration = Duration::from_millis(250);

/// Shows progress until its sender is gone.
pub(super) async fn show(mut progress: watch::Receiver<Progress>) {
    let mut view: Box<dyn View> = if std::io::stderr().is_terminal() {
        Box::new(Bars::default())
    } else {
        Box::new(Lines::new())
    };
    while progress.changed().await.is_ok() {
        view.update(&progress.borrow_and_update());
    }
    view.finish();
}

trait View {
    fn update(&mut self, progress: &Progress);
    fn finish(&mut self);
}

/// The last bar is the round that runs; those above it have ended.
#[derive(Debug, Default)]
struct Bars {
    all: MultiProgress,
    rounds: BTreeMap<Nside, ProgressBar>,
}

impl View for Bars {
    fn update(&mut self, progress: &Progress) {
        for round in &progress.rounds {
            if !self.rounds.contains_key(&round.nside) {
                self.end_round();
                let bar = self.all.add(ProgressBar::new(round.n_planned));
                bar.set_style(style(
                    "{prefix:>10} [{bar:24}] {pos}/{len}  {rate}  {eta} left  {wide_msg}",
                ));
                bar.set_prefix(format!("nside {}", round.nside));
                bar.enable_steady_tick(TICK_EVERY);
                self.rounds.insert(round.nside, bar);
            }
            if let Some(bar) = self.rounds.get(&round.nside) {
                bar.set_length(round.n_planned);
                bar.set_position(round.n_done);
            }
        }
        if let Some((_, running)) = self.rounds.last_key_value() {
            running.set_message(describe(progress));
        }
    }

    fn finish(&mut self) {
        self.end_round();
    }
}

impl Bars {
    /// Leaves the running bar as it is, with the time that its round took.
    fn end_round(&self) {
        if let Some((_, bar)) = self.rounds.last_key_value() {
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
            let _ = to.write_str(&rate(state.pos(), state.elapsed()));
        })
}

/// Where lines may end up in a file, they are few: one at the end of each round, one now and then.
#[derive(Debug)]
struct Lines {
    last_line: Instant,
    /// The running round, and when it began.
    running: Option<(RoundProgress, Instant)>,
}

impl Lines {
    fn new() -> Self {
        Self {
            last_line: Instant::now(),
            running: None,
        }
    }

    fn end_round(&mut self) {
        if let Some((round, begun)) = self.running.take() {
            let took = begun.elapsed();
            write_line(&format!(
                "{}, {} in {:.1} s",
                counts(&round),
                rate(round.n_done, took),
                took.as_secs_f64()
            ));
            self.last_line = Instant::now();
        }
    }
}

impl View for Lines {
    fn update(&mut self, progress: &Progress) {
        let Some(round) = progress.rounds.last() else {
            return;
        };
        let begun = match &self.running {
            Some((running, begun)) if running.nside == round.nside => *begun,
            Some((running, _)) => {
                // The last task of the old round and the first of the new may be one update.
                let ended = progress.rounds.iter().find(|r| r.nside == running.nside);
                if let (Some((running, _)), Some(ended)) = (&mut self.running, ended) {
                    *running = *ended;
                }
                self.end_round();
                Instant::now()
            }
            None => Instant::now(),
        };
        self.running = Some((*round, begun));
        if self.last_line.elapsed() < LINE_EVERY {
            return;
        }
        self.last_line = Instant::now();
        let mut line = format!("{}, {}", counts(round), rate(round.n_done, begun.elapsed()));
        if let Some(left) = time_left(round, begun.elapsed()) {
            line += &format!(", {:.0} s left", left.as_secs_f64());
        }
        write_line(&format!("{line}, {}", describe(progress)));
    }

    fn finish(&mut self) {
        self.end_round();
    }
}

fn write_line(line: &str) {
    #[expect(clippy::print_stderr, reason = "the command line talks to people")]
    {
        eprintln!("{line}");
    }
}

fn counts(round: &RoundProgress) -> String {
    let RoundProgress {
        nside,
        n_done,
        n_planned,
    } = round;
    format!("nside {nside}: {n_done} of {n_planned} pixels")
}

/// Pixels per second since the round began, with a decimal where they are few.
fn rate(n_done: u64, elapsed: Duration) -> String {
    match n_done as f64 / elapsed.as_secs_f64().max(1e-3) {
        many if many >= 10.0 => format!("{many:.0} pixels/s"),
        few => format!("{few:.1} pixels/s"),
    }
}

/// How long the rest of a round takes at the rate so far; unknown before the first pixel.
fn time_left(round: &RoundProgress, elapsed: Duration) -> Option<Duration> {
    let n_left = round.n_planned.saturating_sub(round.n_done);
    (round.n_done > 0).then(|| elapsed.mul_f64(n_left as f64 / round.n_done as f64))
}

fn describe(progress: &Progress) -> String {
    let mut text = match progress.n_slots {
        0 => "waiting for workers".to_owned(),
        1 => "1 slot".to_owned(),
        n => format!("{n} slots"),
    };
    if let Some((direction, _)) = progress.best {
        let (ra, dec) = (
            direction.ra_rad.to_degrees(),
            direction.dec_rad.to_degrees(),
        );
        text += &format!(", best so far RA {ra:.2} Dec {dec:+.2}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(n_done: u64, n_planned: u64) -> RoundProgress {
        RoundProgress {
            nside: Nside::try_from(8).expect("a power of two"),
            n_done,
            n_planned,
        }
    }

    #[test]
    fn time_left_follows_the_rate_and_is_unknown_at_first() {
        let elapsed = Duration::from_secs(10);
        assert_eq!(time_left(&round(0, 768), elapsed), None);
        assert_eq!(
            time_left(&round(192, 768), elapsed),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            time_left(&round(768, 768), elapsed),
            Some(Duration::ZERO),
            "nothing is left"
        );
    }

    #[test]
    fn rates_keep_a_digit_that_says_something() {
        assert_eq!(rate(768, Duration::from_secs(2)), "384 pixels/s");
        assert_eq!(rate(3, Duration::from_secs(2)), "1.5 pixels/s");
        assert_eq!(rate(0, Duration::ZERO), "0.0 pixels/s");
    }
}
