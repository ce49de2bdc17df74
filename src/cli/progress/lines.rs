//! Where lines may end up in a file, they are few: one at the end of each round, one now and then.

use std::time::{Duration, Instant};

use super::known::Known;
use super::pace::Pace;
use super::{Interim, View, words};
use crate::actors::progress::{Progress, RoundProgress};
use crate::cli::stderr::told_lines;

/// How often a line is written while a round runs.
const LINE_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Lines {
    last_line: Instant,
    running: Option<Running>,
    known: Known,
}

/// The running round.
#[derive(Debug)]
struct Running {
    round: RoundProgress,
    begun: Instant,
    pace: Pace,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self {
            last_line: Instant::now(),
            running: None,
            known: Known::default(),
        }
    }

    fn end_round(&mut self) {
        if let Some(Running { round, begun, .. }) = self.running.take() {
            let took = begun.elapsed();
            told_lines(&format!(
                "{}, {} in {:.1} s",
                words::counts(&round),
                words::rate(round.n_done, took),
                took.as_secs_f64()
            ));
            self.last_line = Instant::now();
            self.known.round_ends(round.name.nside);
        }
    }
}

impl View for Lines {
    fn update(&mut self, progress: &Progress) {
        let Some(round) = progress.rounds.last() else {
            return;
        };
        if let Some(running) = &mut self.running
            && running.round.name != round.name
        {
            // The last task of the old round and the first of the new may be one update.
            let is_it = |r: &&RoundProgress| r.name == running.round.name;
            if let Some(ended) = progress.rounds.iter().find(is_it) {
                running.round = *ended;
            }
            self.end_round();
        }
        let running = self.running.get_or_insert_with(|| Running {
            round: *round,
            begun: Instant::now(),
            pace: Pace::default(),
        });
        running.round = *round;
        if progress.waits_for_workers() {
            (running.begun, running.pace) = (Instant::now(), Pace::default());
        }
        let elapsed = running.begun.elapsed();
        running.pace.note(elapsed, round.n_done);
        if self.last_line.elapsed() < LINE_EVERY {
            return;
        }
        self.last_line = Instant::now();
        let n_left = round.n_planned.saturating_sub(round.n_done);
        let mut line = [
            words::counts(round),
            words::rate(round.n_done, elapsed),
            words::left(running.pace.left(n_left)),
            words::who(progress),
        ]
        .join(", ");
        if let Some((best, _)) = progress.best {
            line += &format!(", {}", words::best(best));
        }
        for size in self.known.sizes() {
            line += &format!(", {size}");
        }
        told_lines(&line);
    }

    fn interim(&mut self, interim: &Interim) {
        if let Some(line) = self.known.hear(interim) {
            told_lines(&line);
        }
    }

    fn finish(&mut self) {
        self.end_round();
    }
}
