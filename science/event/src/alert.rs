//! Alerts: the dictionary that the detector sends, and the packet that a scanner makes of it.
//!
//! Both carry frames as `[stop letter, base64 of zlib of a pickled frame]`. Alerts of 2016 have
//! them in `value.data` itself, later ones (2021a, 2023a, 2024a) in `value.data.frames` beside the
//! run and event number; a scanner's `startup.json` in `GCDQp_packet.frames`.

mod claims;

use std::fmt;
use std::io::Read;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor, value};

use super::frame::{Frame, FrameStream, Frames};
use super::limits::{MAX_ALERT_FRAME_BYTES, MAX_ALERT_ITEMS};
use super::pickle;
use super::read_error::{Cause, Fault, FramePlace};

pub use claims::Claim;

/// What an alert says beside its frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct AlertNotes {
    /// Version of the format, empty before there were any; none if the packet does not say.
    pub(super) version: Option<String>,
    /// Streams that the event belongs to.
    pub(super) streams: Vec<String>,
    /// What the message calls itself, such as `heseEvent`.
    pub(super) topic: String,
    /// Fits of the online systems, by name.
    pub(super) reco: Option<Claim>,
    /// Scores of the online selection, by name.
    pub(super) neutrino: Option<Claim>,
    run_id: Option<u32>,
    event_id: Option<u32>,
}

impl AlertNotes {
    /// The alert and the frames in it must speak of the same event.
    pub(super) fn agree_on(&self, run_id: u32, event_id: u32) -> Result<(), Cause> {
        let said = (
            self.run_id.unwrap_or(run_id),
            self.event_id.unwrap_or(event_id),
        );
        match said == (run_id, event_id) {
            true => Ok(()),
            false => Err(Cause::malformed(format!(
                "is run {run_id} event {event_id}, but the alert says run {} event {}",
                said.0, said.1
            ))),
        }
    }
}

/// The frames of an alert, unpacked one at a time.
pub(super) struct AlertFrames {
    left: std::vec::IntoIter<PackedFrame>,
    number: usize,
}

/// Takes an alert apart; the source is JSON or what a pickle stands for.
pub(super) fn read<'de, D>(
    source: D,
    json_error: impl Fn(serde_json::Error) -> Cause,
) -> Result<(AlertNotes, AlertFrames), Cause>
where
    D: Deserializer<'de, Error = serde_json::Error>,
{
    let document = Document::deserialize(source).map_err(json_error)?;
    let (notes, frames) = match (document.value, document.packet) {
        (Some(body), _) => {
            let notes = AlertNotes {
                version: Some(body.version.unwrap_or_default()),
                streams: body.streams.map(|streams| streams.0).unwrap_or_default(),
                topic: document.varname.unwrap_or_default(),
                reco: body.data.reco,
                neutrino: body.data.neutrino,
                run_id: body.data.run_id,
                event_id: body.data.event_id,
            };
            (notes, body.data.frames)
        }
        (None, Some(packet)) => (AlertNotes::default(), packet.frames),
        (None, None) => {
            return Err(Cause::malformed(
                "has neither value (an alert), GCDQp_packet (a scanner's startup.json) \
                 nor format (a skyscan event)",
            ));
        }
    };
    Ok((
        notes,
        AlertFrames {
            left: frames.0.into_iter(),
            number: 0,
        },
    ))
}

impl Frames for AlertFrames {
    fn next_frame(&mut self) -> Result<Option<Frame>, Fault> {
        let Some(PackedFrame(stop, text)) = self.left.next() else {
            return Ok(None);
        };
        self.number += 1;
        let shown = Some(stop.chars().next().unwrap_or('?')).filter(char::is_ascii_graphic);
        let place = FramePlace {
            number: self.number,
            stop: shown,
        };
        let fault = |cause: Cause| Fault::from(cause).in_frame(place);

        let record = unpack(&text).map_err(fault)?;
        let mut stream = FrameStream::new(record.as_slice(), self.number);
        let frame = stream
            .next_frame()?
            .ok_or_else(|| fault(Cause::Truncated("the frame")))?;
        if stop.chars().ne([frame.stop]) {
            let cause =
                Cause::malformed(format!("is listed as {stop:.8?} but is {:?}", frame.stop));
            return Err(fault(cause));
        }
        match stream.next_frame()? {
            None => Ok(Some(frame)),
            Some(_) => Err(fault(Cause::malformed("holds more than one frame"))),
        }
    }
}

fn unpack(text: &str) -> Result<Vec<u8>, Cause> {
    let packed = STANDARD.decode(text)?;
    let mut zlib = flate2::bufread::ZlibDecoder::new(packed.as_slice());
    let mut pickled = Vec::new();
    let limit = MAX_ALERT_FRAME_BYTES;
    (&mut zlib)
        .take(limit + 1)
        .read_to_end(&mut pickled)
        .map_err(Cause::Zlib)?;
    if pickled.len() as u64 > limit {
        return Err(Cause::TooLarge {
            what: "the frame",
            size: pickled.len() as u64,
            limit,
        });
    }
    if !zlib.into_inner().is_empty() {
        return Err(Cause::malformed("goes on after the end of its zlib stream"));
    }
    pickle::frame_bytes(&pickled)
}

#[derive(serde::Deserialize)]
struct Document {
    varname: Option<String>,
    value: Option<Body>,
    #[serde(rename = "GCDQp_packet")]
    packet: Option<Packet>,
}

#[derive(serde::Deserialize)]
struct Body {
    version: Option<String>,
    streams: Option<Few<String>>,
    data: Payload,
}

#[derive(serde::Deserialize)]
struct Packet {
    frames: Few<PackedFrame>,
}

#[derive(serde::Deserialize)]
struct PackedFrame(String, String);

#[derive(Default)]
struct Payload {
    run_id: Option<u32>,
    event_id: Option<u32>,
    reco: Option<Claim>,
    neutrino: Option<Claim>,
    frames: Few<PackedFrame>,
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Named {
            run_id: Option<u32>,
            event_id: Option<u32>,
            #[serde(default)]
            reco: Option<Claim>,
            #[serde(default)]
            neutrino: Option<Claim>,
            frames: Few<PackedFrame>,
        }

        /// Told apart by hand: serde's untagged enums would keep a copy of everything first.
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Payload;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of frames, or an object with frames in it")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Payload, A::Error> {
                let frames = Few::deserialize(value::SeqAccessDeserializer::new(seq))?;
                Ok(Payload {
                    frames,
                    ..Payload::default()
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Payload, A::Error> {
                let Named {
                    run_id,
                    event_id,
                    reco,
                    neutrino,
                    frames,
                } = Named::deserialize(value::MapAccessDeserializer::new(map))?;
                Ok(Payload {
                    run_id,
                    event_id,
                    reco,
                    neutrino,
                    frames,
                })
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// A list that is refused when it is longer than any real one.
struct Few<T>(Vec<T>);

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
            type Value = Few<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MAX_ALERT_ITEMS}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Few<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() == MAX_ALERT_ITEMS {
                        return Err(A::Error::invalid_length(MAX_ALERT_ITEMS + 1, &self));
                    }
                    items.push(item);
                }
                Ok(Few(items))
            }
        }

        deserializer.deserialize_seq(Items(PhantomData))
    }
}
