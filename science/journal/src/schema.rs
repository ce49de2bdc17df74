//! The tables of a journal; docs/journal.md tells of them to people.

/// Version of the tables.
pub(super) const SCHEMA: i64 = 1;

/// A table whose rows are in the digest of their batch.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// All but `batch`, in the order in which they enter the digest.
    pub(super) columns: &'static [&'static str],
    /// The order of the rows in the digest.
    pub(super) key: &'static str,
    /// Whether all of its rows were there from the beginning: those have no column `batch`.
    pub(super) is_head: bool,
}

const fn head(name: &'static str, columns: &'static [&'static str], key: &'static str) -> Table {
    Table {
        name,
        columns,
        key,
        is_head: true,
    }
}

const fn body(name: &'static str, columns: &'static [&'static str], key: &'static str) -> Table {
    Table {
        name,
        columns,
        key,
        is_head: false,
    }
}

/// Every table but the batches themselves. The place of a table is its mark in the digests.
pub(super) const TABLES: [Table; 11] = [
    head(
        "journal",
        &["schema", "numerics", "release", "made_ms"],
        "schema",
    ),
    head(
        "event",
        &["run_id", "event_id", "mjd", "stream", "detector", "problem"],
        "run_id",
    ),
    head("settings", &["name", "value"], "name"),
    head("plan", &["step", "round"], "step"),
    body(
        "scanners",
        &["epoch", "pid", "host", "release", "since_ms"],
        "epoch",
    ),
    body(
        "workers",
        &["worker", "name", "slots", "recos", "build"],
        "worker",
    ),
    body("rounds", &["wave", "round", "n_pixels"], "wave"),
    body(
        "pixels",
        &[
            "round",
            "pixel",
            "variation",
            "systematic",
            "llh",
            "x_m",
            "y_m",
            "z_m",
            "time_ns",
            "energy_inside_gev",
            "energy_total_gev",
            "minus_zeros",
            "failed",
            "task",
            "attempt",
            "worker",
            "seconds",
        ],
        "round, pixel, variation, systematic",
    ),
    body(
        "attempts",
        &["id", "task", "attempt", "worker", "seconds", "became"],
        "id",
    ),
    body(
        "failures",
        &[
            "id",
            "round",
            "pixel",
            "variation",
            "systematic",
            "task",
            "worker",
            "reason",
        ],
        "id",
    ),
    body("times", &["id", "epoch", "at_ms", "what", "note"], "id"),
];

pub(super) const JOURNAL: usize = 0;
pub(super) const EVENT: usize = 1;
pub(super) const SETTINGS: usize = 2;
pub(super) const PLAN: usize = 3;
pub(super) const SCANNERS: usize = 4;
pub(super) const WORKERS: usize = 5;
pub(super) const ROUNDS: usize = 6;
pub(super) const PIXELS: usize = 7;
pub(super) const ATTEMPTS: usize = 8;
pub(super) const FAILURES: usize = 9;
pub(super) const TIMES: usize = 10;

pub(super) const TABLES_SQL: &str = "
CREATE TABLE journal (schema INTEGER PRIMARY KEY, numerics INTEGER NOT NULL, release TEXT NOT NULL,
    made_ms INTEGER NOT NULL) STRICT;
CREATE TABLE event (run_id INTEGER PRIMARY KEY, event_id INTEGER NOT NULL, mjd REAL NOT NULL,
    stream TEXT NOT NULL, detector TEXT NOT NULL, problem BLOB NOT NULL) STRICT;
CREATE TABLE settings (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE plan (step INTEGER PRIMARY KEY, round INTEGER NOT NULL) STRICT;
CREATE TABLE batches (batch INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    sha256 BLOB NOT NULL) STRICT;
CREATE TABLE scanners (epoch INTEGER PRIMARY KEY, pid INTEGER NOT NULL, host TEXT NOT NULL,
    release TEXT NOT NULL, since_ms INTEGER NOT NULL, batch INTEGER NOT NULL) STRICT;
CREATE TABLE workers (worker INTEGER PRIMARY KEY, name TEXT NOT NULL, slots INTEGER, recos TEXT,
    build TEXT, batch INTEGER NOT NULL) STRICT;
CREATE TABLE rounds (wave INTEGER PRIMARY KEY, round INTEGER NOT NULL, n_pixels INTEGER NOT NULL,
    batch INTEGER NOT NULL) STRICT;
CREATE TABLE pixels (round INTEGER NOT NULL, pixel INTEGER NOT NULL, variation INTEGER NOT NULL,
    systematic INTEGER NOT NULL, llh REAL, x_m REAL, y_m REAL, z_m REAL, time_ns REAL,
    energy_inside_gev REAL, energy_total_gev REAL, minus_zeros INTEGER NOT NULL, failed TEXT,
    task INTEGER NOT NULL, attempt INTEGER NOT NULL, worker INTEGER NOT NULL, seconds REAL NOT NULL,
    batch INTEGER NOT NULL, PRIMARY KEY (round, pixel, variation, systematic)) STRICT, WITHOUT ROWID;
CREATE TABLE attempts (id INTEGER PRIMARY KEY, task INTEGER NOT NULL, attempt INTEGER NOT NULL,
    worker INTEGER NOT NULL, seconds REAL NOT NULL, became TEXT NOT NULL, batch INTEGER NOT NULL) STRICT;
CREATE TABLE failures (id INTEGER PRIMARY KEY, round INTEGER NOT NULL, pixel INTEGER NOT NULL,
    variation INTEGER NOT NULL, systematic INTEGER NOT NULL, task INTEGER NOT NULL,
    worker INTEGER NOT NULL, reason TEXT NOT NULL, batch INTEGER NOT NULL) STRICT;
CREATE TABLE times (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    what TEXT NOT NULL, note TEXT NOT NULL, batch INTEGER NOT NULL) STRICT;
";

impl Table {
    /// Its rows in the order of the digest, each with its batch behind.
    pub(super) fn select(&self) -> String {
        let batch = if self.is_head { "0" } else { "batch" };
        format!(
            "SELECT {}, {batch} FROM {} ORDER BY {}",
            self.columns.join(", "),
            self.name,
            self.key
        )
    }

    /// Takes a row, with its batch behind.
    pub(super) fn insert(&self) -> String {
        let mut columns = self.columns.to_vec();
        if !self.is_head {
            columns.push("batch");
        }
        let marks = vec!["?"; columns.len()].join(", ");
        format!(
            "INSERT INTO {} ({}) VALUES ({marks})",
            self.name,
            columns.join(", ")
        )
    }
}
