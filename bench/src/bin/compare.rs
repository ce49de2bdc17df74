//! Two commits, or two programs, beside each other: which takes less, and how sure that is.
//!
//! ```text
//! cargo run --release -p skyscan-bench --bin compare -- HEAD~1 HEAD -- scan demo/event.json --out FOLDER
//! ```
//!
//! They take turns, the first of each pair another each time, so that whatever else the machine does meets both. What
//! counts is the ratio within a pair: its median, and an interval that holds the true median 95 times in a hundred
//! whatever the distribution is (order statistics). `FOLDER` stands for an empty folder of each run.
//!
//! With `--instructions` each runs once below valgrind's cachegrind, which counts the instructions of all its threads:
//! a number that hardly depends on what else the machine does. Valgrind knows AVX2 and not AVX-512, so that counts.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

/// Pairs that are run unless `--pairs` says another number.
const N_PAIRS: usize = 10;
/// Fewer say nothing at 95 %.
const FEWEST_PAIRS: usize = 6;

const USAGE: &str = "compare OLD NEW [--pairs N | --instructions] -- ARGUMENTS OF SKYSCAN\n\n\
    OLD and NEW are commits, which are built below target/compare, or programs. FOLDER among the arguments stands for an\n\
    empty folder.\n\n    cargo run --release -p skyscan-bench --bin compare -- HEAD~1 HEAD -- scan demo/event.json --out FOLDER";

/// What a run took.
#[derive(Clone, Copy, Debug)]
struct Took {
    processor_s: f64,
    clock_s: f64,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let split = arguments.iter().position(|argument| argument == "--");
    let (ours, theirs) = match split {
        Some(split) => (&arguments[..split], &arguments[split + 1..]),
        None => bail!("{USAGE}"),
    };
    let (old, new, n_pairs) = match ours {
        [old, new, option] if option == "--instructions" => {
            return count([program(old)?, program(new)?], theirs);
        }
        [old, new] => (old, new, N_PAIRS),
        [old, new, option, n] if option == "--pairs" => (old, new, n.parse().context("--pairs")?),
        _ => bail!("{USAGE}"),
    };
    ensure!(
        n_pairs >= FEWEST_PAIRS,
        "--pairs {n_pairs}: fewer than {FEWEST_PAIRS} say nothing at 95 %"
    );
    let programs = [program(old)?, program(new)?];
    // Once each for caches that are cold.
    for program in &programs {
        run(program, theirs)?;
    }
    let mut pairs = Vec::new();
    for pair in 0..n_pairs {
        let mut took = [None; 2];
        for turn in 0..2 {
            let which = (pair + turn) % 2;
            took[which] = Some(run(&programs[which], theirs)?);
        }
        if let [Some(old), Some(new)] = took {
            eprintln!(
                "pair {}: {:.3} and {:.3} s of processor",
                pair + 1,
                old.processor_s,
                new.processor_s
            );
            pairs.push([old, new]);
        }
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "{n_pairs} pairs, load average {}\n",
        load.split(' ').next().unwrap_or("unknown")
    );
    println!("| | old | new | new / old | 95 % |\n|---|---|---|---|---|");
    row("processor, s", &pairs, |took| took.processor_s);
    row("clock, s", &pairs, |took| took.clock_s);
    Ok(())
}

/// Instructions of either, in one run each.
fn count(programs: [PathBuf; 2], arguments: &[String]) -> Result<()> {
    let [old, new] = programs.map(|program| instructions(&program, arguments));
    let (old, new) = (old?, new?);
    println!("| | old | new | new / old |\n|---|---|---|---|");
    println!(
        "| instructions, millions | {:.1} | {:.1} | {:.4} |",
        old * 1e-6,
        new * 1e-6,
        new / old
    );
    Ok(())
}

fn instructions(program: &Path, arguments: &[String]) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let output = Command::new("valgrind")
        .args([
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
        ])
        .arg(program)
        .args(placed(arguments, folder.path()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .context("valgrind counts the instructions: install it")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{} ended with {}: {told}",
        program.display(),
        output.status
    );
    counted(&told)
        .with_context(|| format!("no count of instructions in what valgrind says: {told}"))
}

/// The number after `I refs:`, which older ones write with more spaces.
fn counted(told: &str) -> Option<f64> {
    let line = told
        .lines()
        .find(|line| line.contains("I ") && line.contains("refs:"))?;
    let (_, number) = line.split_once("refs:")?;
    number.trim().replace(',', "").parse().ok()
}

fn placed(arguments: &[String], folder: &Path) -> Vec<String> {
    let place = folder.to_string_lossy();
    let placed = |argument: &String| argument.replace("FOLDER", &place);
    arguments.iter().map(placed).collect()
}

