//! The result file that `skyreader` reads: one JSON block per resolution, one row per pixel.
//!
//! A failed pixel has no row: its NaN would make `skyreader` pass over the whole resolution when
//! it looks for the best fit. Failures are listed, with their reasons, in the metadata of their
//! block instead. Extra metadata are numbers, flags and text only: `skyreader` cannot read back
//! an npz that it wrote with anything else in them.

pub(super) mod archive;
pub(super) mod read;

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{SerializeTuple, Serializer};

use super::summary::percent;
use super::{EventIdentity, ScanRecord, conventions, doubt};
use skyscan_sky::Nside;
use skyscan_sky::map::{PixelFit, PixelOutcome, SkyMap};
use skyscan_sky::region::Region;

/// Columns of version 1, in the order of the rows.
const COLUMNS: [&str; 8] = ["index", "llh", "E_in", "E_tot", "X", "Y", "Z", "T"];

/// How `skyreader` writes a number that is not there.
const NAN: &str = "<skyreader.nan>";

/// A reason longer than this is cut: it came from elsewhere, and there may be millions.
const LONGEST_REASON: usize = 200;

/// Metadata of one block. The first eight keys are the format's own; the others state the
/// conventions that readers of such files have had to guess.
#[derive(Serialize)]
struct Metadata<'a> {
    nside: Nside,
    complete: bool,
    run_id: u32,
    event_id: u32,
    event_type: &'a str,
    mjd: f64,
    is_real_event: bool,
    version: u8,
    frame: &'static str,
    equinox: &'static str,
    ordering: &'static str,
    declination: &'static str,
    llh_definition: &'static str,
    producer: &'static str,
    reco: &'a str,
    /// Raised whenever the same event and configuration give other bits; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    numerics: Option<u32>,
    regions: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage_sha256: Option<&'a str>,
    /// Of the set of systematics that the llh is averaged over; absent without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    systematics_sha256: Option<&'a str>,
    /// Hit DOMs, which levels from a coverage file depend on; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    hit_doms: Option<usize>,
    /// Thresholds of the regions, `level_50` and `level_90`.
    #[serde(flatten)]
    levels: BTreeMap<String, f64>,
    /// Whether scanned sky surrounds them, `closed_50` and `closed_90`.
    #[serde(flatten)]
    closed: BTreeMap<String, bool>,
    /// Names of what makes the answer doubtful, with commas between.
    quality: String,
    n_failed: u64,
    failed: String,
    /// Rounds without a single fitted pixel have no block, since `skyreader` cannot read an
    /// empty one; what failed in them stands here.
    #[serde(flatten)]
    failed_rounds: BTreeMap<String, String>,
}

/// `run00136766.evt000007637140.GOLD_4_8_16_32_64_128_256_512.json`, with the resolutions that have a block.
pub(super) fn file_name(record: &ScanRecord<'_>, extension: &str) -> String {
    let mut name = record.event.file_stem();
    for nside in fitted_rounds(record.map) {
        name.push_str(&format!("_{nside}"));
    }
    format!("{name}.{extension}")
}

/// Writes the whole file, a row at a time.
pub(super) fn write(record: &ScanRecord<'_>, out: &mut dyn Write) -> io::Result<()> {
    let with_block: Vec<Nside> = fitted_rounds(record.map).collect();
    let mut first = true;
    for (&nside, pixels) in record.map.rounds() {
        if !with_block.contains(&nside) {
            continue;
        }
        out.write_all(if first { b"{\n" } else { b",\n" })?;
        first = false;
        write!(out, "\"nside-{nside}\": {{\n\"columns\": ")?;
        serde_json::to_writer(&mut *out, &COLUMNS)?;
        out.write_all(b",\n\"metadata\": ")?;
        serde_json::to_writer(&mut *out, &metadata(record, nside, &with_block))?;
        out.write_all(b",\n\"data\": [")?;
        let mut separator: &[u8] = b"\n";
        for (&index, outcome) in pixels {
            if let Some(fit) = finite_fit(outcome) {
                out.write_all(separator)?;
                separator = b",\n";
                serde_json::to_writer(&mut *out, &Row(index, fit))?;
            }
        }
        out.write_all(b"\n]}")?;
    }
    out.write_all(if first { b"{}\n" } else { b"\n}\n" })
}

