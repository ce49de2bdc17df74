//! An engine that plays scans instead of making them: rounds, contours, maps, hits and workers as
//! they could be, and a journal that it goes on from. An event is JSON, `{"run_id": 1, "event_id":
//! 2}`; `seconds` in it says how long its scan takes, `fail` why it fails. Other bytes are an
//! event, too, unless they begin with `broken`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use skyscan_service::Engine;
use skyscan_service::engine::{Listener, Order, Reading, Refused, Running};
use skyscan_service::scan::{
    Contour, Ended, EventName, Fleet, Map, Progress, Round, State, Traffic, WorkerRow,
};
use skyscan_service::settings::{Priority, Settings};

use super::sky::Sky;

/// Between two steps of a scan.
const STEP: Duration = Duration::from_millis(100);
const JOURNAL: &str = "fake.journal";
const WORKERS: [(&str, u32); 5] = [
    ("farm-01", 16),
    ("farm-02", 16),
    ("farm-03", 32),
    ("desk-of-anna", 4),
    ("spot-7f3a", 8),
];

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Event {
    run_id: u32,
    event_id: u32,
    mjd: f64,
    seconds: Option<f64>,
    fail: Option<String>,
    /// Whether it says its contour at every step.
    is_chatty: bool,
}

impl Default for Event {
    fn default() -> Self {
        Self {
            run_id: 138_632,
            event_id: 0,
            mjd: 60_310.25,
            seconds: None,
            fail: None,
            is_chatty: false,
        }
    }
}

impl Event {
    fn of(bytes: &[u8]) -> Result<Self, Refused> {
        if bytes.is_empty() || bytes.starts_with(b"broken") {
            let words = "the file ends before its first frame: send it again whole";
            return Err(Refused::Event(words.to_owned()));
        }
        Ok(serde_json::from_slice(bytes).unwrap_or_else(|_| {
            let hash = Sha256::digest(bytes);
            let number = [hash[0], hash[1], hash[2], hash[3]];
            Self {
                event_id: u32::from_be_bytes(number) % 100_000_000,
                ..Self::default()
            }
        }))
    }

    fn seed(&self) -> u64 {
        let hash = Sha256::digest(format!("{}/{}", self.run_id, self.event_id));
        u64::from_be_bytes(hash[..8].try_into().unwrap_or_default())
    }
}

/// Plays scans.
#[derive(Debug)]
pub(crate) struct Fake {
    /// How long a scan takes whose event does not say so.
    seconds: f64,
    since: Instant,
    n_pixels: Arc<AtomicU64>,
}

impl Fake {
    pub(crate) fn new(seconds: f64) -> Self {
        Self {
            seconds,
            since: Instant::now(),
            n_pixels: Arc::default(),
        }
    }
}

impl Engine for Fake {
    fn read(&self, file: &Path, settings: &Settings) -> Result<Reading, Refused> {
        let bytes = fs::read(file).map_err(|error| Refused::Event(error.to_string()))?;
        let event = Event::of(&bytes)?;
        let recos = ["photon-mpe", "pandel-mpe", "segmented", "cascade"];
        if let Some(reco) = &settings.reco
            && !recos.contains(&reco.as_str())
        {
            let words = format!("there is no reconstruction {reco}: {}", recos.join(", "));
            return Err(Refused::Settings(words));
        }
        let asked = json!([
            event.run_id,
            event.event_id,
            event.mjd,
            event.seconds,
            event.fail,
            settings
        ]);
        let key = Sha256::digest(asked.to_string());
        let is_odd = bytes.windows(3).any(|bytes| bytes == b"odd");
        Ok(Reading {
            key: key.iter().map(|byte| format!("{byte:02x}")).collect(),
            warnings: match is_odd {
                true => vec!["it has <b>few</b> hits".to_owned()],
                false => Vec::new(),
            },
            hits: Sky::new(event.seed()).hits(),
            event: EventName {
                run_id: event.run_id,
                event_id: event.event_id,
                mjd: event.mjd,
                stream: "SYNTHETIC".to_owned(),
            },
        })
    }

    fn begin(&self, order: Order, listener: Arc<dyn Listener>) -> Box<dyn Running> {
        let bytes = fs::read(&order.event).unwrap_or_default();
        let event = Event::of(&bytes).unwrap_or_default();
        let sky = Sky::new(event.seed());
        let n_all = sky.n_pixels();
        let journal = order.folder.join(JOURNAL);
        let n_done = fs::read_to_string(&journal).ok();
        let n_done = n_done.and_then(|words| words.parse().ok()).unwrap_or(0);
        let seconds = event.seconds.unwrap_or(self.seconds);
        let steps = (seconds / STEP.as_secs_f64()).ceil().max(1.0);
        let play = Arc::new(Play {
            // As if others took workers away.
            slowness: if order.priority == Priority::Background {
                2
            } else {
                1
            },
            order,
            journal,
            event,
            sky,
            per_step: (n_all as f64 / steps).ceil() as usize,
            state: Mutex::new(PlayState {
                n_done,
                is_stopped: false,
            }),
            stopped: Condvar::new(),
            n_pixels: Arc::clone(&self.n_pixels),
        });
        let played = Arc::clone(&play);
        thread::spawn(move || {
            let ended = played.run(listener.as_ref());
            listener.ended(ended);
        });
        Box::new(Played(play))
    }

