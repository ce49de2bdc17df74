use std::num::NonZeroUsize;

use super::*;
use skyscan_event::DetectorDirection;
use skyscan_sky::Nside;
use skyscan_sky::map::fitted;

const START: Duration = Duration::ZERO;

fn wave(n: u64) -> Vec<(Pixel, PixelRequest)> {
    let nside = Nside::try_from(8).unwrap();
    let direction = DetectorDirection {
        zenith_rad: 0.0,
        azimuth_rad: 0.0,
    };
    (0..n)
        .map(|index| {
            (
                Pixel { nside, index },
                PixelRequest {
                    direction,
                    seeds: vec![],
                },
            )
        })
        .collect()
}

fn ledger(n_pixels: u64, chunk: usize) -> Ledger {
    let mut ledger = Ledger::new(
        Chunking::Fixed(NonZeroUsize::new(chunk).unwrap()),
        StragglerPolicy::OFF,
    );
    ledger.begin_wave(wave(n_pixels));
    ledger
}

#[test]
fn every_pixel_is_handed_out_once() {
    let mut ledger = ledger(10, 3);
    let sizes: Vec<usize> = std::iter::from_fn(|| ledger.cut_task(4, START))
        .map(|task| task.requests.len())
        .collect();
    assert_eq!(sizes, [3, 3, 3, 1]);
    assert!(!ledger.is_wave_done());
}

#[test]
fn a_repeated_result_counts_once() {
    let mut ledger = ledger(2, 2);
    let task = ledger.cut_task(1, START).unwrap();
    assert_eq!(
        ledger.accept(task.id, vec![fitted(1.0), fitted(2.0)], 0.1, 1, START),
        Acceptance::Accepted {
            n_fitted: 2,
            n_failed: 0
        }
    );
    assert_eq!(
        ledger.accept(task.id, vec![fitted(9.0), fitted(9.0)], 0.1, 2, START),
        Acceptance::Duplicate
    );
    assert!(ledger.is_wave_done());
    let outcomes: Vec<PixelOutcome> = ledger.take_outcomes().into_values().collect();
    assert_eq!(outcomes, [fitted(1.0), fitted(2.0)]);
    assert_eq!(ledger.counts().duplicate, 1);
}

#[test]
fn a_result_that_fits_no_task_is_thrown_away() {
    let mut ledger = ledger(2, 2);
    let task = ledger.cut_task(1, START).unwrap();
    assert_eq!(
        ledger.accept(task.id + 1, vec![fitted(1.0)], 0.1, 1, START),
        Acceptance::Unplanned
    );
    assert_eq!(
        ledger.accept(task.id, vec![fitted(1.0)], 0.1, 1, START),
        Acceptance::Unplanned
    );
    assert!(!ledger.is_wave_done());
}

#[test]
fn losses_are_counted_apart_from_failures() {
    let mut ledger = ledger(1, 1);
    let task = ledger.cut_task(1, START).unwrap();
    ledger.accept(task.id, vec![fitted(1.0)], 0.1, 4, START);
    assert_eq!(ledger.counts().lost, 3);
    assert_eq!(ledger.counts().failed, 0);
}

#[test]
fn a_poisoned_task_is_split_and_only_its_pixel_fails() {
    let mut ledger = ledger(3, 3);
    let task = ledger.cut_task(1, START).unwrap();
    let GivenUp::Again(singles) = ledger.reject(task.id, "panicked", START) else {
        panic!("three pixels are tried one by one");
    };
    assert_eq!(singles.len(), 3);
    ledger.accept(singles[0].id, vec![fitted(1.0)], 0.1, 1, START);
    assert!(matches!(
        ledger.reject(singles[1].id, "panicked", START),
        GivenUp::Failed(_)
    ));
    ledger.accept(singles[2].id, vec![fitted(3.0)], 0.1, 1, START);
    assert!(ledger.is_wave_done());
    let outcomes: Vec<PixelOutcome> = ledger.take_outcomes().into_values().collect();
    assert_eq!(
        outcomes,
        [
            fitted(1.0),
            PixelOutcome::Failed("panicked".to_owned()),
            fitted(3.0)
        ]
    );
}

#[test]
fn a_fit_that_is_not_a_number_is_a_failure() {
    let mut ledger = ledger(1, 1);
    let task = ledger.cut_task(1, START).unwrap();
    ledger.accept(task.id, vec![fitted(f64::NAN)], 0.1, 1, START);
    let outcomes: Vec<PixelOutcome> = ledger.take_outcomes().into_values().collect();
    assert_eq!(outcomes, [PixelOutcome::Failed("llh is NaN".to_owned())]);
}

#[test]
fn tasks_grow_to_half_a_second_and_shrink_at_the_end() {
    let mut ledger = Ledger::new(Chunking::Adaptive, StragglerPolicy::OFF);
    ledger.begin_wave(wave(700));
    let probe = ledger.cut_task(4, START).unwrap();
    assert_eq!(probe.requests.len(), 1);
    ledger.accept(probe.id, vec![fitted(1.0)], 0.01, 1, START);
    assert_eq!(ledger.cut_task(4, START).unwrap().requests.len(), 50);
    let mut sizes = Vec::new();
    while let Some(task) = ledger.cut_task(4, START) {
        sizes.push(task.requests.len());
    }
    assert_eq!(sizes.last(), Some(&1));
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
}
