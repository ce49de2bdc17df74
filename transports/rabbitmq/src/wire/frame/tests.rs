use std::time::Duration;

use bytes::Bytes;
use skyscan_transport::{PayloadId, ScanId, Version, backend::checksum};
use skyscan_transport_keys::MessageKey;
use zeroize::Zeroizing;

use super::{Address, DoorFrame, Frame, Lane, Malformed, SUM_AT, SUMMED_FROM, Scan};
use crate::wire::{Request, Sealed, Way};

const SCAN: Scan = Scan {
    id: ScanId(7),
    epoch: 9,
};
const FROM: Address = Address {
    process: 11,
    incarnation: 2,
};
const LANE: Lane = Lane {
    session: 3,
    sequence: 4,
    arrived: 5,
    missing: true,
};

fn examples() -> Vec<Frame> {
    let (payload, bytes) = (PayloadId([6; 32]), Bytes::from_static(b"some bytes"));
    vec![
        Frame::Open {
            scan: SCAN,
            protocol: Version { major: 1, minor: 2 },
            liveness: Duration::from_secs(30),
            lease_term: Duration::from_millis(1500),
        },
        Frame::Closed { scan: SCAN },
        Frame::WhoIsThere { from: FROM },
        Frame::Fetch {
            from: FROM,
            payload,
            offset: 8,
        },
        Frame::Chunk {
            scan: SCAN,
            payload,
            offset: 8,
            total: 18,
            bytes: bytes.clone(),
        },
        Frame::Absent {
            scan: SCAN,
            payload,
        },
        Frame::Up {
            from: FROM,
            lane: LANE,
            entries: bytes.clone(),
        },
        Frame::Down {
            scan: SCAN,
            lane: LANE,
            entries: bytes.clone(),
        },
        Frame::Unknown {
            scan: SCAN,
            session: 3,
        },
        Frame::Notice {
            scan: SCAN,
            body: bytes,
        },
    ]
}

fn examples_at_a_door() -> Vec<Frame> {
    let bytes = Bytes::from_static(b"some bytes");
    let door = [
        DoorFrame::Knock {
            from: FROM,
            scan: SCAN,
            knock: 3,
            greeting: bytes.clone(),
        },
        DoorFrame::Answer {
            scan: SCAN,
            knock: 3,
            session: 5,
            answer: bytes.clone(),
        },
        DoorFrame::Sealed(Sealed {
            way: Way::ToAll,
            scan: SCAN,
            key: 5,
            number: 6,
            bytes,
        }),
        DoorFrame::Ask {
            from: FROM,
            request: Request(Zeroizing::new(b"token".to_vec())),
        },
        DoorFrame::LetIn {
            scan: SCAN,
            shared: 8,
            next: 9,
            to_all: MessageKey::from_bytes([1; 32]),
            content: MessageKey::from_bytes([2; 32]),
        },
        DoorFrame::Refused {
            scan: SCAN,
            reason: "reason".into(),
        },
    ];
    door.into_iter().map(Frame::Door).collect()
}

#[test]
fn no_secret_is_shown() {
    let shown = format!("{:?}", examples_at_a_door());
    assert!(shown.contains("not shown"), "{shown}");
    for secret in ["116, 111, 107", "1, 1, 1", "2, 2, 2"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn every_frame_survives_the_wire() {
    for frame in examples().into_iter().chain(examples_at_a_door()) {
        assert_eq!(Frame::decode(frame.encode().freeze()), Ok(frame));
    }
}

/// A frame with a true checksum over whatever it holds.
fn sealed(frame: &[u8]) -> Bytes {
    let mut frame = frame.to_vec();
    if frame.len() >= SUMMED_FROM {
        let sum = checksum(&[&frame[SUMMED_FROM..]]);
        frame[SUM_AT..SUMMED_FROM].copy_from_slice(&sum.to_le_bytes());
    }
    frame.into()
}

#[test]
fn no_flipped_bit_is_ever_read() {
    for frame in examples().into_iter().chain(examples_at_a_door()) {
        let whole = frame.encode();
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let refused = Frame::decode(damaged.into()).expect_err("a damaged frame was read");
            let in_head = bit / 8 < SUM_AT;
            let expected = match in_head {
                true => Malformed::Version,
                false => Malformed::Damaged,
            };
            assert_eq!(refused, expected, "{frame:?}");
        }
    }
}

/// Whoever changes them raises `WIRE`.
#[test]
fn frames_keep_their_bytes() -> Result<(), String> {
    let bytes = |frames: Vec<Frame>| -> Vec<u8> {
        frames.iter().flat_map(|frame| frame.encode()).collect()
    };
    skyscan_golden::compare(&[
        ("rabbitmq-frames", &bytes(examples())),
        ("rabbitmq-frames-at-a-door", &bytes(examples_at_a_door())),
    ])
}

#[test]
fn rejects_a_truncated_frame() {
    for frame in examples() {
        let whole = frame.encode().freeze();
        let head = match frame {
            // What follows the head is a body without a length of its own.
            Frame::Chunk { .. } | Frame::Up { .. } | Frame::Down { .. } | Frame::Notice { .. } => {
                whole.len() - b"some bytes".len()
            }
            _ => whole.len(),
        };
        for n_bytes in 0..head {
            let cut = Frame::decode(sealed(&whole[..n_bytes]));
            assert_eq!(cut, Err(Malformed::Short), "{frame:?} cut to {n_bytes}");
        }
    }
}

#[test]
fn rejects_what_is_no_frame() {
    let frame = Frame::Closed { scan: SCAN }.encode();
    let changed = |at: usize, to: u8| {
        let mut bytes = frame.to_vec();
        bytes[at] = to;
        Frame::decode(sealed(&bytes))
    };
    assert_eq!(changed(0, b'X'), Err(Malformed::Version));
    assert_eq!(changed(3, 99), Err(Malformed::Version));
    assert_eq!(changed(SUMMED_FROM, 99), Err(Malformed::Tag(99)));
    let longer = [&frame[..], b"!"].concat();
    assert_eq!(Frame::decode(sealed(&longer)), Err(Malformed::Long));
    let huge = Bytes::from(vec![0; super::MAX_FRAME_BYTES + 1]);
    assert!(matches!(Frame::decode(huge), Err(Malformed::Oversized(_))));
}

#[test]
fn rejects_a_liveness_that_no_deadline_survives() {
    for liveness in [Duration::ZERO, Duration::MAX] {
        let frame = Frame::Open {
            scan: SCAN,
            protocol: Version { major: 1, minor: 2 },
            liveness,
            lease_term: Duration::from_secs(1),
        };
        let decoded = Frame::decode(frame.encode().freeze());
        assert_eq!(decoded, Err(Malformed::Range));
    }
}
