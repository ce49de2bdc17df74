//! The coverage file that follows from a study.
//!
//! A level is one of the values of `2 (llh - llh_best)` at the truth: of n sorted ones the one at place
//! `ceil((n + 1) c)`, which the next event's stays below with probability c or a little more, whatever their
//! distribution is (Vovk, Gammerman and Shafer, *Algorithmic Learning in a Random World*, 2005, chapter 2).
//!
//! Few and many hit DOMs get levels of their own where each half has enough events: the more light there
//! is, the farther the likelihood is from the truth beside its own width. The floor is the one with which
//! regions that hold 90 % are the smallest, in the geometric mean over events; none if that saves little.

use std::collections::BTreeMap;

use super::design::Design;
use super::measure::{Found, Measured};
use super::statistics::covering_rank;
use crate::sky::region::{
    CONTAINMENTS, COVERAGE_FORMAT, CoverageTable, DomClass, RecoCoverage, StudyNote,
};

/// Floors that are tried, in degrees.
pub const FLOORS_DEG: [f64; 8] = [0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5];

/// Fewest events that levels may stand on.
const FEWEST_EVENTS: usize = 20;

/// Each half of the events has levels of its own if it has so many: enough for a level of 90 % to within a
/// fifth.
const ENOUGH_APART: usize = 100;

/// A floor that makes regions smaller by less than this share is none.
const LEAST_SAVED: f64 = 0.02;

/// Floors whose regions differ by less than this share are as good as each other.
const TIE: f64 = 0.01;

/// Containments of a table's rows: up to here in steps, then as far as there are events.
const STEPS: u32 = 19;
const STEP: f64 = 0.05;
const BEYOND: [f64; 2] = [0.98, 0.99];

/// No file can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reco {reco} has {n_events} events with a map: levels need {FEWEST_EVENTS} or more")]
pub struct TooFewEvents {
    reco: String,
    n_events: usize,
}

/// An event as far as levels need it.
#[derive(Clone, Debug)]
struct Seen {
    hit_doms: usize,
    /// At the truth, by floor.
    excesses: Vec<f64>,
    spread_deg2: f64,
}

/// The file of a study whose answers were measured with [`FLOORS_DEG`]. Answers that are averaged over systematics
/// have no part in it: `scan` takes levels by reconstruction alone.
///
/// # Errors
/// If there are too few events.
pub fn table(design: &Design, measured: &[Measured]) -> Result<CoverageTable, TooFewEvents> {
    let mut by_reco: BTreeMap<&str, Vec<Seen>> = BTreeMap::new();
    let mut events: Vec<u64> = Vec::new();
    let plain = |one: &&Measured| one.answer.systematics.is_none();
    for one in measured.iter().filter(plain) {
        let seen = by_reco.entry(&one.answer.reco).or_default();
        if let Some(found) = &one.found {
            seen.push(Seen::of(one.answer.hit_doms, found));
            events.push(one.answer.event);
        }
    }
    events.sort_unstable();
    events.dedup();
    let recos = by_reco.into_iter().map(|(reco, seen)| {
        let too_few = TooFewEvents {
            reco: reco.to_owned(),
            n_events: seen.len(),
        };
        let coverage = coverage(seen, design.enclosed).ok_or(too_few)?;
        Ok((reco.to_owned(), coverage))
    });
    Ok(CoverageTable {
        format: COVERAGE_FORMAT.to_owned(),
        detector: design.detector.clone(),
        study: StudyNote {
            producer: concat!("skyscan ", env!("CARGO_PKG_VERSION")).to_owned(),
            numerics: design.numerics,
            light: design.light.name().to_owned(),
            seed: design.seed,
            n_events: events.len() as u64,
            energies_gev: design.energies_gev,
            ices: design.ices.iter().map(|ice| ice.words()).collect(),
        },
        recos: recos.collect::<Result<_, TooFewEvents>>()?,
    })
}

impl Seen {
    fn of(hit_doms: usize, found: &Found) -> Self {
        // Between pixels the likelihood may be better than that of the best one.
        let excesses = found.excesses.iter().map(|excess| excess.max(0.0));
        Self {
            hit_doms,
            excesses: excesses.collect(),
            spread_deg2: found.spread_deg2,
        }
    }
}

fn coverage(mut seen: Vec<Seen>, enclosed: f64) -> Option<RecoCoverage> {
    if seen.len() < FEWEST_EVENTS {
        return None;
    }
    seen.sort_by_key(|seen| seen.hit_doms);
    let sizes: Vec<f64> = (0..FLOORS_DEG.len())
        .map(|floor| ln_size(&seen, floor))
        .collect();
    let least = sizes.iter().copied().min_by(f64::total_cmp)?;
    // The smallest of those that are about as good.
    let least = sizes.iter().position(|size| *size <= least + TIE)?;
    let floor = match sizes[0] - sizes[least] > LEAST_SAVED {
        true => least,
        false => 0,
    };
    let classes = classes(&seen).into_iter().map(|class| DomClass {
        fewest_doms: match class.len() == seen.len() || class[0].hit_doms == seen[0].hit_doms {
            true => 0,
            false => class[0].hit_doms,
        },
        n_events: class.len() as u64,
        levels: rows(class, floor, enclosed),
    });
    Some(RecoCoverage {
        floor_deg: FLOORS_DEG[floor],
        classes: classes.collect(),
    })
}

