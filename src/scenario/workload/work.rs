//! What a run evaluates: a pile of tasks, or the rounds of a zoom scan.

use super::landscape::Landscape;
use super::pile::{self, Pile};
use crate::actors::partner::Partner;
use crate::actors::refiner::{self, ByPlan, Decide};
use crate::event::DetectorDirection;
use crate::event::detector::Site;
use crate::scan::{Asked, Atlas};
use crate::scenario::setup::{Setup, ZoomSetup};
use crate::sky::coordinates::SkyFrame;
use crate::sky::map::{PixelFit, PixelOutcome};

/// When and where the sky is looked at: it is the same sky for every replay.
const MJD: f64 = 58_794.0;
const SITE: Site = Site {
    longitude_deg: 0.0,
    latitude_deg: -90.0,
};

type Wave = Vec<Asked>;

/// What a run evaluates.
#[derive(Debug)]
pub(in crate::scenario) enum Work {
    /// One wave after the other, whatever comes out.
    Pile(Vec<Wave>),
    /// What the Refiner decides on. Its waves are known, since the landscape is.
    Zoom(Zoom),
}

/// A zoom scan over a landscape.
#[derive(Debug)]
pub(in crate::scenario) struct Zoom {
    decide: ByPlan,
    /// Pixels of each wave.
    waves: Vec<usize>,
    /// Directions of all of them.
    asked: Vec<DetectorDirection>,
}

impl Work {
    /// Of a point, with this seed and this mean time of a task.
    ///
    /// # Errors
    /// If there are no such rounds.
    pub(in crate::scenario) fn of(
        setup: &Setup,
        seed: u64,
        service_s: f64,
    ) -> Result<Self, String> {
        let Some(zoom) = &setup.workload.zoom else {
            return Ok(Self::Pile(match setup.workload.waves.as_slice() {
                [] => vec![pile::wave(setup.n_tasks(service_s))],
                waves => pile::waves(waves),
            }));
        };
        let decide = ByPlan {
            plan: zoom.plan()?,
            frame: SkyFrame::new(MJD, &SITE),
            n_systematics: 0,
        };
        let waves = foreseen(decide.clone(), Landscape::of(zoom, seed));
        Ok(match zoom {
            ZoomSetup { barriers: true, .. } => Self::Zoom(Zoom {
                decide,
                waves: waves.iter().map(Vec::len).collect(),
                asked: (waves.iter().flatten())
                    .map(|(_, request)| request.direction)
                    .collect(),
            }),
            ZoomSetup {
                barriers: false, ..
            } => Self::Pile(vec![waves.concat()]),
        })
    }

    /// How many tasks there are: one for each pixel.
    pub(in crate::scenario) fn n_tasks(&self) -> usize {
        match self {
            Self::Pile(waves) => waves.iter().map(Vec::len).sum(),
            Self::Zoom(zoom) => zoom.waves.iter().sum(),
        }
    }

    /// How many waves there are, each of which waits for the one before.
    pub(in crate::scenario) fn n_waves(&self) -> usize {
        match self {
            Self::Pile(waves) => waves.len(),
            Self::Zoom(zoom) => zoom.waves.len(),
        }
    }

    /// What is asked for, if more than that may be handed out.
    pub(in crate::scenario) fn asked(&self) -> Option<&[DetectorDirection]> {
        match self {
            Self::Pile(_) => None,
            Self::Zoom(zoom) => Some(&zoom.asked),
        }
    }

    /// Who hands it to the Scanner.
    pub(in crate::scenario) fn partner(self) -> Partner {
        match self {
            Self::Pile(waves) => refiner::start(Pile(waves.into())),
            Self::Zoom(zoom) => refiner::start(zoom.decide),
        }
    }
}

/// The waves of a scan that finds this landscape.
fn foreseen(mut decide: ByPlan, landscape: Landscape) -> Vec<Wave> {
    let mut atlas = Atlas::default();
    let mut waves = Vec::new();
    loop {
        let wave = decide.next(&atlas);
        if wave.is_empty() {
            return waves;
        }
        for (point, request) in &wave {
            let fit = PixelFit {
                llh: landscape.llh(request.direction),
                position_m: [0.0; 3],
                time_ns: 0.0,
                energy_inside_gev: None,
                energy_total_gev: None,
            };
            atlas.insert(*point, PixelOutcome::Fitted(fit));
        }
        waves.push(wave);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zoom_closes_in_on_a_region_of_the_width_it_was_given() {
        let setup = ZoomSetup {
            nside: vec![8, 64, 512],
            width_deg: 0.5,
            barriers: true,
        };
        let decide = ByPlan {
            plan: setup.plan().unwrap(),
            frame: SkyFrame::new(MJD, &SITE),
            n_systematics: 0,
        };
        for seed in 1..4 {
            let landscape = Landscape::of(&setup, seed);
            let waves = foreseen(decide.clone(), landscape);
            assert_eq!(waves[0].len(), 768);
            let n_tasks: usize = waves.iter().map(Vec::len).sum();
            assert!((1500..6000).contains(&n_tasks), "{n_tasks}");
            let finest = waves
                .iter()
                .flatten()
                .filter(|(point, _)| u32::from(point.pixel.nside) == 512);
            let level = crate::sky::region::wilks_level(0.9);
            let inside = finest
                .filter(|(_, request)| 2.0 * landscape.llh(request.direction) <= level)
                .count();
            // Its radius is sqrt(level) widths; a pixel has 0.0131 square degrees.
            let expected = std::f64::consts::PI * level * 0.25 / 0.0131;
            assert!(
                (inside as f64 / expected - 1.0).abs() < 0.05,
                "{inside}, {expected}"
            );
        }
    }
}
