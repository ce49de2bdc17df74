//! A draft of a GCN notice: the JSON of IceCube's single-neutrino alerts.
//!
//! Schema: `gcn/notices/icecube/single_neutrino_alerts.schema.json` of <https://github.com/nasa-gcn/gcn-schema>.
//! What a scan cannot know is left to whoever sends the notice: its number and time, the event's
//! name, energy, signalness and false-alarm rate. `alert_tense` is `test` until then.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::summary::told;
use super::{ScanRecord, conventions, maps, sexagesimal};
use skyscan_sky::probability::ProbabilityMap;
use skyscan_sky::region::Region;

const SCHEMA: &str =
    "https://gcn.nasa.gov/schema/main/gcn/notices/icecube/single_neutrino_alerts.schema.json";

/// A map larger than this is not put into the notice: brokers refuse messages of a megabyte.
const LARGEST_MAP: usize = 700_000;

/// Writes the notice; the 90 % region, or the largest where there is none, becomes its circle.
pub(super) fn write(
    scan: &ScanRecord<'_>,
    map: &ProbabilityMap,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut notice = json!({
        "$schema": SCHEMA,
        "messenger": "Neutrino",
        "id": [format!("{}_{}", scan.event.run_id, scan.event.event_id)],
        "alert_type": "update",
        "alert_tense": "test",
        "alert_topology": "Track",
        "number_of_events": 1,
        "systematic_included": scan.systematics.is_some() || scan.method.includes_systematics(),
        "additional_info": conventions::sentences(scan).join(". "),
    });
    let mut set = |key: &str, value: Value| notice[key] = value;
    if scan.detector.starts_with("IceCube") {
        set("mission", json!("IceCube"));
        set("instrument", json!("IC86"));
    }
    let stream = scan.event.stream.to_ascii_uppercase();
    for (word, pipeline) in [
        ("GOLD", "Gold Track Alert"),
        ("BRONZE", "Bronze Track Alert"),
    ] {
        if stream.contains(word) {
            set("pipeline", json!(pipeline));
        }
    }
    if let Some(iso) = sexagesimal::iso(scan.event.mjd) {
        set("trigger_time", json!(format!("{iso}Z")));
    }
    if let Some(best) = scan.best_fit {
        set("ra", json!(best.ra_rad.to_degrees()));
        set("dec", json!(best.dec_rad.to_degrees()));
        if let Some(region) = told(scan.regions, |region| region.containment) {
            let radius_rad = farthest_rad(region, best);
            set("ra_dec_error", json!(radius_rad.to_degrees()));
            set("containment_probability", json!(region.containment));
        }
    }
    let mut file = Vec::new();
    maps::write_multi_order(scan, map, &mut file)?;
    if file.len() <= LARGEST_MAP {
        set("healpix_file", json!(STANDARD.encode(file)));
    }
    serde_json::to_writer_pretty(&mut *out, &notice)?;
    out.write_all(b"\n")
}

/// Radius of the circle around the best fit that holds a whole region: a notice knows circles and
/// ellipses only, and has no place for errors that differ from side to side.
fn farthest_rad(region: &Region, best: skyscan_sky::Equatorial) -> f64 {
    let edge = region.contours.iter().flat_map(|contour| &contour.points);
    edge.map(|point| point.separation_rad(best))
        .max_by(f64::total_cmp)
        .unwrap_or(std::f64::consts::PI)
}
