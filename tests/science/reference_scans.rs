//! `segmented` beside IceCube's millipede: the twelve pixels of nside 1, for three alerts.
//!
//! Two reconstructions of IceCube's scanner with millipede have tables there. They rank the pixels alike with 0.64,
//! 0.50 and 0.56 (Spearman) themselves: eleven of the twelve directions are wrong by tens of degrees, and which of
//! them is worse says more of starts and settings than of light. The tables are no part of the project: without them
//! this shows as ignored.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use skyscan::event::detector::Detector;
use skyscan::event::{ReadOptions, read};
use skyscan::reco::segmented::Segmented;
use skyscan::reco::{Likelihood, PixelRequest, Problem};
use skyscan::sky::Nside;
use skyscan::sky::coordinates::SkyFrame;
use skyscan::sky::map::{PixelFit, PixelOutcome};

use crate::needs::{self, Check, group};

/// An alert, its tables, and whether it is a track, so that the best pixel has to be the same.
struct Case {
    event: &'static str,
    tables: &'static str,
    is_track: bool,
}

const CASES: [Case; 3] = [
    Case {
        event: "run00136766-evt000007637140-GOLD.pkl",
        tables: "run00136766.evt000007637140.neutrino_1",
        is_track: true,
    },
    Case {
        event: "138632_31747601.json",
        tables: "run00138632.evt000031747601.neutrino_1",
        is_track: true,
    },
    Case {
        event: "hese_event_01.json",
        tables: "run00127907.evt000020178442.HESE_1",
        is_track: false,
    },
];

pub(crate) fn trials() -> Vec<Trial> {
    let checks: [(&str, Check); 1] = [("segmented_ranks_pixels_as_millipede_does", ranks_alike)];
    let missing = needs::reference_scan().1.or(needs::real_events());
    group("reference_scans", missing, checks)
}

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(of)
}

#[expect(clippy::print_stdout, reason = "the figures are worth reading")]
fn ranks_alike() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for case in CASES {
        let fits = fits(&folder("events").join(case.event))?;
        let ours: Vec<f64> = fits.iter().map(|fit| fit.llh).collect();
        let mut best_agreement = f64::MIN;
        for variant in ["millipede_original", "millipede_wilks"] {
            let file = format!("{}.{variant}.json", case.tables);
            let theirs = llhs(&folder("reference-scans").join(file))?;
            let agreement = rank_correlation(&ours, &theirs);
            println!("{} {variant}: {agreement:.2}", case.event);
            best_agreement = best_agreement.max(agreement);
            if case.is_track && best(&ours) != best(&theirs) {
                wrong.push(format!(
                    "{} {variant}: best pixel {} and not {}",
                    case.event,
                    best(&ours),
                    best(&theirs)
                ));
            }
        }
        if best_agreement < 0.6 {
            wrong.push(format!(
                "{}: rank correlation {best_agreement:.2} at most",
                case.event
            ));
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n").into()),
    }
}

fn fits(event: &Path) -> Result<Vec<PixelFit>, Failed> {
    let detector = Detector::icecube86();
    let event = read(event, &ReadOptions::default())?;
    let frame = SkyFrame::new(event.mjd, &detector.site);
    let problem = Problem {
        event,
        detector,
        reco: "segmented".to_owned(),
        systematics: None,
    };
    let likelihood = Segmented::default().for_event(&problem)?;
    let pixels = Nside::try_from(1)?.pixels();
    let fit = |pixel: skyscan::sky::Pixel| {
        let request = PixelRequest {
            direction: frame.to_detector(pixel.center()),
            seeds: vec![],
        };
        match likelihood.fit(&request) {
            PixelOutcome::Fitted(fit) => Ok(fit),
            PixelOutcome::Failed(reason) => Err(Failed::from(reason)),
        }
    };
    pixels.map(fit).collect()
}

fn llhs(file: &Path) -> Result<Vec<f64>, Failed> {
    let table: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let rows = table["nside-1"]["data"].as_array().ok_or("no rows")?;
    let llh = |row: &Value| row[1].as_f64().ok_or_else(|| Failed::from("no llh"));
    rows.iter().map(llh).collect()
}

fn best(llhs: &[f64]) -> usize {
    let least = (0..llhs.len()).min_by(|a, b| llhs[*a].total_cmp(&llhs[*b]));
    least.unwrap_or_default()
}

/// Spearman's, of numbers that are all different.
fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let ranks = |of: &[f64]| -> Vec<f64> {
        let below = |x: &f64| of.iter().filter(|y| *y < x).count();
        of.iter().map(|x| below(x) as f64).collect()
    };
    let n = a.len() as f64;
    let squares: f64 = (ranks(a).iter().zip(ranks(b)))
        .map(|(x, y)| (x - y) * (x - y))
        .sum();
    1.0 - 6.0 * squares / (n * (n * n - 1.0))
}