fn metadata<'a>(record: &'a ScanRecord<'_>, nside: Nside, with_block: &[Nside]) -> Metadata<'a> {
    let EventIdentity {
        run_id,
        event_id,
        mjd,
        ref stream,
    } = record.event;
    let failed_rounds = record
        .map
        .rounds()
        .iter()
        .filter(|(nside, _)| !with_block.contains(nside))
        .map(|(nside, pixels)| (format!("failed_nside_{nside}"), failures(pixels)))
        .collect();
    let pixels = &record.map.rounds()[&nside];
    Metadata {
        nside,
        complete: record.complete.contains(&nside),
        run_id,
        event_id,
        event_type: stream,
        mjd,
        // skyreader refuses a real event with a run number outside this range.
        is_real_event: (100_000..1_000_000).contains(&run_id),
        version: 1,
        frame: conventions::FRAME,
        equinox: conventions::EQUINOX,
        ordering: "RING",
        declination: conventions::DECLINATION,
        llh_definition: conventions::LLH,
        producer: conventions::PRODUCER,
        reco: record.reco,
        numerics: record.numerics,
        regions: record.method.name(),
        coverage_sha256: record.method.coverage_sha256(),
        systematics_sha256: record.systematics_sha256(),
        hit_doms: record.hit_doms,
        levels: by_share(record, "level", |region| region.level),
        closed: by_share(record, "closed", Region::is_closed),
        quality: doubt::names(&record.doubts()),
        n_failed: failed_indices(pixels).len() as u64,
        failed: failures(pixels),
        failed_rounds,
    }
}

/// Something of each region, under `level_50` and the like.
fn by_share<T>(record: &ScanRecord<'_>, what: &str, of: fn(&Region) -> T) -> BTreeMap<String, T> {
    let key = |containment: f64| format!("{what}_{}", percent(containment));
    let regions = record.regions.iter();
    regions.map(|r| (key(r.containment), of(r))).collect()
}

fn fitted_rounds(map: &SkyMap) -> impl Iterator<Item = Nside> + '_ {
    map.rounds()
        .iter()
        .filter(|(_, pixels)| pixels.values().any(|o| finite_fit(o).is_some()))
        .map(|(&nside, _)| nside)
}

fn finite_fit(outcome: &PixelOutcome) -> Option<&PixelFit> {
    match outcome {
        PixelOutcome::Fitted(fit) if fit.llh.is_finite() => Some(fit),
        PixelOutcome::Fitted(_) | PixelOutcome::Failed(_) => None,
    }
}

/// The pixels of a round without a fit.
fn failed_indices(pixels: &BTreeMap<u64, PixelOutcome>) -> Vec<u64> {
    let failed = pixels.iter().filter(|(_, o)| finite_fit(o).is_none());
    failed.map(|(&index, _)| index).collect()
}

/// One line a failed pixel: its index, a blank, the reason.
fn failures(pixels: &BTreeMap<u64, PixelOutcome>) -> String {
    let mut lines = String::new();
    for (index, outcome) in pixels {
        let reason = match outcome {
            PixelOutcome::Fitted(fit) if fit.llh.is_finite() => continue,
            PixelOutcome::Fitted(_) => "llh is not finite",
            PixelOutcome::Failed(reason) => reason,
        };
        if !lines.is_empty() {
            lines.push('\n');
        }
        lines.push_str(&format!("{index} "));
        lines.extend(
            reason
                .chars()
                .take(LONGEST_REASON)
                .map(|c| if c.is_control() { ' ' } else { c }),
        );
    }
    lines
}

/// A pixel's row.
struct Row<'a>(u64, &'a PixelFit);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Row(index, fit) = self;
        let mut row = serializer.serialize_tuple(COLUMNS.len())?;
        row.serialize_element(index)?;
        row.serialize_element(&fit.llh)?;
        for value in [fit.energy_inside_gev, fit.energy_total_gev]
            .into_iter()
            .chain(fit.position_m.map(Some))
            .chain([Some(fit.time_ns)])
        {
            match value {
                Some(value) if value.is_finite() => row.serialize_element(&value)?,
                _ => row.serialize_element(NAN)?,
            }
        }
        row.end()
    }
}

#[cfg(test)]
mod tests;
