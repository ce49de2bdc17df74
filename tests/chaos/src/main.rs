//! The command: chaos for a given time.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is what the command is for"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use skyscan_chaos::Chaos;

/// Does real faults to real scans over each transport, and compares their maps with those in peace.
///
/// Example: cargo build --release && cargo run --release -p skyscan-chaos -- --minutes 60 --report chaos.md
#[derive(Parser)]
struct Arguments {
    /// No scan begins after so many minutes.
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    minutes: f64,
    /// The first scan's seed; those after it count on.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// No more scans than this.
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    scans: u64,
    /// Only faults whose name contains this, such as "clock" or "worker".
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    only: String,
    /// What is scanned.
    #[arg(long, value_name = "FILE", default_value = "demo/event.json")]
    event: PathBuf,
    /// The skyscan to run [default: the one beside this program]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Where the report is written, besides standard output.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let program = match arguments.program {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("skyscan"),
    };
    let chaos = Chaos {
        program,
        event: arguments.event,
        seed: arguments.seed,
        time: Duration::try_from_secs_f64(arguments.minutes * 60.0).context("--minutes")?,
        most_scans: arguments.scans,
        only: arguments.only,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tally = runtime.block_on(chaos.run(|line| eprintln!("{line}")))?;
    print!("{tally}");
    if let Some(report) = arguments.report {
        std::fs::write(&report, tally.to_string())
            .with_context(|| format!("failed to write {report:?}"))?;
    }
    Ok(match tally.broken.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
