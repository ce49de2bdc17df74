//! The only way to stderr: what is told goes through a queue to a thread that writes it. So whoever
//! reads slowly, reads no more or has no room left holds up nothing and ends nothing.
//!
//! Decision: Stderr has one owner (`docs/decisions.md`).

mod terminal;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use indicatif::MultiProgress;

pub(super) use terminal::{Terminal, columns, is_coloured, is_drawn_on};

/// Pieces of text that may wait for the reader. What comes on top of them is dropped and counted.
const MOST_WAITING: usize = 8192;
/// How long the end of the program, or a result on stdout, waits for a reader who takes nothing.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often a full queue is looked at while the last words wait to get into it.
const LOOK_EVERY: Duration = Duration::from_millis(10);

static QUEUE: OnceLock<SyncSender<Piece>> = OnceLock::new();
static N_DROPPED: AtomicU64 = AtomicU64::new(0);
static N_WRITTEN: AtomicU64 = AtomicU64::new(0);
/// Nothing was read for as long as patience lasts: nobody is waited for until something is.
static IS_STUCK: AtomicBool = AtomicBool::new(false);

enum Piece {
    Text(Vec<u8>),
    /// Answered when everything before it was written.
    Mark(SyncSender<()>),
}

/// Lines are JSON objects, for those who collect logs.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// Has everything told as JSON from here on.
pub(super) fn tell_json() {
    IS_JSON.store(true, Ordering::Relaxed);
}

/// Whether it is.
pub(super) fn is_json() -> bool {
    IS_JSON.load(Ordering::Relaxed)
}

/// Tells a line, `skyscan: ` before it.
pub(super) fn tell(line: &str) {
    match is_json() {
        true => tracing::info!(target: TOLD, "{line}"),
        false => write_line(&format!("skyscan: {line}")),
    }
}

/// Tells lines that need no name before them, such as a table.
pub(super) fn told_lines(lines: &str) {
    match is_json() {
        true => lines
            .lines()
            .for_each(|line| tracing::info!(target: TOLD, "{line}")),
        false => write_line(lines),
    }
}

/// Where in the log stands what is told to everybody, whatever `SKYSCAN_LOG` asks for.
pub(super) const TOLD: &str = "skyscan::told";

/// Tells a line as it is, above what is drawn.
pub(super) fn write_line(line: &str) {
    let drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match drawn {
        Some(drawn) if drawn.println(line).is_ok() => {}
        _ => put(format!("{line}\n").into_bytes()),
    }
}

/// Lines at the bottom of the terminal that are drawn again and again.
static DRAWN: Mutex<Option<MultiProgress>> = Mutex::new(None);

/// Has everything told stand above these lines, until there are none.
pub(super) fn tell_above(lines: Option<MultiProgress>) {
    *DRAWN.lock().unwrap_or_else(PoisonError::into_inner) = lines;
}

/// Waits until everything told so far is written, as long as somebody reads on.
pub(super) fn flush() {
    let Some(queue) = QUEUE.get() else { return };
    if IS_STUCK.load(Ordering::Relaxed) {
        return;
    }
    let (mark, reached) = sync_channel(1);
    let mut begun = Instant::now();
    let mut n_written = N_WRITTEN.load(Ordering::Relaxed);
    let mut unsent = Some(Piece::Mark(mark));
    loop {
        if let Some(piece) = unsent.take() {
            match queue.try_send(piece) {
                Err(TrySendError::Full(piece)) => unsent = Some(piece),
                Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            }
        }
        let wait = if unsent.is_some() {
            LOOK_EVERY
        } else {
            PATIENCE
        };
        match reached.recv_timeout(wait) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let now_written = N_WRITTEN.load(Ordering::Relaxed);
        if now_written != n_written {
            (begun, n_written) = (Instant::now(), now_written);
        } else if begun.elapsed() >= PATIENCE {
            IS_STUCK.store(true, Ordering::Relaxed);
            return;
        }
    }
}

/// What logs are written to.
#[derive(Debug)]
pub(super) struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A whole event at once.
        write_line(String::from_utf8_lossy(bytes).trim_end_matches('\n'));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Has panics told this way, too: the standard library would wait for the reader.
pub(super) fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("without a name");
        // Not above what is drawn: whoever draws may be the one who panics.
        put(format!("skyscan: thread {name} {panic}\n").into_bytes());
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            put(format!("{trace}\n").into_bytes());
        }
        // It may be the last word of this process.
        flush();
    }));
}

fn put(text: Vec<u8>) {
    let queue = QUEUE.get_or_init(start);
    match queue.try_send(Piece::Text(text)) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => {
            N_DROPPED.fetch_add(1, Ordering::Relaxed);
        }
        // The system gave no thread.
        Err(TrySendError::Disconnected(piece)) => write(piece),
    }
}

fn start() -> SyncSender<Piece> {
    let (queue, pieces) = sync_channel(MOST_WAITING);
    // Without a thread the receiver is gone, and what is told is written at once.
    let _unstarted = std::thread::Builder::new()
        .name("stderr".to_owned())
        .spawn(move || write_all(&pieces));
    queue
}

fn write_all(pieces: &Receiver<Piece>) {
    for piece in pieces {
        let n_dropped = N_DROPPED.swap(0, Ordering::Relaxed);
        if n_dropped > 0 {
            let gap = format!("skyscan: {n_dropped} messages are missing here: nobody read them\n");
            write(Piece::Text(gap.into_bytes()));
        }
        write(piece);
    }
}

fn write(piece: Piece) {
    match piece {
        Piece::Text(text) => {
            // Nobody is there, or there is no room: there is no one left to tell that.
            let _untold = io::stderr().lock().write_all(&text);
            N_WRITTEN.fetch_add(1, Ordering::Relaxed);
            IS_STUCK.store(false, Ordering::Relaxed);
        }
        Piece::Mark(reached) => {
            // Whoever waited for it may have lost patience.
            let _late = reached.try_send(());
        }
    }
}
