//! What a scan came to: how it ended, what was found, and its files.

use super::answer::{Begun, Call};
use super::found::Found;
use super::systematics::Averaged;
use crate::actors::scanner::{Ending, Scanned};
use crate::cli::{Failure, failed, tell};
use crate::journal::Asked;
use crate::output::summary::Summary;
use crate::output::timeline::Timeline;
use crate::output::{self, FailedFile, ScanRecord, Written};
use crate::scan::Variations;
use crate::sky::map::SkyMap;
use crate::transport;

impl Call<'_> {
    /// Says what was found to `say`, then writes the files.
    pub(in crate::cli) fn conclude(
        &self,
        begun: &Begun,
        scanned: &Scanned,
        timeline: Option<Timeline>,
        say: impl FnOnce(&Found, &SkyMap, &Summary),
    ) -> (Summary, Option<Written>) {
        let Asked {
            problem,
            plan,
            regions: choice,
            ..
        } = &begun.asked;
        let journal = begun.journal_that_is_there();
        // Once systematics have begun, the first scan has ended, whatever becomes of them.
        let has_ended = scanned.ending == Ending::Fulfilled || !scanned.varied.is_empty();
        let averaged = Averaged::of(scanned, problem.systematics.as_ref(), choice, plan);
        if problem.systematics.is_some() && averaged.is_none() {
            tell("systematics are not finished: this answer is without them");
        }
        let map = averaged
            .as_ref()
            .map_or(&*scanned.map, |averaged| &averaged.combined.map);
        let found = Found::on(map, choice, has_ended, averaged.is_some(), problem, plan);
        let mut summary = found.summary(map, scanned, problem);
        summary.systematics = averaged.as_ref().map(|averaged| averaged.told().clone());
        summary.variations = match plan.variations() {
            Variations::Point => None,
            variations => Some(variations.name().to_owned()),
        };
        summary.transport = transport::shown(&self.arguments.place.transport);
        begun.clock.stamp(&mut summary);
        summary.files.extend(journal.cloned());
        say(&found, map, &summary);
        let Some(dir) = &begun.out else {
            return (summary, None);
        };
        let record = ScanRecord {
            marks: &begun.marks,
            drafts: self.arguments.drafts(),
            systematics: averaged.as_ref().map(Averaged::shown),
            ..found.record(map, problem)
        };
        let mut written = output::write_all(dir, &record);
        if let Some(timeline) = timeline {
            written.extend(timeline.write(dir, &record));
        }
        if let Err(error) = output::interim::remove(dir) {
            written.failed.push(error);
        }
        tell_failed(&written);
        summary.files_failed = written.failed.iter().map(FailedFile::from).collect();
        summary.files = written.files.clone();
        summary.files.extend(journal.cloned());
        (summary, Some(written))
    }
}

/// Says why a scan ended that was not asked to.
///
/// # Errors
/// If the reconstruction never worked: there is no answer then.
pub(super) fn tell_ending(scanned: &Scanned) -> Result<(), Failure> {
    match &scanned.ending {
        Ending::Fulfilled | Ending::Stopped | Ending::DeadlineCame(_) => Ok(()),
        Ending::Unrecorded(reason) => Err(failed(anyhow::anyhow!("{reason}"))),
        Ending::GaveUp(waited) => {
            tell(&format!(
                "no pixel was done for {} s: gives up, with what there is",
                waited.as_secs()
            ));
            Ok(())
        }
        Ending::Hopeless(reason) => Err(failed(anyhow::anyhow!(
            "none of the first {} pixels could be reconstructed, so the scan stopped; the last one: \
             {reason}. Check the reconstruction and its program on a worker, and whether the event \
             suits it",
            scanned.map.len()
        ))),
    }
}

/// Says on stderr that files are missing; which ones, the result has.
pub(in crate::cli) fn tell_failed(written: &Written) {
    if let Some(first) = written.failed.first() {
        tell(&format!(
            "{} of {} files could not be written; the first: {}",
            written.failed.len(),
            written.files.len() + written.failed.len(),
            crate::cli::with_causes(&anyhow::anyhow!(
                "{first}: {}",
                FailedFile::from(first).error
            )),
        ));
    }
}
