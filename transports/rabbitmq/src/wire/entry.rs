//! Entries: what a frame of a lane carries, many at a time.

use bytes::{BufMut, Bytes, BytesMut};
use skyscan_transport::{
    DownCause, LeaseToken, LinkId, MAX_AVOID, Priority, TaskId, Version, WorkerId,
};

use super::{Malformed, reader::Reader};

/// What a process tells a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FromProcess {
    /// A link wants to serve.
    LinkUp {
        link: LinkId,
        protocol: Version,
        worker: WorkerId,
        credit: u16,
        hello: Bytes,
    },
    /// A link serves no more.
    LinkDown {
        link: LinkId,
        cause: DownCause,
    },
    /// A link wants no more leases.
    Drain {
        link: LinkId,
    },
    Completed {
        link: LinkId,
        token: LeaseToken,
        /// Who did it, if that was not the worker of the link.
        worker: Option<WorkerId>,
        result: Bytes,
    },
    Rejected {
        link: LinkId,
        token: LeaseToken,
        worker: Option<WorkerId>,
        reason: String,
    },
    Released {
        link: LinkId,
        token: LeaseToken,
    },
    /// Starts a lease term anew. `call` comes back when the lease is lost.
    Renew {
        link: LinkId,
        token: LeaseToken,
        call: u64,
    },
}

/// What a hub tells a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FromHub {
    /// What the hub says of itself; first of all.
    Welcome { priority: Priority, welcome: Bytes },
    /// The hub knows this link.
    Known { link: LinkId },
    Leased {
        link: LinkId,
        token: LeaseToken,
        task: TaskId,
        attempt: u32,
        avoid: Vec<WorkerId>,
        body: Bytes,
    },
    /// This lease was lost before it was settled.
    Lost { token: LeaseToken },
    /// This lease was lost before it was renewed.
    NotRenewed { call: u64, token: LeaseToken },
    /// The hub has acted on every entry up to this sequence; what was lost has been told before.
    Taken { sequence: u64 },
}

impl FromProcess {
    pub(crate) fn put(&self, out: &mut BytesMut) {
        match self {
            Self::LinkUp {
                link,
                protocol,
                worker,
                credit,
                hello,
            } => {
                put_link(out, 1, *link);
                out.put_u16_le(protocol.major);
                out.put_u16_le(protocol.minor);
                out.put_slice(&worker.0);
                out.put_u16_le(*credit);
                put_body(out, hello);
            }
            Self::LinkDown { link, cause } => {
                put_link(out, 2, *link);
                out.put_u8(u8::from(*cause == DownCause::Closed));
            }
            Self::Drain { link } => put_link(out, 3, *link),
            Self::Completed {
                link,
                token,
                worker,
                result,
            } => {
                put_lease(out, 4, *link, *token);
                put_by(out, *worker);
                put_body(out, result);
            }
            Self::Rejected {
                link,
                token,
                worker,
                reason,
            } => {
                put_lease(out, 5, *link, *token);
                put_by(out, *worker);
                put_body(out, reason.as_bytes());
            }
            Self::Released { link, token } => put_lease(out, 6, *link, *token),
            Self::Renew { link, token, call } => {
                put_lease(out, 7, *link, *token);
                out.put_u64_le(*call);
            }
        }
    }

    /// Reads every entry of a frame.
    pub(crate) fn read_all(entries: Bytes) -> Result<Vec<Self>, Malformed> {
        read_all(entries, Self::read)
    }

    fn read(reader: &mut Reader) -> Result<Self, Malformed> {
        let (tag, link) = (reader.byte()?, LinkId(reader.u64()?));
        Ok(match tag {
            1 => Self::LinkUp {
                link,
                protocol: Version {
                    major: reader.u16()?,
                    minor: reader.u16()?,
                },
                worker: WorkerId(reader.array()?),
                credit: reader.u16()?,
                hello: reader.body()?,
            },
            2 => Self::LinkDown {
                link,
                cause: match reader.byte()? {
                    0 => DownCause::Lost,
                    _ => DownCause::Closed,
                },
            },
            3 => Self::Drain { link },
            4 => Self::Completed {
                link,
                token: LeaseToken(reader.u64()?),
                worker: read_by(reader)?,
                result: reader.body()?,
            },
            5 => Self::Rejected {
                link,
                token: LeaseToken(reader.u64()?),
                worker: read_by(reader)?,
                reason: reader.text()?,
            },
            6 => Self::Released {
                link,
                token: LeaseToken(reader.u64()?),
            },
            7 => Self::Renew {
                link,
                token: LeaseToken(reader.u64()?),
                call: reader.u64()?,
            },
            tag => return Err(Malformed::Tag(tag)),
        })
    }
}

