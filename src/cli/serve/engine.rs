//! Scans for the service: those of `skyscan scan`, asked by settings instead of options.
//!
//! Decision: Whoever submits an alert names settings, never options (`docs/decisions.md`).

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches};
use skyscan_service::engine::{Engine, Listener, Order, Reading, Refused, Running};
use skyscan_service::scan::{Ended, EventName, Fleet, Map, State, Traffic, WorkerRow};
use skyscan_service::settings::{Priority, Settings};
use skyscan_transport::{self as transport, Transport};

use super::ANSWER;
use super::telling::{self, Latest, Telling};
use crate::actors::attendance::Book;
use crate::cli::input::EventArguments;
use crate::cli::scan::{self, Begun, Call, Kept, Stop};
use crate::cli::{Arguments, Command, Failure, bad_input, settings, tell, with_causes};
use crate::event::detector::Detector;
use crate::journal::{self, JournalError};
use crate::scan::ledger::Chunking;
use crate::sky::region::Region;

/// For a terminal that nobody has widened, and for mails.
const ANSWER_COLUMNS: usize = 80;

/// How long tasks take. Those of a lone scan take longer; here an urgent scan waits for those that run.
const TASK: Duration = Duration::from_millis(150);

/// Scans on whoever comes to one place.
#[derive(Debug)]
pub(super) struct Scans {
    pub(super) transport: Arc<dyn Transport>,
    /// Its URL.
    pub(super) place: String,
    pub(super) detector: Detector,
    pub(super) book: Arc<Book>,
}

/// The options of `skyscan scan` that settings stand for. Each value stands in the word of its option, so that none
/// can be taken for another option.
fn options(settings: &Settings) -> Vec<String> {
    let listed = |numbers: Vec<String>| (!numbers.is_empty()).then(|| numbers.join(","));
    let nside = settings.nside.iter().map(ToString::to_string).collect();
    let levels = settings.levels.iter().map(ToString::to_string).collect();
    let values = [
        ("tier", settings.tier.clone()),
        ("reco", settings.reco.clone()),
        ("nside", listed(nside)),
        ("systematics", settings.systematics.clone()),
        ("levels", listed(levels)),
        ("event", settings.event.map(|event| event.to_string())),
        ("pulses", settings.pulses.clone()),
    ];
    let given =
        |(name, value): (&str, Option<String>)| value.map(|value| format!("--{name}={value}"));
    values.into_iter().filter_map(given).collect()
}

/// The name of the program that workers are asked to run, if it is one.
fn program_of(settings: &Settings) -> Option<&str> {
    settings.reco.as_deref()?.strip_prefix("external:")
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".-_".contains(c)
}

impl Scans {
    /// What `skyscan scan` would be told.
    fn arguments(
        &self,
        file: &Path,
        settings: &Settings,
        more: &[OsString],
    ) -> Result<scan::Arguments, String> {
        // A set of the submitter's would be a file of this machine.
        if let Some(set) = &settings.systematics
            && !["quick", "full"].contains(&set.as_str())
        {
            return Err("systematics may be quick or full".to_owned());
        }
        if settings.reco.as_deref() == Some("external") {
            return Err(
                "no program is run here: write external:NAME for workers that run it".to_owned(),
            );
        }
        if let Some(program) = program_of(settings)
            && (program.is_empty() || !program.chars().all(is_of_name))
        {
            return Err(
                "a name of a program has letters, digits, dots, dashes and underscores".to_owned(),
            );
        }
        let mut words: Vec<OsString> = vec!["skyscan".into(), "scan".into()];
        words.extend(options(settings).into_iter().map(OsString::from));
        words.push(format!("--transport={}", self.place).into());
        words.extend(more.iter().cloned());
        words.extend(["--".into(), file.as_os_str().to_owned()]);
        let command = settings::without_empty(Arguments::command());
        // Without the usage of a command that nobody typed.
        let unwanted = |error: clap::Error| {
            let text = error.render().to_string();
            let lines = text
                .lines()
                .map(str::trim)
                .take_while(|line| !line.starts_with("For more"));
            let said: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
            said.join(" ")
                .trim_start_matches("error: ")
                .replace("--", "")
        };
        let matches = scan::tier::settled(&command, words, |_| ()).map_err(unwanted)?;
        match Arguments::from_arg_matches(&matches)
            .map_err(unwanted)?
            .command
        {
            Command::Scan(arguments) => Ok(*arguments),
            _ => Err("that is no scan".to_owned()),
        }
    }

