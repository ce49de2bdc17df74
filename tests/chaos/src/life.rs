//! One scan, from its first process to its map, and what is done to it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::select_all;
use nix::sys::signal::Signal;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tokio::time::Instant;

use crate::Chaos;
use crate::clock;
use crate::disk::Disk;
use crate::fault::Fault;
use crate::part::{Part, Role};
use crate::place::{Broker, Carrier, Place, text};
use crate::schedule::{Due, Schedule};

/// Once nothing is wrong any more a scan ends within this time.
const PATIENCE: Duration = Duration::from_secs(180);
/// What left by itself is started again after this time.
const PAUSE: Duration = Duration::from_millis(300);
/// Clocks jump by so many hours, there or back.
const JUMPS_H: [i64; 4] = [-240, -1, 1, 240];
/// So often processes may leave by themselves.
const MOST_STARTS: u32 = 200;

/// What a map is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Map {
    sha256: String,
    is_complete: bool,
    pub(crate) n_pixels: u64,
}

impl Map {
    fn of(told: &[u8]) -> Result<Self> {
        let told: Value = serde_json::from_slice(told).context("a scan tells no JSON")?;
        let pixels = told["pixels"].as_object().context("no pixels")?;
        Ok(Self {
            sha256: told["map_sha256"].as_str().context("no hash")?.to_owned(),
            is_complete: told["complete"] == true,
            n_pixels: pixels.values().filter_map(Value::as_u64).sum(),
        })
    }
}

/// What became of a scan.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) carrier: Carrier,
    pub(crate) has_relay: bool,
    /// What was done, how often.
    pub(crate) faults: BTreeMap<Fault, u64>,
    /// Processes that left by themselves before the scan's end, and how.
    pub(crate) left: BTreeMap<(Role, String), u64>,
    pub(crate) n_pixels: u64,
    pub(crate) took: Duration,
    /// From the end of the last fault to the end of the scan.
    pub(crate) after: Duration,
    /// Which promise was broken.
    pub(crate) broken: Option<String>,
}

/// A scan to be lived.
pub(crate) struct Life<'a> {
    chaos: &'a Chaos,
    seed: u64,
    plan: &'a [&'a str],
    broker: Option<&'a mut Broker>,
}

impl Chaos {
    /// The map of a scan that nobody disturbs.
    pub(crate) async fn in_peace(&self, plan: &[&str]) -> Result<Map> {
        let folder = tempfile::tempdir()?;
        let mut scan = tokio::process::Command::new(&self.program);
        let output = scan
            .args(begins(&self.event, plan, folder.path()))
            .args(["--workers", "2"])
            .output()
            .await
            .with_context(|| format!("failed to run {:?}", self.program))?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {told}", output.status);
        Map::of(&output.stdout)
    }
}

fn begins(event: &Path, plan: &[&str], out: &Path) -> Vec<String> {
    let mut arguments = vec!["scan".to_owned(), text(event)];
    arguments.extend(plan.iter().map(|&word| word.to_owned()));
    let (out, chunk) = (text(out), "4".to_owned());
    let kept = ["--out", &out, "--chunk", &chunk, "--format", "json"];
    arguments.extend(kept.map(str::to_owned));
    arguments
}

