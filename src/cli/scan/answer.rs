//! One event: its scan, the answer, then the files. Whatever becomes of the files, the answer is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use skyscan_transport::{Priority, Transport};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::concluding;
use super::found::Found;
use super::kept::{self, Kept};
use super::systematics;
use super::watcher::Interims;
use super::{Arguments, FAIL_AFTER, run_actors};
use crate::actors::ScanSetup;
use crate::actors::scanner::{Ending, Scanned};
use crate::cli::input::EventArguments;
use crate::cli::interrupt::on_interrupt;
use crate::cli::progress::{Telling, View};
use crate::cli::regions::Regions;
use crate::cli::stderr::columns;
use crate::cli::{FAILED, Failure, Format, INCOMPLETE, bad_input, failed, print, tell};
use crate::event::Event;
use crate::event::detector::Detector;
use crate::journal::{self, Asked, Contents, Journal};
use crate::output::summary::Summary;
use crate::output::timeline::Timeline;
use crate::output::{self, EventIdentity, Mark};
use crate::reco::choice::choose;
use crate::reco::{Problem, Reco};
use crate::scan::ledger::Chunking;
use crate::sky::map::SkyMap;

/// Room that the files of a scan need: a default scan leaves three to four megabytes.
const ROOM_BYTES: usize = 8 << 20;

/// The name that leaves the reconstruction to the event.
const AUTO: &str = "auto";

/// What all events of a call share.
#[derive(Debug)]
pub(in crate::cli) struct Call<'a> {
    pub(in crate::cli) arguments: &'a Arguments,
    pub(in crate::cli) regions: Regions,
    pub(in crate::cli) detector: Detector,
    /// Tasks evaluated at once by workers of this scan alone.
    pub(in crate::cli) slots: u16,
    /// Whether this process runs no other scan meanwhile.
    pub(in crate::cli) is_alone: bool,
    /// Which scan of the place gets workers first.
    pub(in crate::cli) priority: Priority,
    /// How large tasks are.
    pub(in crate::cli) chunking: Chunking,
    pub(in crate::cli) transport: Arc<dyn Transport>,
}

/// What a scan came to.
#[derive(Debug)]
pub(in crate::cli) struct Answer {
    /// To leave with.
    pub(super) code: u8,
    pub(super) summary: Summary,
}

/// What a scan begins with.
#[derive(Debug)]
pub(in crate::cli) struct Begun {
    pub(super) clock: Clock,
    pub(super) asked: Asked,
    /// The reconstruction, if it is one that this process knows.
    reco: Option<Arc<dyn Reco>>,
    pub(super) marks: Vec<Mark>,
    /// Where its files go, if anywhere.
    pub(super) out: Option<PathBuf>,
    /// Its journal, if it has one.
    pub(super) journal: Option<PathBuf>,
}

impl Begun {
    /// Its journal, unless somebody removed or moved it.
    pub(super) fn journal_that_is_there(&self) -> Option<&PathBuf> {
        self.journal.as_ref().filter(|path| path.exists())
    }
}

/// What was asked, with what this process makes of it.
pub(in crate::cli) type Understood = (Asked, Option<Arc<dyn Reco>>, Vec<Mark>);

/// Since when a scan is under way, and what the process had spent before.
#[derive(Debug)]
pub(super) struct Clock {
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

    pub(super) fn stamp(&self, summary: &mut Summary) {
        summary.wall_seconds = self.begun.elapsed().as_secs_f64();
        summary.cpu_seconds = processor_seconds() - self.spent_before;
    }
}

/// Ctrl-C, for all events of a call.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Stop {
    /// Wakes the scan that runs.
    now: Arc<Notify>,
    is_asked: Arc<AtomicBool>,
}

impl Stop {
    /// Listens from here on.
    pub(super) fn on_interrupt() -> Result<Self, Failure> {
        let stop = Self::default();
        let asked = stop.clone();
        on_interrupt(move || asked.ask())?;
        Ok(stop)
    }

    /// Ends the scan that runs with what there is.
    pub(in crate::cli) fn ask(&self) {
        self.is_asked.store(true, Ordering::Relaxed);
        self.now.notify_one();
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
        let (begun, kept) = self.begin(event.read(&self.detector)?, folder, stop)?;
        self.scan(&begun, kept, stop)
    }

    /// What is asked of a scan of this event.
    pub(in crate::cli) fn understand(&self, event: Event) -> Result<Understood, Failure> {
        let arguments = self.arguments;
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
        Ok((asked, reco, marks))
    }

