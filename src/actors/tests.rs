use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::event::detector::Detector;
use crate::scan::Strategy;
use crate::sky::Nside;
use crate::synthetic::{Recipe, generate};
use worker::tests::{RECO, Troubled, Waiting, backend, config};

/// Nobody waits for a Scanner that has nobody to work for it, nor for those who watch it.
#[test]
fn a_scan_whose_local_worker_fails_ends_with_the_reason() {
    let detector = Detector::icecube86();
    let recipe = Recipe::of(1, 1e4);
    let problem = Problem {
        event: generate(&detector, &recipe),
        detector,
        reco: RECO.to_owned(),
        systematics: None,
    };
    let rounds = vec![Nside::try_from(1).unwrap()];
    let setup = ScanSetup {
        problem,
        priority: Priority::default(),
        plan: Plan::new(Strategy::Direct { within: None }, rounds, 10.0).unwrap(),
        chunking: Chunking::USUAL,
        transport: Arc::new(Troubled::new(vec![backend(false)])),
        local: vec![config(1, Waiting::ForWord(Arc::default()))],
        fail_after: NonZeroU32::MIN,
        give_up: None,
        deadline: None,
        patience: Duration::ZERO,
        journal: None,
        is_alone: false,
    };
    actix::System::new().block_on(async {
        let (progress, mut watched) = watch::channel(Progress::default());
        let scanned = timeout(
            Duration::from_secs(30),
            scan(setup, progress, Arc::default()),
        );
        let error = scanned.await.unwrap().unwrap_err();
        assert!(matches!(error, ScanError::Worker(_)), "{error:?}");
        // Nothing tells of progress any more.
        timeout(Duration::from_secs(30), async {
            while watched.changed().await.is_ok() {}
        })
        .await
        .unwrap();
    });
}
