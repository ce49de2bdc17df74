//! Makes the events of a study and scans them, as `skyscan scan` would, until every one of them has an
//! answer of every reconstruction.
//!
//! Events are made ahead of the scans, on threads of their own. Where each scan has a place of its own to
//! meet, two run side by side: while one waits for the last pixels of a round, the other one has work.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use skyscan_transport::Priority;
use tokio::sync::{Notify, watch};

use super::design::{Design, Made};
use super::folder::{Answer, Folder, FolderError, Outcome, SetId, map_name};
use crate::actors::scanner::{Ending, Scanned};
use crate::actors::worker::{LEASES_PER_SLOT, WorkerConfig};
use crate::actors::{self, ScanError, ScanSetup, progress::Progress};
use crate::event::DetectorDirection;
use crate::event::detector::Detector;
use crate::output::{self, EventIdentity, OutputError};
use crate::reco::systematics::SystematicSet;
use crate::reco::{KernelError, Problem, Reco, StopFlag, VertexSeed};
use crate::scan::ledger::Chunking;
use crate::scan::plan::PlanError;
use crate::scan::systematics::Combined;
use crate::scan::{Plan, Strategy, start};
use crate::sky::Nside;
use crate::sky::coordinates::SkyFrame;
use crate::sky::map::{PixelOutcome, SkyMap};
use crate::transport::{self, Access, TransportUrlError};

/// A pixel fails for good after failures at so many workers, as in a scan.
const FAIL_AFTER: NonZeroU32 = NonZeroU32::new(3).expect("3 is above 0");
/// Scans side by side, where each has a place of its own.
const SIDE_BY_SIDE: usize = 2;

/// Where Scanner and Workers meet.
#[derive(Clone, Debug)]
pub struct Place {
    /// As a URL.
    pub url: String,
    /// With what it is opened.
    pub access: Access,
    /// Tasks evaluated at once in this process, for each scan.
    pub slots: u16,
    /// Events that are made at once.
    pub makers: usize,
}

