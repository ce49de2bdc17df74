use bytes::Bytes;
use skyscan_transport::{
    LeaseToken, LinkId, PayloadId, Priority, ScanId, TaskId, TaskKey, Version, WorkerId,
    backend::{Grant, LeaseTable, body_checksum},
};

use super::{HEADER_BYTES, LinkUp, Malformed, Reader, ToHub, ToLinks, Writer};

const VERSION: Version = Version { major: 2, minor: 7 };

fn to_hub() -> (Vec<u8>, Vec<ToHub>) {
    let mut writer = Writer::default();
    let up = LinkUp {
        number: 3,
        link: LinkId(u64::MAX),
        protocol: VERSION,
        worker: WorkerId([5; 16]),
        credit: 64,
        draining: true,
        hello: Bytes::from_static(b"hello"),
    };
    let token = LeaseToken(1 << 40);
    writer.hello(&[9; 16]);
    writer.link_up(&up);
    writer.drain(1);
    writer.link_down(2, true);
    writer.completed(1, token, None, 17, b"result");
    writer.rejected(1, token, Some(WorkerId([6; 16])), 18, "reason");
    writer.released(1, token);
    writer.renew(1, token);
    writer.ask(5);
    writer.abandoned(1, token);
    writer.fetch(ScanId(4), PayloadId([7; 32]), 1 << 33, 12);
    writer.beat_to_hub();
    writer.goodbye();
    writer.arrived(23);
    let records = vec![
        ToHub::Hello { process: [9; 16] },
        ToHub::LinkUp(up),
        ToHub::Drain { number: 1 },
        ToHub::LinkDown {
            number: 2,
            closed: true,
        },
        ToHub::Completed {
            number: 1,
            token,
            worker: None,
            sum: 17,
            result: Bytes::from_static(b"result"),
        },
        ToHub::Rejected {
            number: 1,
            token,
            worker: Some(WorkerId([6; 16])),
            sum: 18,
            reason: "reason".to_owned(),
        },
        ToHub::Released { number: 1, token },
        ToHub::Renew { number: 1, token },
        ToHub::Ask { batch: 5 },
        ToHub::Abandoned { number: 1, token },
        ToHub::Fetch {
            scan: ScanId(4),
            payload: PayloadId([7; 32]),
            offset: 1 << 33,
            length: 12,
        },
        ToHub::Beat,
        ToHub::Goodbye,
        ToHub::Arrived { proof: 23 },
    ];
    (writer.seal(77).to_vec(), records)
}

fn to_links() -> (Vec<u8>, Vec<ToLinks>) {
    let mut writer = Writer::default();
    let (scan, task, token) = (ScanId(1), TaskId(2), LeaseToken(3));
    writer.terms(1000);
    writer.hub_up(scan, VERSION, Priority::URGENT, 60_000, b"welcome");
    writer.hub_down(scan);
    let avoid = vec![WorkerId([1; 16]), WorkerId([2; 16])];
    let grant = Grant {
        link: LeaseTable::new(0).add_link(WorkerId([0; 16]), 1),
        token,
        key: TaskKey { scan, task },
        attempt: 5,
        is_again: true,
        body: Bytes::from_static(b"body"),
        avoid: avoid.clone(),
    };
    writer.lease(4, &grant);
    writer.answer(6, &[1, 2, 3]);
    writer.notice(scan, b"");
    writer.chunk(scan, PayloadId([8; 32]), 100, 50, 24, b"chunk");
    writer.link_gone(9);
    writer.beat_to_links();
    writer.reset();
    let records = vec![
        ToLinks::Terms { liveness_ms: 1000 },
        ToLinks::HubUp {
            scan,
            protocol: VERSION,
            priority: Priority::URGENT,
            lease_term_ms: 60_000,
            welcome: Bytes::from_static(b"welcome"),
        },
        ToLinks::HubDown { scan },
        ToLinks::Lease {
            number: 4,
            token,
            scan,
            task,
            attempt: 5,
            avoid: avoid.clone(),
            sum: body_checksum(TaskKey { scan, task }, 5, b"body"),
            body: Bytes::from_static(b"body"),
        },
        ToLinks::Answer {
            batch: 6,
            lost: vec![1, 2, 3],
        },
        ToLinks::Notice {
            scan,
            body: Bytes::new(),
        },
        ToLinks::Chunk {
            scan,
            payload: PayloadId([8; 32]),
            total: 100,
            offset: 50,
            proof: 24,
            bytes: Bytes::from_static(b"chunk"),
        },
        ToLinks::LinkGone { number: 9 },
        ToLinks::Beat,
        ToLinks::Reset,
    ];
    (writer.seal(78).to_vec(), records)
}

