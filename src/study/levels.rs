//! The coverage file that follows from a study.
//!
//! A level is one of the values of `2 (llh - llh_best)` at the truth: of n sorted ones the one at place
//! `ceil((n + 1) c)`, which the next event's stays below with probability c or a little more, whatever their
//! distribution is (Vovk, Gammerman and Shafer, *Algorithmic Learning in a Random World*, 2005, chapter 2).
//!
//! Few and many hit DOMs get levels of their own where each half has enough events: the more light there
//! is, the farther the likelihood is from the truth beside its own width. The floor is the one with which
//! regions that hold 90 % are the smallest, in the geometric mean over events; none if that saves little.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::design::Design;
use super::measure::{Found, Measured};
use super::statistics::{Share, covering_rank};
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

/// Studies whose events do not belong together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("studies of different {0} give no levels together")]
pub struct Unlike(&'static str);

/// Whether levels may come from the events of all of these.
///
/// # Errors
/// If they are of another telescope, light, energies, maps or numerics, or have events in common.
pub fn check_alike(designs: &[&Design]) -> Result<(), Unlike> {
    let alike =
        |of: &dyn Fn(&Design) -> String| designs.windows(2).all(|pair| of(pair[0]) == of(pair[1]));
    for (what, is_alike) in [
        ("telescopes", alike(&|design| design.detector.clone())),
        ("light", alike(&|design| design.light.name().to_owned())),
        (
            "energies",
            alike(&|design| format!("{:?}", design.energies_gev)),
        ),
        (
            "maps",
            alike(&|design| format!("{:?} {}", design.nsides, design.enclosed)),
        ),
        ("numerics", alike(&|design| design.numerics.to_string())),
    ] {
        if !is_alike {
            return Err(Unlike(what));
        }
    }
    let mut seeds: Vec<u64> = designs.iter().map(|design| design.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    match seeds.len() == designs.len() {
        true => Ok(()),
        false => Err(Unlike(
            "folders and the same seed, which have events in common,",
        )),
    }
}

/// An event as far as levels need it.
#[derive(Clone, Debug)]
struct Seen {
    /// What it was in.
    ice: String,
    hit_doms: usize,
    /// At the truth, by floor.
    excesses: Vec<f64>,
    spread_deg2: f64,
}

/// The file of studies whose answers were measured with [`FLOORS_DEG`]. Answers that are averaged over systematics
/// have no part in it: `scan` takes levels by reconstruction alone.
///
/// # Errors
/// If there are too few events.
pub fn table(
    design: &Design,
    more: &[&Design],
    measured: &[&Measured],
) -> Result<CoverageTable, TooFewEvents> {
    let recos = by_reco(measured).into_iter().map(|(reco, seen)| {
        let too_few = TooFewEvents {
            reco: reco.to_owned(),
            n_events: seen.len(),
        };
        let coverage = coverage(seen, design.enclosed).ok_or(too_few)?;
        Ok((reco.to_owned(), coverage))
    });
    let recos: BTreeMap<_, _> = recos.collect::<Result<_, TooFewEvents>>()?;
    let n_events = |reco: &RecoCoverage| reco.classes.iter().map(|class| class.n_events).sum();
    let mut ices: Vec<String> = Vec::new();
    for ice in std::iter::once(&design)
        .chain(more)
        .flat_map(|design| &design.ices)
    {
        if !ices.contains(&ice.words()) {
            ices.push(ice.words());
        }
    }
    Ok(CoverageTable {
        format: COVERAGE_FORMAT.to_owned(),
        detector: design.detector.clone(),
        study: StudyNote {
            producer: concat!("skyscan ", env!("CARGO_PKG_VERSION")).to_owned(),
            numerics: design.numerics,
            light: design.light.name().to_owned(),
            seed: design.seed,
            more_seeds: more.iter().map(|design| design.seed).collect(),
            n_events: recos.values().map(n_events).max().unwrap_or(0),
            energies_gev: design.energies_gev,
            ices,
        },
        recos,
    })
}

fn by_reco<'a>(measured: &[&'a Measured]) -> BTreeMap<&'a str, Vec<Seen>> {
    let mut by_reco: BTreeMap<&str, Vec<Seen>> = BTreeMap::new();
    for one in measured
        .iter()
        .filter(|one| one.answer.systematics.is_none())
    {
        let seen = by_reco.entry(&one.answer.reco).or_default();
        seen.extend(one.found.as_ref().map(|found| Seen::of(one, found)));
    }
    by_reco
}