impl FromHub {
    pub(crate) fn put(&self, out: &mut BytesMut) {
        match self {
            Self::Welcome { priority, welcome } => {
                out.put_u8(1);
                out.put_u8(priority.0);
                put_body(out, welcome);
            }
            Self::Known { link } => put_link(out, 2, *link),
            Self::Leased {
                link,
                token,
                task,
                attempt,
                avoid,
                body,
            } => {
                put_lease(out, 3, *link, *token);
                out.put_u64_le(task.0);
                out.put_u32_le(*attempt);
                // The contract bounds them below what a u8 counts.
                out.put_u8(avoid.len() as u8);
                avoid.iter().for_each(|worker| out.put_slice(&worker.0));
                put_body(out, body);
            }
            Self::Lost { token } => {
                out.put_u8(4);
                out.put_u64_le(token.0);
            }
            Self::NotRenewed { call, token } => {
                out.put_u8(5);
                out.put_u64_le(*call);
                out.put_u64_le(token.0);
            }
            Self::Taken { sequence } => {
                out.put_u8(6);
                out.put_u64_le(*sequence);
            }
        }
    }

    /// Reads every entry of a frame.
    pub(crate) fn read_all(entries: Bytes) -> Result<Vec<Self>, Malformed> {
        read_all(entries, Self::read)
    }

    fn read(reader: &mut Reader) -> Result<Self, Malformed> {
        Ok(match reader.byte()? {
            1 => Self::Welcome {
                priority: Priority(reader.byte()?),
                welcome: reader.body()?,
            },
            2 => Self::Known {
                link: LinkId(reader.u64()?),
            },
            3 => Self::Leased {
                link: LinkId(reader.u64()?),
                token: LeaseToken(reader.u64()?),
                task: TaskId(reader.u64()?),
                attempt: reader.u32()?,
                avoid: read_workers(reader)?,
                body: reader.body()?,
            },
            4 => Self::Lost {
                token: LeaseToken(reader.u64()?),
            },
            5 => Self::NotRenewed {
                call: reader.u64()?,
                token: LeaseToken(reader.u64()?),
            },
            6 => Self::Taken {
                sequence: reader.u64()?,
            },
            tag => return Err(Malformed::Tag(tag)),
        })
    }
}

fn put_link(out: &mut BytesMut, tag: u8, link: LinkId) {
    out.put_u8(tag);
    out.put_u64_le(link.0);
}

fn put_lease(out: &mut BytesMut, tag: u8, link: LinkId, token: LeaseToken) {
    put_link(out, tag, link);
    out.put_u64_le(token.0);
}

fn put_by(out: &mut BytesMut, worker: Option<WorkerId>) {
    out.put_u8(u8::from(worker.is_some()));
    out.put_slice(worker.as_ref().map_or(&[], |worker| &worker.0[..]));
}

fn read_by(reader: &mut Reader) -> Result<Option<WorkerId>, Malformed> {
    Ok(match reader.byte()? {
        0 => None,
        _ => Some(WorkerId(reader.array()?)),
    })
}

fn read_workers(reader: &mut Reader) -> Result<Vec<WorkerId>, Malformed> {
    match usize::from(reader.byte()?) {
        n_workers if n_workers > MAX_AVOID => Err(Malformed::Range),
        n_workers => (0..n_workers)
            .map(|_| reader.array().map(WorkerId))
            .collect(),
    }
}

fn put_body(out: &mut BytesMut, body: &[u8]) {
    // No body is over a mebibyte: every caller has refused larger ones.
    out.put_u32_le(body.len() as u32);
    out.put_slice(body);
}