    fn call<'a>(
        &self,
        arguments: &'a scan::Arguments,
        priority: Priority,
    ) -> Result<Call<'a>, Failure> {
        Ok(Call {
            arguments,
            regions: arguments.regions()?,
            detector: self.detector.clone(),
            // Workers of this process serve all scans.
            slots: 0,
            is_alone: false,
            priority: match priority {
                Priority::Background => transport::Priority::BACKGROUND,
                Priority::Normal => transport::Priority::NORMAL,
                Priority::Urgent => transport::Priority::URGENT,
            },
            chunking: Chunking::Adaptive(TASK),
            transport: Arc::clone(&self.transport),
        })
    }

    /// Scans to the end, or until `stop`.
    fn scan(
        &self,
        order: &Order,
        listener: &Arc<dyn Listener>,
        latest: &Arc<Mutex<Latest>>,
        stop: Stop,
    ) -> Result<Ended, Failure> {
        let out = format!("--out={}", order.folder.display()).into();
        let more = [out, "--progress=none".into()];
        let arguments = self
            .arguments(&order.event, &order.settings, &more)
            .map_err(|reason| bad_input(anyhow::anyhow!(reason)))?;
        let call = self.call(&arguments, order.priority)?;
        let mut stop = Some(stop);
        let kept = self.kept(&call, &order.folder, &mut stop)?;
        let (begun, kept) = match kept {
            Some(kept) => kept,
            None => {
                let choice = arguments.choice();
                let event = EventArguments::of(order.event.clone(), choice);
                let (event, _) = event.read_noted(&self.detector)?;
                call.begin(event, |_| Some(order.folder.clone()), &mut stop)?
            }
        };
        let view = Telling::new(Arc::clone(listener), Arc::clone(latest));
        let (scanned, timeline) = call.scanned(&begun, kept, Box::new(view), &mut stop)?;
        let (mut contour, mut answer) = (None, String::new());
        let (mut summary, _) = call.conclude(&begun, &scanned, timeline, |found, map, summary| {
            let is_closed = found.regions.iter().all(Region::is_closed);
            contour = telling::contour_of(map, &found.regions, summary.complete && is_closed);
            telling::keep(latest, Arc::new(map.clone()));
            answer = summary.text(ANSWER_COLUMNS);
        });
        std::fs::write(order.folder.join(ANSWER), answer).map_err(crate::cli::failed)?;
        // Where files lie here is nobody's business.
        for file in &mut summary.files {
            *file = file.file_name().map(PathBuf::from).unwrap_or_default();
        }
        Ok(Ended {
            state: match summary.complete {
                true => State::Done,
                false => State::Incomplete,
            },
            error: summary
                .files_failed
                .first()
                .map(|failed| failed.error.clone()),
            // What is made of numbers and names only can always be written.
            result: serde_json::to_value(&summary).ok(),
            contour,
        })
    }
}

