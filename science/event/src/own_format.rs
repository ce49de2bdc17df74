//! skyscan's own event file: an [`Event`] as JSON, tagged with its format and version.
//!
//! A checksum over the event guards files that travel; one written by hand may leave it out.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::Event;
use super::read_error::Cause;

const FORMAT: &str = "skyscan-event";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventFile<E> {
    format: String,
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    event: E,
}

/// Writes an event as JSON that [`read`](super::read::read) takes back bit by bit.
pub fn write_json(event: &Event, mut to: impl Write) -> io::Result<()> {
    let file = EventFile {
        format: FORMAT.to_owned(),
        version: VERSION,
        sha256: Some(digest(event)?),
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

pub(super) fn decode(json: &[u8]) -> Result<Event, Cause> {
    #[derive(Deserialize)]
    struct Tag {
        version: u32,
    }
    // The version first: another one may look different from there on.
    let Tag { version } = serde_json::from_slice(json)?;
    if version != VERSION {
        return Err(Cause::malformed(format!(
            "is a skyscan event of version {version}, only {VERSION} is read"
        )));
    }
    let file: EventFile<Event> = serde_json::from_slice(json)?;
    let computed = digest(&file.event).map_err(Cause::Io)?;
    match file.sha256 {
        Some(stored) if stored != computed => Err(Cause::malformed(
            "the event does not match its sha256: the file is damaged",
        )),
        _ => checked(file.event),
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
    let finite = event.mjd.is_finite()
        && event.pulses.iter().all(|pulse| {
            pulse.time_ns.is_finite() && pulse.charge_pe.is_finite() && pulse.width_ns.is_finite()
        })
        && event
            .excluded
            .iter()
            .all(|window| window.start_ns.is_finite() && window.stop_ns.is_finite())
        && event.seeds.iter().all(|seed| {
            let direction = seed.direction.is_none_or(|direction| {
                direction.zenith_rad.is_finite() && direction.azimuth_rad.is_finite()
            });
            direction && seed.time_ns.is_finite() && seed.position_m.iter().all(|x| x.is_finite())
        });
    if !finite {
        return Err(Cause::malformed("has a number that is not finite"));
    }
    event
        .pulses
        .sort_by(|a, b| a.dom.cmp(&b.dom).then(a.time_ns.total_cmp(&b.time_ns)));
    Ok(event)
}