/// Mean of the logarithm of the 90 % regions' areas with a floor, but for a constant.
fn ln_size(seen: &[Seen], floor: usize) -> f64 {
    let mut sum = 0.0;
    for class in classes(seen) {
        let level = level(class, floor, CONTAINMENTS[1]).unwrap_or(f64::MAX);
        for seen in class {
            sum += libm::log(level * (seen.spread_deg2 + FLOORS_DEG[floor] * FLOORS_DEG[floor]));
        }
    }
    sum / seen.len() as f64
}

/// All events, or few and many DOMs apart if there are enough of each.
fn classes(seen: &[Seen]) -> Vec<&[Seen]> {
    let middle = seen.len() / 2;
    // Events with the same number of DOMs stay together.
    let border = seen[middle].hit_doms;
    let split = seen.partition_point(|seen| seen.hit_doms < border);
    let halves = seen.split_at(split);
    let is_enough = |half: &[Seen]| half.len() >= ENOUGH_APART;
    match is_enough(halves.0) && is_enough(halves.1) {
        true => vec![halves.0, halves.1],
        false => vec![seen],
    }
}

/// The value that this share of the next events stays below.
fn level(seen: &[Seen], floor: usize, share: f64) -> Option<f64> {
    let mut values: Vec<f64> = seen.iter().map(|seen| seen.excesses[floor]).collect();
    values.sort_unstable_by(f64::total_cmp);
    Some(values[covering_rank(values.len(), share)? - 1])
}

/// Containments with their levels. Beyond what was scanned finely only those that every file has.
fn rows(seen: &[Seen], floor: usize, enclosed: f64) -> Vec<[f64; 2]> {
    let steps = (1..=STEPS).map(|n| f64::from(n) * STEP).chain(BEYOND);
    steps
        .filter_map(|share| Some([(share * 100.0).round() / 100.0, level(seen, floor, share)?]))
        .filter(|row| row[1] <= enclosed || row[0] <= CONTAINMENTS[1])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sky::region::wilks_level;

    /// Events whose likelihood is too narrow by a factor, evenly over containments. A shift by `floor` degrees
    /// along each axis comes on top of what the likelihood knows of.
    fn seen(n: usize, factor: impl Fn(usize) -> f64, floor: f64) -> Vec<Seen> {
        (0..n)
            .map(|i| {
                // A permutation, so that neither half has the low ones.
                let share = ((i * 37) % n) as f64 / n as f64 + 0.5 / n as f64;
                // Widths from 0.03 to 0.6 degrees.
                let spread_deg2 = 0.001 * 20f64.powf(2.0 * ((i * 11) % n) as f64 / n as f64);
                let off = factor(i) * wilks_level(share) * (spread_deg2 + floor * floor);
                let excess = |tried: &f64| off / (spread_deg2 + tried * tried);
                Seen {
                    hit_doms: 10 + i,
                    excesses: FLOORS_DEG.iter().map(excess).collect(),
                    spread_deg2,
                }
            })
            .collect()
    }

    #[test]
    fn levels_are_those_that_the_events_came_from() {
        let coverage = coverage(seen(199, |_| 1.7, 0.0), 20.0).unwrap();
        assert_eq!(coverage.floor_deg, 0.0);
        assert_eq!(coverage.classes.len(), 1);
        let class = &coverage.classes[0];
        assert_eq!((class.fewest_doms, class.n_events), (0, 199));
        assert_eq!(class.levels.len(), 21);
        for &[share, level] in &class.levels {
            let expected = 1.7 * wilks_level(share);
            assert!((level / expected - 1.0).abs() < 0.12, "{share}: {level}");
        }
    }

    #[test]
    fn few_and_many_doms_have_levels_of_their_own() {
        let apart = |i: usize| if i < 200 { 1.0 } else { 2.5 };
        let coverage = coverage(seen(400, apart, 0.0), 20.0).unwrap();
        let [few, many] = &coverage.classes[..] else {
            panic!("{} classes", coverage.classes.len());
        };
        assert_eq!((few.fewest_doms, many.fewest_doms), (0, 210));
        let ninety = |class: &DomClass| {
            let row = class.levels.iter().find(|row| row[0] == 0.9);
            row.unwrap()[1] / wilks_level(0.9)
        };
        assert!((ninety(few) - 1.0).abs() < 0.1, "{}", ninety(few));
        assert!((ninety(many) - 2.5).abs() < 0.25, "{}", ninety(many));
    }

    #[test]
    fn a_floor_is_found_where_there_is_one() {
        let coverage = coverage(seen(400, |_| 1.0, 0.2), 20.0).unwrap();
        assert_eq!(coverage.floor_deg, 0.2);
        assert_eq!(coverage.classes.len(), 2);
        for class in &coverage.classes {
            let row = class.levels.iter().find(|row| row[0] == 0.9).unwrap();
            assert!((row[1] / wilks_level(0.9) - 1.0).abs() < 0.1, "{row:?}");
        }
    }

    #[test]
    fn few_events_give_no_levels_and_none_beyond_what_was_scanned() {
        assert!(coverage(seen(19, |_| 1.0, 0.0), 20.0).is_none());
        let coverage = coverage(seen(100, |_| 10.0, 0.0), 20.0).unwrap();
        let last = coverage.classes[0].levels.last().unwrap();
        assert_eq!(last[0], 0.9);
    }
}
