//! How fast a round goes, and between what limits the time is that it still takes.

use std::collections::VecDeque;
use std::time::Duration;

/// Spans shorter than this say nothing about the rate.
const SPAN: Duration = Duration::from_millis(500);
/// So many of the latest spans count.
const MOST_SPANS: usize = 30;
/// With fewer, there is a guess but no interval.
const FEWEST_SPANS: usize = 5;
/// Two-sided 95 % quantile of Student's t with four degrees of freedom, that of the fewest spans;
/// with more of them it is less, so the interval is rather too wide.
const STUDENT_95: f64 = 2.776;

/// Time left in a round at the rate so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cli) struct Left {
    /// At the mean rate.
    pub(in crate::cli) seconds: f64,
    /// From and to, where the rate is known well enough: at least 95 times in 100 it ends within.
    pub(super) between: Option<(f64, f64)>,
}

/// What a round has done so far.
#[derive(Debug, Default)]
pub(in crate::cli) struct Pace {
    /// When, and how many pixels were done then.
    marks: VecDeque<(Duration, u64)>,
}

impl Pace {
    /// Notes how many pixels are done, `elapsed` after the round began.
    pub(in crate::cli) fn note(&mut self, elapsed: Duration, n_done: u64) {
        if self.marks.is_empty() {
            self.marks.push_back((Duration::ZERO, 0));
        }
        if let Some((last, _)) = self.marks.back()
            && elapsed < *last + SPAN
        {
            return;
        }
        self.marks.push_back((elapsed, n_done));
        while self.marks.len() > MOST_SPANS + 1 {
            self.marks.pop_front();
        }
    }

    /// How long the pixels take that are left, or `None` before anything is done.
    ///
    /// The rates of the spans scatter about their mean; its error is the interval. What is to come
    /// scatters as well, as much as the spans that it will fill.
    pub(in crate::cli) fn left(&self, n_left: u64) -> Option<Left> {
        let spans: Vec<(f64, f64)> = self
            .marks
            .iter()
            .zip(self.marks.iter().skip(1))
            .map(|(from, to)| {
                let span_s = (to.0 - from.0).as_secs_f64();
                (span_s, to.1.saturating_sub(from.1) as f64)
            })
            .collect();
        let span_s: f64 = spans.iter().map(|(span_s, _)| span_s).sum();
        let n_done: f64 = spans.iter().map(|(_, n)| n).sum();
        if n_done <= 0.0 || span_s <= 0.0 {
            return None;
        }
        let rate = n_done / span_s;
        let seconds = n_left as f64 / rate;
        let n_spans = spans.len() as f64;
        let between = (spans.len() >= FEWEST_SPANS).then(|| {
            let squares = spans.iter().map(|(s, n)| (n / s - rate).powi(2));
            let variance = squares.sum::<f64>() / (n_spans - 1.0);
            let spans_left = (seconds * n_spans / span_s).max(1.0);
            let error = STUDENT_95 * (variance * (1.0 / n_spans + 1.0 / spans_left)).sqrt() / rate;
            (
                seconds / (1.0 + error),
                // A rate that scatters as widely as itself bounds nothing: tell ten times.
                seconds / (1.0 - error).max(0.1),
            )
        });
        Some(Left { seconds, between })
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn a_steady_round_is_foretold_exactly() {
        let mut pace = Pace::default();
        assert_eq!(pace.left(10), None);
        for second in 1..=10 {
            pace.note(Duration::from_secs(second), 100 * second);
        }
        let left = pace.left(500).unwrap();
        assert!((left.seconds - 5.0).abs() < 1e-9);
        let (from, to) = left.between.unwrap();
        assert!((from - 5.0).abs() < 1e-9 && (to - 5.0).abs() < 1e-9);
    }

    #[test]
    fn few_marks_give_a_guess_without_an_interval() {
        let mut pace = Pace::default();
        pace.note(Duration::from_secs(1), 10);
        assert_eq!(
            pace.left(20),
            Some(Left {
                seconds: 2.0,
                between: None
            })
        );
    }

    /// Tasks of 20 pixels whose work is exponential, on four slots: the truth lies between the
    /// limits at least as often as they promise.
    #[test]
    fn the_interval_holds_what_it_promises() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let (mut n_told, mut n_held) = (0, 0);
        for _ in 0..400 {
            let mut ends: Vec<f64> = Vec::new();
            for _slot in 0..4 {
                let mut at = 0.0;
                for _task in 0..60 {
                    at -= 0.5 * (1.0 - random.random::<f64>()).ln();
                    ends.push(at);
                }
            }
            ends.sort_unstable_by(f64::total_cmp);
            let mut pace = Pace::default();
            let looked_at = 120;
            for (n, end) in ends.iter().enumerate().take(looked_at) {
                pace.note(Duration::from_secs_f64(*end), 20 * (n as u64 + 1));
            }
            let until = 200;
            let truth = ends[until - 1] - ends[looked_at - 1];
            let left = pace.left(20 * (until - looked_at) as u64).unwrap();
            if let Some((from, to)) = left.between {
                n_told += 1;
                n_held += i32::from((from..=to).contains(&truth));
            }
        }
        assert_eq!(n_told, 400);
        assert!(n_held >= 380, "{n_held} of {n_told}");
    }
}