impl Scans {
    /// What a journal in the folder leads to. One that nobody can go on from is put aside: the event is there, and is
    /// scanned anew.
    fn kept(
        &self,
        call: &Call<'_>,
        folder: &Path,
        stop: &mut Option<Stop>,
    ) -> Result<Option<(Begun, Kept)>, Failure> {
        let found = journal::at(folder).map_err(bad_input)?;
        let Some(journal) = found.unfinished.into_iter().chain(found.finished).next() else {
            return Ok(None);
        };
        let is_lost = |failure: &Failure| {
            let why = failure.error.downcast_ref::<JournalError>();
            why.is_some_and(JournalError::is_for_good)
        };
        match call.resume(&journal, stop) {
            Ok(kept) => Ok(Some(kept)),
            Err(failure) if is_lost(&failure) => {
                let aside = journal.with_extension("db.damaged");
                std::fs::rename(&journal, &aside).map_err(crate::cli::failed)?;
                tracing::warn!(
                    "{}: is scanned anew, its journal is now {}",
                    with_causes(&failure.error),
                    aside.display()
                );
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// A scan that is being made, on a thread of its own.
#[derive(Debug)]
struct Making {
    stop: Stop,
    latest: Arc<Mutex<Latest>>,
}

impl Running for Making {
    fn stop(&self) {
        self.stop.ask();
    }

    fn map(&self) -> Map {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let map = latest.map.clone();
        drop(latest);
        map.map(|map| telling::shown(&map)).unwrap_or_default()
    }
}

/// A scan service's scans.
#[derive(Clone, Debug)]
pub(super) struct ScanEngine(pub(super) Arc<Scans>);

impl Engine for ScanEngine {
    fn read(&self, file: &Path, settings: &Settings) -> Result<Reading, Refused> {
        let arguments = (self.0)
            .arguments(file, settings, &[])
            .map_err(Refused::Settings)?;
        let of_event = |failure: Failure| Refused::Event(said(&failure, file));
        let of_settings = |failure: Failure| Refused::Settings(said(&failure, file));
        let event = EventArguments::of(PathBuf::from(file), arguments.choice());
        let (event, warnings) = event.read_noted(&self.0.detector).map_err(of_event)?;
        let hits = telling::hits(&event, &self.0.detector);
        let call = (self.0)
            .call(&arguments, Priority::default())
            .map_err(of_settings)?;
        let (asked, reco, _) = call.understand(event).map_err(of_settings)?;
        if let Some(reco) = reco {
            let prepared = reco.prepare(&asked.problem).map_err(bad_input);
            prepared.map_err(of_event)?;
        }
        let event = &asked.problem.event;
        Ok(Reading {
            event: EventName {
                run_id: event.run_id,
                event_id: event.event_id,
                mjd: event.mjd,
                stream: event.stream.clone(),
            },
            key: asked.sha256_hex(),
            warnings,
            hits,
        })
    }

    fn begin(&self, order: Order, listener: Arc<dyn Listener>) -> Box<dyn Running> {
        let making = Making {
            stop: Stop::default(),
            latest: Arc::default(),
        };
        let (scans, stop, latest) = (
            Arc::clone(&self.0),
            making.stop.clone(),
            Arc::clone(&making.latest),
        );
        let heard = Arc::clone(&listener);
        let name = order.folder.file_name().unwrap_or_default();
        let thread = std::thread::Builder::new().name(name.to_string_lossy().into_owned());
        let begun = thread.spawn(move || {
            let scan = || scans.scan(&order, &listener, &latest, stop);
            // One scan that panics ends no other; what it says stands in the log.
            let ended = match catch_unwind(AssertUnwindSafe(scan)) {
                Ok(Ok(ended)) => ended,
                Ok(Err(failure)) => {
                    let folder = order.folder.display();
                    tell(&format!("{folder}: {}", with_causes(&failure.error)));
                    Ended::failed(said(&failure, &order.event))
                }
                Err(_) => Ended::failed(
                    "the scan stopped by a fault of this program: see its log".to_owned(),
                ),
            };
            listener.ended(ended);
        });
        if let Err(error) = begun {
            heard.ended(Ended::failed(format!(
                "the system gives no thread: {error}"
            )));
        }
        Box::new(making)
    }

    fn lacks(&self, settings: &Settings) -> bool {
        // Whatever is built in, somebody has.
        if program_of(settings).is_none() {
            return false;
        }
        let links = self.0.book.table().links;
        // Nobody knows who is behind a relay, which names no reconstruction.
        let can = |recos: &[String]| {
            recos.is_empty()
                || recos
                    .iter()
                    .any(|reco| Some(reco) == settings.reco.as_ref())
        };
        !links.iter().any(|link| can(&link.recos))
    }

    fn fleet(&self) -> Fleet {
        let traffic = self.0.transport.traffic();
        let table = self.0.book.table();
        // A relay's own link stands for no worker.
        let workers = table.links.into_iter().filter(|row| row.slots > 0);
        Fleet {
            transport: crate::transport::shown(&self.0.place),
            workers: workers
                .map(|row| WorkerRow {
                    worker: row.worker,
                    slots: row.slots.into(),
                    recos: row.recos,
                    build: row.build,
                    since_s: row.connected_s,
                    n_results: row.tasks,
                    put_aside: None,
                })
                .collect(),
            traffic: Traffic {
                messages_sent: traffic.messages_sent,
                messages_received: traffic.messages_received,
                bytes_sent: traffic.bytes_sent,
                bytes_received: traffic.bytes_received,
            },
        }
    }
}

/// What went wrong, for those who brought an event: where it lies here is none of their business.
fn said(failure: &Failure, file: &Path) -> String {
    let line = with_causes(&failure.error).replace(&file.display().to_string(), "the event");
    match file.parent().map(|folder| folder.display().to_string()) {
        Some(folder) if folder.len() > 1 => line.replace(&folder, "its folder"),
        _ => line,
    }
}

#[cfg(test)]
mod tests;
