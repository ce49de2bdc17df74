//! skyscan's own event file: an [`Event`] as JSON, tagged with its format and version.
//!
//! A checksum over the event guards files that travel; one written by hand may leave it out.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::detector::DetectorMark;
use super::limits::{MAX_MJD, is_sensible};
use super::names::{LONGEST_NAME, clean};
use super::read_error::Cause;
use super::{DomId, Event, Pulse};

const FORMAT: &str = "skyscan-event";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventFile<E> {
    format: String,
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// The detector that the event was seen by or made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detector: Option<DetectorMark>,
    event: E,
}

/// An event file as it was read.
#[derive(Debug)]
pub(super) struct OwnEvent {
    pub(super) event: Event,
    pub(super) detector: Option<DetectorMark>,
}

/// Writes an event as JSON that [`read`](super::read::read) takes back bit by bit.
///
/// # Errors
/// If `to` cannot be written to.
pub fn write_json(event: &Event, to: impl Write) -> io::Result<()> {
    write_json_for(event, None, to)
}

/// Writes an event as [`write_json`] does, with the detector that saw it.
///
/// # Errors
/// If `to` cannot be written to.
pub fn write_json_for(
    event: &Event,
    detector: Option<DetectorMark>,
    mut to: impl Write,
) -> io::Result<()> {
    let file = EventFile {
        format: FORMAT.to_owned(),
        version: VERSION,
        sha256: Some(digest(event)?),
        detector,
        event,
    };
    serde_json::to_writer(&mut to, &file)?;
    to.write_all(b"\n")
}

/// Whether a JSON document means to be an event file.
pub(super) fn is_own(json: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Tag {
        format: String,
    }
    serde_json::from_slice::<Tag>(json).is_ok_and(|tag| tag.format == FORMAT)
}

pub(super) fn decode(
    json: &[u8],
    json_error: impl Fn(serde_json::Error) -> Cause,
) -> Result<OwnEvent, Cause> {
    #[derive(Deserialize)]
    struct Tag {
        version: u32,
    }
    // The version first: another one may look different from there on.
    let Tag { version } = serde_json::from_slice(json).map_err(&json_error)?;
    if version != VERSION {
        return Err(Cause::malformed(format!(
            "is a skyscan event of version {version}, only {VERSION} is read"
        )));
    }
    let file: EventFile<Event> = serde_json::from_slice(json).map_err(&json_error)?;
    let computed = digest(&file.event).map_err(Cause::Io)?;
    match file.sha256 {
        Some(stored) if stored != computed => Err(Cause::malformed(
            "the event does not match its sha256: the file is damaged",
        )),
        _ => Ok(OwnEvent {
            event: checked(file.event)?,
            detector: file.detector.map(DetectorMark::cleaned),
        }),
    }
}

/// SHA-256 over the event as compact JSON: other white space or another order of fields in the file
/// is still the same event.
fn digest(event: &Event) -> io::Result<String> {
    use sha2::{Digest, Sha256};
    let bytes = Sha256::digest(serde_json::to_vec(event)?);
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What readers of frames see to by themselves: finite numbers and the order of pulses.
fn checked(mut event: Event) -> Result<Event, Cause> {
    if event.pulses.is_empty() {
        return Err(Cause::NoPulses);
    }
    if let Some(pulse) = event.pulses.iter().find(|pulse| !is_sensible(pulse)) {
        let Pulse {
            dom: DomId { string, dom },
            time_ns,
            charge_pe,
            width_ns,
            ..
        } = pulse;
        return Err(Cause::malformed(format!(
            "a pulse of DOM {string}-{dom} has the time {time_ns} ns, the charge {charge_pe} PE and the width \
             {width_ns} ns"
        )));
    }
    if event.mjd.abs() > MAX_MJD {
        return Err(Cause::malformed(format!(
            "has the date MJD {:e}",
            event.mjd
        )));
    }
    let finite = event.mjd.is_finite()
        && event
            .excluded
            .iter()
            .all(|window| window.start_ns.is_finite() && window.stop_ns.is_finite())
        && event.seeds.iter().chain(&event.truth).all(|seed| {
            let direction = seed.direction.is_none_or(|direction| {
                direction.zenith_rad.is_finite() && direction.azimuth_rad.is_finite()
            });
            direction && seed.time_ns.is_finite() && seed.position_m.iter().all(|x| x.is_finite())
        });
    if !finite {
        return Err(Cause::malformed("has a number that is not finite"));
    }
    for name in [&mut event.stream, &mut event.pulse_series] {
        *name = clean(name, LONGEST_NAME);
    }
    for seed in event.seeds.iter_mut().chain(&mut event.truth) {
        seed.name = clean(&seed.name, LONGEST_NAME);
    }
    event
        .pulses
        .sort_by(|a, b| a.dom.cmp(&b.dom).then(a.time_ns.total_cmp(&b.time_ns)));
    Ok(event)
}
