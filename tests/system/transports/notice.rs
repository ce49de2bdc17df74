//! A cloud takes a machine back: its worker hears of it in time, and nothing is lost.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use libtest_mimic::Failed;

use super::remote::{Scan, Subject, Worker, skyscan};
use super::same;

/// A metadata service that answers as Google's does; returns its address.
fn metadata(is_preempted: Arc<AtomicBool>) -> Result<String, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let Ok(reading) = stream.try_clone() else {
                return;
            };
            let mut lines = BufReader::new(reading).lines().map_while(Result::ok);
            let request = lines.next().unwrap_or_default();
            // A request has been sent once it has been read to its empty line.
            let _headers = lines.take_while(|line| !line.is_empty()).count();
            let is_known = request.contains("/computeMetadata/v1/instance/preempted");
            let (status, body) = match (is_known, is_preempted.load(Ordering::Relaxed)) {
                (false, _) => ("404 Not Found", ""),
                (true, false) => ("200 OK", "FALSE"),
                (true, true) => ("200 OK", "TRUE"),
            };
            let length = body.len();
            // Whoever asked may be gone.
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    Ok(address)
}

/// Killed when dropped.
struct Doomed(Child);

impl Drop for Doomed {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The only worker leaves with its notice; what it gave back is done by the next one, and what it had begun
/// by itself: the one lease without a result is the one that waited.
pub(crate) fn heard_in_time(url: &str) -> Result<(), Failed> {
    let is_preempted = Arc::new(AtomicBool::new(false));
    let address = metadata(Arc::clone(&is_preempted))?;
    let mut scan = Scan::start(Subject::Demo, url)?;
    let mut doomed = Doomed(
        skyscan()
            .args(["worker", "--slots", "1", "--transport", url])
            .args(["--notice", "auto", "--notice-address", &address])
            .stderr(Stdio::piped())
            .spawn()?,
    );
    scan.wait_for_round("nside 8")?;
    is_preempted.store(true, Ordering::Relaxed);
    let told = doomed.0.stderr.take().ok_or("it is piped")?;
    let told: Vec<String> = BufReader::new(told).lines().map_while(Result::ok).collect();
    let status = doomed.0.wait()?;
    if !status.success()
        || !told
            .iter()
            .any(|line| line.contains("the machine goes in 25 s"))
    {
        return Err(format!("it left with {status}: {told:#?}").into());
    }
    let next = Worker::start(url)?;
    let scanned = scan.finish()?;
    next.leave()?;
    if scanned.n_lost > 1 {
        return Err(format!("{} leases came to nothing", scanned.n_lost).into());
    }
    same(&scanned, &Subject::Demo.map_in_memory()?)
}