fn row(name: &str, pairs: &[[Took; 2]], of: impl Fn(&Took) -> f64) {
    let sorted = |value: &dyn Fn(&[Took; 2]) -> f64| {
        let mut values: Vec<f64> = pairs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let old = median(&sorted(&|pair| of(&pair[0])));
    let new = median(&sorted(&|pair| of(&pair[1])));
    let ratios = sorted(&|pair| of(&pair[1]) / of(&pair[0]));
    let rank = rank_95(ratios.len());
    println!(
        "| {name} | {old:.3} | {new:.3} | {:.3} | {:.3} to {:.3} |",
        median(&ratios),
        ratios[rank],
        ratios[ratios.len() - 1 - rank]
    );
}

fn median(sorted: &[f64]) -> f64 {
    0.5 * (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2])
}

/// How many of so many values may be left out at either end of an interval that holds the median with 95 %: as long as
/// no more than 2.5 % of all series of as many fair coins have so few heads.
fn rank_95(n: usize) -> usize {
    let (mut term, mut below) = (0.5_f64.powi(n as i32), 0.0);
    for rank in 0..n {
        below += term;
        if below > 0.025 {
            return rank.saturating_sub(1);
        }
        term *= (n - rank) as f64 / (rank + 1) as f64;
    }
    0
}

/// Where a program is; a commit is built first.
fn program(name: &str) -> Result<PathBuf> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(path.canonicalize()?);
    }
    let commit = said(&["rev-parse", "--short", &format!("{name}^{{commit}}")])
        .with_context(|| format!("{name} is neither a program nor a commit"))?;
    let root = PathBuf::from(said(&["rev-parse", "--show-toplevel"])?).join("target/compare");
    let built = root.join(format!("skyscan-{commit}"));
    if built.is_file() {
        return Ok(built);
    }
    eprintln!("building {name} ({commit})");
    let sources = root.join("sources");
    // What an earlier call left, if it was ended.
    let _ = Command::new("git")
        .args(["worktree", "remove", "--force"])
        .arg(&sources)
        .output();
    let sources_text = sources.to_string_lossy().into_owned();
    said(&[
        "worktree",
        "add",
        "--force",
        "--detach",
        &sources_text,
        &commit,
    ])?;
    let target = root.join("target");
    let made = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--locked",
            "--bin",
            "skyscan",
            "--target-dir",
        ])
        .arg(&target)
        .current_dir(&sources)
        .status()?;
    ensure!(made.success(), "{name} cannot be built");
    std::fs::copy(target.join("release/skyscan"), &built)?;
    said(&["worktree", "remove", "--force", &sources_text])?;
    Ok(built)
}

/// What `git` says.
fn said(arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .args(arguments)
        .output()
        .context("git")?;
    ensure!(
        output.status.success(),
        "git {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn run(program: &Path, arguments: &[String]) -> Result<Took> {
    let folder = tempfile::tempdir()?;
    let before = used()?;
    let begun = Instant::now();
    let output = Command::new(program)
        .args(placed(arguments, folder.path()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()?;
    let clock_s = begun.elapsed().as_secs_f64();
    ensure!(
        output.status.success(),
        "{} ended with {}: {}",
        program.display(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(Took {
        processor_s: (used()? - before).as_secs_f64(),
        clock_s,
    })
}

/// User and system time of all that ended below this process.
fn used() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let all: TimeVal = usage.user_time() + usage.system_time();
    Ok(Duration::from_micros(u64::try_from(
        all.num_microseconds(),
    )?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of R's `qbinom(0.025, n, 0.5) - 1`, which is the number of the last value to be left out.
    #[test]
    fn as_many_are_left_out_as_a_table_of_the_sign_test_says() {
        for (n, rank) in [(6, 0), (9, 1), (10, 1), (20, 5), (50, 17)] {
            assert_eq!(rank_95(n), rank, "{n}");
        }
    }

    #[test]
    fn what_valgrind_counts_is_read() {
        let told = "==77== Cachegrind, a high-precision tracing profiler\n==77== \n==77== I refs:        1,234,567\n";
        assert_eq!(counted(told), Some(1_234_567.0));
        assert_eq!(
            counted(&told.replace("I refs:", "I   refs:")),
            Some(1_234_567.0)
        );
        assert_eq!(counted("==77== killed"), None);
    }

    #[test]
    fn medians_lie_between_two() {
        assert_eq!(median(&[1.0, 2.0, 4.0]), 2.0);
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), 3.0);
    }
}
