//! Decoding: fallible, bounded, bodies are slices of the frame.

use bytes::Bytes;
use metrics::Counter;
use skyscan_transport::{
    LeaseToken, LinkId, MAX_AVOID, MAX_BODY_BYTES, PayloadId, Priority, ScanId, TaskId, Version,
    WorkerId,
    backend::{Meters, checksum},
};

use super::{LinkUp, ToHub, ToLinks, WIRE_VERSION};

/// Why a frame cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("peer speaks wire version {0}, this process {WIRE_VERSION}")]
    Version(u8),
    #[error("frame was damaged on the way")]
    Damaged,
    #[error("frame ends within a record")]
    Truncated,
    #[error("record of unknown kind {0}")]
    Kind(u8),
    #[error("body of {0} bytes")]
    Oversized(usize),
    #[error("text is not utf-8")]
    Text,
    #[error("frames were lost on the way")]
    Gap,
    #[error("the hub knows of no such session")]
    Reset,
    #[error("a record that has no place here")]
    Stranger,
    #[error("a hub beside the one that is served")]
    Foreign,
    #[error("more than a peer may ask for or hold")]
    Greedy(Budget),
}

impl Malformed {
    /// Where it is counted; `None` for what is nobody's fault.
    pub(crate) fn counter(self, meters: &Meters) -> Option<&Counter> {
        Some(match self {
            // Frames went with a connection, or the hub has gone.
            Self::Gap | Self::Reset => return None,
            Self::Version(_) => &meters.version,
            Self::Damaged => &meters.damaged,
            Self::Foreign => &meters.foreign,
            Self::Oversized(_) => &meters.oversize,
            Self::Greedy(Budget::Fetches) => &meters.fetches,
            Self::Greedy(Budget::Links) => &meters.links_over,
            Self::Greedy(Budget::Processes) => &meters.processes_over,
            Self::Greedy(Budget::Hubs) => &meters.hubs_over,
            Self::Greedy(Budget::Leases) => &meters.leases_over,
            Self::Truncated | Self::Kind(_) | Self::Text | Self::Stranger => &meters.malformed,
        })
    }
}

/// What a peer may have so much of and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Budget {
    Fetches,
    Links,
    Processes,
    Hubs,
    Leases,
}

/// Reads the records of one frame.
#[derive(Debug)]
pub(crate) struct Reader {
    frame: Bytes,
    at: usize,
}

impl Reader {
    /// Checks the header; returns the sequence number and the records.
    pub(crate) fn open(frame: Bytes) -> Result<(u32, Self), Malformed> {
        let mut reader = Self { frame, at: 0 };
        match reader.u8()? {
            WIRE_VERSION => {}
            other => return Err(Malformed::Version(other)),
        }
        let sum = reader.u32()?;
        match sum == checksum(&[&reader.frame[reader.at..]]) {
            true => Ok((reader.u32()?, reader)),
            false => Err(Malformed::Damaged),
        }
    }

    /// Reads the next record on its way to the hub.
    pub(crate) fn next_to_hub(&mut self) -> Result<Option<ToHub>, Malformed> {
        if self.at == self.frame.len() {
            return Ok(None);
        }
        Ok(Some(match self.u8()? {
            5 => {
                let (number, token) = self.lease()?;
                ToHub::Completed {
                    number,
                    token,
                    worker: self.by()?,
                    sum: self.u32()?,
                    result: self.body()?,
                }
            }
            6 => {
                let (number, token) = self.lease()?;
                let worker = self.by()?;
                let sum = self.u32()?;
                let reason = self.body()?;
                let reason = std::str::from_utf8(&reason)
                    .map_err(|_| Malformed::Text)?
                    .to_owned();
                ToHub::Rejected {
                    number,
                    token,
                    worker,
                    sum,
                    reason,
                }
            }
            7 => {
                let (number, token) = self.lease()?;
                ToHub::Released { number, token }
            }
            8 => {
                let (number, token) = self.lease()?;
                ToHub::Renew { number, token }
            }
            9 => ToHub::Ask { batch: self.u32()? },
            10 => {
                let (number, token) = self.lease()?;
                ToHub::Abandoned { number, token }
            }
            1 => ToHub::Hello {
                process: self.array()?,
            },
            2 => ToHub::LinkUp(LinkUp {
                number: self.u32()?,
                link: LinkId(self.u64()?),
                protocol: self.version()?,
                worker: WorkerId(self.array()?),
                credit: self.u16()?,
                draining: self.u8()? != 0,
                hello: self.body()?,
            }),
            3 => ToHub::Drain {
                number: self.u32()?,
            },
            4 => ToHub::LinkDown {
                number: self.u32()?,
                closed: self.u8()? != 0,
            },
            11 => ToHub::Fetch {
                scan: ScanId(self.u64()?),
                payload: PayloadId(self.array()?),
                offset: self.u64()?,
                length: self.u32()?,
            },
            12 => ToHub::Beat,
            13 => ToHub::Goodbye,
            14 => ToHub::Arrived { proof: self.u32()? },
            kind => return Err(Malformed::Kind(kind)),
        }))
    }