    /// Makes ready to scan an event; `folder` says where its files go, if anywhere.
    pub(in crate::cli) fn begin(
        &self,
        event: Event,
        folder: impl FnOnce(&EventIdentity) -> Option<PathBuf>,
        stop: &mut Option<Stop>,
    ) -> Result<(Begun, Kept), Failure> {
        let clock = Clock::begin();
        let (asked, reco, marks) = self.understand(event)?;
        let identity = EventIdentity::from(&asked.problem.event);
        let out = folder(&identity);
        if let Some(dir) = &out {
            listened(stop)?;
            output::file::try_folder(dir, ROOM_BYTES).map_err(failed)?;
        }
        let inside = |dir: &PathBuf| dir.join(identity.file_stem() + journal::NAME_END);
        let path = (self.arguments.journal.clone()).or(out.as_ref().map(inside));
        let kept = kept::begin(path.as_deref(), &asked)?;
        let begun = Begun {
            clock,
            asked,
            reco,
            marks,
            out,
            journal: path,
        };
        Ok((begun, kept))
    }

    /// Goes on with a scan from its journal; prints and writes as if nothing had happened.
    pub(super) fn go_on(&self, path: &Path, stop: &mut Option<Stop>) -> Result<Answer, Failure> {
        let (begun, kept) = self.resume(path, stop)?;
        self.scan(&begun, kept, stop)
    }

    /// Makes ready to go on with a scan from its journal.
    pub(in crate::cli) fn resume(
        &self,
        path: &Path,
        stop: &mut Option<Stop>,
    ) -> Result<(Begun, Kept), Failure> {
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
            reco,
            marks,
            out,
            journal: Some(path.to_path_buf()),
        };
        Ok((begun, kept))
    }

    fn scan(&self, begun: &Begun, kept: Kept, stop: &mut Option<Stop>) -> Result<Answer, Failure> {
        let view = self.arguments.progress.view();
        if matches!(kept, Kept::Finished(_)) && self.arguments.progress == Telling::Auto {
            tell("scan: finished before: no pixel is scanned again, its files are written again");
        }
        let (scanned, timeline) = self.scanned(begun, kept, view, stop)?;
        match (begun.journal_that_is_there(), &begun.journal) {
            (Some(journal), _) => tell_how_to_go_on(&scanned, journal),
            (None, Some(gone)) => tell(&format!(
                "{} is gone: somebody removed or moved it while the scan ran, and nothing can go on from there",
                gone.display()
            )),
            (None, None) => {}
        }
        self.tell(begun, &scanned, timeline)
    }

    /// Scans what is not in the journal yet, while `view` is told how it gets on.
    pub(in crate::cli) fn scanned(
        &self,
        begun: &Begun,
        kept: Kept,
        view: Box<dyn View>,
        stop: &mut Option<Stop>,
    ) -> Result<(Scanned, Option<Timeline>), Failure> {
        let (scanned, timeline) = match kept {
            Kept::Finished(contents) => (Scanned::from(*contents), None),
            Kept::Nowhere => self.run(begun, None, view, stop)?,
            Kept::Open(journal, contents) => {
                let path = journal.path().to_path_buf();
                let journal = Some((journal, *contents));
                let run = self.run(begun, journal, view, stop);
                let is_vain = match &run {
                    Err(_) => true,
                    Ok((scanned, _)) => matches!(scanned.ending, Ending::Hopeless(_)),
                };
                if is_vain {
                    kept::discard_if_vain(&path);
                }
                run?
            }
        };
        concluding::tell_ending(&scanned)?;
        Ok((scanned, timeline))
    }

    /// Runs the scan in this process.
    fn run(
        &self,
        begun: &Begun,
        journal: Option<(Journal, Contents)>,
        view: Box<dyn View>,
        stop: &mut Option<Stop>,
    ) -> Result<(Scanned, Option<Timeline>), Failure> {
        let asked = &begun.asked;
        // An event that cannot be scanned is told now, not pixel by pixel.
        if let Some(reco) = &begun.reco {
            reco.prepare(&asked.problem).map_err(bad_input)?;
        }
        let stop = listened(stop)?;
        let deadline = self.arguments.deadline;
        let spent = begun.clock.begun.elapsed();
        let setup = ScanSetup {
            journal,
            deadline: deadline.map(|deadline| deadline.saturating_sub(spent)),
            ..self.setup(asked, begun.reco.clone())?
        };
        let interims = Interims {
            problem: asked.problem.clone(),
            plan: asked.plan.clone(),
            choice: asked.regions.clone(),
            out: begun.out.clone(),
        };
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
        let is_text = self.arguments.format == Format::Text;
        // That the answer cannot be told is no reason to lose the files, too.
        let mut told = Ok(());
        let say = |_: &Found, _: &SkyMap, summary: &Summary| {
            if is_text {
                told = print(&summary.text(columns()));
            }
        };
        let (mut summary, written) = self.conclude(begun, scanned, timeline, say);
        if is_text && let Some(written) = written {
            let mut text = summary.files_text();
            if self.arguments.list_files {
                text += &summary.list_of_files();
            }
            if let Some(why) = written.withheld {
                text += &format!("  Draft   of a notice not written, {why}\n");
            }
            told = told.and(print(&text));
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
        return match named.eq_ignore_ascii_case(AUTO) {
            true => Err(bad_input(anyhow!(
                "no reco {named:?}: {AUTO} leaves it to the event"
            ))),
            false => Ok(named.to_owned()),
        };
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
