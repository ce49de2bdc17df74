//! What a scan that runs is heard with: shown to those who watch at once, noted for the clerk where
//! it is to be kept.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Weak};

use super::Shared;
use super::note::Note;
use crate::engine::Listener;
use crate::live::Live;
use crate::scan::{Contour, Ended, Progress, ScanName};

/// Hears one run of a scan.
#[derive(Debug)]
pub(super) struct Ear {
    pub(super) id: ScanName,
    /// Which run it is: what is heard of an earlier one is too late.
    pub(super) run: u64,
    pub(super) shared: Weak<Shared>,
    pub(super) live: Arc<Live>,
    pub(super) notes: Sender<Note>,
}

impl Ear {
    fn note(&self, note: Note) {
        // A desk that is closed goes on with the scan when it is opened.
        let _closed = self.notes.send(note);
    }
}

impl Listener for Ear {
    fn progress(&self, progress: Progress) {
        self.live.set_progress(progress);
    }

    fn contour(&self, contour: Contour) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let is_first = self
            .live
            .contour()
            .is_none_or(|before| !before.is_stable && contour.is_stable);
        shared.show(&self.live, |scan| {
            scan.best = Some(contour.best);
            scan.area_deg2 = area(&contour);
        });
        self.live.set_contour(contour.clone());
        if is_first {
            self.note(Note::Contour {
                id: self.id.clone(),
                run: self.run,
                contour,
            });
        }
    }

    fn ended(&self, ended: Ended) {
        self.note(Note::Ended {
            id: self.id.clone(),
            run: self.run,
            ended: Box::new(ended),
        });
    }
}

/// Area of the 90 % region, if that was asked for and all of it was scanned.
pub(super) fn area(contour: &Contour) -> Option<f64> {
    let mut regions = contour.regions.iter();
    let ninety = regions.find(|region| (region.containment - 0.9).abs() < 1e-6)?;
    ninety.is_closed.then_some(ninety.area_deg2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{Direction, Region};

    #[test]
    fn the_area_is_that_of_the_90_percent_region_and_of_no_other() {
        let region = |containment, is_closed| Region {
            containment,
            area_deg2: 100.0 * containment,
            is_closed,
            outlines: Vec::new(),
        };
        let of = |regions: &[Region]| {
            area(&Contour {
                is_stable: true,
                nside: 8,
                best: Direction {
                    ra_deg: 0.0,
                    dec_deg: 0.0,
                },
                regions: regions.to_vec(),
            })
        };
        assert_eq!(
            of(&[region(0.5, true), region(0.9, true), region(0.99, false)]),
            Some(90.0)
        );
        assert_eq!(of(&[region(0.5, true), region(0.9, false)]), None);
        assert_eq!(of(&[region(0.68, true)]), None);
    }
}
