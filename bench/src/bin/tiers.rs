//! The tiers of a scan beside each other: what each takes, and how far off it is, on the same simulated events.
//!
//! ```text
//! cargo run --release -p skyscan-bench --bin tiers -- tiers-study --events 100
//! ```
//!
//! Events are those of `skyscan event generate --light photons` with seeds from 1 on; those with too little light to be
//! scanned are left out. Events and answers stay in the folder: the same call again goes on where it was ended.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

const TIERS: [&str; 3] = ["pole", "mma", "archival"];
/// Events unless `--events` says another number.
const N_EVENTS: usize = 100;
/// Answers farther off than this are wrong, whatever their regions say.
const WRONG_DEG: f64 = 10.0;
/// The exit code of a scan that was given something it cannot scan.
const BAD_INPUT: i32 = 2;

const USAGE: &str = "tiers FOLDER [--events N]\n\n    cargo run --release -p skyscan-bench --bin tiers -- tiers-study --events 100";

/// An answer beside the truth.
#[derive(Clone, Copy, Debug)]
struct Told {
    cpu_s: f64,
    off_deg: f64,
    is_in_90: bool,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, n_events) = match &arguments[..] {
        [folder] => (folder, N_EVENTS),
        [folder, option, n] if option == "--events" => (folder, n.parse().context("--events")?),
        _ => bail!("{USAGE}"),
    };
    let study = Study::open(Path::new(folder))?;
    let mut told = [const { Vec::new() }; TIERS.len()];
    let mut n_usable = 0;
    for seed in 1.. {
        if n_usable == n_events {
            break;
        }
        let mut answers = Vec::new();
        for tier in TIERS {
            answers.extend(study.answer(seed, tier)?);
        }
        if answers.len() == TIERS.len() {
            n_usable += 1;
            told.iter_mut()
                .zip(answers)
                .for_each(|(told, answer)| told.push(answer));
        }
        eprintln!("{n_usable} of {n_events} events, the last one by seed {seed}");
    }
    println!(
        "| tier | events | CPU s median, most | off by, median, 90 % | > 10 deg | in the 90 % region |"
    );
    println!("|---|---|---|---|---|---|");
    for (tier, told) in TIERS.iter().zip(&told) {
        println!("| `{tier}` {}", row(told)?);
    }
    Ok(())
}

fn row(told: &[Told]) -> Result<String> {
    ensure!(!told.is_empty(), "there is no event");
    let sorted = |of: fn(&Told) -> f64| {
        let mut values: Vec<f64> = told.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (cpu_s, off_deg) = (sorted(|told| told.cpu_s), sorted(|told| told.off_deg));
    let at =
        |values: &[f64], share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    Ok(format!(
        "| {} | {:.2}, {:.2} | {:.2}, {:.2} | {} | {} |",
        told.len(),
        at(&cpu_s, 0.5),
        at(&cpu_s, 1.0),
        at(&off_deg, 0.5),
        at(&off_deg, 0.9),
        told.iter().filter(|told| told.off_deg > WRONG_DEG).count(),
        told.iter().filter(|told| told.is_in_90).count(),
    ))
}

/// A folder of events and answers, and the program that makes them.
#[derive(Debug)]
struct Study {
    folder: PathBuf,
    program: PathBuf,
}

impl Study {
    fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let program = std::env::current_exe()?.with_file_name("skyscan");
        ensure!(
            program.exists(),
            "{} is not there: cargo build --release",
            program.display()
        );
        let folder = folder.to_path_buf();
        Ok(Self { folder, program })
    }

    /// What a tier says of an event; none if it has too little light.
    fn answer(&self, seed: u64, tier: &str) -> Result<Option<Told>> {
        let event = self.folder.join(format!("{seed}.json"));
        if !event.exists() {
            let made = self.run(&[
                "event",
                "generate",
                "--light",
                "photons",
                "--seed",
                &seed.to_string(),
            ])?;
            ensure!(made.status.success(), "seed {seed}: {}", words(&made));
            keep(&event, &made.stdout)?;
        }
        let file = self.folder.join(format!("{seed}.{tier}.json"));
        if !file.exists() {
            let event = event.to_str().context("a folder with another name")?;
            let scanned = self.run(&["scan", event, "--tier", tier, "--format", "json"])?;
            match scanned.status.code() {
                Some(0) => keep(&file, &scanned.stdout)?,
                Some(BAD_INPUT) => keep(&file, b"null")?,
                _ => bail!("seed {seed}, {tier}: {}", words(&scanned)),
            }
        }
        let answer: Value = serde_json::from_slice(&fs::read(&file)?)?;
        let (truth, cpu_s) = (&answer["truth"], answer["cpu_seconds"].as_f64());
        Ok(cpu_s
            .zip(truth["separation_deg"].as_f64())
            .map(|(cpu_s, off_deg)| Told {
                cpu_s,
                off_deg,
                is_in_90: truth["inside"].as_f64().is_some_and(|share| share <= 0.9),
            }))
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        let output = Command::new(&self.program).args(arguments).output();
        output.with_context(|| self.program.display().to_string())
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

/// Writes a file that is there whole or not at all.
fn keep(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, bytes)?;
    Ok(fs::rename(part, path)?)
}
