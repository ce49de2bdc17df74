//! The sample: pixels of the event that are fitted here, with what each took.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::{Duration, Instant};

use crate::reco::{Kernel, KernelError, PixelRequest, Problem, Reco, StopFlag};
use crate::scan::Plan;
use crate::scan::foresight::{ForeseenWave, Foresight};
use crate::sky::coordinates::SkyFrame;
use crate::sky::map::PixelOutcome;
use crate::sky::{Nside, Pixel};

/// Most pixels that a program is asked for, only to see what they take ...
const MOST_TIMED: usize = 32;
/// ... and how many at least, if it takes longer than this.
const FEWEST_TIMED: usize = 8;
const TIMED_FOR: Duration = Duration::from_secs(60);
/// Pixels are fitted in tasks of about so long, as a scan does: handing one out takes time, too.
const TASK_SECONDS: f64 = 0.02;
const MOST_PIXELS: usize = 8;

/// What was learned by fitting.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The waves that a scan will ask for.
    pub waves: Vec<ForeseenWave>,
    /// Seconds of a core that each fitted pixel took.
    pub seconds: Vec<(Nside, f64)>,
    /// Seconds of a core that it took to prepare the event, with what the first fit in a process has to make; 0 where
    /// that is not known.
    pub prepare_seconds: f64,
}

/// How pixels are fitted here.
#[derive(Debug)]
pub struct Sampler<'a> {
    /// The event.
    pub problem: &'a Problem,
    /// How the sky will be searched.
    pub plan: Plan,
    /// What the scan will run.
    pub reco: Arc<dyn Reco>,
    /// What the number of pixels is foreseen with, where the reconstruction takes too long for that.
    pub stand_in: Option<Arc<dyn Reco>>,
    /// So many pixels at once.
    pub slots: usize,
    /// Processor time of this process so far, in seconds.
    pub spent: fn() -> f64,
    /// Ends it early.
    pub stop: StopFlag,
}