    /// Reads the next record on its way to the links.
    pub(crate) fn next_to_links(&mut self) -> Result<Option<ToLinks>, Malformed> {
        if self.at == self.frame.len() {
            return Ok(None);
        }
        Ok(Some(match self.u8()? {
            36 => ToLinks::Lease {
                number: self.u32()?,
                token: LeaseToken(self.u64()?),
                scan: ScanId(self.u64()?),
                task: TaskId(self.u64()?),
                attempt: self.u32()?,
                avoid: self.workers()?,
                sum: self.u32()?,
                body: self.body()?,
            },
            37 => {
                let batch = self.u32()?;
                let n_lost = self.u32()? as usize;
                if n_lost > (self.frame.len() - self.at) / 4 {
                    return Err(Malformed::Truncated);
                }
                let lost = (0..n_lost).map(|_| self.u32()).collect::<Result<_, _>>()?;
                ToLinks::Answer { batch, lost }
            }
            33 => ToLinks::Terms {
                liveness_ms: self.u32()?,
            },
            34 => ToLinks::HubUp {
                scan: ScanId(self.u64()?),
                protocol: self.version()?,
                priority: Priority(self.u8()?),
                lease_term_ms: self.u64()?,
                welcome: self.body()?,
            },
            35 => ToLinks::HubDown {
                scan: ScanId(self.u64()?),
            },
            38 => ToLinks::Notice {
                scan: ScanId(self.u64()?),
                body: self.body()?,
            },
            39 => ToLinks::Chunk {
                scan: ScanId(self.u64()?),
                payload: PayloadId(self.array()?),
                total: self.u64()?,
                offset: self.u64()?,
                proof: self.u32()?,
                bytes: self.body()?,
            },
            40 => ToLinks::LinkGone {
                number: self.u32()?,
            },
            41 => ToLinks::Beat,
            42 => ToLinks::Reset,
            kind => return Err(Malformed::Kind(kind)),
        }))
    }

    fn lease(&mut self) -> Result<(u32, LeaseToken), Malformed> {
        Ok((self.u32()?, LeaseToken(self.u64()?)))
    }

    /// Who did it, if that was not the worker of the link.
    fn by(&mut self) -> Result<Option<WorkerId>, Malformed> {
        Ok(match self.u8()? {
            0 => None,
            _ => Some(WorkerId(self.array()?)),
        })
    }

    fn workers(&mut self) -> Result<Vec<WorkerId>, Malformed> {
        let n_workers = usize::from(self.u8()?);
        if n_workers > MAX_AVOID {
            return Err(Malformed::Oversized(n_workers * size_of::<WorkerId>()));
        }
        (0..n_workers).map(|_| self.array().map(WorkerId)).collect()
    }

    fn version(&mut self) -> Result<Version, Malformed> {
        Ok(Version {
            major: self.u16()?,
            minor: self.u16()?,
        })
    }

    fn body(&mut self) -> Result<Bytes, Malformed> {
        let length = self.u32()? as usize;
        if length > MAX_BODY_BYTES {
            return Err(Malformed::Oversized(length));
        }
        if length > self.frame.len() - self.at {
            return Err(Malformed::Truncated);
        }
        let body = self.frame.slice(self.at..self.at + length);
        self.at += length;
        Ok(body)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, _) = self.frame[self.at..]
            .split_first_chunk::<N>()
            .ok_or(Malformed::Truncated)?;
        let array = *array;
        self.at += N;
        Ok(array)
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }
}
