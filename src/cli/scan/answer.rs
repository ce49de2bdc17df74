//! One event: its scan, the answer, then the files. Whatever becomes of the files, the answer is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::found::Found;
use super::watcher::Interims;
use super::{Arguments, run_actors};
use crate::actors::scanner::{Ending, Scanned};
use crate::cli::input::EventArguments;
use crate::cli::interrupt::on_interrupt;
use crate::cli::regions::Regions;
use crate::cli::{FAILED, Failure, Format, INCOMPLETE, bad_input, failed, print, tell};
use crate::event::detector::Detector;
use crate::output::summary::Summary;
use crate::output::{self, EventIdentity, FailedFile, ScanRecord, Written};
use crate::reco::Problem;
use crate::scan::Plan;
use crate::transport;

/// Room that the files of a scan need: a default scan leaves three to four megabytes.
const ROOM_BYTES: usize = 8 << 20;

/// What all events of a call share.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) arguments: &'a Arguments,
    /// Its level is that of no event yet.
    pub(super) plan: Plan,
    pub(super) regions: Regions,
    pub(super) detector: Detector,
    /// Tasks evaluated at once in this process.
    pub(super) slots: u16,
}

/// What a scan came to.
#[derive(Debug)]
pub(super) struct Answer {
    /// To leave with.
    pub(super) code: u8,
    pub(super) summary: Summary,
}

/// Ctrl-C, for all events of a call.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop {
    /// Wakes the scan that runs.
    pub(super) now: Arc<Notify>,
    is_asked: Arc<AtomicBool>,
}

impl Stop {
    /// Listens from here on.
    pub(super) fn on_interrupt() -> Result<Self, Failure> {
        let stop = Self::default();
        let asked = stop.clone();
        on_interrupt(move || {
            asked.is_asked.store(true, Ordering::Relaxed);
            asked.now.notify_one();
        })?;
        Ok(stop)
    }

    /// Whether no further event is to be begun.
    pub(super) fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed)
    }
}

impl Call<'_> {
    /// Scans an event and prints what was found, as text before the files are written, as JSON after.
    /// `folder` says where its files go, if anywhere.
    pub(super) fn answer(
        &self,
        event: &EventArguments,
        folder: impl FnOnce(&EventIdentity) -> Option<PathBuf>,
        stop: &mut Option<Stop>,
    ) -> Result<Answer, Failure> {
        let begun = Instant::now();
        let spent_before = processor_seconds();
        let event = event.read(&self.detector)?;
        let (name, reco) = self.arguments.reco(self.slots, &event, &self.detector)?;
        let problem = Problem {
            event,
            detector: self.detector.clone(),
            reco: name,
        };
        // An event that cannot be scanned is told now, not pixel by pixel.
        if let Some(reco) = &reco {
            reco.prepare(&problem).map_err(bad_input)?;
        }
        let stop = match stop {
            Some(stop) => &*stop,
            None => stop.insert(Stop::on_interrupt()?),
        };
        let out = folder(&EventIdentity::from(&problem.event));
        if let Some(dir) = &out {
            output::file::try_folder(dir, ROOM_BYTES).map_err(failed)?;
        }
        let hit_doms = output::hit_doms(&problem.event);
        let regions = &self.regions;
        let method = regions.of_event(&problem.reco, &self.detector.name, Some(hit_doms))?;
        let plan = self.plan.clone().enclosing(method.scan_level());
        let setup = self.setup(&problem, &plan, reco)?;
        let interims = Interims {
            problem: problem.clone(),
            plan: plan.clone(),
            method: method.clone(),
            out: out.clone(),
        };
        let view = self.arguments.progress.view();
        let (scanned, timeline) = run_actors(setup, view, interims, Arc::clone(&stop.now))?;

        tell_ending(&scanned)?;
        let has_ended = scanned.ending == Ending::Fulfilled;
        let found = Found::on(&scanned.map, &method, has_ended, &problem, &plan);
        let mut summary = found.summary(&scanned, &problem);
        summary.transport = transport::shown(&self.arguments.transport);
        summary.wall_seconds = begun.elapsed().as_secs_f64();
        summary.cpu_seconds = processor_seconds() - spent_before;
        let is_text = self.arguments.format == Format::Text;
        // That the answer cannot be told is no reason to lose the files, too.
        let mut told = match is_text {
            true => print(&summary.to_string()),
            false => Ok(()),
        };
        if let Some(dir) = &out {
            let record = ScanRecord {
                drafts: self.arguments.drafts(),
                ..found.record(&scanned.map, &problem)
            };
            let mut written = output::write_all(dir, &record);
            written.extend(timeline.write(dir, &record));
            if let Err(error) = output::interim::remove(dir) {
                written.failed.push(error);
            }
            tell_failed(&written);
            summary.files_failed = written.failed.iter().map(FailedFile::from).collect();
            summary.files = written.files;
            if is_text {
                let mut text = summary.files_text();
                if written.is_draft_withheld {
                    text +=
                        "  Draft   of a notice not written, the region is open: see --draft-open\n";
                }
                told = told.and(print(&text));
            }
        }
        if !is_text {
            summary.wall_seconds = begun.elapsed().as_secs_f64();
            summary.cpu_seconds = processor_seconds() - spent_before;
            told = print(&serde_json::to_string(&summary).map_err(failed)?);
        }
        told?;
        let code = match (summary.files_failed.is_empty(), summary.complete) {
            (false, _) => FAILED,
            (true, false) => INCOMPLETE,
            (true, true) => 0,
        };
        Ok(Answer { code, summary })
    }
}

