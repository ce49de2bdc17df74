use skyscan_transport_keys::KeyPair;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

/// Both ends of a session over a wire that is in memory, and the wire's two ends.
async fn joined() -> (
    (Sealer, Opener, DuplexStream),
    (Sealer, Opener, DuplexStream),
) {
    let (scanner, worker) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (mut near, mut far) = duplex(1 << 20);
    let asking = ask(&mut near, &worker.secret, scanner.public, b"please");
    let answering = async {
        let caller = listen(&mut far, &scanner.secret).await.unwrap();
        assert_eq!(caller.peer, worker.public);
        assert_eq!(caller.request.as_slice(), b"please");
        caller.answer(&mut far, &Answer::LetIn).await.unwrap()
    };
    let (asked, answered) = tokio::join!(asking, answering);
    let ((sealer, opener), (far_sealer, far_opener)) = (asked.unwrap(), answered);
    ((sealer, opener, near), (far_sealer, far_opener, far))
}

#[tokio::test]
async fn bytes_come_out_as_they_went_in_over_many_keys() {
    let ((sealer, _, mut near), (_, opener, mut far)) = joined().await;
    let sent: Vec<u8> = (0..30_000_000u32).map(|i| (i % 251) as u8).collect();
    // Small reads make many pieces: more than one key's worth.
    let (mut feed, mut fed) = duplex(2000);
    let feeding = async {
        feed.write_all(&sent).await.unwrap();
        drop(feed);
    };
    let (mut taken, mut taking) = duplex(1 << 16);
    let mut received = Vec::new();
    let (_, sent_all, received_all, _) = tokio::join!(
        feeding,
        sealer.send_all(&mut fed, &mut near),
        async { opener.receive_all(&mut far, &mut taking).await },
        async { taken.read_to_end(&mut received).await.unwrap() }
    );
    sent_all.unwrap();
    received_all.unwrap();
    assert!(
        sent.len() as u64 / 2000 > 3 * PIECES_PER_KEY,
        "several keys"
    );
    assert!(received == sent);
}

#[tokio::test]
async fn what_is_changed_lost_repeated_reordered_or_cut_ends_the_session() {
    type Harm = fn(&mut Vec<Vec<u8>>);
    let harms: [(&str, Harm); 6] = [
        ("changed", |pieces| pieces[1][10] ^= 1),
        ("its length changed", |pieces| pieces[1][1] ^= 1),
        ("lost", |pieces| drop(pieces.remove(1))),
        ("repeated", |pieces| pieces.insert(1, pieces[0].clone())),
        ("reordered", |pieces| pieces.swap(0, 1)),
        ("cut", |pieces| pieces.truncate(2)),
    ];
    for (name, harm) in harms {
        let ((mut sealer, _, near), (_, opener, far)) = joined().await;
        drop((near, far));
        let mut pieces: Vec<Vec<u8>> =
            [b"first piece..".as_slice(), b"second piece.", b"third", b""]
                .iter()
                .map(|plain| sealer.seal(plain).unwrap().to_vec())
                .collect();
        harm(&mut pieces);
        let wire = pieces.concat();
        let mut plain = Vec::new();
        let outcome = opener.receive_all(&mut wire.as_slice(), &mut plain).await;
        assert!(outcome.is_err(), "{name}");
        assert!(
            b"first piece..second piece.third".starts_with(&plain),
            "{name}: {plain:?}"
        );
    }
}

#[tokio::test]
async fn another_key_than_the_pinned_one_is_not_spoken_to() {
    let (scanner, stranger, worker) = (
        KeyPair::generate().unwrap(),
        KeyPair::generate().unwrap(),
        KeyPair::generate().unwrap(),
    );
    let (mut near, mut far) = duplex(4096);
    let answering = async move {
        let refused = listen(&mut far, &stranger.secret).await;
        drop(far);
        refused.err().unwrap()
    };
    let (asked, refused) = tokio::join!(
        ask(&mut near, &worker.secret, scanner.public, b""),
        answering
    );
    assert!(matches!(refused, SealError::Broken(_)));
    assert!(matches!(asked.err().unwrap(), SealError::HungUp));
}

#[tokio::test]
async fn a_reason_reaches_who_is_refused() {
    let (scanner, worker) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (mut near, mut far) = duplex(4096);
    let answering = async {
        let caller = listen(&mut far, &scanner.secret).await.unwrap();
        caller
            .answer(&mut far, &Answer::Refused("not today".repeat(100)))
            .await
            .unwrap();
    };
    let (asked, ()) = tokio::join!(
        ask(&mut near, &worker.secret, scanner.public, b""),
        answering
    );
    assert!(
        matches!(asked.err().unwrap(), SealError::Refused(reason) if reason.starts_with("not today"))
    );
}

#[tokio::test]
async fn a_recorded_session_is_not_believed() {
    let (scanner, worker) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    // What went from the worker to the scanner, byte by byte, by way of somebody who writes it down.
    let (mut near, mut from_worker) = duplex(1 << 16);
    let (mut to_scanner, mut far) = duplex(1 << 16);
    let recording = async {
        let mut taken = vec![0; 1 << 16];
        let mut record = Vec::new();
        // The greeting, its answer, the request.
        for _ in 0..2 {
            let n = from_worker.read(&mut taken).await.unwrap();
            record.push(taken[..n].to_vec());
            to_scanner.write_all(&taken[..n]).await.unwrap();
            let n = to_scanner.read(&mut taken).await.unwrap();
            from_worker.write_all(&taken[..n]).await.unwrap();
        }
        record.concat()
    };
    let answering = async {
        let caller = listen(&mut far, &scanner.secret).await.unwrap();
        assert_eq!(caller.peer, worker.public);
        caller
            .answer(&mut far, &Answer::LetIn)
            .await
            .map(drop)
            .unwrap();
    };
    let asking = async {
        ask(&mut near, &worker.secret, scanner.public, b"token")
            .await
            .map(drop)
            .unwrap()
    };
    let (record, (), ()) = tokio::join!(recording, answering, asking);
    // The greeting is answered, as it must be; what follows it does not fit to that answer.
    let (mut replayed, mut far) = duplex(1 << 16);
    replayed.write_all(&record).await.unwrap();
    let believed = listen(&mut far, &scanner.secret).await;
    assert!(matches!(believed.err().unwrap(), SealError::Broken(_)));
}

#[tokio::test]
async fn a_stranger_makes_us_hold_a_kilobyte_at_most() {
    let scanner = KeyPair::generate().unwrap();
    let heard = async |bytes: &[u8]| {
        let (mut near, mut far) = duplex(1 << 20);
        near.write_all(bytes).await.unwrap();
        drop(near);
        listen(&mut far, &scanner.secret).await.map(drop)
    };
    for garbage in [
        vec![0xff; 70_000],
        vec![4, 1],
        vec![0, 0],
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
    ] {
        assert!(heard(&garbage).await.is_err(), "{:?}", &garbage[..2]);
    }
    let long = heard(&[0xff, 0xff, 0]).await;
    assert!(matches!(long.err().unwrap(), SealError::TooLong(65_535)));
    // Who has zmq:// for zmqs:// greets like this.
    let plain = heard(&[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f]).await;
    assert!(matches!(plain.err().unwrap(), SealError::Plain));
}
