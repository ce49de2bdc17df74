//! What a running scan says, in the words of the service.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use skyscan_service::engine::Listener;
use skyscan_service::scan::{Contour, Direction, Hit, Map, MapRound, Progress, Region, Round};
use tokio::time::Instant;

use crate::actors::progress;
use crate::cli::progress::{Interim, Pace, View};
use crate::event::Event;
use crate::event::detector::Detector;
use crate::sky::map::{PixelOutcome, SkyMap};
use crate::sky::{self, Equatorial};

/// What is known of a scan at a moment.
#[derive(Debug, Default)]
pub(super) struct Latest {
    /// The map of the complete waves.
    pub(super) map: Option<Arc<SkyMap>>,
}

/// Tells a listener of the service.
#[derive(Debug)]
pub(super) struct Telling {
    listener: Arc<dyn Listener>,
    latest: Arc<Mutex<Latest>>,
    round: Option<(progress::RoundName, Instant)>,
    pace: Pace,
}

impl Telling {
    pub(super) fn new(listener: Arc<dyn Listener>, latest: Arc<Mutex<Latest>>) -> Self {
        Self {
            listener,
            latest,
            round: None,
            pace: Pace::default(),
        }
    }
}

impl View for Telling {
    fn update(&mut self, now: &progress::Progress) {
        if let Some(map) = &now.map {
            keep(&self.latest, Arc::clone(map));
        }
        let mut told = Progress {
            n_out: now.n_out,
            n_waiting: now.n_waiting,
            n_slots: now.n_slots,
            ..Progress::default()
        };
        if let Some(running) = now.rounds.last() {
            let begun = match self.round {
                Some((name, begun)) if name == running.name => begun,
                _ => {
                    self.pace = Pace::default();
                    let begun = Instant::now();
                    self.round = Some((running.name, begun));
                    begun
                }
            };
            self.pace.note(begun.elapsed(), running.n_done);
            let n_left = running.n_planned - running.n_done.min(running.n_planned);
            if let Some(left) = self.pace.left(n_left) {
                told.seconds_left = Some(left.seconds);
                told.pixels_per_s = n_left as f64 / left.seconds;
            }
        }
        told.rounds = now.rounds.iter().map(round).collect();
        if !told.pixels_per_s.is_finite() {
            told.pixels_per_s = 0.0;
        }
        self.listener.progress(told);
    }

    fn interim(&mut self, interim: &Interim) {
        let (best, _) = interim.best;
        let is_closed = interim
            .regions
            .last()
            .is_some_and(sky::region::Region::is_closed);
        if is_closed {
            self.listener.contour(Contour {
                is_stable: interim.is_stable,
                nside: interim.nside.into(),
                best: direction(best),
                regions: interim.regions.iter().map(region).collect(),
            });
        }
    }

    fn finish(&mut self) {}
}

fn round(round: &progress::RoundProgress) -> Round {
    Round {
        nside: round.name.nside.into(),
        is_systematic: round.name.is_systematic,
        n_done: round.n_done,
        n_planned: round.n_planned,
    }
}

/// Keeps the map for whoever asks.
pub(super) fn keep(latest: &Mutex<Latest>, map: Arc<SkyMap>) {
    latest.lock().unwrap_or_else(PoisonError::into_inner).map = Some(map);
}

fn direction(at: Equatorial) -> Direction {
    Direction {
        ra_deg: at.ra_rad.to_degrees(),
        dec_deg: at.dec_rad.to_degrees(),
    }
}

fn region(region: &sky::region::Region) -> Region {
    let degrees = |at: &Equatorial| [at.ra_rad.to_degrees(), at.dec_rad.to_degrees()];
    let outline = |contour: &sky::contour::Contour| contour.points.iter().map(degrees).collect();
    Region {
        containment: region.containment,
        area_deg2: region.area_deg2,
        is_closed: region.is_closed(),
        outlines: region.contours.iter().map(outline).collect(),
    }
}

/// The last contour of a scan.
pub(super) fn contour_of(
    map: &SkyMap,
    regions: &[sky::region::Region],
    is_stable: bool,
) -> Option<Contour> {
    let (pixel, _) = map.best()?;
    Some(Contour {
        is_stable,
        nside: pixel.nside.into(),
        best: direction(pixel.center()),
        regions: regions.iter().map(region).collect(),
    })
}

/// The map as the service shows it.
pub(super) fn shown(map: &SkyMap) -> Map {
    let rounds = map.rounds().iter().map(|(nside, pixels)| MapRound {
        nside: (*nside).into(),
        pixels: pixels.keys().copied().collect(),
        llh: (pixels.values())
            .map(|outcome| match outcome {
                PixelOutcome::Fitted(fit) => Some(fit.llh),
                PixelOutcome::Failed(_) => None,
            })
            .collect(),
    });
    Map {
        rounds: rounds.collect(),
    }
}

/// The DOMs that saw light, in the order of their names.
pub(super) fn hits(event: &Event, detector: &Detector) -> Vec<Hit> {
    let first = (event.pulses.iter().map(|pulse| pulse.time_ns)).fold(f64::INFINITY, f64::min);
    let mut hits: BTreeMap<_, Hit> = BTreeMap::new();
    for pulse in &event.pulses {
        let Some(dom) = detector.doms.get(&pulse.dom) else {
            continue;
        };
        let time_ns = pulse.time_ns - first;
        let hit = hits.entry(pulse.dom).or_insert(Hit {
            position_m: dom.position_m,
            time_ns,
            charge_pe: 0.0,
        });
        hit.time_ns = hit.time_ns.min(time_ns);
        hit.charge_pe += f64::from(pulse.charge_pe);
    }
    hits.into_values().collect()
}