fn read_to_hub(frame: Vec<u8>) -> Result<(u32, Vec<ToHub>), Malformed> {
    let (sequence, mut reader) = Reader::open(frame.into())?;
    let mut records = Vec::new();
    while let Some(record) = reader.next_to_hub()? {
        records.push(record);
    }
    Ok((sequence, records))
}

fn read_to_links(frame: Vec<u8>) -> Result<(u32, Vec<ToLinks>), Malformed> {
    let (sequence, mut reader) = Reader::open(frame.into())?;
    let mut records = Vec::new();
    while let Some(record) = reader.next_to_links()? {
        records.push(record);
    }
    Ok((sequence, records))
}

#[test]
fn every_record_comes_back_as_it_was_written() {
    let (frame, records) = to_hub();
    assert_eq!(read_to_hub(frame), Ok((77, records)));
    let (frame, records) = to_links();
    assert_eq!(read_to_links(frame), Ok((78, records)));
}

/// The records of a frame under a header of their own: what a peer may mean to say.
fn sealed(records: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.append(records);
    writer.seal(0).to_vec()
}

/// Whoever changes them raises `WIRE_VERSION`.
#[test]
fn frames_keep_their_bytes() -> Result<(), String> {
    skyscan_golden::compare(&[
        ("zeromq-to-hub", &to_hub().0),
        ("zeromq-to-links", &to_links().0),
    ])
}

#[test]
fn a_truncated_frame_yields_fewer_records_or_an_error() {
    let (frame, records) = to_hub();
    for cut in HEADER_BYTES..frame.len() {
        if let Ok((_, read)) = read_to_hub(sealed(&frame[HEADER_BYTES..cut])) {
            assert!(
                read.len() < records.len() && records.starts_with(&read),
                "cut at {cut}"
            );
        }
        assert_eq!(read_to_hub(frame[..cut].to_vec()), Err(Malformed::Damaged));
    }
    let (frame, records) = to_links();
    for cut in HEADER_BYTES..frame.len() {
        if let Ok((_, read)) = read_to_links(sealed(&frame[HEADER_BYTES..cut])) {
            assert!(
                read.len() < records.len() && records.starts_with(&read),
                "cut at {cut}"
            );
        }
    }
    assert_eq!(read_to_links(Vec::new()), Err(Malformed::Truncated));
}

#[test]
fn any_flipped_byte_is_read_or_refused_without_panic() {
    let (hub_frame, _) = to_hub();
    let (links_frame, _) = to_links();
    let mut n_refused = 0;
    for flip in 1..=255_u8 {
        for at in HEADER_BYTES..hub_frame.len() {
            let mut frame = hub_frame.clone();
            frame[at] ^= flip;
            n_refused += usize::from(read_to_hub(sealed(&frame[HEADER_BYTES..])).is_err());
        }
        for at in HEADER_BYTES..links_frame.len() {
            let mut frame = links_frame.clone();
            frame[at] ^= flip;
            n_refused += usize::from(read_to_links(sealed(&frame[HEADER_BYTES..])).is_err());
        }
    }
    assert!(n_refused > 10_000, "only {n_refused} were refused");
}

#[test]
fn no_flipped_bit_is_ever_read() {
    let (hub_frame, _) = to_hub();
    for bit in 0..hub_frame.len() * 8 {
        let mut frame = hub_frame.clone();
        frame[bit / 8] ^= 1 << (bit % 8);
        let refused = read_to_hub(frame).expect_err("a damaged frame was read");
        assert!(
            matches!(refused, Malformed::Damaged) || bit < 8,
            "{refused}"
        );
    }
}

#[test]
fn refuses_another_wire_version_and_lying_lengths() {
    let (mut frame, _) = to_hub();
    frame[0] = 9;
    assert_eq!(read_to_hub(frame), Err(Malformed::Version(9)));
    let mut writer = Writer::default();
    writer.append(&[37, 0, 0, 0, 0, 255, 255, 255, 255]);
    assert_eq!(
        read_to_links(writer.seal(0).to_vec()),
        Err(Malformed::Truncated)
    );
    let mut writer = Writer::default();
    writer.append(&[38, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
    let refused = read_to_links(writer.seal(0).to_vec());
    assert_eq!(refused, Err(Malformed::Oversized(u32::MAX as usize)));
}
