//! Gives every decoder what nobody would write. See the crate's README.
#![expect(
    clippy::print_stdout,
    reason = "the counts are what this program is for"
)]

mod event_input;
mod judge;
mod mutator;
mod targets;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use peak_alloc::PeakAlloc;

use judge::{Judge, Verdict};
use mutator::Mutator;
use targets::{Target, targets};

/// Counts what decoders allocate.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// All of them together, by every change.
const SHORT: Duration = Duration::from_secs(15);
/// The same in `./test long`.
const LONG: Duration = Duration::from_secs(300);

/// What is asked for.
struct Asked {
    /// The targets whose names have this in them.
    name: String,
    /// Of all together, or of each.
    time: Duration,
    each: bool,
    seed: u64,
    /// One input, once more.
    again: Option<PathBuf>,
}

impl Asked {
    fn read() -> Result<Self> {
        let mut asked = Self {
            name: String::new(),
            time: match std::env::var_os("SKYSCAN_TEST_LONG") {
                Some(_) => LONG,
                None => SHORT,
            },
            each: false,
            seed: 1,
            again: None,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut next = || words.next().with_context(|| format!("{word} of what?"));
            match word.as_str() {
                "--seconds" => asked.time = Duration::from_secs_f64(next()?.parse()?),
                "--seed" => asked.seed = next()?.parse()?,
                "--again" => asked.again = Some(next()?.into()),
                "--each" => asked.each = true,
                // What `cargo test` may say to every test.
                "--quiet" | "-q" | "--nocapture" => {}
                other if other.starts_with('-') => bail!("{other} is not understood"),
                name => asked.name = name.to_owned(),
            }
        }
        Ok(asked)
    }
}

fn main() -> Result<ExitCode> {
    let asked = Asked::read()?;
    let chosen: Vec<Target> = targets()?
        .into_iter()
        .filter(|target| target.name.contains(&asked.name))
        .collect();
    if chosen.is_empty() {
        // A filter that is meant for other tests.
        println!("no decoder is called {:?}", asked.name);
        return Ok(ExitCode::SUCCESS);
    }
    let judge = Judge::new()?;
    let time = match asked.each {
        true => asked.time,
        false => asked.time / u32::try_from(chosen.len())?,
    };
    let mut n_guilty = 0;
    for target in &chosen {
        let n_found = match &asked.again {
            Some(file) => usize::from(told(&judge.try_one(target, &std::fs::read(file)?)?)),
            None => fuzz(&judge, target, time, asked.seed)?,
        };
        n_guilty += usize::from(n_found > 0);
    }
    // As other tests end, for those who count.
    println!(
        "test result: {}. {} passed; {n_guilty} failed; 0 ignored; 0 measured; 0 filtered out",
        if n_guilty == 0 { "ok" } else { "FAILED" },
        chosen.len() - n_guilty
    );
    Ok(ExitCode::from(u8::from(n_guilty > 0)))
}

/// Damages a target's inputs for so long; how many were found that it does not bear.
fn fuzz(judge: &Judge, target: &Target, time: Duration, seed: u64) -> Result<usize> {
    let mut n_found = 0;
    for valid in &target.inputs {
        n_found += usize::from(told(&judge.try_one(target, valid)?));
    }
    let mut mutator = Mutator::new(seed, &target.inputs);
    let (begun, mut n) = (Instant::now(), 0_u64);
    while begun.elapsed() < time && n_found == 0 {
        n_found += usize::from(told(&judge.try_one(target, &mutator.next())?));
        n += 1;
    }
    println!(
        "{:<20} {n:>10} inputs in {:>6.1} s, seed {seed}, slowest {:>6.1} ms, most memory {:>8.2} MB{}",
        target.name,
        begun.elapsed().as_secs_f64(),
        judge.slowest().as_secs_f64() * 1e3,
        judge.most_bytes() as f64 / 1e6,
        if n_found == 0 { "" } else { ": FOUND" }
    );
    judge.forget();
    Ok(n_found)
}

fn told(verdict: &Verdict) -> bool {
    if let Verdict::Guilty(words) = verdict {
        println!("{words}");
    }
    matches!(verdict, Verdict::Guilty(_))
}
