//! The command: lives of one seed or of many.

#![expect(clippy::print_stdout, reason = "it is what the command is for")]

use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::Parser;
use skyscan_checker::check;
use skyscan_simulator::{Draft, live, live_all, minimised};

/// Of one life among many so many broken promises are told; the rest follows from them.
const MOST_TOLD: usize = 3;

/// Lives whole scans in virtual time, with faults, each from one seed.
#[derive(Parser)]
struct Arguments {
    /// Lives this one, and says what happened.
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Lives so many, from the first on.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    seeds: u64,
    /// The first one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    first: u64,
    /// With --seed: without these faults, by number.
    #[arg(long, value_name = "N,N", value_delimiter = ',', requires = "seed")]
    without: Vec<usize>,
    /// Leaves out faults, one by one, as long as a promise is broken.
    #[arg(long)]
    minimise: bool,
    /// With --seed: prints the whole history.
    #[arg(long, requires = "seed")]
    history: bool,
    /// Keeps journals in real files, too, beside the model of them.
    #[arg(long)]
    files: bool,
    /// Stops after so many lives that broke a promise.
    #[arg(long, value_name = "N", default_value_t = 10)]
    most_failures: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.seed {
        Some(seed) => one(seed, &arguments),
        None => many(&arguments),
    }
}

fn one(seed: u64, arguments: &Arguments) -> ExitCode {
    let draft = arguments.draft(seed);
    let mut left_out = arguments.without.clone();
    if arguments.minimise {
        left_out = minimised(&draft, &left_out);
    }
    let history = live(&draft.without(&left_out));
    if arguments.history {
        print!("{history}");
    }
    for (number, fault) in draft.faults().iter().enumerate() {
        let mark = if left_out.contains(&number) {
            "  (left out)"
        } else {
            ""
        };
        println!("fault {number}: {fault}{mark}");
    }
    let violations = check(&history);
    violations
        .iter()
        .for_each(|violation| println!("{violation}"));
    if violations.is_empty() {
        println!(
            "seed {seed}: every promise was kept; {} lines",
            history.lines().count()
        );
        return ExitCode::SUCCESS;
    }
    println!("again: {}", arguments.command(seed, &left_out));
    ExitCode::FAILURE
}

fn many(arguments: &Arguments) -> ExitCode {
    let n_threads = available_parallelism().map_or(1, usize::from);
    let seeds = arguments.first..arguments.first + arguments.seeds;
    let draft = |seed| arguments.draft(seed);
    let tally = live_all(seeds, draft, n_threads, arguments.most_failures);
    for failure in &tally.failures {
        let left_out = match arguments.minimise {
            true => minimised(&arguments.draft(failure.seed), &[]),
            false => Vec::new(),
        };
        for violation in failure.violations.iter().take(MOST_TOLD) {
            println!("seed {}: {violation}", failure.seed);
        }
        println!("again: {}", arguments.command(failure.seed, &left_out));
    }
    println!(
        "{} lives with {} faults, {:.0} hours of workers, {} lines; {} broke a promise",
        tally.n_lives,
        tally.n_faults,
        tally.worker_seconds / 3600.0,
        tally.n_lines,
        tally.failures.len()
    );
    match tally.failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

impl Arguments {
    fn draft(&self, seed: u64) -> Draft {
        match self.files {
            true => Draft::of(seed).with_files(),
            false => Draft::of(seed),
        }
    }

    fn command(&self, seed: u64, left_out: &[usize]) -> String {
        let without: Vec<String> = left_out.iter().map(ToString::to_string).collect();
        let without = match without.is_empty() {
            true => String::new(),
            false => format!(" --without {}", without.join(",")),
        };
        let files = if self.files { " --files" } else { "" };
        format!("cargo run --release -p skyscan-simulator -- --seed {seed}{files}{without}")
    }
}
