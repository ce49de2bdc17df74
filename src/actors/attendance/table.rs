//! Who is there at a moment, as a table for people and as JSON for programs.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

/// Version of the JSON: raised when a key changes its meaning or goes.
const VERSION: u32 = 1;

/// Who is there. Serialises to what `/links` serves; `Display` is the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    skyscan_links: u32,
    /// The subcommand.
    role: &'static str,
    /// Links at the hubs of this process, those first that are there longest.
    pub links: Vec<HubRow>,
    /// Scans at the links of this process.
    pub scans: Vec<ScanRow>,
}

/// A worker at a hub.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HubRow {
    /// What the worker calls itself, in hexadecimal; its own log has it, too.
    pub worker: String,
    /// Its link, in hexadecimal.
    pub link: String,
    /// How many tasks it evaluates at once; 0 for a relay's own link.
    pub slots: u16,
    /// What it offers.
    pub recos: Vec<String>,
    /// Its version.
    pub build: String,
    /// Since when it is there.
    pub connected_s: f64,
    /// Tasks that it brought to an end.
    pub tasks: u64,
    /// How long ago the last one came; none yet.
    pub last_task_s: Option<f64>,
}

/// A scan at a link.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScanRow {
    /// Its number, in hexadecimal.
    pub scan: String,
    /// What it asks for.
    pub reco: String,
    /// Since when it is there.
    pub connected_s: f64,
    /// Tasks that were leased to this process.
    pub tasks: u64,
    /// How long ago the last one came; none yet.
    pub last_task_s: Option<f64>,
}

impl Table {
    pub(super) fn new(role: &'static str, links: Vec<HubRow>, scans: Vec<ScanRow>) -> Self {
        Self {
            skyscan_links: VERSION,
            role,
            links,
            scans,
        }
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let slots: u64 = self.links.iter().map(|row| u64::from(row.slots)).sum();
        if self.links.is_empty() && self.scans.is_empty() {
            return write!(f, "{}: nobody is connected", self.role);
        }
        let mut lines = Vec::new();
        if !self.links.is_empty() {
            lines.push(format!(
                "{}: {} links, {slots} slots",
                self.role,
                self.links.len()
            ));
            lines.push(format!(
                "{:<8}  {:>5}  {:>10}  {:>8}  {:>9}  recos",
                "worker", "slots", "here for s", "tasks", "last s ago"
            ));
        }
        for row in &self.links {
            let (worker, recos) = (short(&row.worker), row.recos.join(" "));
            let (here, last) = (row.connected_s, ago(row.last_task_s));
            lines.push(format!(
                "{worker:<8}  {:>5}  {here:>10.0}  {:>8}  {last:>10}  {recos}",
                row.slots, row.tasks
            ));
        }
        if !self.scans.is_empty() {
            lines.push(format!("{}: {} scans", self.role, self.scans.len()));
            lines.push(format!(
                "{:<8}  {:>10}  {:>8}  {:>10}  reco",
                "scan", "here for s", "tasks", "last s ago"
            ));
        }
        for row in &self.scans {
            let (scan, last) = (short(&row.scan), ago(row.last_task_s));
            lines.push(format!(
                "{scan:<8}  {:>10.0}  {:>8}  {last:>10}  {}",
                row.connected_s, row.tasks, row.reco
            ));
        }
        let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// As much of an id as people compare.
pub(super) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

fn ago(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.0}"))
}
