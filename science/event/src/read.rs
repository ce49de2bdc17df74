//! Reads events from files of every format in use.

use std::borrow::Cow;
use std::path::Path;
use std::rc::Rc;

use serde::Serialize;

use super::alert::{self, AlertNotes, Claim};
use super::content::{self, Content};
use super::detector::DetectorMark;
use super::frame::{Frame, FrameStream, Frames};
use super::header::{self, Header};
use super::own_format::OwnEvent;
use super::read_error::{Cause, Fault, ReadError};
use super::series::{self, Fit, Scope};
use super::{Event, excluded, own_format, pickle, python_json, seeds, stream};

/// What to read from a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Event number; the first event by default.
    pub event_id: Option<u32>,
    /// Key of the pulse series; by default what the alert's version says, else the first of those
    /// that are known: `SplitUncleanedInIcePulses`, `SplitInIcePulses`, `InIcePulses`,
    /// `UncleanedInIcePulses`, `OfflinePulses`, `InIceDSTPulses`.
    pub pulses: Option<String>,
}

/// A physics event in a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventSummary {
    /// Run number.
    pub run_id: u32,
    /// Event number within the run.
    pub event_id: u32,
    /// Number of the part, where a readout was split.
    pub subevent_id: u32,
    /// What split the readout, for example `InIceSplit`; empty if nothing did.
    pub subevent_stream: String,
    /// Start, UTC as a modified Julian date.
    pub mjd: f64,
    /// Run and event number of the readout that it is a part of, if they are others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readout: Option<(u32, u32)>,
}

/// An event with what its file says beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The event.
    pub event: Event,
    /// The detector that it was made for, if the file names one.
    pub detector: Option<DetectorMark>,
    /// Fits of the online systems that sent the alert, by name.
    pub reco: Option<Claim>,
    /// Scores of the online selection, by name.
    pub neutrino: Option<Claim>,
    /// What is odd about the file though it can be read, a sentence each.
    pub warnings: Vec<String>,
}

/// Reads one event. The format is told by what the file holds; `-` is standard input.
///
/// A readout may have been split into several physics frames of the same number: the first that
/// has pulses of its own is read.
///
/// # Errors
/// If there is no such event, or the file is damaged up to it; the message is one line.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Event, ReadError> {
    read_noted(path, options).map(|reading| reading.event)
}

/// Reads one event as [`read`] does, with what the file says beside it.
///
/// # Errors
/// As those of [`read`].
pub fn read_noted(path: &Path, options: &ReadOptions) -> Result<Reading, ReadError> {
    let read = open(path).and_then(|source| Ok(read_from(source, options)?.0));
    read.map_err(|fault| ReadError::new(path, fault))
}

/// Reads one event as [`read_noted`] does and goes on to the end of the file; also returns how many
/// physics events there are besides. What is damaged beyond the event is a warning.
///
/// # Errors
/// As those of [`read`].
pub fn survey(path: &Path, options: &ReadOptions) -> Result<(Reading, usize), ReadError> {
    let surveyed = open(path).and_then(|source| {
        let (mut reading, mut rest) = read_from(source, options)?;
        let others = rest.count_to_end().unwrap_or_else(|(counted, fault)| {
            let what = format!("the file is damaged beyond this event: {fault}");
            reading.warnings.push(what);
            counted
        });
        Ok((reading, others))
    });
    surveyed.map_err(|fault| ReadError::new(path, fault))
}

/// Lists every physics event in a file.
///
/// # Errors
/// If there is none, or the file is damaged; the message is one line.
pub fn list(path: &Path) -> Result<Vec<EventSummary>, ReadError> {
    list_content(path).map_err(|fault| ReadError::new(path, fault))
}

enum Source {
    Frames(Box<dyn Frames>, Option<AlertNotes>),
    Event(Box<OwnEvent>),
}

