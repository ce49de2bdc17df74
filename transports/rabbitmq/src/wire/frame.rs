//! Frames: one AMQP message each.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use skyscan_transport::{PayloadId, ScanId, Version, backend::checksum};

use super::{MAX_FRAME_BYTES, Malformed, WIRE, door, door::DoorFrame, reader::Reader};

const MAGIC: &[u8; 3] = b"SKY";

/// Where the checksum stands, and what it is over begins.
const SUM_AT: usize = 4;
const SUMMED_FROM: usize = 8;

/// One opening of one scan's hub: a hub that opens again is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scan {
    pub(crate) id: ScanId,
    pub(crate) epoch: u64,
}

/// A process, and the incarnation of its connections: names the queue that answers go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub(crate) process: u64,
    pub(crate) incarnation: u32,
}

/// The head of a frame in a lane. `sequence` 0 is a beat: it has no entries and no place in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) session: u32,
    pub(crate) sequence: u64,
    /// Every frame of the other direction up to this one has arrived.
    pub(crate) arrived: u64,
    /// A frame of the other direction is missing: send again what has not arrived.
    pub(crate) missing: bool,
}

/// One AMQP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A hub is open; repeated as its heartbeat.
    Open {
        scan: Scan,
        protocol: Version,
        liveness: Duration,
        lease_term: Duration,
    },
    /// A hub has closed.
    Closed { scan: Scan },
    /// A process asks every hub to introduce itself.
    WhoIsThere { from: Address },
    /// A process asks for a part of a payload.
    Fetch {
        from: Address,
        payload: PayloadId,
        offset: u64,
    },
    /// A part of a payload.
    Chunk {
        scan: Scan,
        payload: PayloadId,
        offset: u64,
        total: u64,
        bytes: Bytes,
    },
    /// No such payload is published.
    Absent { scan: Scan, payload: PayloadId },
    /// A process to a hub.
    Up {
        from: Address,
        lane: Lane,
        entries: Bytes,
    },
    /// A hub to a process.
    Down {
        scan: Scan,
        lane: Lane,
        entries: Bytes,
    },
    /// The hub knows no such session.
    Unknown { scan: Scan, session: u32 },
    /// A broadcast.
    Notice { scan: Scan, body: Bytes },
    /// At the door of a hub with keys, and whatever is sealed behind it.
    Door(DoorFrame),
}

impl Frame {
    /// Whether a hub says it, and a process that serves it hears it; else the other way round.
    pub(crate) fn is_from_hub(&self) -> bool {
        match self {
            Self::Open { .. }
            | Self::Closed { .. }
            | Self::Chunk { .. }
            | Self::Absent { .. }
            | Self::Down { .. }
            | Self::Unknown { .. }
            | Self::Notice { .. } => true,
            Self::WhoIsThere { .. } | Self::Fetch { .. } | Self::Up { .. } => false,
            Self::Door(door) => door.is_from_hub(),
        }
    }

    /// The hub that says it.
    pub(crate) fn of_hub(&self) -> Option<Scan> {
        match self {
            Self::Open { scan, .. }
            | Self::Closed { scan }
            | Self::Chunk { scan, .. }
            | Self::Absent { scan, .. }
            | Self::Down { scan, .. }
            | Self::Unknown { scan, .. }
            | Self::Notice { scan, .. } => Some(*scan),
            Self::WhoIsThere { .. } | Self::Fetch { .. } | Self::Up { .. } | Self::Door(_) => None,
        }
    }

