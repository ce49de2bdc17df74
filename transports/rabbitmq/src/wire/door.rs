//! What is said at the door of a hub with keys, and the seal around all that is said behind it.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use skyscan_transport_keys::MessageKey;
use zeroize::Zeroizing;

use super::{
    Address, Malformed, Scan, WIRE,
    frame::{address, put_address, put_scan, scan},
    reader::Reader,
};

/// Tags of these frames, from the first to the last.
pub(super) const FIRST_TAG: u8 = 11;
pub(super) const LAST_TAG: u8 = 16;

/// At the door, and behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DoorFrame {
    /// A process wants to be let in: the first message of a handshake, which anybody may repeat.
    Knock {
        from: Address,
        scan: Scan,
        knock: u32,
        greeting: Bytes,
    },
    /// The second message of the handshake, and the name of the session that follows.
    Answer {
        scan: Scan,
        knock: u32,
        session: u64,
        answer: Bytes,
    },
    /// Another frame.
    Sealed(Sealed),
    /// Under seal only: with what a process wants to be let in.
    Ask { from: Address, request: Request },
    /// Under seal only: it is. What the hub says to all from this number on is sealed with these keys.
    LetIn {
        scan: Scan,
        shared: u64,
        next: u64,
        to_all: MessageKey,
        content: MessageKey,
    },
    /// Under seal only: it is not, or not any more.
    Refused { scan: Scan, reason: String },
}

/// Another frame under seal. What stands here in clear is what it takes to find the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) way: Way,
    pub(crate) scan: Scan,
    /// Names the key: a session's, or one that all have.
    pub(crate) key: u64,
    pub(crate) number: u64,
    pub(crate) bytes: Bytes,
}

/// Who has sealed what, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToHub,
    ToProcess,
    /// From a hub, to everyone who was let in.
    ToAll,
    /// The same, but a part of a payload, which may come more than once.
    Content,
}

/// A token, or nothing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Request(pub(crate) Zeroizing<Vec<u8>>);

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Request(not shown)")
    }
}

impl Way {
    const ALL: [Self; 4] = [Self::ToHub, Self::ToProcess, Self::ToAll, Self::Content];

    fn byte(self) -> u8 {
        match self {
            Self::ToHub => 0,
            Self::ToProcess => 1,
            Self::ToAll => 2,
            Self::Content => 3,
        }
    }
}

/// What a seal is bound to, beside the number: nothing that is sealed here can be shown elsewhere.
pub(crate) fn around(way: Way, scan: Scan, key: u64) -> [u8; 26] {
    let mut around = [0; 26];
    around[0] = WIRE;
    around[1] = way.byte();
    around[2..10].copy_from_slice(&scan.id.0.to_le_bytes());
    around[10..18].copy_from_slice(&scan.epoch.to_le_bytes());
    around[18..].copy_from_slice(&key.to_le_bytes());
    around
}

impl Sealed {
    pub(crate) fn around(&self) -> [u8; 26] {
        around(self.way, self.scan, self.key)
    }
}

impl DoorFrame {
    pub(super) fn is_from_hub(&self) -> bool {
        match self {
            Self::Knock { .. } | Self::Ask { .. } => false,
            Self::Sealed(sealed) => sealed.way != Way::ToHub,
            Self::Answer { .. } | Self::LetIn { .. } | Self::Refused { .. } => true,
        }
    }

    pub(super) fn n_body_bytes(&self) -> usize {
        match self {
            Self::Sealed(sealed) => sealed.bytes.len(),
            _ => 256,
        }
    }

    pub(super) fn put(&self, out: &mut BytesMut) {
        match self {
            Self::Knock {
                from,
                scan,
                knock,
                greeting,
            } => {
                put_address(out, FIRST_TAG, from);
                out.put_u64_le(scan.id.0);
                out.put_u64_le(scan.epoch);
                out.put_u32_le(*knock);
                out.put_slice(greeting);
            }
            Self::Answer {
                scan,
                knock,
                session,
                answer,
            } => {
                put_scan(out, 12, scan);
                out.put_u32_le(*knock);
                out.put_u64_le(*session);
                out.put_slice(answer);
            }
            Self::Sealed(sealed) => {
                put_scan(out, 13, &sealed.scan);
                out.put_u8(sealed.way.byte());
                out.put_u64_le(sealed.key);
                out.put_u64_le(sealed.number);
                out.put_slice(&sealed.bytes);
            }
            Self::Ask { from, request } => {
                put_address(out, 14, from);
                out.put_slice(&request.0);
            }
            Self::LetIn {
                scan,
                shared,
                next,
                to_all,
                content,
            } => {
                put_scan(out, 15, scan);
                out.put_u64_le(*shared);
                out.put_u64_le(*next);
                out.put_slice(to_all.bytes());
                out.put_slice(content.bytes());
            }
            Self::Refused { scan, reason } => {
                put_scan(out, LAST_TAG, scan);
                out.put_slice(reason.as_bytes());
            }
        }
    }

    pub(super) fn read(tag: u8, reader: &mut Reader) -> Result<Self, Malformed> {
        Ok(match tag {
            FIRST_TAG => Self::Knock {
                from: address(reader)?,
                scan: scan(reader)?,
                knock: reader.u32()?,
                greeting: reader.rest(),
            },
            12 => Self::Answer {
                scan: scan(reader)?,
                knock: reader.u32()?,
                session: reader.u64()?,
                answer: reader.rest(),
            },
            13 => {
                let (scan, way) = (scan(reader)?, reader.byte()?);
                let way = Way::ALL.into_iter().find(|known| known.byte() == way);
                Self::Sealed(Sealed {
                    way: way.ok_or(Malformed::Range)?,
                    scan,
                    key: reader.u64()?,
                    number: reader.u64()?,
                    bytes: reader.rest(),
                })
            }
            14 => Self::Ask {
                from: address(reader)?,
                request: Request(Zeroizing::new(reader.rest().to_vec())),
            },
            15 => Self::LetIn {
                scan: scan(reader)?,
                shared: reader.u64()?,
                next: reader.u64()?,
                to_all: MessageKey::from_bytes(reader.array()?),
                content: MessageKey::from_bytes(reader.array()?),
            },
            LAST_TAG => Self::Refused {
                scan: scan(reader)?,
                reason: String::from_utf8(reader.rest().to_vec()).map_err(|_| Malformed::Text)?,
            },
            tag => return Err(Malformed::Tag(tag)),
        })
    }
}
