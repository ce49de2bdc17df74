//! The messages of the protocol and their two framings, without any I/O.

use std::borrow::Cow;
use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::super::hits::first_hits;
use super::super::{PixelRequest, VertexSeed};
use skyscan_event::Event;
use skyscan_event::detector::Detector;
use skyscan_sky::map::{PixelFit, PixelOutcome};

/// Version of the protocol.
pub(super) const VERSION: u32 = 1;
/// Longer messages are not read; an answer for 1024 pixels takes a fifth of a megabyte.
pub(super) const MOST_BYTES: usize = 16 << 20;
/// Longest name, longest reason and longest last words of a program, in bytes.
pub(super) const MOST_TEXT: usize = 200;

/// How messages are told apart: the program's first one shows which it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// One JSON document a line.
    JsonLines,
    /// Length in four bytes, most significant first, then so many bytes of msgpack.
    Msgpack,
}

impl Framing {
    /// Lengths begin with a byte that no text has; whatever else is no brace begins no message.
    pub(super) fn by_first_byte(byte: u8) -> Option<Self> {
        match byte {
            b'{' => Some(Self::JsonLines),
            0 | 1 => Some(Self::Msgpack),
            _ => None,
        }
    }

    /// A message, with what frames it.
    pub(super) fn encode(self, message: &impl Serialize) -> Vec<u8> {
        const PLAIN: &str = "messages have neither unsized nor foreign parts";
        match self {
            Self::JsonLines => {
                let mut line = serde_json::to_vec(message).expect(PLAIN);
                line.push(b'\n');
                line
            }
            Self::Msgpack => {
                let body = rmp_serde::to_vec_named(message).expect(PLAIN);
                let length = u32::try_from(body.len()).expect("events are below 4 GB");
                [length.to_be_bytes().as_slice(), &body].concat()
            }
        }
    }

    /// Reads the body of a message; fails with the reason.
    pub(super) fn decode<M: DeserializeOwned>(self, body: &[u8]) -> Result<M, String> {
        match self {
            Self::JsonLines => {
                let text = String::from_utf8_lossy(body);
                serde_json::from_str(&nulls_for_nan(&text)).map_err(|error| {
                    match text.starts_with('{') {
                        true => format!("{error} in {:?}", shortened(text.trim_end())),
                        false => stray(body),
                    }
                })
            }
            Self::Msgpack => rmp_serde::from_slice(body).map_err(|error| error.to_string()),
        }
    }
}

/// Many languages write NaN and infinities into JSON, which has no words for them.
fn nulls_for_nan(text: &str) -> Cow<'_, str> {
    if !text.contains("NaN") && !text.contains("Infinity") {
        return Cow::Borrowed(text);
    }
    let mut in_string = false;
    let pieces = text.split_inclusive('"').map(|piece| {
        let was_in_string = in_string;
        let n_escapes = piece.trim_end_matches('"').bytes().rev();
        let is_escaped = n_escapes.take_while(|byte| *byte == b'\\').count() % 2 == 1;
        in_string ^= piece.ends_with('"') && !(was_in_string && is_escaped);
        match was_in_string {
            true => piece.to_owned(),
            false => ["-Infinity", "Infinity", "NaN"]
                .iter()
                .fold(piece.to_owned(), |piece, word| piece.replace(word, "null")),
        }
    });
    Cow::Owned(pieces.collect())
}

/// What to say of text where a message was due.
pub(super) fn stray(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().next().unwrap_or_default();
    format!(
        "it printed {:?}; its stdout carries the protocol, so print to stderr",
        shortened(line.trim_end())
    )
}

/// As much of a text as fits into a line of a log.
pub(super) fn shortened(text: &str) -> &str {
    let end = (0..=text.len().min(MOST_TEXT))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// Whether a program may be called so: 1 to 64 letters, digits and `-_.+@`.
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+@".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

/// What a program says first.
#[derive(Debug, Deserialize)]
pub(super) struct Hello {
    /// Version of the protocol that it speaks.
    pub(super) skyscan: u32,
    /// What it is called; another name whenever it may answer differently.
    pub(super) name: String,
}

impl Hello {
    /// Fails with what is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.skyscan != VERSION {
            return Err(format!("it speaks version {}, not {VERSION}", self.skyscan));
        }
        if !is_name(&self.name) {
            return Err(format!(
                "the name {:?} must be 1 to 64 letters, digits and -_.+@",
                shortened(&self.name)
            ));
        }
        Ok(())
    }
}

