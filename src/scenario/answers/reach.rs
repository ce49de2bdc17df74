//! How far a variant keeps its workers busy, in words.

use super::say::{busy, count};
use crate::scenario::report::verdict::{is_busy, limit, variants};
use crate::scenario::results::{Point, Report};

/// One variant over every number of workers at which it could be judged.
#[derive(Debug)]
pub(super) struct Reach<'a> {
    /// Largest number up to which all hold.
    pub(super) holds: Option<&'a Point>,
    /// The first that does not.
    pub(super) fails: Option<&'a Point>,
}

impl<'a> Reach<'a> {
    /// Any of its points, for what they share.
    pub(super) fn any(&self) -> Option<&'a Point> {
        self.holds.or(self.fails)
    }

    /// Largest number of workers that is kept busy.
    pub(super) fn workers(&self) -> usize {
        self.holds.map_or(0, |point| point.workers)
    }

    /// What follows "it".
    pub(super) fn told(&self) -> String {
        let stops = |point: &Point| {
            format!(
                "at {} ({}: {})",
                count(point.workers),
                busy(point),
                limit(point)
            )
        };
        let holds = |point: &Point| format!("up to {} ({})", count(point.workers), busy(point));
        match (self.holds, self.fails) {
            (Some(point), None) => format!("stays busy {}", holds(point)),
            (Some(point), Some(other)) => {
                format!("stays busy {}, not {}", holds(point), stops(other))
            }
            (None, Some(other)) => format!("is not busy {}", stops(other)),
            (None, None) => "was not judged".to_owned(),
        }
    }
}

/// Each variant of a report, in its order.
pub(super) fn reaches(report: &Report) -> Vec<Reach<'_>> {
    let mut found = Vec::new();
    for (_, mut points) in variants(report) {
        points.retain(|point| is_busy(point).is_some());
        points.sort_by_key(|point| point.workers);
        let held = points
            .iter()
            .take_while(|point| is_busy(point) == Some(true));
        let n_hold = held.count();
        found.push(Reach {
            holds: points[..n_hold].last().copied(),
            fails: points.get(n_hold).copied(),
        });
    }
    found
}