/// What levels hold in an ice that they do not come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeftOut {
    /// Which reconstruction.
    pub reco: String,
    /// Which events.
    pub events: String,
    /// How many of them have the truth below the level of 50 and of 90 %.
    pub held: [Share; 2],
}

/// For each ice, levels from the events in all others, counted on those in it: first all events together, those with
/// few and with many hit DOMs, then by ice. No event is judged by levels that it, or its ice, had a part in.
///
/// # Errors
/// If there are too few events outside of an ice.
pub fn left_out(design: &Design, measured: &[&Measured]) -> Result<Vec<LeftOut>, TooFewEvents> {
    let mut rows = Vec::new();
    for (reco, seen) in by_reco(measured) {
        let judged = judged(&seen, design.enclosed).ok_or_else(|| TooFewEvents {
            reco: reco.to_owned(),
            n_events: seen.len(),
        })?;
        let mut doms: Vec<usize> = seen.iter().map(|seen| seen.hit_doms).collect();
        doms.sort_unstable();
        let middle = doms[doms.len() / 2];
        let mut row = |events: String, is_in: &dyn Fn(&Seen) -> bool| {
            let of = |at: usize| {
                let events = judged.iter().filter(|(seen, _)| is_in(seen));
                let n_held = events.clone().filter(|(_, holds)| holds[at]).count();
                Share::of(n_held, events.count())
            };
            rows.push(LeftOut {
                reco: reco.to_owned(),
                events,
                held: [of(0), of(1)],
            });
        };
        row("all".to_owned(), &|_| true);
        row(format!("fewer than {middle} DOMs"), &|seen| {
            seen.hit_doms < middle
        });
        row(format!("{middle} DOMs or more"), &|seen| {
            seen.hit_doms >= middle
        });
        let ices: BTreeSet<&str> = seen.iter().map(|seen| seen.ice.as_str()).collect();
        for ice in ices {
            row(ice.to_owned(), &|seen| seen.ice == ice);
        }
    }
    Ok(rows)
}

/// Every event, and whether the truth is below the levels of 50 and 90 % from all other ices.
fn judged(seen: &[Seen], enclosed: f64) -> Option<Vec<(&Seen, [bool; 2])>> {
    let ices: BTreeSet<&str> = seen.iter().map(|seen| seen.ice.as_str()).collect();
    let mut judged = Vec::new();
    for ice in ices {
        let (within, others): (Vec<&Seen>, Vec<&Seen>) =
            seen.iter().partition(|seen| seen.ice == ice);
        let levels = coverage(others.into_iter().cloned().collect(), enclosed)?;
        let floor = FLOORS_DEG
            .iter()
            .position(|floor| *floor == levels.floor_deg)?;
        for event in within {
            let mut classes = levels.classes.iter().rev();
            let class = classes.find(|class| class.fewest_doms <= event.hit_doms)?;
            let holds = CONTAINMENTS.map(|share| {
                let row = class
                    .levels
                    .iter()
                    .find(|row| (row[0] - share).abs() < 1e-9);
                row.is_some_and(|row| event.excesses[floor] <= row[1])
            });
            judged.push((event, holds));
        }
    }
    Some(judged)
}

impl Seen {
    fn of(one: &Measured, found: &Found) -> Self {
        // Between pixels the likelihood may be better than that of the best one.
        let excesses = found.excesses.iter().map(|excess| excess.max(0.0));
        Self {
            ice: one.answer.ice.words(),
            hit_doms: one.answer.hit_doms,
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
                    ice: format!("ice {}", i % 4),
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

    #[test]
    fn an_ice_is_judged_by_the_levels_of_others() {
        // All alike: they hold what they say.
        let alike = seen(400, |_| 1.7, 0.0);
        let judged_alike = judged(&alike, 50.0).unwrap();
        for (at, share) in CONTAINMENTS.into_iter().enumerate() {
            let n_held = judged_alike.iter().filter(|(_, holds)| holds[at]).count();
            assert!((n_held as f64 / 400.0 - share).abs() < 0.03, "{n_held}");
        }
        // One ice is worse than the others know.
        let apart = seen(400, |i| if i % 4 == 2 { 6.0 } else { 1.0 }, 0.0);
        let judged_apart = judged(&apart, 50.0).unwrap();
        let share = |ice: &str| {
            let within = judged_apart.iter().filter(|(seen, _)| seen.ice == ice);
            let n_held = within.clone().filter(|(_, holds)| holds[1]).count();
            n_held as f64 / within.count() as f64
        };
        assert!(share("ice 2") < 0.5 && share("ice 1") > 0.95);
    }
}