impl<'a> Life<'a> {
    pub(crate) fn new(
        chaos: &'a Chaos,
        seed: u64,
        plan: &'a [&'a str],
        broker: Option<&'a mut Broker>,
    ) -> Self {
        Self {
            chaos,
            seed,
            plan,
            broker,
        }
    }

    /// Does what the seed says until the scan has ended; a broken promise keeps the folder with all logs.
    pub(crate) async fn live(mut self, peace: &Map) -> Result<Outcome> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let folder = tempfile::Builder::new()
            .prefix("skyscan-chaos-")
            .tempdir()?;
        let disk = Disk::at(&folder.path().join("out"))?;
        let program = &self.chaos.program;
        let broker = self.broker.as_deref();
        let place = Place::drawn(&mut random, program, folder.path(), broker).await?;
        let n_workers = random.random_range(2..5);
        let mut cast = Cast::new(&self, &place, n_workers, folder.path(), &disk)?;
        let mut kinds = kinds(&place, &disk);
        kinds.retain(|kind| kind.to_string().contains(&self.chaos.only));
        ensure!(
            !kinds.is_empty(),
            "no fault named {:?} can be done here",
            self.chaos.only
        );
        let mut outcome = Outcome {
            carrier: place.carrier,
            has_relay: place.relay.is_some(),
            faults: BTreeMap::new(),
            left: BTreeMap::new(),
            n_pixels: 0,
            took: Duration::ZERO,
            after: Duration::ZERO,
            broken: None,
        };
        let began = Instant::now();
        cast.parts.iter_mut().try_for_each(Part::start)?;
        let mut schedule = Schedule::drawn(&mut random, &kinds);
        let mut over = None;
        let ended = loop {
            if schedule.is_over() && over.is_none() {
                over = Some(Instant::now());
            }
            let patience = async {
                match over {
                    Some(over) => tokio::time::sleep_until(over + PATIENCE).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                due = schedule.next() => match due {
                    Due::Begins { fault, at } => {
                        if self.begin(fault, at, &mut cast, &place, &disk).await? {
                            *outcome.faults.entry(fault).or_default() += 1;
                        }
                    }
                    Due::Ends { fault, at } => self.end(fault, at, &mut cast, &place, &disk).await?,
                    Due::Starts(part) => cast.start(part)?,
                },
                (part, status) = cast.ended() => {
                    let status = status?;
                    let role = cast.parts[part].role;
                    if role == Role::Scanner && status.success() {
                        break Ok(());
                    }
                    *outcome.left.entry((role, told(status))).or_default() += 1;
                    if outcome.left.values().sum::<u64>() > u64::from(MOST_STARTS) {
                        break Err(format!("processes leave by themselves: {:?}", outcome.left));
                    }
                    // 1 is a disk or a broker that was not there when it began; 2 and 3 have no excuse.
                    if role == Role::Scanner && matches!(status.code(), Some(2 | 3)) {
                        break Err(format!("the scanner ended with {}", told(status)));
                    }
                    schedule.add(Instant::now() + PAUSE, Due::Starts(part));
                },
                () = patience => break Err(format!("no end after {} s of peace", PATIENCE.as_secs())),
            }
        };
        outcome.took = began.elapsed();
        outcome.after = over.map_or(Duration::ZERO, |over| over.elapsed());
        // What ends a fault may start the scan again, and with it what it tells.
        outcome.broken = match ended {
            Err(why) => Some(why),
            Ok(()) => {
                let map = Map::of(&std::fs::read(cast.parts[0].output())?)?;
                outcome.n_pixels = map.n_pixels;
                (map != *peace).then(|| format!("{map:?} instead of {peace:?}"))
            }
        };
        for due in schedule.ends() {
            if let Due::Ends { fault, at } = due {
                self.end(fault, at, &mut cast, &place, &disk).await?;
            }
        }
        cast.end().await?;
        if let Some(why) = &mut outcome.broken {
            // The disk goes, the logs stay.
            let kept = folder.keep();
            why.push_str(&format!("; logs are in {}", kept.display()));
        }
        Ok(outcome)
    }

    /// Whether there was something to do it to.
    async fn begin(
        &mut self,
        fault: Fault,
        at: usize,
        cast: &mut Cast,
        place: &Place,
        disk: &Disk,
    ) -> Result<bool> {
        match fault {
            Fault::Killed(role) | Fault::Stopped(role) => {
                let part = cast.one_of(role, at);
                match fault {
                    _ if !part.is_running() => return Ok(false),
                    Fault::Killed(_) => part.kill().await?,
                    _ => part.stop(),
                }
            }
            Fault::BrokerKilled | Fault::BrokerStopped => match &mut self.broker {
                Some(broker) if broker.is_up && fault == Fault::BrokerKilled => {
                    broker.kill().await?;
                }
                Some(broker) if broker.is_up => broker.signal(Signal::SIGSTOP).await?,
                _ => return Ok(false),
            },
            Fault::DiskFull => disk.fill()?,
            Fault::ClockJumped(role) => {
                let hours = JUMPS_H[at % JUMPS_H.len()];
                cast.one_of(role, at).set_clock(hours * 3600)?;
            }
            Fault::Cut => proxy(place, at).change(|weather| weather.n_cuts += 1),
            Fault::Late => {
                proxy(place, at).change(|weather| weather.late = Some(Duration::from_millis(200)));
            }
            Fault::Narrow => {
                proxy(place, at).change(|weather| weather.bytes_per_s = Some(20_000));
            }
            Fault::Sliced => proxy(place, at).change(|weather| weather.is_sliced = true),
            Fault::HalfOpen => proxy(place, at).change(|weather| weather.is_dumb = true),
            Fault::Flipped => proxy(place, at).change(|weather| weather.flips = true),
        }
        Ok(true)
    }

    async fn end(
        &mut self,
        fault: Fault,
        at: usize,
        cast: &mut Cast,
        place: &Place,
        disk: &Disk,
    ) -> Result<()> {
        match fault {
            Fault::Killed(role) => cast.start(cast.number_of(role, at))?,
            Fault::Stopped(role) => cast.one_of(role, at).go_on(),
            Fault::BrokerKilled => {
                if let Some(broker) = &mut self.broker {
                    broker.restart().await?;
                }
            }
            Fault::BrokerStopped => {
                if let Some(broker) = self.broker.as_ref().filter(|broker| broker.is_up) {
                    broker.signal(Signal::SIGCONT).await?;
                }
            }
            Fault::DiskFull => {
                // Another one may have emptied it.
                let _ = disk.empty();
            }
            Fault::ClockJumped(role) => cast.one_of(role, at).set_clock(0)?,
            Fault::Cut => {}
            Fault::Late => proxy(place, at).change(|weather| weather.late = None),
            Fault::Narrow => proxy(place, at).change(|weather| weather.bytes_per_s = None),
            Fault::Sliced => proxy(place, at).change(|weather| weather.is_sliced = false),
            Fault::HalfOpen => proxy(place, at).change(|weather| {
                weather.is_dumb = false;
                weather.n_cuts += 1;
            }),
            Fault::Flipped => proxy(place, at).change(|weather| weather.flips = false),
        }
        Ok(())
    }
}