    fn fleet(&self) -> Fleet {
        let n_pixels = self.n_pixels.load(Ordering::Relaxed);
        let n_slots: u32 = WORKERS.iter().map(|(_, slots)| slots).sum();
        let row = |(name, slots): &(&str, u32)| WorkerRow {
            worker: (*name).to_owned(),
            slots: *slots,
            recos: vec!["photon-mpe".to_owned(), "pandel-mpe".to_owned()],
            build: "0.1.0 (fake)".to_owned(),
            since_s: self.since.elapsed().as_secs_f64(),
            n_results: n_pixels * u64::from(*slots) / u64::from(n_slots) / 8,
            put_aside: (*name == "spot-7f3a").then(|| "it failed at 3 tasks in a row".to_owned()),
        };
        Fleet {
            transport: "fake://nowhere".to_owned(),
            workers: WORKERS.iter().map(row).collect(),
            traffic: Traffic {
                messages_sent: n_pixels / 8,
                messages_received: n_pixels / 8 + 40,
                bytes_sent: n_pixels * 60,
                bytes_received: n_pixels * 95,
            },
        }
    }
}

/// A scan that is being played.
#[derive(Debug)]
struct Play {
    order: Order,
    journal: PathBuf,
    event: Event,
    sky: Sky,
    per_step: usize,
    slowness: u32,
    state: Mutex<PlayState>,
    stopped: Condvar,
    n_pixels: Arc<AtomicU64>,
}

#[derive(Debug)]
struct PlayState {
    n_done: usize,
    is_stopped: bool,
}

#[derive(Debug)]
struct Played(Arc<Play>);

impl Running for Played {
    fn stop(&self) {
        self.0.state().is_stopped = true;
        self.0.stopped.notify_all();
    }

    fn map(&self) -> Map {
        let n_done = self.0.state().n_done;
        self.0.sky.map(n_done)
    }
}

impl Play {
    fn state(&self) -> MutexGuard<'_, PlayState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, listener: &dyn Listener) -> Ended {
        let n_all = self.sky.n_pixels();
        let mut contour = self.sky.contour(self.state().n_done);
        if let Some(contour) = &contour {
            listener.contour(contour.clone());
        }
        loop {
            let mut state = self.state();
            if !state.is_stopped {
                let waited = self.stopped.wait_timeout(state, STEP * self.slowness);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            if state.is_stopped {
                drop(state);
                return self.ended(State::Incomplete, contour, "it was stopped");
            }
            let before = state.n_done;
            state.n_done = (before + self.per_step).min(n_all);
            let n_done = state.n_done;
            drop(state);
            self.n_pixels
                .fetch_add((n_done - before) as u64, Ordering::Relaxed);
            // A fake need not be safe on the disk.
            let _unkept = fs::write(&self.journal, n_done.to_string());
            listener.progress(self.progress(n_done));
            let now = self.sky.contour(n_done);
            if (now != contour || self.event.is_chatty)
                && let Some(now) = now
            {
                listener.contour(now.clone());
                contour = Some(now);
            }
            if let Some(why) = &self.event.fail
                && n_done > n_all / 2
            {
                return self.ended(State::Failed, None, why);
            }
            if n_done == n_all {
                return self.ended(State::Done, contour, "");
            }
        }
    }

    fn progress(&self, n_done: usize) -> Progress {
        let mut rounds = Vec::new();
        let mut left = n_done;
        for (nside, n_planned) in self.sky.rounds() {
            rounds.push(Round {
                nside,
                is_systematic: false,
                n_done: left.min(n_planned) as u64,
                n_planned: n_planned as u64,
            });
            if left < n_planned {
                break;
            }
            left -= n_planned;
        }
        let rate = self.per_step as f64 / (STEP * self.slowness).as_secs_f64();
        let n_left = rounds
            .last()
            .map_or(0, |round| round.n_planned - round.n_done);
        Progress {
            rounds,
            pixels_per_s: rate,
            n_out: (n_left as usize / 8).min(76),
            n_waiting: (n_left as usize).saturating_sub(76 * 8),
            n_slots: 76,
            seconds_left: Some(n_left as f64 / rate),
        }
    }

    fn ended(&self, state: State, contour: Option<Contour>, why: &str) -> Ended {
        let result = contour.as_ref().map(|contour| self.result(state, contour));
        if state == State::Done {
            let _unkept = fs::write(self.order.folder.join("sky.svg"), self.sky.picture());
            let _unkept = fs::write(self.order.folder.join("pixels.csv"), self.sky.table());
        }
        Ended {
            state,
            result,
            contour,
            error: (state == State::Failed).then(|| why.to_owned()),
        }
    }

    fn result(&self, state: State, contour: &Contour) -> Value {
        let regions = contour.regions.iter().map(|region| {
            json!({
                "containment": region.containment, "area_deg2": region.area_deg2, "is_closed": region.is_closed,
            })
        });
        json!({
            "event": {"run_id": self.event.run_id, "event_id": self.event.event_id, "mjd": self.event.mjd},
            "reco": self.order.settings.reco.as_deref().unwrap_or("photon-mpe"),
            "complete": state == State::Done,
            "best_fit": contour.best,
            "regions": regions.collect::<Vec<_>>(),
            "pixels": self.sky.n_pixels(),
            "quality": if self.sky.is_doubtful() { vec!["second_minimum"] } else { Vec::new() },
        })
    }
}