fn open(path: &Path) -> Result<Source, Fault> {
    let (notes, frames) = match content::open(path)? {
        Content::Frames(reader) => {
            return Ok(Source::Frames(Box::new(FrameStream::new(reader, 1)), None));
        }
        Content::Json(json) => {
            let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&json);
            let strict = python_json::strict(json);
            let was_changed = matches!(strict, Cow::Owned(_));
            let json_error = |error| Cause::Json(python_json::told(&error, was_changed));
            if own_format::is_own(&strict) {
                let own = own_format::decode(&strict, json_error)?;
                return Ok(Source::Event(Box::new(own)));
            }
            let mut document = serde_json::Deserializer::from_slice(&strict);
            let alert = alert::read(&mut document, json_error)?;
            document.end().map_err(json_error)?;
            alert
        }
        Content::Pickle(bytes) => {
            let json_error = |error: serde_json::Error| Cause::Json(error.to_string());
            alert::read(pickle::dictionary(&bytes)?, json_error)?
        }
    };
    Ok(Source::Frames(Box::new(frames), Some(notes)))
}

/// What is left of a file after the event that was read.
struct Rest {
    /// Physics events that were passed.
    passed: usize,
    frames: Option<Box<dyn Frames>>,
}

impl Rest {
    /// Counts the physics events in the whole file but the one; with the fault that ended it early.
    fn count_to_end(&mut self) -> Result<usize, (usize, Fault)> {
        let mut count = self.passed.saturating_sub(1);
        if let Some(frames) = &mut self.frames {
            loop {
                match frames.next_frame() {
                    Ok(Some(frame)) => count += usize::from(frame.is_physics()),
                    Ok(None) => break,
                    Err(fault) => return Err((count, fault)),
                }
            }
        }
        Ok(count)
    }
}

fn read_from(source: Source, options: &ReadOptions) -> Result<(Reading, Rest), Fault> {
    match source {
        Source::Event(own) => {
            let OwnEvent { event, detector } = *own;
            let reading = Reading {
                event: pick_whole(event, options)?,
                detector,
                reco: None,
                neutrino: None,
                warnings: Vec::new(),
            };
            let rest = Rest {
                passed: 1,
                frames: None,
            };
            Ok((reading, rest))
        }
        Source::Frames(mut frames, notes) => {
            let (physics, passed) = find(frames.as_mut(), options, notes.as_ref())?;
            let event = physics.event(options, notes.as_ref())?;
            let warning = physics.header.readout.map(|(run_id, event_id)| {
                format!(
                    "event {} of run {} is part of a readout that calls itself event {event_id} of run {run_id}",
                    event.event_id, event.run_id
                )
            });
            let notes = notes.unwrap_or_default();
            let reading = Reading {
                event,
                detector: None,
                reco: notes.reco,
                neutrino: notes.neutrino,
                warnings: warning.into_iter().collect(),
            };
            let rest = Rest {
                passed,
                frames: Some(frames),
            };
            Ok((reading, rest))
        }
    }
}

/// An event file holds one event and one series: asking for another is an error.
fn pick_whole(event: Event, options: &ReadOptions) -> Result<Event, Cause> {
    if let Some(wanted) = options.event_id.filter(|wanted| *wanted != event.event_id) {
        return Err(Cause::NoSuchEvent {
            wanted,
            found: vec![event.event_id.to_string()],
        });
    }
    match options
        .pulses
        .as_ref()
        .is_none_or(|asked| *asked == event.pulse_series)
    {
        true => Ok(event),
        false => Err(Cause::NoSeries(vec![event.pulse_series])),
    }
}

fn list_content(path: &Path) -> Result<Vec<EventSummary>, Fault> {
    let mut summaries = Vec::new();
    match open(path)? {
        Source::Event(own) => summaries.push(EventSummary {
            run_id: own.event.run_id,
            event_id: own.event.event_id,
            subevent_id: 0,
            subevent_stream: String::new(),
            mjd: own.event.mjd,
            readout: None,
        }),
        Source::Frames(mut frames, notes) => {
            let mut walk = Walk::new(frames.as_mut(), notes.as_ref());
            while let Some(Physics { header, .. }) = walk.next_physics()? {
                summaries.push(EventSummary {
                    run_id: header.run_id,
                    event_id: header.event_id,
                    subevent_id: header.subevent_id,
                    subevent_stream: header.subevent_stream,
                    mjd: header.mjd,
                    readout: header.readout,
                });
            }
        }
    }
    match summaries.is_empty() {
        true => Err(Cause::NoEvent.into()),
        false => Ok(summaries),
    }
}

