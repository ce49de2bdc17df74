//! What is known: the digests, and what of them counts.

use std::collections::BTreeMap;

use crate::scenario::results::{Point, Report};

/// The digests by the names of their scenarios.
#[derive(Debug)]
pub(super) struct Known {
    all: BTreeMap<String, Report>,
    counting: BTreeMap<String, Report>,
}

impl Known {
    /// Of these digests.
    pub(super) fn new(all: BTreeMap<String, Report>) -> Self {
        let counting = all.clone().into_iter().map(|(name, mut report)| {
            report.points.retain(|point| !point.tally.is_void());
            (name, report)
        });
        Self {
            counting: counting.collect(),
            all,
        }
    }

    /// A report without its void points, if it is there and any point counts.
    pub(super) fn counting(&self, scenario: &str) -> Option<&Report> {
        let report = self.counting.get(scenario)?;
        (!report.points.is_empty()).then_some(report)
    }

    /// The points of a report that count; none if there is no report.
    pub(super) fn points(&self, scenario: &str) -> &[Point] {
        let report = self.counting.get(scenario);
        report.map_or(&[], |report| &report.points)
    }

    /// A report with all of its points.
    pub(super) fn whole(&self, scenario: &str) -> Option<&Report> {
        self.all.get(scenario)
    }

    /// The names of all, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }
}