/// Says why a scan ended that was not asked to.
///
/// # Errors
/// If the reconstruction never worked: there is no answer then.
fn tell_ending(scanned: &Scanned) -> Result<(), Failure> {
    match &scanned.ending {
        Ending::Fulfilled | Ending::Stopped => Ok(()),
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

/// Where the files of one of several events go: a folder each, by its name.
pub(super) fn own_folder(out: &Path, event: &EventIdentity, taken: &mut Vec<PathBuf>) -> PathBuf {
    let stem = event.file_stem();
    let numbered = |n: usize| match n {
        1 => out.join(&stem),
        n => out.join(format!("{stem}-{n}")),
    };
    let free = (1..).map(numbered).find(|folder| !taken.contains(folder));
    let folder = free.unwrap_or_else(|| out.join(&stem));
    taken.push(folder.clone());
    folder
}

/// Processor time of this process so far, and of its programs that have ended.
fn processor_seconds() -> f64 {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let of = |who| {
        let spent = getrusage(who).map(|usage| usage.user_time() + usage.system_time());
        // It fails on bad arguments only.
        spent.map_or(0.0, |spent| spent.num_microseconds() as f64 / 1e6)
    };
    of(UsageWho::RUSAGE_SELF) + of(UsageWho::RUSAGE_CHILDREN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_given_twice_gets_a_second_folder() {
        let event = EventIdentity {
            run_id: 1,
            event_id: 2,
            mjd: 60_000.0,
            stream: "GOLD".to_owned(),
        };
        let (mut taken, out) = (Vec::new(), Path::new("out"));
        let first = own_folder(out, &event, &mut taken);
        assert_eq!(first, out.join("run00000001.evt000000000002.GOLD"));
        let second = own_folder(out, &event, &mut taken);
        assert_eq!(second, out.join("run00000001.evt000000000002.GOLD-2"));
    }

    #[test]
    fn processor_time_is_counted() {
        let before = processor_seconds();
        // As much of it as is seen, whoever in this process takes it.
        while processor_seconds() <= before {
            std::hint::black_box((1..1000).map(f64::from).map(f64::sqrt).sum::<f64>());
        }
        assert!((0.0..1e6).contains(&before), "{before} s");
    }
}
