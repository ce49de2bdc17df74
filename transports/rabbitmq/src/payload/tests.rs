use bytes::Bytes;
use skyscan_transport::{PayloadId, ScanId};
use tokio::time::{Duration, Instant};

use super::{CHUNK_BYTES, Fetched, Fetches, WINDOW};
use crate::{
    outbox::Outbox,
    wire::{Address, Frame, Scan},
};

const SCAN: Scan = Scan {
    id: ScanId(1),
    epoch: 2,
};
const FROM: Address = Address {
    process: 3,
    incarnation: 4,
};

fn asked(outbox: &mut Outbox) -> Vec<u64> {
    std::iter::from_fn(|| outbox.take_letter())
        .map(|letter| match letter.frame {
            Frame::Fetch { offset, .. } => offset,
            other => panic!("{other:?} asks for nothing"),
        })
        .collect()
}

fn part(whole: &Bytes, offset: u64) -> Bytes {
    let start = offset as usize;
    whole.slice(start..whole.len().min(start + CHUNK_BYTES))
}

#[test]
fn assembles_a_payload_with_a_bounded_window() {
    let (mut fetches, mut outbox, now) = (Fetches::default(), Outbox::default(), Instant::now());
    let whole = Bytes::from(vec![7; CHUNK_BYTES * 20 + 5]);
    let id = PayloadId::of(&whole);
    let mut fetched = fetches.join(SCAN, id, FROM, now, &mut outbox);
    let mut wanted = asked(&mut outbox);
    assert_eq!(wanted, [0]);
    let ended = loop {
        assert!(
            wanted.len() <= WINDOW as usize,
            "{} are on the way",
            wanted.len()
        );
        let offset = wanted.remove(0);
        let at = (offset, whole.len() as u64);
        let bytes = part(&whole, offset);
        if let Some(ended) = fetches.chunk((SCAN, id), at, &bytes, FROM, now, &mut outbox) {
            break ended;
        }
        wanted.extend(asked(&mut outbox));
    };
    assert_eq!(ended.whole(), Some(&whole));
    assert!(fetched.try_recv().is_err(), "told before it can be kept");
    ended.tell();
    assert!(matches!(fetched.try_recv(), Ok(Fetched::Whole(bytes)) if bytes == whole));
}

#[test]
fn refuses_a_payload_of_another_hash() {
    let (mut fetches, mut outbox, now) = (Fetches::default(), Outbox::default(), Instant::now());
    let id = PayloadId::of(b"what was promised");
    let mut fetched = fetches.join(SCAN, id, FROM, now, &mut outbox);
    let ended = fetches
        .chunk((SCAN, id), (0, 5), b"other", FROM, now, &mut outbox)
        .unwrap();
    assert_eq!(ended.whole(), None);
    ended.tell();
    assert!(matches!(fetched.try_recv(), Ok(Fetched::Damaged)));
}

#[test]
fn asks_again_for_what_does_not_come() {
    let (mut fetches, mut outbox, now) = (Fetches::default(), Outbox::default(), Instant::now());
    let id = PayloadId([0; 32]);
    let _fetched = fetches.join(SCAN, id, FROM, now, &mut outbox);
    assert_eq!(asked(&mut outbox), [0]);
    let liveness = |_| Some(Duration::from_secs(2));
    fetches.tick(
        now + Duration::from_millis(500),
        FROM,
        liveness,
        &mut outbox,
    );
    assert!(asked(&mut outbox).is_empty());
    fetches.tick(
        now + Duration::from_millis(1500),
        FROM,
        liveness,
        &mut outbox,
    );
    assert_eq!(asked(&mut outbox), [0]);
}

#[test]
fn gives_up_when_the_hub_has_gone() {
    let (mut fetches, mut outbox, now) = (Fetches::default(), Outbox::default(), Instant::now());
    let mut fetched = fetches.join(SCAN, PayloadId([0; 32]), FROM, now, &mut outbox);
    fetches.tick(now, FROM, |_| None, &mut outbox);
    assert!(matches!(fetched.try_recv(), Ok(Fetched::Absent(ScanId(1)))));
    assert!(fetches.is_empty());
}

#[test]
fn ignores_chunks_that_do_not_fit() {
    let (mut fetches, mut outbox, now) = (Fetches::default(), Outbox::default(), Instant::now());
    let id = PayloadId([0; 32]);
    let mut fetched = fetches.join(SCAN, id, FROM, now, &mut outbox);
    for (at, bytes) in [
        ((1, 9), &b"early"[..]),
        ((0, 2), b"too long"),
        ((0, u64::MAX), b"huge"),
    ] {
        let ended = fetches.chunk((SCAN, id), at, bytes, FROM, now, &mut outbox);
        assert!(ended.is_none());
    }
    assert!(fetched.try_recv().is_err() && !fetches.is_empty());
}
