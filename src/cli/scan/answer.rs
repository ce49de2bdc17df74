//! One event: its scan, the answer, then the files. Whatever becomes of the files, the answer is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use skyscan_transport::Transport;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::found::Found;
use super::kept::{self, Kept};
use super::systematics::{self, Averaged};
use super::watcher::Interims;
use super::{Arguments, FAIL_AFTER, run_actors};
use crate::actors::ScanSetup;
use crate::actors::scanner::{Ending, Scanned};
use crate::cli::input::EventArguments;
use crate::cli::interrupt::on_interrupt;
use crate::cli::regions::Regions;
use crate::cli::stderr::columns;
use crate::cli::{FAILED, Failure, Format, INCOMPLETE, bad_input, failed, print, tell};
use crate::event::Event;
use crate::event::detector::Detector;
use crate::journal::{self, Asked, Contents, Journal};
use crate::output::summary::Summary;
use crate::output::timeline::Timeline;
use crate::output::{self, EventIdentity, FailedFile, Mark, ScanRecord, Written};
use crate::reco::choice::choose;
use crate::reco::{Problem, Reco};
use crate::scan::Variations;
use crate::transport;

/// Room that the files of a scan need: a default scan leaves three to four megabytes.
const ROOM_BYTES: usize = 8 << 20;

/// The name that leaves the reconstruction to the event.
const AUTO: &str = "auto";

/// What all events of a call share.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) regions: Regions,
    pub(super) detector: Detector,
    /// Tasks evaluated at once in this process.
    pub(super) slots: u16,
    pub(super) transport: Arc<dyn Transport>,
}

/// What a scan came to.
#[derive(Debug)]
pub(super) struct Answer {
    /// To leave with.
    pub(super) code: u8,
    pub(super) summary: Summary,
}

/// What a scan begins with.
struct Begun {
    clock: Clock,
    asked: Asked,
    marks: Vec<Mark>,
    /// Where its files go, if anywhere.
    out: Option<PathBuf>,
    /// Its journal, if it has one.
    journal: Option<PathBuf>,
}

/// Since when a scan is under way, and what the process had spent before.
#[derive(Debug)]
struct Clock {
    begun: Instant,
    spent_before: f64,
}

impl Clock {
    fn begin() -> Self {
        Self {
            begun: Instant::now(),
            spent_before: processor_seconds(),
        }
    }

