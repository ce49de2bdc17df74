//! The service is killed again and again while many submit: what was answered is there and ends.

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::ask::{Asker, PATIENCE};
use crate::place::admin_token;

const ALERTS: usize = 200;
const SUBMITTERS: usize = 20;
const KILLS: usize = 5;

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        // SIGKILL; it may be gone already.
        let _gone = self.0.kill();
        self.0.wait().unwrap();
    }
}

/// The example, which is built beside the tests.
fn example() -> PathBuf {
    let here = env::current_exe().unwrap();
    let example = here.ancestors().nth(2).unwrap().join("examples/fake");
    assert!(
        example.is_file(),
        "cargo build -p skyscan-service --example fake"
    );
    example
}

/// Serves, and returns when it answers.
fn serve(data: &Path, port: u16) -> Served {
    let mut child = Command::new(example())
        .arg(data)
        .args([&port.to_string(), "0.2", "16"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = child.stdout.take().unwrap();
    let served = Served(child);
    let mut line = String::new();
    BufReader::new(said).read_line(&mut line).unwrap();
    assert!(line.starts_with("http://"), "{line:?}");
    served
}

/// Whether the service is there again.
#[derive(Default)]
struct Back {
    n_starts: Mutex<usize>,
    changed: Condvar,
}

impl Back {
    fn tell(&self) {
        *self.n_starts.lock().unwrap() += 1;
        self.changed.notify_all();
    }

    /// Waits for the next start, or a moment: it may have come before.
    fn wait(&self) {
        let n_starts = self.n_starts.lock().unwrap();
        let moment = Duration::from_millis(50);
        drop(self.changed.wait_timeout(n_starts, moment).unwrap());
    }
}

/// Submits until it is answered, whoever is killed meanwhile.
fn submit(asker: &Asker, number: usize, back: &Back) -> String {
    let event = json!({"run_id": 1, "event_id": number}).to_string();
    let since = Instant::now();
    loop {
        match asker.form(&[("event", event.as_bytes())]) {
            Ok(answer) if answer.status < 300 => {
                let id = answer.json()["id"].as_str().map(str::to_owned);
                return id.unwrap();
            }
            Ok(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
            Err(_cut) => {}
        }
        assert!(since.elapsed() < PATIENCE, "alert {number} was not taken");
        back.wait();
    }
}

/// Numbers that look random: splitmix64.
fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn what_was_answered_outlives_every_kill() {
    let seed = env::var("SKYSCAN_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let mut seed: u64 = seed.unwrap_or_else(|| std::process::id().into());
    eprintln!("SKYSCAN_SEED={seed}");
    let data = tempfile::tempdir().unwrap();
    let port = skyscan_free_ports::free_port().unwrap();
    let mut served = Some(serve(data.path(), port));
    let back = Back::default();
    let asker = Asker::new(port, &admin_token(data.path()));
    let next = AtomicUsize::new(0);
    let (answer, answered) = channel();
    let mut ids = BTreeSet::new();
    std::thread::scope(|scope| {
        for _ in 0..SUBMITTERS {
            let (asker, answer, next, back) = (&asker, answer.clone(), &next, &back);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= ALERTS {
                        break;
                    }
                    answer.send(submit(asker, number, back)).unwrap();
                }
            });
        }
        drop(answer);
        let mut n_kills = 0;
        let mut kill_at = Instant::now() + Duration::from_millis(20 + draw(&mut seed) % 200);
        loop {
            let left = kill_at.saturating_duration_since(Instant::now());
            match answered.recv_timeout(left) {
                Ok(id) => assert!(ids.insert(id)),
                Err(RecvTimeoutError::Disconnected) if n_kills >= KILLS => break,
                // All of them came in before: what remains is killed as it scans.
                Err(_over) => {
                    drop(served.take());
                    n_kills += 1;
                    served = Some(serve(data.path(), port));
                    back.tell();
                    kill_at = match n_kills < KILLS {
                        true => Instant::now() + Duration::from_millis(20 + draw(&mut seed) % 200),
                        false => Instant::now() + 10 * PATIENCE,
                    };
                }
            }
        }
    });
    assert_eq!(ids.len(), ALERTS);
    for id in &ids {
        let standing = asker.wait(id);
        assert_eq!(standing["scan"]["state"], "done", "{standing}");
    }
    let listed = asker.get("scans?limit=500").good();
    let listed: BTreeSet<String> = listed["scans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scan| scan["id"].as_str().map(str::to_owned).unwrap())
        .collect();
    assert_eq!(listed, ids);
    let result = asker
        .get(&format!("scans/{}/result", ids.first().unwrap()))
        .good();
    assert_ne!(result, Value::Null);
    drop(served);
}
