//! What became of many scans.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

use crate::fault::Fault;
use crate::life::Outcome;
use crate::part::Role;

/// Counts over many scans.
#[derive(Debug, Default)]
pub struct Tally {
    /// What was done, how often.
    pub faults: BTreeMap<Fault, u64>,
    /// Scans by what carried them.
    pub scans: BTreeMap<String, u64>,
    /// Pixels of all scans.
    pub n_pixels: u64,
    /// Promises that were broken, with the command that does the same again.
    pub broken: Vec<String>,
    /// From first to last.
    pub took: Duration,
    left: BTreeMap<(Role, String), u64>,
    longest: Duration,
    longest_after: Duration,
}

impl Tally {
    /// Counts a scan, and says in a line what became of it.
    pub(crate) fn take(&mut self, seed: u64, outcome: Outcome) -> String {
        let behind = if outcome.has_relay { ", a relay" } else { "" };
        let carrier = format!("{}{behind}", outcome.carrier);
        let n_faults: u64 = outcome.faults.values().sum();
        let mut line = format!(
            "seed {seed}: {carrier}; {n_faults} faults; {:.1} s",
            outcome.took.as_secs_f64()
        );
        for (fault, n) in outcome.faults {
            *self.faults.entry(fault).or_default() += n;
        }
        for (how, n) in outcome.left {
            *self.left.entry(how).or_default() += n;
        }
        *self.scans.entry(carrier).or_default() += 1;
        self.n_pixels += outcome.n_pixels;
        self.longest = self.longest.max(outcome.took);
        self.longest_after = self.longest_after.max(outcome.after);
        if let Some(why) = outcome.broken {
            // A line of its own would be lost among others.
            let _ = write!(line, "; BROKEN: {why}");
            self.broken.push(format!(
                "{why}\n  again: cargo run --release -p skyscan-chaos -- --seed {seed} --scans 1"
            ));
        }
        line
    }

    /// All scans.
    #[must_use]
    pub fn n_scans(&self) -> u64 {
        self.scans.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_faults: u64 = self.faults.values().sum();
        writeln!(
            f,
            "{} scans of {} pixels in {:.0} minutes, with {n_faults} faults: {} maps were not those of a scan in peace.",
            self.n_scans(),
            self.n_pixels,
            self.took.as_secs_f64() / 60.0,
            self.broken.len()
        )?;
        writeln!(
            f,
            "The longest scan took {:.1} s; the longest from the end of the last fault to its own end {:.1} s.\n",
            self.longest.as_secs_f64(),
            self.longest_after.as_secs_f64()
        )?;
        writeln!(f, "| fault | times |\n|---|---|")?;
        for (fault, n) in &self.faults {
            writeln!(f, "| {fault} | {n} |")?;
        }
        writeln!(f, "\n| scans over | number |\n|---|---|")?;
        for (carrier, n) in &self.scans {
            writeln!(f, "| {carrier} | {n} |")?;
        }
        writeln!(f, "\n| left by itself, started again | times |\n|---|---|")?;
        for ((role, how), n) in &self.left {
            writeln!(f, "| {role}, {how} | {n} |")?;
        }
        for why in &self.broken {
            writeln!(f, "\nBroken: {why}")?;
        }
        Ok(())
    }
}