    fn stamp(&self, summary: &mut Summary) {
        summary.wall_seconds = self.begun.elapsed().as_secs_f64();
        summary.cpu_seconds = processor_seconds() - self.spent_before;
    }
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
        let clock = Clock::begin();
        let arguments = self.arguments;
        let event = event.read(&self.detector)?;
        let seen = Some((&event, &self.detector));
        let plan = arguments.plan(seen)?;
        let marks = arguments.marks.at(seen)?;
        let named = chosen(&arguments.reco, &event, &self.detector)?;
        let (name, reco) = arguments.reco(&named, self.slots, &event, &self.detector)?;
        let systematics = arguments.systematics.as_ref();
        let systematics = systematics.map(|named| systematics::read(named, reco.as_deref()));
        let hit_doms = output::hit_doms(&event);
        let detector = &self.detector.name;
        let regions = self.regions.of_event(&name, detector, Some(hit_doms))?;
        let asked = Asked {
            problem: Problem {
                event,
                detector: self.detector.clone(),
                reco: name,
                systematics: systematics.transpose()?,
            },
            plan: plan.enclosing(regions.scan_level()),
            regions,
            fail_after: arguments.fail_after.unwrap_or(FAIL_AFTER),
            files_beside: arguments.journal.is_none(),
        };
        let identity = EventIdentity::from(&asked.problem.event);
        let out = folder(&identity);
        if let Some(dir) = &out {
            listened(stop)?;
            output::file::try_folder(dir, ROOM_BYTES).map_err(failed)?;
        }
        let inside = |dir: &PathBuf| dir.join(identity.file_stem() + journal::NAME_END);
        let path = arguments.journal.clone().or(out.as_ref().map(inside));
        let kept = kept::begin(path.as_deref(), &asked)?;
        let begun = Begun {
            clock,
            asked,
            marks,
            out,
            journal: path,
        };
        self.scan(&begun, reco, kept, stop)
    }

    /// Goes on with a scan from its journal; prints and writes as if nothing had happened.
    pub(super) fn go_on(&self, path: &Path, stop: &mut Option<Stop>) -> Result<Answer, Failure> {
        let clock = Clock::begin();
        let arguments = self.arguments;
        let kept = kept::resume(path)?;
        let (Kept::Open(_, contents) | Kept::Finished(contents)) = &kept else {
            return Err(failed(anyhow::anyhow!("{} is gone", path.display())));
        };
        let asked = contents.asked.clone();
        let seen = Some((&asked.problem.event, &asked.problem.detector));
        let marks = arguments.marks.at(seen)?;
        let reco = match &kept {
            Kept::Finished(_) => None,
            _ => {
                let Problem {
                    event,
                    detector,
                    reco,
                    ..
                } = &asked.problem;
                arguments.reco(reco, self.slots, event, detector)?.1
            }
        };
        let beside = || path.parent().map(Path::to_path_buf);
        let beside = asked.files_beside.then(beside).flatten();
        let out = arguments.out.clone().or(beside);
        if let Some(dir) = &out {
            listened(stop)?;
            output::file::try_folder(dir, ROOM_BYTES).map_err(failed)?;
        }
        let begun = Begun {
            clock,
            asked,
            marks,
            out,
            journal: Some(path.to_path_buf()),
        };
        self.scan(&begun, reco, kept, stop)
    }

    fn scan(
        &self,
        begun: &Begun,
        reco: Option<Arc<dyn Reco>>,
        kept: Kept,
        stop: &mut Option<Stop>,
    ) -> Result<Answer, Failure> {
        let (scanned, timeline) = match kept {
            Kept::Finished(contents) => (Scanned::from(*contents), None),
            Kept::Nowhere => self.run(begun, reco, None, stop)?,
            Kept::Open(journal, contents) => {
                let path = journal.path().to_path_buf();
                let journal = Some((journal, *contents));
                let run = self.run(begun, reco, journal, stop);
                let is_vain = match &run {
                    Err(_) => true,
                    Ok((scanned, _)) => matches!(scanned.ending, Ending::Hopeless(_)),
                };
                if is_vain {
                    kept::discard_if_vain(&path);
                }
                let run = run?;
                tell_how_to_go_on(&run.0, &path);
                run
            }
        };
        self.tell(begun, &scanned, timeline)
    }

    /// Runs the scan in this process.
    fn run(
        &self,
        begun: &Begun,
        reco: Option<Arc<dyn Reco>>,
        journal: Option<(Journal, Contents)>,
        stop: &mut Option<Stop>,
    ) -> Result<(Scanned, Option<Timeline>), Failure> {
        let asked = &begun.asked;
        // An event that cannot be scanned is told now, not pixel by pixel.
        if let Some(reco) = &reco {
            reco.prepare(&asked.problem).map_err(bad_input)?;
        }
        let stop = listened(stop)?;
        let deadline = self.arguments.deadline;
        let spent = begun.clock.begun.elapsed();
        let setup = ScanSetup {
            journal,
            deadline: deadline.map(|deadline| deadline.saturating_sub(spent)),
            ..self.setup(asked, reco)?
        };
        let interims = Interims {
            problem: asked.problem.clone(),
            plan: asked.plan.clone(),
            choice: asked.regions.clone(),
            out: begun.out.clone(),
        };
        let view = self.arguments.progress.view();
        let (scanned, timeline) = run_actors(setup, view, interims, Arc::clone(&stop.now))?;
        Ok((scanned, Some(timeline)))
    }

    /// Prints what was found and writes the files.
    fn tell(
        &self,
        begun: &Begun,
        scanned: &Scanned,
        timeline: Option<Timeline>,
    ) -> Result<Answer, Failure> {
        let Asked {
            problem,
            plan,
            regions: choice,
            ..
        } = &begun.asked;
        let journal = begun.journal.as_ref();
        tell_ending(scanned)?;
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
        let is_text = self.arguments.format == Format::Text;
        // That the answer cannot be told is no reason to lose the files, too.
        summary.files.extend(journal.cloned());
        let mut told = match is_text {
            true => print(&summary.text(columns())),
            false => Ok(()),
        };
        if let Some(dir) = &begun.out {
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
            summary.files = written.files;
            summary.files.extend(journal.cloned());
            if is_text {
                let mut text = summary.files_text();
                if self.arguments.list_files {
                    text += &summary.list_of_files();
                }
                if written.is_draft_withheld {
                    text +=
                        "  Draft   of a notice not written, the region is open: see --draft-open\n";
                }
                told = told.and(print(&text));
            }
        }
        if !is_text {
            begun.clock.stamp(&mut summary);
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

/// The reconstruction of this name; where that is left to the event, the one that it asks for, and why is told.
fn chosen(named: &str, event: &Event, detector: &Detector) -> Result<String, Failure> {
    if named != AUTO {
        return Ok(named.to_owned());
    }
    let problem = Problem {
        event: event.clone(),
        detector: detector.clone(),
        reco: AUTO.to_owned(),
        systematics: None,
    };
    let choice = choose(&problem).map_err(bad_input)?;
    tell(&format!("reco {}: {}", choice.reco, choice.why));
    Ok(choice.reco.to_owned())
}

/// Ctrl-C, listened to from here on; from here on, too, a file that may not grow is an error and no end.
fn listened(stop: &mut Option<Stop>) -> Result<&Stop, Failure> {
    Ok(match stop {
        Some(stop) => stop,
        None => stop.insert(Stop::on_interrupt()?),
    })
}

/// Says how to go on with a scan that is not finished.
fn tell_how_to_go_on(scanned: &Scanned, journal: &Path) {
    let words = match scanned.ending {
        Ending::Stopped => "stopped".to_owned(),
        Ending::DeadlineCame(_) => {
            "the deadline has come: this is the best answer by then".to_owned()
        }
        Ending::GaveUp(_) => "not finished".to_owned(),
        Ending::Fulfilled | Ending::Hopeless(_) | Ending::Unrecorded(_) => return,
    };
    tell(&format!(
        "{words}; skyscan scan --resume {} goes on from here",
        journal.display()
    ));
}

/// Says why a scan ended that was not asked to.
///
/// # Errors
/// If the reconstruction never worked: there is no answer then.
fn tell_ending(scanned: &Scanned) -> Result<(), Failure> {
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
pub(in crate::cli) fn processor_seconds() -> f64 {
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