fn read_all<E>(
    entries: Bytes,
    read: impl Fn(&mut Reader) -> Result<E, Malformed>,
) -> Result<Vec<E>, Malformed> {
    let mut reader = Reader(entries);
    let mut all = Vec::new();
    while !reader.is_empty() {
        all.push(read(&mut reader)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{
        Bytes, BytesMut, DownCause, FromHub, FromProcess, LeaseToken, LinkId, Malformed, Priority,
        TaskId, Version, WorkerId,
    };

    const LINK: LinkId = LinkId(5);
    const TOKEN: LeaseToken = LeaseToken(6);

    fn told() -> Vec<FromProcess> {
        vec![
            FromProcess::LinkUp {
                link: LINK,
                protocol: Version { major: 1, minor: 2 },
                worker: WorkerId([7; 16]),
                credit: 3,
                hello: Bytes::from_static(b"hello"),
            },
            FromProcess::LinkDown {
                link: LINK,
                cause: DownCause::Closed,
            },
            FromProcess::LinkDown {
                link: LINK,
                cause: DownCause::Lost,
            },
            FromProcess::Drain { link: LINK },
            FromProcess::Completed {
                link: LINK,
                token: TOKEN,
                worker: None,
                result: Bytes::from_static(b"result"),
            },
            FromProcess::Rejected {
                link: LINK,
                token: TOKEN,
                worker: Some(WorkerId([8; 16])),
                reason: "reason".into(),
            },
            FromProcess::Released {
                link: LINK,
                token: TOKEN,
            },
            FromProcess::Renew {
                link: LINK,
                token: TOKEN,
                call: 8,
            },
        ]
    }

    fn answered() -> Vec<FromHub> {
        vec![
            FromHub::Welcome {
                priority: Priority::URGENT,
                welcome: Bytes::from_static(b"welcome"),
            },
            FromHub::Known { link: LINK },
            FromHub::Leased {
                link: LINK,
                token: TOKEN,
                task: TaskId(9),
                attempt: 2,
                avoid: vec![WorkerId([1; 16]), WorkerId([2; 16])],
                body: Bytes::new(),
            },
            FromHub::Lost { token: TOKEN },
            FromHub::NotRenewed {
                call: 8,
                token: TOKEN,
            },
            FromHub::Taken { sequence: 10 },
        ]
    }

    #[test]
    fn many_entries_survive_one_frame() {
        let mut up = BytesMut::new();
        told().iter().for_each(|entry| entry.put(&mut up));
        assert_eq!(FromProcess::read_all(up.freeze()), Ok(told()));
        let mut down = BytesMut::new();
        answered().iter().for_each(|entry| entry.put(&mut down));
        assert_eq!(FromHub::read_all(down.freeze()), Ok(answered()));
    }

    /// Whoever changes them raises `WIRE`.
    #[test]
    fn entries_keep_their_bytes() -> Result<(), String> {
        let (mut up, mut down) = (BytesMut::new(), BytesMut::new());
        told().iter().for_each(|entry| entry.put(&mut up));
        answered().iter().for_each(|entry| entry.put(&mut down));
        skyscan_golden::compare(&[
            ("rabbitmq-entries-to-hub", &up),
            ("rabbitmq-entries-from-hub", &down),
        ])
    }

    #[test]
    fn rejects_a_truncated_entry() {
        for entry in told() {
            let mut out = BytesMut::new();
            entry.put(&mut out);
            let whole = out.freeze();
            for n_bytes in 1..whole.len() {
                let cut = FromProcess::read_all(whole.slice(..n_bytes));
                assert_eq!(cut, Err(Malformed::Short), "{entry:?} cut to {n_bytes}");
            }
        }
        for entry in answered() {
            let mut out = BytesMut::new();
            entry.put(&mut out);
            let whole = out.freeze();
            for n_bytes in 1..whole.len() {
                let cut = FromHub::read_all(whole.slice(..n_bytes));
                assert_eq!(cut, Err(Malformed::Short), "{entry:?} cut to {n_bytes}");
            }
        }
    }

    #[test]
    fn rejects_a_body_over_the_limit_before_it_is_there() {
        // A welcome of any priority.
        let mut out = BytesMut::from(&[1, 0][..]);
        out.extend_from_slice(&u32::MAX.to_le_bytes());
        let read = FromHub::read_all(out.freeze());
        assert_eq!(read, Err(Malformed::Oversized(u32::MAX as usize)));
    }
}