/// A study ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// An event cannot be made.
    #[error("event {number} cannot be made: {what}")]
    Event {
        /// Its number in the study.
        number: u64,
        /// Why.
        what: String,
    },
    /// The resolutions make no sense.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The URL names no transport.
    #[error(transparent)]
    Url(#[from] TransportUrlError),
    /// A scan ended without a map.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// A map cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// An answer cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// What is scanned how.
#[derive(Clone, Debug)]
pub struct Study {
    /// What decides on the events.
    pub design: Design,
    /// What saw them, as far as the reconstructions know.
    pub detector: Detector,
    /// What is tried on them.
    pub recos: Vec<Arc<dyn Reco>>,
    /// Over what maps are averaged, beside those of the detector as it is described.
    pub systematics: Option<SystematicSet>,
    /// Where.
    pub place: Place,
}

impl Study {
    /// Numbers of the first so many events that lack an answer.
    pub fn missing(&self, n_events: u64, folder: &Folder) -> Vec<u64> {
        let lacks = |number: &u64| self.lacking(*number, folder).next().is_some();
        (0..n_events).filter(lacks).collect()
    }

    fn lacking<'a>(
        &'a self,
        number: u64,
        folder: &'a Folder,
    ) -> impl Iterator<Item = &'a Arc<dyn Reco>> {
        let set = self.systematics.as_ref().map(SetId::from);
        let recos = self.recos.iter();
        recos.filter(move |reco| {
            let has = |set| folder.has(number, reco.name(), set);
            !has(None) || set.as_ref().is_some_and(|set| !has(Some(set)))
        })
    }

    /// Scans what is missing of the first so many events, until `stop` says true; tells how many events are
    /// done. What a scan that was stopped had by then is thrown away.
    ///
    /// # Errors
    /// If an event cannot be made or scanned, or its answer not be written.
    pub async fn run(
        &self,
        n_events: u64,
        folder: &mut Folder,
        stop: &watch::Receiver<bool>,
        mut tell: impl FnMut(usize),
    ) -> Result<(), StudyError> {
        let todo: Vec<(u64, Vec<Arc<dyn Reco>>)> = self
            .missing(n_events, folder)
            .into_iter()
            .map(|number| (number, self.lacking(number, folder).cloned().collect()))
            .collect();
        let (design, detector) = (
            Arc::new(self.design.clone()),
            Arc::new(self.detector.clone()),
        );
        let made = stream::iter(todo)
            .take_while(|_| std::future::ready(!*stop.borrow()))
            .map(|(number, recos)| {
                let (design, detector) = (Arc::clone(&design), Arc::clone(&detector));
                let making = tokio::task::spawn_blocking(move || design.make(number, &detector));
                async move {
                    let made = making.await.map_err(|error| error.to_string());
                    let made = made.and_then(|made| made);
                    (
                        made.map_err(|what| StudyError::Event { number, what }),
                        recos,
                    )
                }
            })
            .buffered(self.place.makers.max(1));
        let maps = folder.maps();
        let n_side_by_side = match transport::is_local(&self.place.url) {
            true => SIDE_BY_SIDE,
            false => 1,
        };
        let mut answered = std::pin::pin!(
            made.map(|(made, recos)| {
                let maps = &maps;
                async move {
                    let made = made?;
                    let mut answers = Vec::new();
                    for reco in &recos {
                        answers.extend(self.answers(&made, reco, maps, stop).await?);
                    }
                    Ok::<Vec<Answer>, StudyError>(answers)
                }
            })
            .buffer_unordered(n_side_by_side)
        );
        let mut n_done = 0;
        while let Some(answers) = answered.next().await {
            for answer in answers? {
                // Of a scan under systematics the first map may be known.
                if !folder.has(answer.event, &answer.reco, answer.systematics.as_ref()) {
                    folder.add(answer)?;
                }
            }
            if !*stop.borrow() {
                n_done += 1;
                tell(n_done);
            }
        }
        Ok(())
    }

    /// Scans one event: an answer without systematics and, if there are any, one with them; nothing if that was
    /// stopped.
    async fn answers(
        &self,
        made: &Made,
        reco: &Arc<dyn Reco>,
        maps: &std::path::Path,
        stop: &watch::Receiver<bool>,
    ) -> Result<Vec<Answer>, StudyError> {
        let truth = made.event.truth.as_ref();
        let (Some(truth), Some(direction)) = (truth, truth.and_then(|truth| truth.direction))
        else {
            return Err(StudyError::Event {
                number: made.number,
                what: "it has no truth".to_owned(),
            });
        };
        let answer = |systematics, outcome| Answer {
            event: made.number,
            seed: made.seed,
            ice: made.ice,
            energy_gev: made.energy_gev,
            hit_doms: output::hit_doms(&made.event),
            mjd: made.event.mjd,
            truth: direction,
            reco: reco.name().to_owned(),
            systematics,
            outcome,
        };
        let set = self.systematics.as_ref();
        let unusable = |reason: String| -> Vec<Answer> {
            let sets = std::iter::once(None).chain(set.map(|set| Some(SetId::from(set))));
            sets.map(|set| answer(set, Outcome::Unusable(reason.clone())))
                .collect()
        };
        let problem = Problem {
            event: made.event.clone(),
            detector: self.detector.clone(),
            reco: reco.name().to_owned(),
            systematics: self.systematics.clone(),
        };
        let kernel = match reco.prepare(&problem) {
            Ok(kernel) => kernel,
            Err(error) => return Ok(unusable(error.to_string())),
        };
        let scanned = self.scan(&problem, reco, stop).await?;
        match &scanned.ending {
            Ending::Fulfilled => {}
            // Without a journal or a deadline it ends otherwise only if it is asked to.
            Ending::Stopped
            | Ending::GaveUp(_)
            | Ending::DeadlineCame(_)
            | Ending::Unrecorded(_) => return Ok(Vec::new()),
            Ending::Hopeless(reason) => return Ok(unusable(reason.clone())),
        }
        if scanned.map.best().is_none() {
            return Ok(unusable("no pixel could be fitted".to_owned()));
        }
        let vertex = VertexSeed {
            position_m: truth.position_m,
            time_ns: truth.time_ns,
        };
        let request = at_truth(&scanned.map, &problem, direction, vertex);
        let fitted = kernel.evaluate(vec![request], StopFlag::default()).await;
        let kept = |set: Option<SetId>, map: &SkyMap, llh_truth| {
            let outcome = Outcome::Map {
                sha256: map.sha256_hex(),
                llh_truth,
                busy_s: scanned.busy_seconds,
            };
            let answer = answer(set, outcome);
            let identity = EventIdentity::from(&problem.event);
            let (name, numerics) = (map_name(&answer), self.design.numerics);
            output::write_archive(maps, &name, map, identity, reco.name(), numerics)?;
            Ok::<Answer, OutputError>(answer)
        };
        let mut answers = vec![kept(None, &scanned.map, llh(fitted))?];
        if let Some(set) = set {
            let set = Some(SetId::from(set));
            answers.push(match Combined::of(&scanned.atlas()) {
                Some(combined) => kept(set, &combined.map, None)?,
                None => {
                    let reason = "under some systematic no pixel could be fitted".to_owned();
                    answer(set, Outcome::Unusable(reason))
                }
            });
        }
        Ok(answers)
    }

    fn plan(&self) -> Result<Plan, PlanError> {
        let design = &self.design;
        let plan = Plan::new(Strategy::Zoom, design.nsides.clone(), design.enclosed)?;
        Ok(plan.until_resolved(design.until_resolved))
    }

    async fn scan(
        &self,
        problem: &Problem,
        reco: &Arc<dyn Reco>,
        stop: &watch::Receiver<bool>,
    ) -> Result<Scanned, StudyError> {
        let worker = |slots| WorkerConfig {
            slots,
            leases_per_slot: LEASES_PER_SLOT,
            recos: vec![Arc::clone(reco)],
        };
        let setup = ScanSetup {
            problem: problem.clone(),
            priority: Priority::default(),
            plan: self.plan()?,
            chunking: Chunking::USUAL,
            transport: transport::open(&self.place.url, &self.place.access)?,
            local: NonZeroU16::new(self.place.slots)
                .map(worker)
                .into_iter()
                .collect(),
            fail_after: FAIL_AFTER,
            give_up: None,
            deadline: None,
            journal: None,
            is_alone: false,
            patience: match transport::is_local(&self.place.url) {
                true => Duration::ZERO,
                false => actors::PATIENCE,
            },
        };
        let stopping = Arc::new(Notify::new());
        let (progress, _) = watch::channel(Progress::default());
        let mut asked = stop.clone();
        let scanning = actors::scan(setup, progress, Arc::clone(&stopping));
        let mut scanning = std::pin::pin!(scanning);
        let asking = async {
            // Whoever may ask is gone: nobody will.
            if asked.wait_for(|&asked| asked).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            scanned = &mut scanning => return Ok(scanned?),
            () = asking => stopping.notify_one(),
        }
        Ok(scanning.await?)
    }
}

/// The question that a pixel with its centre at the truth would be asked after the finest round, and the
/// true vertex.
fn at_truth(
    map: &SkyMap,
    problem: &Problem,
    direction: DetectorDirection,
    vertex: VertexSeed,
) -> crate::reco::PixelRequest {
    let frame = SkyFrame::new(problem.event.mjd, &problem.detector.site);
    let finest = map.rounds().keys().next_back().copied();
    let beyond = finest.and_then(|nside| Nside::try_from(2 * u32::from(nside)).ok());
    let mut request = match beyond {
        Some(beyond) => {
            let pixel = beyond.containing(frame.to_equatorial(direction));
            start::request(map, pixel, direction)
        }
        None => crate::reco::PixelRequest {
            direction,
            seeds: Vec::new(),
        },
    };
    request.seeds.push(vertex);
    request
}

fn llh(fitted: Result<Vec<PixelOutcome>, KernelError>) -> Option<f64> {
    match fitted.ok()?.into_iter().next()? {
        PixelOutcome::Fitted(fit) => Some(fit.llh),
        PixelOutcome::Failed(_) => None,
    }
}
