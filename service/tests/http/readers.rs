//! A thousand people watch one scan, a hundred of them over lines that take next to nothing.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::place::{Place, admin_token, config};

const READERS: usize = 1000;
const SLOW: usize = 100;
/// How long the scan takes by itself.
const SECONDS: f64 = 6.0;

/// Connects, with little room for what was not read.
fn connect(port: u16) -> std::net::TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    socket.connect(&address.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket.into()
}

/// What a reader has seen.
#[derive(Debug, Default)]
struct Seen {
    n_contours: usize,
    /// The last event.
    last: String,
}

/// Watches the scan to its end, but reads nothing before it may.
async fn read(
    stream: std::net::TcpStream,
    request: String,
    mut may: watch::Receiver<bool>,
) -> Seen {
    let mut stream = TcpStream::from_std(stream).unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    may.wait_for(|may| *may).await.unwrap();
    let mut seen = Seen::default();
    let mut words = Vec::with_capacity(16 << 10);
    loop {
        match stream.read_buf(&mut words).await {
            Ok(0) => return seen,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return seen,
            Err(error) => panic!("{error}"),
        }
        while let Some(end) = words.windows(2).position(|end| end == b"\n\n") {
            let event: Vec<u8> = words.drain(..end + 2).collect();
            seen.last = String::from_utf8(event).unwrap();
            seen.n_contours += usize::from(seen.last.contains("event: contour"));
        }
    }
}

fn resident_bytes() -> usize {
    let words = fs::read_to_string("/proc/self/statm").unwrap();
    words.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn slow_readers_hold_up_nobody_and_nothing() {
    rlimit::increase_nofile_limit(8192).unwrap();
    let data = tempfile::tempdir().unwrap();
    let place = Place::open(config(data.path()));
    let id = place
        .admin
        .submit_named(&json!({"event_id": 1, "seconds": SECONDS, "is_chatty": true}));
    let request = format!(
        "GET /api/v1/scans/{id}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        admin_token(data.path())
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let before = resident_bytes();
    let since = Instant::now();
    let (may, _) = watch::channel(true);
    let (may_at_last, _) = watch::channel(false);
    let (quick, slow, took, grown) = runtime.block_on(async {
        let mut quick = JoinSet::new();
        let mut slow = JoinSet::new();
        for number in 0..READERS {
            let stream = connect(place.port);
            match number % (READERS / SLOW) {
                0 => slow.spawn(read(stream, request.clone(), may_at_last.subscribe())),
                _ => quick.spawn(read(stream, request.clone(), may.subscribe())),
            };
            tokio::task::yield_now().await;
        }
        // As soon as anybody has heard the end: whoever takes nothing for 30 s is hung up on, and all that
        // a thousand are told may take a busy machine longer.
        let first = quick.join_next().await.unwrap().unwrap();
        let (took, grown) = (since.elapsed(), resident_bytes().saturating_sub(before));
        may_at_last.send_replace(true);
        let mut heard = quick.join_all().await;
        heard.push(first);
        (heard, slow.join_all().await, took, grown)
    });
    assert_eq!((quick.len(), slow.len()), (READERS - SLOW, SLOW));
    for seen in quick.iter().chain(&slow) {
        assert!(
            seen.last.contains("\"state\":\"done\""),
            "{seen:?}, the first after {took:?}"
        );
    }
    let most = |seen: &[Seen]| seen.iter().map(|seen| seen.n_contours).max().unwrap();
    let (most, most_late) = (most(&quick), most(&slow));
    eprintln!(
        "{took:?} for a scan of {SECONDS} s, {} MB, {most} contours seen, {most_late} by the slow",
        grown / 1_000_000
    );
    // Whoever was slow has the last, and not all.
    assert!(most_late < most, "{most_late} of {most}");
    assert!(grown < 200_000_000, "{grown} bytes");
    // The machine may be busy; held up by those who do not read it would have been 30 s.
    assert!(took < Duration::from_secs_f64(SECONDS + 20.0), "{took:?}");
}