impl Sampler<'_> {
    /// Fits the sample; `told` hears how many pixels are fitted.
    ///
    /// # Errors
    /// If the event cannot be used, the reconstruction fails as a whole, or it was stopped.
    pub async fn run(&self, mut told: impl FnMut(usize)) -> Result<Sample, KernelError> {
        let before = (self.spent)();
        let kernel = self.reco.prepare(self.problem)?;
        let mut prepare_seconds = 0.0;
        let looking = match &self.stand_in {
            None => Arc::clone(&kernel),
            Some(reco) => reco.prepare(&Problem {
                reco: reco.name().to_owned(),
                ..self.problem.clone()
            })?,
        };
        let frame = SkyFrame::new(self.problem.event.mjd, &self.problem.detector.site);
        let mut foresight = Foresight::new(self.plan.clone());
        let mut seconds = Vec::new();
        let mut requests = Vec::new();
        loop {
            let wanted = foresight.wanted();
            if wanted.is_empty() {
                break;
            }
            let asked: Vec<(Pixel, PixelRequest)> = (wanted.into_iter())
                .map(|pixel| {
                    let direction = frame.to_detector(pixel.center());
                    (pixel, foresight.request(pixel, direction))
                })
                .collect();
            if seconds.is_empty() {
                let first = asked.iter().take(1).cloned().collect();
                self.fit(&looking, first, 1, true).await?;
                prepare_seconds = (self.spent)() - before;
            }
            let chunk = self.chunk(&seconds, asked.len());
            let fits = self.fit(&looking, asked.clone(), chunk, true).await?;
            for ((pixel, request), (outcome, took_s)) in asked.into_iter().zip(fits) {
                seconds.push((pixel.nside, took_s));
                requests.push((pixel, request));
                foresight.learn(pixel, outcome);
            }
            told(seconds.len());
        }
        if self.stand_in.is_some() {
            seconds = self.timed(&kernel, requests, &mut told).await?;
            prepare_seconds = 0.0;
        }
        Ok(Sample {
            waves: foresight.waves().to_vec(),
            seconds,
            prepare_seconds,
        })
    }

    /// What some of the pixels take, evenly over all rounds.
    async fn timed(
        &self,
        kernel: &Arc<dyn Kernel>,
        requests: Vec<(Pixel, PixelRequest)>,
        told: &mut impl FnMut(usize),
    ) -> Result<Vec<(Nside, f64)>, KernelError> {
        let every = requests.len().div_ceil(MOST_TIMED).max(1);
        let some: Vec<(Pixel, PixelRequest)> = requests.into_iter().step_by(every).collect();
        // Programs start, and take the event, with their first pixel.
        let first = some.iter().cycle().take(self.slots).cloned().collect();
        self.fit(kernel, first, 1, false).await?;
        let begun = Instant::now();
        let mut seconds = Vec::new();
        // Round after round in turns, so that an early end leaves some of each.
        let n_turns = some.len().div_ceil(self.slots);
        for turn in 0..n_turns {
            if seconds.len() >= FEWEST_TIMED && begun.elapsed() > TIMED_FOR {
                break;
            }
            let now: Vec<(Pixel, PixelRequest)> =
                some.iter().skip(turn).step_by(n_turns).cloned().collect();
            let nsides: Vec<Nside> = now.iter().map(|(pixel, _)| pixel.nside).collect();
            let fits = self.fit(kernel, now, 1, false).await?;
            seconds.extend(nsides.into_iter().zip(fits.into_iter().map(|(_, s)| s)));
            told(seconds.len());
        }
        Ok(seconds)
    }

    /// How many pixels make a task, by what those took that are fitted.
    fn chunk(&self, seconds: &[(Nside, f64)], n_pixels: usize) -> usize {
        let spent: f64 = seconds.iter().map(|(_, took_s)| took_s).sum();
        let by_cost = match spent > 0.0 {
            true => (TASK_SECONDS * seconds.len() as f64 / spent) as usize,
            false => 1,
        };
        by_cost
            .min(n_pixels.div_ceil(self.slots))
            .clamp(1, MOST_PIXELS)
    }

    /// Fits pixels, so many in a task, with the seconds that each took, or the mean of its task. Of what `computes` in
    /// this process the processor's time counts, not that of the clock on the wall, of which others take their part.
    async fn fit(
        &self,
        kernel: &Arc<dyn Kernel>,
        asked: Vec<(Pixel, PixelRequest)>,
        chunk: usize,
        computes: bool,
    ) -> Result<Vec<(PixelOutcome, f64)>, KernelError> {
        let before = (self.spent)();
        let tasks = asked.chunks(chunk).map(|task| {
            let requests = task.iter().map(|(_, request)| request.clone());
            requests.collect::<Vec<PixelRequest>>()
        });
        let one = |requests: Vec<PixelRequest>| async move {
            let (begun, n_pixels) = (Instant::now(), requests.len());
            let outcomes = Arc::clone(kernel)
                .evaluate(requests, self.stop.clone())
                .await?;
            let took_s = begun.elapsed().as_secs_f64() / n_pixels as f64;
            let each = outcomes.into_iter().map(move |outcome| (outcome, took_s));
            Ok::<_, KernelError>(each.collect::<Vec<_>>())
        };
        let tasks: Vec<Vec<PixelRequest>> = tasks.collect();
        let fits = stream::iter(tasks).map(one).buffered(self.slots);
        let mut fits: Vec<(PixelOutcome, f64)> = fits.try_collect::<Vec<_>>().await?.concat();
        let on_the_wall: f64 = fits.iter().map(|(_, seconds)| seconds).sum();
        if computes && on_the_wall > 0.0 {
            let share = ((self.spent)() - before) / on_the_wall;
            fits.iter_mut().for_each(|(_, seconds)| *seconds *= share);
        }
        Ok(fits)
    }
}

/// The seconds by round.
pub(super) fn by_round(seconds: &[(Nside, f64)]) -> BTreeMap<Nside, Vec<f64>> {
    let mut rounds: BTreeMap<Nside, Vec<f64>> = BTreeMap::new();
    for (nside, took_s) in seconds {
        rounds.entry(*nside).or_default().push(*took_s);
    }
    rounds
}