/// What can be done at this place.
fn kinds(place: &Place, disk: &Disk) -> Vec<Fault> {
    let mut kinds = Fault::ALL.to_vec();
    kinds.retain(|fault| match fault {
        Fault::ClockJumped(role)
            if !clock::can_jump() || (*role == Role::Relay && place.relay.is_none()) =>
        {
            false
        }
        Fault::Killed(Role::Relay) | Fault::Stopped(Role::Relay) => place.relay.is_some(),
        Fault::BrokerKilled | Fault::BrokerStopped => place.carrier == Carrier::Rabbitmq,
        Fault::DiskFull => disk.can_be_full(),
        _ => true,
    });
    kinds
}

fn proxy(place: &Place, at: usize) -> &crate::proxy::Proxy {
    &place.proxies[at % place.proxies.len()]
}

fn told(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("code {code}"),
        None => status.to_string(),
    }
}

/// All parts: the scanner, the relay if there is one, the workers.
struct Cast {
    parts: Vec<Part>,
    begins: Vec<String>,
    resumes: Vec<String>,
    out: std::path::PathBuf,
}

impl Cast {
    fn new(
        life: &Life<'_>,
        place: &Place,
        n_workers: usize,
        folder: &Path,
        disk: &Disk,
    ) -> Result<Self> {
        let program = &life.chaos.program;
        let mut scan = begins(&life.chaos.event, life.plan, &disk.folder);
        let mut resumes = ["scan", "--resume", &text(&disk.folder)]
            .map(str::to_owned)
            .to_vec();
        resumes.extend(["--chunk", "4", "--format", "json"].map(str::to_owned));
        for arguments in [&mut scan, &mut resumes] {
            arguments.extend(["--workers", "0"].map(str::to_owned));
            arguments.extend_from_slice(&place.scanner);
        }
        let part =
            |role, name: &str, arguments| Part::new(role, program, arguments, folder.join(name));
        let mut parts = vec![part(Role::Scanner, "scanner.log", scan.clone())?];
        if let Some(relay) = &place.relay {
            let arguments = [&["relay".to_owned()], &relay[..]].concat();
            parts.push(part(Role::Relay, "relay.log", arguments)?);
        }
        for worker in 0..n_workers {
            let mut arguments = ["worker", "--slots", "1"].map(str::to_owned).to_vec();
            arguments.extend_from_slice(&place.worker);
            parts.push(part(
                Role::Worker,
                &format!("worker-{worker}.log"),
                arguments,
            )?);
        }
        Ok(Self {
            parts,
            begins: scan,
            resumes,
            out: disk.folder.clone(),
        })
    }

    /// Which part of a role such a number means.
    fn number_of(&self, role: Role, at: usize) -> usize {
        let all: Vec<usize> = (0..self.parts.len())
            .filter(|&part| self.parts[part].role == role)
            .collect();
        all[at % all.len()]
    }

    fn one_of(&mut self, role: Role, at: usize) -> &mut Part {
        let number = self.number_of(role, at);
        &mut self.parts[number]
    }

    /// Starts a part unless it runs; a scanner goes on from its journal if it has one.
    fn start(&mut self, number: usize) -> Result<()> {
        let has_journal = std::fs::read_dir(&self.out)?
            .filter_map(|entry| Some(entry.ok()?.file_name()))
            .any(|name| name.to_string_lossy().ends_with(".scan.db"));
        let part = &mut self.parts[number];
        if part.is_running() {
            return Ok(());
        }
        if part.role == Role::Scanner {
            // One that has nothing in it is taken away by a Scanner that cannot begin.
            let arguments = if has_journal {
                &self.resumes
            } else {
                &self.begins
            };
            part.change(arguments.clone());
        }
        part.start()
    }

    /// The next part that ended by itself.
    async fn ended(&mut self) -> (usize, std::io::Result<ExitStatus>) {
        let parts = self.parts.iter_mut();
        let (status, part, _) = select_all(parts.map(|part| Box::pin(part.ended()))).await;
        (part, status)
    }

    async fn end(&mut self) -> Result<()> {
        for part in &mut self.parts {
            part.kill().await?;
        }
        Ok(())
    }
}
