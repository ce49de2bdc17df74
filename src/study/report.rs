//! What the answers of a study come to, for people and for programs.

mod charts;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::design::Design;
use super::folder::{Folder, Outcome};
use super::measure::{Found, Measured};
use super::statistics::{Mean, Share};
use crate::drawing::{self, Figure};
use crate::output::OutputError;
use crate::output::file::write_atomically;
use crate::scenario::statistics::quantile;
use crate::sky::region::MethodNote;
pub use table::text;

/// Answers farther off than this are wrong, whatever their regions say; they are left out of the bias.
const FAR_DEG: f64 = 10.0;
/// Events with more hit DOMs than these should never be far off.
const MANY_DOMS: [usize; 2] = [50, 100];
/// Where a fit at the truth is better than the best pixel by more than this, and the truth is so many of the
/// finest pixels away, the search has missed it.
const MISSED_LLH: f64 = 0.5;
const MISSED_PIXELS: f64 = 2.0;
/// What rounding may do to a containment.
const ROUNDING: f64 = 1e-9;

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What the events were.
    pub design: Design,
    /// By reconstruction, without systematics and with them.
    pub recos: Vec<RecoReport>,
    /// Every answer, by event, then by reconstruction.
    pub answers: Vec<Measured>,
}

/// The answers of one reconstruction, without systematics or averaged over them.
#[derive(Clone, Debug, Serialize)]
pub struct RecoReport {
    /// Its name, and that of the systematics.
    pub reco: String,
    /// How its regions were made.
    #[serde(flatten)]
    pub made: MethodNote,
    /// Events that it cannot use.
    pub n_unusable: usize,
    /// Maps whose best pixel is worse than a fit at the truth.
    pub n_missed: usize,
    /// Half of the events have fewer hit DOMs.
    pub median_doms: usize,
    /// All of them first, then parts.
    pub groups: Vec<Group>,
    /// Claimed containments, each with the share of truths that its regions hold.
    pub probabilities: Vec<(f64, Share)>,
}

/// Events that are counted together.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Which ones.
    pub name: String,
    /// How many.
    pub n: usize,
    /// Half of them are at most so far off.
    pub median_deg: f64,
    /// 68 % of them.
    pub p68_deg: f64,
    /// 90 % of them.
    pub p90_deg: f64,
    /// How many are more than ten degrees off.
    pub n_far: usize,
    /// Truths in the 50 % and in the 90 % region.
    pub held: [Share; 2],
    /// Median area of the 50 % and of the 90 % region.
    pub area_deg2: [f64; 2],
    /// Mean of zenith less true zenith, of those that are not far off.
    pub along_deg: Option<Mean>,
    /// Mean of how far off they are across.
    pub across_deg: Option<Mean>,
}

/// An answer that has a map.
type Usable<'a> = (&'a Measured, &'a Found);

impl Report {
    /// Counts them.
    pub fn of(design: &Design, answers: Vec<Measured>) -> Self {
        let mut by_maker: BTreeMap<String, Vec<&Measured>> = BTreeMap::new();
        for one in &answers {
            by_maker.entry(one.answer.maker()).or_default().push(one);
        }
        let recos = by_maker
            .iter()
            .map(|(maker, all)| RecoReport::of(maker, all, design));
        let recos = recos.collect();
        Self {
            design: design.clone(),
            recos,
            answers,
        }
    }

    /// Writes everything into the study's folder; returns the files.
    ///
    /// # Errors
    /// If a file cannot be written or a chart not be drawn.
    pub fn write(&self, folder: &Folder) -> Result<Vec<PathBuf>, OutputError> {
        let dir = folder.dir();
        let json = |out: &mut dyn Write| {
            serde_json::to_writer_pretty(out, self).map_err(std::io::Error::from)
        };
        // Other regions of the same maps leave these alone.
        let method = self.recos.first().map_or("none", |reco| &reco.made.name);
        let named = |stem: &str, ending: &str| format!("{stem}.{method}.{ending}");
        let mut files = vec![write_atomically(dir, &named("validation", "json"), json)?];
        let text = text(self);
        files.push(write_atomically(dir, &named("validation", "md"), |out| {
            out.write_all(text.as_bytes())
        })?);
        let mut put = |stem: &str, figure: &Figure| {
            let drawn = |source| OutputError::Draw {
                path: dir.join(stem),
                source,
            };
            let pictures = [
                ("svg", drawing::svg(figure).map_err(drawn)?.into_bytes()),
                ("png", drawing::png(figure).map_err(drawn)?),
            ];
            for (ending, bytes) in pictures {
                let name = named(stem, ending);
                files.push(write_atomically(dir, &name, |out| out.write_all(&bytes))?);
            }
            Ok(())
        };
        put("probabilities", &charts::probabilities(self))?;
        put("resolution", &charts::resolution(self))?;
        Ok(files)
    }
}