/// The first physics frame that was asked for and suits best, and how many were looked at.
fn find(
    frames: &mut dyn Frames,
    options: &ReadOptions,
    notes: Option<&AlertNotes>,
) -> Result<(Physics, usize), Fault> {
    let version = notes.and_then(|notes| notes.version.as_deref());
    let mut best: Option<(Fit, Physics)> = None;
    let mut others = Vec::new();
    let mut walk = Walk::new(frames, notes);
    let mut passed = 0;
    while let Some(physics) = walk.next_physics()? {
        passed += 1;
        let event_id = physics.header.event_id;
        let wanted = options
            .event_id
            .or(best.as_ref().map(|(_, first)| first.header.event_id));
        if wanted.is_some_and(|wanted| wanted != event_id) {
            // Parts of one readout stand together: the event is over.
            if best.is_some() {
                break;
            }
            others.push(event_id.to_string());
            continue;
        }
        let chosen = series::choose(physics.scope(), options.pulses.as_deref(), version);
        let fit = chosen.map_or(Fit::None, |(_, fit)| fit);
        if best.as_ref().is_none_or(|(best, _)| fit > *best) {
            best = Some((fit, physics));
        }
        if fit == Fit::Own {
            break;
        }
    }
    others.dedup();
    match (best, options.event_id) {
        (Some((_, physics)), _) => Ok((physics, passed)),
        (None, Some(wanted)) if !others.is_empty() => Err(Cause::NoSuchEvent {
            wanted,
            found: others,
        }
        .into()),
        _ => Err(Cause::NoEvent.into()),
    }
}

/// Goes through frames and pairs each physics frame with its readout.
struct Walk<'a> {
    frames: &'a mut dyn Frames,
    notes: Option<&'a AlertNotes>,
    readout: Option<Rc<Frame>>,
}

impl<'a> Walk<'a> {
    fn new(frames: &'a mut dyn Frames, notes: Option<&'a AlertNotes>) -> Self {
        Self {
            frames,
            notes,
            readout: None,
        }
    }

    fn next_physics(&mut self) -> Result<Option<Physics>, Fault> {
        while let Some(frame) = self.frames.next_frame()? {
            if frame.is_readout() {
                self.readout = Some(Rc::new(frame));
            } else if frame.is_physics() {
                let header = header::of_physics(&frame, self.readout.as_deref())?;
                if let Some(notes) = self.notes {
                    notes
                        .agree_on(header.run_id, header.event_id)
                        .map_err(|cause| Fault::from(cause).in_frame(frame.place))?;
                }
                return Ok(Some(Physics {
                    header,
                    frame,
                    readout: self.readout.clone(),
                }));
            }
        }
        Ok(None)
    }
}

/// A physics frame with the readout that it is a part of.
struct Physics {
    header: Header,
    frame: Frame,
    readout: Option<Rc<Frame>>,
}

impl Physics {
    fn scope(&self) -> Scope<'_> {
        Scope {
            physics: &self.frame,
            readout: self.readout.as_deref(),
        }
    }

    fn event(&self, options: &ReadOptions, notes: Option<&AlertNotes>) -> Result<Event, Fault> {
        let scope = self.scope();
        let asked = options.pulses.as_deref();
        let version = notes.and_then(|notes| notes.version.as_deref());
        let (pulse_series, _) = series::choose(scope, asked, version).map_err(|cause| {
            let fault = match asked {
                Some(asked) => cause.at_key(asked),
                None => cause.into(),
            };
            fault.in_frame(self.frame.place)
        })?;
        Ok(Event {
            truth: None,
            run_id: self.header.run_id,
            event_id: self.header.event_id,
            mjd: self.header.mjd,
            stream: stream::of(scope, notes),
            pulses: series::pulses(scope, &pulse_series)?,
            pulse_series,
            excluded: excluded::windows(scope)?,
            seeds: seeds::seeds(scope)?,
        })
    }
}
