//! How a scan went over time: who was there, how fast it was, how long the tails were. Tells of the
//! machines, not of the sky: no part of any result.

mod figure;

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::ScanRecord;
use super::shelf::{Shelf, Written};
use crate::drawing::Figure;
use skyscan_sky::Nside;

/// More moments than this are thinned out.
const MOST_MOMENTS: usize = 4096;

/// The state of a scan at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Since the scan began.
    pub at_s: f64,
    /// Resolution of the running round.
    pub nside: Nside,
    /// Pixels done, over all rounds.
    pub n_done: u64,
    /// Pixels of the running wave that nobody had been given yet.
    pub n_waiting: usize,
    /// Tasks that were out.
    pub n_out: usize,
    /// Slots of the workers that were there.
    pub n_slots: usize,
}

/// The moments of a scan, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    moments: Vec<Moment>,
    /// Moments closer together than this are one: the later one.
    step_s: f64,
}

impl Timeline {
    /// Adds a moment, the latest so far.
    pub fn note(&mut self, moment: Moment) {
        let begins = |last: &Moment| moment.at_s - last.at_s >= self.step_s;
        // The last two frame the step that is being filled.
        if let [.., before, last] = &mut self.moments[..]
            && !begins(before)
            && before.nside == moment.nside
        {
            *last = moment;
            return;
        }
        self.moments.push(moment);
        if self.moments.len() > MOST_MOMENTS {
            self.thin_out();
        }
    }

    /// Nothing happens from here on.
    pub fn end(&mut self, at: Duration) {
        if let Some(last) = self.moments.last().copied() {
            self.moments.push(Moment {
                at_s: at.as_secs_f64().max(last.at_s),
                n_out: 0,
                n_waiting: 0,
                ..last
            });
        }
    }

    /// Half as many moments, and steps that keep it so.
    fn thin_out(&mut self) {
        let mut number = 0;
        self.moments.retain(|_| {
            number += 1;
            number % 2 == 0
        });
        let span_s = self.moments.last().map_or(0.0, |last| last.at_s);
        self.step_s = 2.0 * span_s / MOST_MOMENTS as f64;
    }

    /// What was noted.
    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// Share of the slots' time in which they had no task; `None` if there were no slots.
    pub fn idle_share(&self) -> Option<f64> {
        let (mut there_s, mut idle_s) = (0.0, 0.0);
        for (from, to) in self.moments.iter().zip(self.moments.iter().skip(1)) {
            let span_s = to.at_s - from.at_s;
            there_s += span_s * from.n_slots as f64;
            idle_s += span_s * from.n_slots.saturating_sub(from.n_out) as f64;
        }
        (there_s > 0.0).then(|| idle_s / there_s)
    }

    /// Writes the moments as CSV and the picture as PNG and SVG.
    pub fn write(&self, dir: &Path, scan: &ScanRecord<'_>) -> Written {
        let mut shelf = match Shelf::in_folder(dir) {
            Ok(shelf) => shelf,
            Err(unwritten) => return unwritten,
        };
        let stem = format!("{}.timeline", scan.event.file_stem());
        shelf.put(&format!("{stem}.csv"), |out| self.table(out));
        if let Some(figure) = self.figure(scan) {
            shelf.put_figure(&stem, &figure);
        }
        shelf.written
    }

    /// The picture; `None` before anything happened.
    pub fn figure(&self, scan: &ScanRecord<'_>) -> Option<Figure> {
        figure::compose(self, scan)
    }

    fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = csv::Writer::from_writer(out);
        table.write_record([
            "elapsed_s",
            "nside",
            "pixels_done",
            "pixels_waiting",
            "tasks_out",
            "slots",
        ])?;
        for moment in &self.moments {
            table.write_record([
                format!("{:.3}", moment.at_s),
                moment.nside.to_string(),
                moment.n_done.to_string(),
                moment.n_waiting.to_string(),
                moment.n_out.to_string(),
                moment.n_slots.to_string(),
            ])?;
        }
        table.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(at_s: f64, n_done: u64, n_out: usize) -> Moment {
        Moment {
            at_s,
            nside: Nside::try_from(8).unwrap(),
            n_done,
            n_waiting: 0,
            n_out,
            n_slots: 4,
        }
    }

    #[test]
    fn a_long_scan_keeps_a_bounded_number_of_moments_from_begin_to_end() {
        let mut timeline = Timeline::default();
        for n in 0..100_000_u64 {
            timeline.note(moment(1e-3 * n as f64, n, 4));
        }
        timeline.end(Duration::from_secs(101));
        let moments = timeline.moments();
        assert!((1000..=MOST_MOMENTS + 1).contains(&moments.len()));
        assert!(moments[0].at_s < 0.1);
        assert!(moments.windows(2).all(|pair| pair[0].at_s <= pair[1].at_s));
        let [.., last_noted, end] = moments else {
            panic!("there are moments");
        };
        assert_eq!((last_noted.n_done, end.at_s), (99_999, 101.0));
        let widest = moments.windows(2).map(|pair| pair[1].at_s - pair[0].at_s);
        assert!(widest.fold(0.0, f64::max) <= 1.01);
    }

    #[test]
    fn slots_without_a_task_are_idle() {
        let mut timeline = Timeline::default();
        assert_eq!(timeline.idle_share(), None);
        timeline.note(moment(0.0, 0, 8));
        timeline.note(moment(3.0, 700, 1));
        timeline.end(Duration::from_secs(4));
        // Three of four slots for one of four seconds.
        assert_eq!(timeline.idle_share(), Some(3.0 / 16.0));
    }
}
