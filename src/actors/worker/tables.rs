//! The kernels of a scan: that of the telescope as it is described, and those of systematics, of which a few are kept.
//!
//! Tasks come one systematic after the other, so that who keeps those used last prepares each of them about once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::reco::{Kernel, KernelError, PixelRequest, Problem, Reco, StopFlag};
use crate::sky::map::PixelOutcome;

/// Kernels of so many systematics are kept, beside those that evaluate something.
const MOST_KEPT: usize = 4;

/// The kernels of one scan.
#[derive(Debug)]
pub(super) struct Tables {
    nominal: Arc<dyn Kernel>,
    /// What others are made from, if the scan has systematics.
    source: Option<Source>,
    /// By their systematics, those used last first.
    varied: Mutex<VecDeque<(u32, Arc<dyn Kernel>)>>,
}

#[derive(Debug)]
struct Source {
    reco: Arc<dyn Reco>,
    problem: Problem,
}

impl Tables {
    /// Of a scan without systematics.
    pub(super) fn of(nominal: Arc<dyn Kernel>) -> Self {
        Self {
            nominal,
            source: None,
            varied: Mutex::default(),
        }
    }

    /// Prepares the first kernel; the others when they are asked for.
    ///
    /// # Errors
    /// If the event cannot be used.
    pub(super) fn prepare(reco: Arc<dyn Reco>, problem: Problem) -> Result<Self, KernelError> {
        let nominal = reco.prepare(&problem)?;
        let varies = problem.systematics.is_some();
        Ok(Self {
            source: varies.then_some(Source { reco, problem }),
            ..Self::of(nominal)
        })
    }

    /// Evaluates requests under a systematic.
    pub(super) fn evaluate(
        self: &Arc<Self>,
        systematic: u32,
        requests: Vec<PixelRequest>,
        stop: StopFlag,
    ) -> BoxFuture<'static, Result<Vec<PixelOutcome>, KernelError>> {
        if systematic == 0 {
            return Arc::clone(&self.nominal).evaluate(requests, stop);
        }
        let tables = Arc::clone(self);
        let evaluation = async move {
            let making = tokio::task::spawn_blocking(move || tables.kernel(systematic));
            let made = making
                .await
                .unwrap_or_else(|error| Err(KernelError::Panicked(error.to_string())));
            made?.evaluate(requests, stop).await
        };
        evaluation.boxed()
    }

    fn kernel(&self, systematic: u32) -> Result<Arc<dyn Kernel>, KernelError> {
        let mut varied = self.varied.lock().unwrap_or_else(PoisonError::into_inner);
        let at = varied.iter().position(|(number, _)| *number == systematic);
        let kept = at.and_then(|at| varied.remove(at));
        let kernel = match kept {
            Some((_, kernel)) => kernel,
            None => self.make(systematic)?,
        };
        varied.push_front((systematic, Arc::clone(&kernel)));
        varied.truncate(MOST_KEPT);
        Ok(kernel)
    }

    fn make(&self, number: u32) -> Result<Arc<dyn Kernel>, KernelError> {
        let unusable = |reco: &str, reason: String| KernelError::Unusable {
            reco: reco.to_owned(),
            reason,
        };
        let Some(Source { reco, problem }) = &self.source else {
            return Err(unusable(
                "",
                format!("systematic {number} of a scan that has none"),
            ));
        };
        let set = problem.systematics.as_ref();
        let Some(systematic) = set.and_then(|set| set.get(number)) else {
            return Err(unusable(
                reco.name(),
                format!("the set has no systematic {number}"),
            ));
        };
        let reco = reco
            .under(systematic)
            .map_err(|reason| unusable(reco.name(), reason))?;
        reco.prepare(&systematic.applied(problem))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::actors::worker::tests::{RECO, Waiting};
    use crate::event::detector::Detector;
    use crate::reco::systematics::{Systematic, SystematicSet};
    use crate::synthetic::{Recipe, generate};

    /// Counts how often it is prepared, and knows of every systematic but one.
    #[derive(Clone, Debug, Default)]
    struct Counting(Arc<AtomicUsize>);

    impl Reco for Counting {
        fn name(&self) -> &str {
            RECO
        }

        fn prepare(&self, _: &Problem) -> Result<Arc<dyn Kernel>, KernelError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Waiting::ForWord(Arc::default())
                .prepare_blindly()
                .ok_or(KernelError::Stopped)
        }

        fn under(&self, systematic: &Systematic) -> Result<Arc<dyn Reco>, String> {
            match systematic.name.as_str() {
                "7" => Err("not that one".to_owned()),
                _ => Ok(Arc::new(self.clone())),
            }
        }
    }

    fn problem() -> Problem {
        let detector = Detector::icecube86();
        let recipe = Recipe::of(1, 1e4);
        let names = (1..=7).map(|number: u32| Systematic::named(&number.to_string()));
        Problem {
            event: generate(&detector, &recipe),
            detector,
            reco: RECO.to_owned(),
            systematics: SystematicSet::new("seven".to_owned(), Vec::new(), names.collect()).ok(),
        }
    }

    #[test]
    fn a_few_kernels_are_kept_and_made_once_while_they_are() {
        let reco = Counting::default();
        let tables = Tables::prepare(Arc::new(reco.clone()), problem()).unwrap();
        let n_made = || reco.0.load(Ordering::Relaxed) - 1;
        for number in [1, 1, 2, 1, 2, 3, 4] {
            tables.kernel(number).unwrap();
        }
        assert_eq!(n_made(), 4);
        for number in [5, 6] {
            tables.kernel(number).unwrap();
        }
        assert_eq!(tables.varied.lock().unwrap().len(), MOST_KEPT);
        // That of 4 was used later than that of 1.
        tables.kernel(4).unwrap();
        assert_eq!(n_made(), 6);
        tables.kernel(1).unwrap();
        assert_eq!(n_made(), 7);
    }

    #[test]
    fn a_systematic_that_is_not_there_or_not_known_of_is_told() {
        let tables = Tables::prepare(Arc::new(Counting::default()), problem()).unwrap();
        let told = |tables: &Tables, number| tables.kernel(number).unwrap_err().to_string();
        assert!(told(&tables, 8).contains("no systematic 8"));
        assert!(told(&tables, 7).contains("not that one"));
        let plain = Problem {
            systematics: None,
            ..problem()
        };
        let tables = Tables::prepare(Arc::new(Counting::default()), plain).unwrap();
        assert!(told(&tables, 1).contains("has none"));
    }
}
