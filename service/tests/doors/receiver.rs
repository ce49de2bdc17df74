//! A real receiver of letters, which behaves as it is told to.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// What it does with the next request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers: status, headers, body.
    Answer(u16, &'static str, String),
    /// Hangs up at once.
    HangUp,
    /// Says nothing, until the other side hangs up.
    Silence,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, "", String::new())
    }
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) at: Instant,
    head: String,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(header, _)| header.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Debug, Default)]
struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    requests: Mutex<Vec<Request>>,
    came: Condvar,
}

/// It, listening until the process ends.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Gives these replies in turn, then 204.
    pub(crate) fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        shared.replies.lock().extend(replies);
        let theirs = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.unwrap(), Arc::clone(&theirs));
                std::thread::spawn(move || serve(&stream, &shared));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().clone()
    }

    /// Waits until so many requests came.
    #[track_caller]
    pub(crate) fn await_requests(&self, n: usize) -> Vec<Request> {
        let late = Instant::now() + Duration::from_secs(60);
        let mut requests = self.shared.requests.lock();
        while requests.len() < n {
            let waited = self.shared.came.wait_until(&mut requests, late);
            assert!(!waited.timed_out(), "only {} requests", requests.len());
        }
        requests.clone()
    }
}

/// Reads requests of one connection. It ends with the connection.
fn serve(stream: &TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let reply = shared.replies.lock().pop_front();
        shared.requests.lock().push(request);
        shared.came.notify_all();
        match reply.unwrap_or(Reply::status(204)) {
            Reply::Answer(status, headers, body) => {
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {status} So\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
                );
                if (&*stream).write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
            Reply::HangUp => return,
            Reply::Silence => {
                let _over = reader.read(&mut [0]);
                return;
            }
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let at = Instant::now();
    let request = Request {
        at,
        head,
        body: String::new(),
    };
    let length: usize = request.header("Content-Length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    Some(Request { body, ..request })
}
