//! Whether a detector is the one that saw an event.

use std::collections::BTreeSet;

use serde::Serialize;

use super::super::{DomId, Event};
use super::{Detector, DetectorMark};

/// Share of the modules with light, or of the charge, that may be on modules that a detector lacks.
/// What is left out beyond it would change the answer.
const MOST_MISSING: f64 = 0.05;

/// Light on modules that a detector lacks: no likelihood looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MissingModules {
    /// Modules with light that the detector lacks.
    pub modules: usize,
    /// Modules with light altogether.
    pub of_modules: usize,
    /// Pulses on those that it lacks.
    pub pulses: usize,
    /// Share of the charge that is on them, 0 to 1.
    pub charge_share: f64,
    /// One of them.
    pub first: DomId,
}

/// A detector did not see this event.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UnfitDetector {
    /// Too much light is on modules that it lacks.
    #[error(
        "{} of {} modules with light ({:.0} % of the charge), such as {}-{}, are not in the detector {detector}: \
         is it the right --detector?",
        missing.modules, missing.of_modules, 100.0 * missing.charge_share, missing.first.string, missing.first.dom
    )]
    Modules {
        /// Name of the detector.
        detector: String,
        /// What it lacks.
        missing: MissingModules,
    },
    /// The event says that it is for another one.
    #[error(
        "the event was made for the detector {wanted}, not for {given}: give its description by --detector"
    )]
    Name {
        /// Name that the event's file says.
        wanted: String,
        /// Name of the detector.
        given: String,
    },
}

impl Detector {
    /// The light of an event on modules that this detector lacks; none if there is none.
    pub fn missing_modules(&self, event: &Event) -> Option<MissingModules> {
        let is_missing = |dom: &DomId| !self.doms.contains_key(dom);
        let lit: BTreeSet<DomId> = event.pulses.iter().map(|pulse| pulse.dom).collect();
        let missing: Vec<DomId> = lit.iter().copied().filter(is_missing).collect();
        let charge = |is_counted: &dyn Fn(&DomId) -> bool| -> f64 {
            let pulses = event.pulses.iter().filter(|pulse| is_counted(&pulse.dom));
            pulses
                .map(|pulse| f64::from(pulse.charge_pe.max(0.0)))
                .sum()
        };
        let all = charge(&|_| true);
        Some(MissingModules {
            modules: missing.len(),
            of_modules: lit.len(),
            pulses: event.pulses.iter().filter(|p| is_missing(&p.dom)).count(),
            charge_share: if all > 0.0 {
                charge(&is_missing) / all
            } else {
                0.0
            },
            first: *missing.first()?,
        })
    }

    /// Whether this detector may have seen an event whose file says `mark`; returns what there is to warn
    /// of, a sentence each.
    ///
    /// # Errors
    /// If the file names another detector, or if more than a twentieth of the modules with light or of
    /// the charge would be left out.
    pub fn suits(
        &self,
        event: &Event,
        mark: Option<&DetectorMark>,
    ) -> Result<Vec<String>, UnfitDetector> {
        let mut warnings = Vec::new();
        if let Some(mark) = mark {
            if mark.name != self.name {
                return Err(UnfitDetector::Name {
                    wanted: mark.name.clone(),
                    given: self.name.clone(),
                });
            }
            if mark.sha256 != self.mark().sha256 {
                warnings.push(format!(
                    "the event was made with another description of the detector {}",
                    self.name
                ));
            }
        }
        if let Some(missing) = self.missing_modules(event) {
            let share = missing.modules as f64 / missing.of_modules as f64;
            if share.max(missing.charge_share) > MOST_MISSING {
                return Err(UnfitDetector::Modules {
                    detector: self.name.clone(),
                    missing,
                });
            }
            warnings.push(missing.sentence(&self.name));
        }
        Ok(warnings)
    }
}

impl MissingModules {
    /// What is left out, in words.
    pub fn sentence(&self, detector: &str) -> String {
        format!(
            "{} of {} modules with light ({:.1} % of the charge), such as {}-{}, are not in the detector \
             {detector} and are left out",
            self.modules,
            self.of_modules,
            100.0 * self.charge_share,
            self.first.string,
            self.first.dom
        )
    }
}