impl RecoReport {
    fn of(reco: &str, all: &[&Measured], design: &Design) -> Self {
        let usable: Vec<Usable<'_>> = (all.iter())
            .filter_map(|one| Some((*one, one.found.as_ref()?)))
            .collect();
        let mut doms: Vec<usize> = usable.iter().map(|(one, _)| one.answer.hit_doms).collect();
        doms.sort_unstable();
        let median_doms = doms.get(doms.len() / 2).copied().unwrap_or(0);
        let finest = design.nsides.last();
        let pixel_deg = finest.map_or(0.0, |nside| nside.pixel_area_deg2().sqrt());
        let is_missed = |(one, found): &&Usable<'_>| match one.answer.outcome {
            Outcome::Map { llh_truth, .. } => {
                llh_truth.is_some_and(|llh| llh < found.llh_best - MISSED_LLH)
                    && found.angle_deg > MISSED_PIXELS * pixel_deg
            }
            Outcome::Unusable(_) => false,
        };
        Self {
            reco: reco.to_owned(),
            made: made(&usable),
            n_unusable: all.len() - usable.len(),
            n_missed: usable.iter().filter(is_missed).count(),
            median_doms,
            groups: groups(&usable, median_doms, design),
            probabilities: probabilities(&usable),
        }
    }
}

/// How the regions were made: a file of levels may have others for few and for many hit DOMs.
fn made(usable: &[Usable<'_>]) -> MethodNote {
    let mut made = usable
        .first()
        .map(|(_, found)| found.made.clone())
        .unwrap_or_default();
    let meanings: BTreeSet<&str> = (usable.iter())
        .map(|(_, found)| found.made.meaning.as_str())
        .collect();
    if meanings.len() > 1 {
        let meanings: Vec<&str> = meanings.into_iter().collect();
        made.meaning = format!("{}, by hit DOMs", meanings.join("; or "));
    }
    made
}

fn groups(usable: &[Usable<'_>], median_doms: usize, design: &Design) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut add = |name: String, is_in: &dyn Fn(&Measured) -> bool| {
        let chosen: Vec<&Usable<'_>> = usable.iter().filter(|(one, _)| is_in(one)).collect();
        if !chosen.is_empty() {
            groups.push(Group::of(name, &chosen));
        }
    };
    add("all".to_owned(), &|_| true);
    add(format!("fewer than {median_doms} DOMs"), &|one| {
        one.answer.hit_doms < median_doms
    });
    add(format!("{median_doms} DOMs or more"), &|one| {
        one.answer.hit_doms >= median_doms
    });
    for many in MANY_DOMS {
        add(format!("more than {many} DOMs"), &|one| {
            one.answer.hit_doms > many
        });
    }
    for ice in &design.ices {
        add(ice.words(), &|one| one.answer.ice == *ice);
    }
    for exponent in 2..10 {
        let [low, high] = [0, 1].map(|step| libm::exp10(f64::from(exponent + step)));
        add(format!("{} to {}", energy(low), energy(high)), &|one| {
            (low..high).contains(&one.answer.energy_gev)
        });
    }
    groups
}

/// `10 TeV`, of powers of ten.
fn energy(gev: f64) -> String {
    match gev {
        gev if gev < 999.0 => format!("{gev:.0} GeV"),
        gev if gev < 999e3 => format!("{:.0} TeV", gev / 1e3),
        gev => format!("{:.0} PeV", gev / 1e6),
    }
}

impl Group {
    fn of(name: String, chosen: &[&Usable<'_>]) -> Self {
        let sorted = |of: &dyn Fn(&Found) -> f64| {
            let mut values: Vec<f64> = chosen.iter().map(|(_, found)| of(found)).collect();
            values.sort_unstable_by(f64::total_cmp);
            values
        };
        let angles = sorted(&|found| found.angle_deg);
        let near = |of: &dyn Fn(&Found) -> f64| {
            let near = chosen
                .iter()
                .filter(|(_, found)| found.angle_deg <= FAR_DEG);
            Mean::of(&near.map(|(_, found)| of(found)).collect::<Vec<f64>>())
        };
        // A map has both regions or none.
        let region = |at: usize, found: &Found| found.regions.get(at).copied();
        let held = |at: usize| {
            let holds = |found: &Found| region(at, found).is_some_and(|region| region.holds);
            let held = chosen.iter().filter(|(_, found)| holds(found)).count();
            Share::of(held, chosen.len())
        };
        let area = |at: usize| {
            let areas = sorted(&|found| region(at, found).map_or(f64::NAN, |held| held.area_deg2));
            quantile(&areas, 0.5)
        };
        Self {
            name,
            n: chosen.len(),
            median_deg: quantile(&angles, 0.5),
            p68_deg: quantile(&angles, 0.68),
            p90_deg: quantile(&angles, 0.9),
            n_far: angles.iter().filter(|angle| **angle > FAR_DEG).count(),
            held: [held(0), held(1)],
            area_deg2: [area(0), area(1)],
            along_deg: near(&|found| found.along_deg),
            across_deg: near(&|found| found.across_deg),
        }
    }
}

/// At every twentieth, where the method claims something for each.
fn probabilities(usable: &[Usable<'_>]) -> Vec<(f64, Share)> {
    let claimed: Vec<f64> = usable
        .iter()
        .filter_map(|(_, found)| found.claimed)
        .collect();
    if claimed.is_empty() {
        return Vec::new();
    }
    (1..20)
        .map(|step| {
            let share = f64::from(step) / 20.0;
            let n_held = claimed
                .iter()
                .filter(|claimed| **claimed <= share + ROUNDING)
                .count();
            (share, Share::of(n_held, claimed.len()))
        })
        .collect()
}