    pub(crate) fn encode(&self) -> BytesMut {
        let mut out = BytesMut::with_capacity(64 + self.n_body_bytes());
        out.put_slice(MAGIC);
        out.put_u8(WIRE);
        out.put_u32_le(0);
        match self {
            Self::Open {
                scan,
                protocol,
                liveness,
                lease_term,
            } => {
                put_scan(&mut out, 1, scan);
                out.put_u16_le(protocol.major);
                out.put_u16_le(protocol.minor);
                put_duration(&mut out, *liveness);
                put_duration(&mut out, *lease_term);
            }
            Self::Closed { scan } => put_scan(&mut out, 2, scan),
            Self::WhoIsThere { from } => put_address(&mut out, 3, from),
            Self::Fetch {
                from,
                payload,
                offset,
            } => {
                put_address(&mut out, 4, from);
                out.put_slice(&payload.0);
                out.put_u64_le(*offset);
            }
            Self::Chunk {
                scan,
                payload,
                offset,
                total,
                bytes,
            } => {
                put_scan(&mut out, 5, scan);
                out.put_slice(&payload.0);
                out.put_u64_le(*offset);
                out.put_u64_le(*total);
                out.put_slice(bytes);
            }
            Self::Absent { scan, payload } => {
                put_scan(&mut out, 6, scan);
                out.put_slice(&payload.0);
            }
            Self::Up {
                from,
                lane,
                entries,
            } => {
                put_address(&mut out, 7, from);
                put_lane(&mut out, lane);
                out.put_slice(entries);
            }
            Self::Down {
                scan,
                lane,
                entries,
            } => {
                put_scan(&mut out, 8, scan);
                put_lane(&mut out, lane);
                out.put_slice(entries);
            }
            Self::Unknown { scan, session } => {
                put_scan(&mut out, 9, scan);
                out.put_u32_le(*session);
            }
            Self::Notice { scan, body } => {
                put_scan(&mut out, 10, scan);
                out.put_slice(body);
            }
            Self::Door(door) => door.put(&mut out),
        }
        let sum = checksum(&[&out[SUMMED_FROM..]]);
        out[SUM_AT..SUMMED_FROM].copy_from_slice(&sum.to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        if bytes.len() > MAX_FRAME_BYTES {
            return Err(Malformed::Oversized(bytes.len()));
        }
        let mut reader = Reader(bytes);
        if reader.array::<3>()? != *MAGIC || reader.byte()? != WIRE {
            return Err(Malformed::Version);
        }
        if reader.u32()? != checksum(&[reader.left()]) {
            return Err(Malformed::Damaged);
        }
        let frame = match reader.byte()? {
            1 => Self::Open {
                scan: scan(&mut reader)?,
                protocol: Version {
                    major: reader.u16()?,
                    minor: reader.u16()?,
                },
                liveness: duration(&mut reader)?,
                lease_term: duration(&mut reader)?,
            },
            2 => Self::Closed {
                scan: scan(&mut reader)?,
            },
            3 => Self::WhoIsThere {
                from: address(&mut reader)?,
            },
            4 => Self::Fetch {
                from: address(&mut reader)?,
                payload: PayloadId(reader.array()?),
                offset: reader.u64()?,
            },
            5 => Self::Chunk {
                scan: scan(&mut reader)?,
                payload: PayloadId(reader.array()?),
                offset: reader.u64()?,
                total: reader.u64()?,
                bytes: reader.rest(),
            },
            6 => Self::Absent {
                scan: scan(&mut reader)?,
                payload: PayloadId(reader.array()?),
            },
            7 => Self::Up {
                from: address(&mut reader)?,
                lane: lane(&mut reader)?,
                entries: reader.rest(),
            },
            8 => Self::Down {
                scan: scan(&mut reader)?,
                lane: lane(&mut reader)?,
                entries: reader.rest(),
            },
            9 => Self::Unknown {
                scan: scan(&mut reader)?,
                session: reader.u32()?,
            },
            10 => Self::Notice {
                scan: scan(&mut reader)?,
                body: reader.rest(),
            },
            tag @ door::FIRST_TAG..=door::LAST_TAG => {
                Self::Door(DoorFrame::read(tag, &mut reader)?)
            }
            tag => return Err(Malformed::Tag(tag)),
        };
        match reader.is_empty() {
            true => Ok(frame),
            false => Err(Malformed::Long),
        }
    }

    fn n_body_bytes(&self) -> usize {
        match self {
            Self::Chunk { bytes, .. } => bytes.len(),
            Self::Up { entries, .. } | Self::Down { entries, .. } => entries.len(),
            Self::Notice { body, .. } => body.len(),
            Self::Door(door) => door.n_body_bytes(),
            _ => 64,
        }
    }
}

pub(super) fn put_scan(out: &mut BytesMut, tag: u8, scan: &Scan) {
    out.put_u8(tag);
    out.put_u64_le(scan.id.0);
    out.put_u64_le(scan.epoch);
}

pub(super) fn put_address(out: &mut BytesMut, tag: u8, address: &Address) {
    out.put_u8(tag);
    out.put_u64_le(address.process);
    out.put_u32_le(address.incarnation);
}

fn put_lane(out: &mut BytesMut, lane: &Lane) {
    out.put_u32_le(lane.session);
    out.put_u64_le(lane.sequence);
    out.put_u64_le(lane.arrived);
    out.put_u8(u8::from(lane.missing));
}

fn put_duration(out: &mut BytesMut, duration: Duration) {
    out.put_u64_le(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
}

pub(super) fn scan(reader: &mut Reader) -> Result<Scan, Malformed> {
    Ok(Scan {
        id: ScanId(reader.u64()?),
        epoch: reader.u64()?,
    })
}

pub(super) fn address(reader: &mut Reader) -> Result<Address, Malformed> {
    Ok(Address {
        process: reader.u64()?,
        incarnation: reader.u32()?,
    })
}

fn lane(reader: &mut Reader) -> Result<Lane, Malformed> {
    Ok(Lane {
        session: reader.u32()?,
        sequence: reader.u64()?,
        arrived: reader.u64()?,
        missing: reader.byte()? != 0,
    })
}

/// A span between a millisecond and a year: deadlines are computed from it.
fn duration(reader: &mut Reader) -> Result<Duration, Malformed> {
    let micros = reader.u64()?;
    match micros {
        1_000..=31_536_000_000_000 => Ok(Duration::from_micros(micros)),
        _ => Err(Malformed::Range),
    }
}

#[cfg(test)]
mod tests;