/// The event as it is told, in either framing, made when first needed.
#[derive(Debug)]
pub(super) struct EventText {
    event: Event,
    detector: Detector,
    /// `[x, y, z, time, charge]` in metres, nanoseconds and photoelectrons.
    first_hits: Vec<[f64; 5]>,
    encoded: [OnceLock<Vec<u8>>; 2],
}

impl EventText {
    pub(super) fn new(event: &Event, detector: &Detector) -> Self {
        let hit = |hit: &super::super::hits::FirstHit| {
            let [x, y, z] = hit.position_m;
            [x, y, z, hit.time_ns, hit.charge_pe]
        };
        Self {
            // What really happened is nobody's business.
            event: Event {
                truth: None,
                ..event.clone()
            },
            detector: detector.clone(),
            first_hits: first_hits(event, detector).iter().map(hit).collect(),
            encoded: Default::default(),
        }
    }

    pub(super) fn framed(&self, framing: Framing) -> &[u8] {
        #[derive(Serialize)]
        struct EventMessage<'a> {
            event: &'a Event,
            detector: &'a Detector,
            first_hits: &'a [[f64; 5]],
        }
        self.encoded[framing as usize].get_or_init(|| {
            framing.encode(&EventMessage {
                event: &self.event,
                detector: &self.detector,
                first_hits: &self.first_hits,
            })
        })
    }
}

/// What a program says of an event.
#[derive(Debug, Deserialize)]
pub(super) enum EventAnswer {
    /// `{"ready": true}`
    #[serde(rename = "ready")]
    Ready(bool),
    /// `{"refused": "why"}`
    #[serde(rename = "refused")]
    Refused(String),
}

/// A task.
#[derive(Debug, Serialize)]
pub(super) struct TaskMessage {
    pixels: Vec<PixelMessage>,
}

#[derive(Debug, Serialize)]
struct PixelMessage {
    zenith_rad: f64,
    azimuth_rad: f64,
    /// `[x, y, z, time]` in metres and nanoseconds.
    seeds: Vec<[f64; 4]>,
}

impl TaskMessage {
    pub(super) fn new(requests: &[PixelRequest]) -> Self {
        let seed = |seed: &VertexSeed| {
            let [x, y, z] = seed.position_m;
            [x, y, z, seed.time_ns]
        };
        let pixel = |request: &PixelRequest| PixelMessage {
            zenith_rad: request.direction.zenith_rad,
            azimuth_rad: request.direction.azimuth_rad,
            seeds: request.seeds.iter().map(seed).collect(),
        };
        Self {
            pixels: requests.iter().map(pixel).collect(),
        }
    }
}

/// What a task came to.
#[derive(Debug, Deserialize)]
pub(super) struct TaskAnswer {
    pub(super) fits: Vec<FitMessage>,
}

/// What became of a pixel: a fit or, with `failed`, none.
#[derive(Debug, Deserialize)]
pub(super) struct FitMessage {
    #[serde(default)]
    failed: Option<String>,
    #[serde(default)]
    llh: Option<f64>,
    #[serde(default)]
    position_m: Option<[Option<f64>; 3]>,
    #[serde(default, deserialize_with = "nan_for_null")]
    time_ns: f64,
    #[serde(default)]
    energy_inside_gev: Option<f64>,
    #[serde(default)]
    energy_total_gev: Option<f64>,
}

fn nan_for_null<'d, D: Deserializer<'d>>(number: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(number)?.unwrap_or(f64::NAN))
}

impl FitMessage {
    /// The outcome; numbers that are none make a failure of it.
    pub(super) fn outcome(self) -> PixelOutcome {
        if let Some(reason) = self.failed {
            return PixelOutcome::Failed(shortened(&reason).to_owned());
        }
        let position_m = self.position_m.map_or([0.0; 3], |position_m| {
            position_m.map(|x| x.unwrap_or(f64::NAN))
        });
        let fit = PixelFit {
            llh: self.llh.unwrap_or(f64::NAN),
            position_m,
            time_ns: self.time_ns,
            energy_inside_gev: self.energy_inside_gev,
            energy_total_gev: self.energy_total_gev,
        };
        let energies = [fit.energy_inside_gev, fit.energy_total_gev];
        let rest = position_m.into_iter().chain(energies.into_iter().flatten());
        if !fit.llh.is_finite() {
            return PixelOutcome::Failed("the external program gave no finite llh".to_owned());
        }
        if !rest.chain([fit.time_ns]).all(f64::is_finite) {
            let reason = "the external program gave a position, time or energy that is not finite";
            return PixelOutcome::Failed(reason.to_owned());
        }
        PixelOutcome::Fitted(fit)
    }
}

#[cfg(test)]
mod tests;
