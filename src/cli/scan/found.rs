//! What a map says of the source, and what files and summary are made of.

use std::collections::BTreeSet;

use crate::actors::scanner::Scanned;
use crate::output::summary::{
    BestFit, OffTruth, PutAsideWorker, Summary, failed_pixel_counts, failure_counts, pixel_counts,
};
use crate::output::{self, Doubt, Drafts, EventIdentity, ScanRecord, SecondMinimum, SubPixel};
use crate::reco::Problem;
use crate::scan::{NUMERICS, Plan};
use crate::sky::Nside;
use crate::sky::coordinates::SkyFrame;
use crate::sky::map::SkyMap;
use crate::sky::region::{MethodNote, Region, RegionChoice, RegionMethod};
use crate::sky::sub_pixel::SubPixelFit;

/// Regions and best fit of a map.
#[derive(Debug)]
pub(in crate::cli) struct Found {
    method: RegionMethod,
    pub(in crate::cli) regions: Vec<Region>,
    complete: BTreeSet<Nside>,
    sub_pixel: Option<SubPixelFit>,
    hit_doms: usize,
    event_doubts: Vec<Doubt>,
}

/// The rounds in which every planned pixel was fitted.
pub(in crate::cli) fn complete_rounds(
    map: &SkyMap,
    has_ended: bool,
    plan: &Plan,
) -> BTreeSet<Nside> {
    let finest = map.rounds().keys().next_back();
    let n_failed = failed_pixel_counts(map);
    plan.rounds()
        .iter()
        .filter(|nside| has_ended || Some(*nside) < finest)
        .filter(|nside| !n_failed.contains_key(nside))
        .copied()
        .collect()
}

/// What the event gives reason to doubt, the reconstruction with regions of this method, and the map if it lacks the
/// systematics that were asked for.
pub(in crate::cli) fn doubts(
    problem: &Problem,
    method: &RegionMethod,
    is_averaged: bool,
) -> Vec<Doubt> {
    let mut doubts = Doubt::of_event(&problem.event);
    let is_counted = matches!(method, RegionMethod::Coverage(_));
    doubts.extend(Doubt::of_reco(&problem.reco, is_counted));
    if problem.systematics.is_some() && !is_averaged {
        doubts.push(Doubt::WithoutSystematics);
    }
    doubts
}

impl Found {
    /// Of a scan that has not ended, or was stopped, the finest round may lack pixels, and its map may not be averaged
    /// over systematics yet.
    pub(super) fn on(
        map: &SkyMap,
        choice: &RegionChoice,
        has_ended: bool,
        is_averaged: bool,
        problem: &Problem,
        plan: &Plan,
    ) -> Self {
        let complete = complete_rounds(map, has_ended, plan);
        Self {
            method: choice.method().clone(),
            regions: output::regions(map, choice, &complete),
            complete,
            sub_pixel: SubPixelFit::of(map),
            hit_doms: output::hit_doms(&problem.event),
            event_doubts: doubts(problem, choice.method(), is_averaged),
        }
    }

    /// What files show.
    pub(super) fn record<'a>(&'a self, map: &'a SkyMap, problem: &'a Problem) -> ScanRecord<'a> {
        ScanRecord {
            event: EventIdentity::from(&problem.event),
            reco: &problem.reco,
            numerics: Some(NUMERICS),
            detector: &problem.detector.name,
            map,
            complete: self.complete.clone(),
            best_fit: map.best().map(|(pixel, _)| pixel.center()),
            sub_pixel: self.sub_pixel,
            method: self.method.clone(),
            regions: &self.regions,
            hit_doms: Some(self.hit_doms),
            event_doubts: &self.event_doubts,
            marks: &[],
            drafts: Drafts::default(),
            systematics: None,
        }
    }

    /// What is printed; transport, files and times are the caller's.
    pub(super) fn summary(&self, map: &SkyMap, scanned: &Scanned, problem: &Problem) -> Summary {
        let frame = SkyFrame::new(problem.event.mjd, &problem.detector.site);
        let best_fit = map.best().map(|(pixel, fit)| {
            let equatorial = pixel.center();
            let detector = frame.to_detector(equatorial);
            BestFit {
                ra_deg: equatorial.ra_rad.to_degrees(),
                dec_deg: equatorial.dec_rad.to_degrees(),
                zenith_deg: detector.zenith_rad.to_degrees(),
                azimuth_deg: detector.azimuth_rad.to_degrees(),
                llh: fit.llh,
            }
        });
        let truth = problem
            .event
            .truth
            .as_ref()
            .and_then(|truth| truth.direction);
        let truth = truth
            .map(|direction| frame.to_equatorial(direction))
            .zip(map.best().map(|(pixel, _)| pixel.center()));
        Summary {
            event: EventIdentity::from(&problem.event),
            reco: problem.reco.clone(),
            numerics: NUMERICS,
            variations: None,
            transport: String::new(),
            best_fit,
            sub_pixel: self.sub_pixel.as_ref().map(SubPixel::from),
            second_minimum: SecondMinimum::of(map, &self.regions),
            truth: truth.map(|(truth, best)| OffTruth::of(truth, best, &self.regions)),
            regions_made: MethodNote::from(&self.method),
            regions: self.regions.iter().map(Into::into).collect(),
            quality: Doubt::of_map(
                map,
                &self.regions,
                &self.method,
                scanned.complete,
                &self.event_doubts,
            ),
            systematics: None,
            tasks: scanned.tasks,
            pixels: pixel_counts(map),
            failed_pixels: failed_pixel_counts(map),
            put_aside: scanned
                .put_aside
                .iter()
                .map(|aside| PutAsideWorker {
                    worker: aside.worker.to_string(),
                    reason: aside.reason.clone(),
                })
                .collect(),
            complete: scanned.complete,
            ending: scanned.ending.name().to_owned(),
            wall_seconds: 0.0,
            cpu_seconds: 0.0,
            busy_seconds: scanned.busy_seconds,
            map_sha256: map.sha256_hex(),
            files: Vec::new(),
            files_failed: Vec::new(),
            failures: failure_counts(map),
        }
    }
}
