//! Reads events from files of every format in use.

use std::path::Path;
use std::rc::Rc;

use serde::Serialize;

use super::alert::{self, AlertNotes};
use super::content::{self, Content};
use super::frame::{Frame, FrameStream, Frames};
use super::header::{self, Header};
use super::read_error::{Cause, Fault, ReadError};
use super::series::{self, Fit, Scope};
use super::{Event, excluded, own_format, pickle, seeds, stream};

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
}

/// Reads one event. The format is told by what the file holds.
///
/// A readout may have been split into several physics frames of the same number: the first that
/// has pulses of its own is read.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Event, ReadError> {
    read_content(path, options).map_err(|fault| ReadError::new(path, fault))
}

/// Lists every physics event in a file.
pub fn list(path: &Path) -> Result<Vec<EventSummary>, ReadError> {
    list_content(path).map_err(|fault| ReadError::new(path, fault))
}

enum Source {
    Frames(Box<dyn Frames>, Option<AlertNotes>),
    Event(Box<Event>),
}

fn open(path: &Path) -> Result<Source, Cause> {
    let (notes, frames) = match content::open(path)? {
        Content::Frames(reader) => {
            return Ok(Source::Frames(Box::new(FrameStream::new(reader, 1)), None));
        }
        Content::Json(json) => {
            let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&json);
            if own_format::is_own(json) {
                return own_format::decode(json).map(Box::new).map(Source::Event);
            }
            let mut document = serde_json::Deserializer::from_slice(json);
            let alert = alert::read(&mut document)?;
            document.end()?;
            alert
        }
        Content::Pickle(bytes) => alert::read(pickle::dictionary(&bytes)?)?,
    };
    Ok(Source::Frames(Box::new(frames), Some(notes)))
}

fn read_content(path: &Path, options: &ReadOptions) -> Result<Event, Fault> {
    match open(path)? {
        Source::Event(event) => pick_whole(*event, options).map_err(Fault::from),
        Source::Frames(mut frames, notes) => {
            find(frames.as_mut(), options, notes.as_ref())?.event(options, notes.as_ref())
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
        Source::Event(event) => summaries.push(EventSummary {
            run_id: event.run_id,
            event_id: event.event_id,
            subevent_id: 0,
            subevent_stream: String::new(),
            mjd: event.mjd,
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
                });
            }
        }
    }
    match summaries.is_empty() {
        true => Err(Cause::NoEvent.into()),
        false => Ok(summaries),
    }
}

/// The first physics frame that was asked for and suits best.
fn find(
    frames: &mut dyn Frames,
    options: &ReadOptions,
    notes: Option<&AlertNotes>,
) -> Result<Physics, Fault> {
    let version = notes.and_then(|notes| notes.version.as_deref());
    let mut best: Option<(Fit, Physics)> = None;
    let mut others = Vec::new();
    let mut walk = Walk::new(frames, notes);
    while let Some(physics) = walk.next_physics()? {
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
        (Some((_, physics)), _) => Ok(physics),
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
