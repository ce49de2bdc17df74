use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::{Acceptance, Chunking, GivenUp};
use super::*;
use crate::StragglerPolicy;
use skyscan_event::DetectorDirection;
use skyscan_sky::Nside;
use skyscan_sky::map::{PixelOutcome, fitted};

/// Copies at the first opportunity.
const EAGER: StragglerPolicy = StragglerPolicy {
    deadlines: true,
    deadline_factor: 1.0,
    deadline_floor_s: 0.0,
    speculation: true,
    speculation_factor: 0.0,
    splitting: true,
    adaptive_credit: true,
    most_copies: 2,
};

/// The number of a pixel is its zenith angle, too, so that a request tells which it is for.
fn wave(n: u64) -> Vec<(Pixel, PixelRequest)> {
    let nside = Nside::try_from(8).unwrap();
    let request = |index: u64| PixelRequest {
        direction: DetectorDirection {
            zenith_rad: index as f64,
            azimuth_rad: 0.0,
        },
        seeds: vec![],
    };
    (0..n)
        .map(|index| (Pixel { nside, index }, request(index)))
        .collect()
}

/// A ledger that knows that pixels take a second.
fn ledger(n_pixels: u64, chunk: usize) -> Ledger {
    let mut ledger = Ledger::new(Chunking::Fixed(NonZeroUsize::new(chunk).unwrap()), EAGER);
    ledger.begin_wave(wave(n_pixels));
    for _ in 0..20 {
        ledger.stragglers.measured(1.0, 1, at(1));
    }
    ledger
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn numbers(task: &Task) -> Vec<u64> {
    let number = |request: &PixelRequest| request.direction.zenith_rad as u64;
    task.requests.iter().map(number).collect()
}

/// What a worker answers: the number of each pixel as its likelihood.
fn answer(task: &Task) -> Vec<PixelOutcome> {
    let outcome = |number: u64| fitted(number as f64);
    numbers(task).into_iter().map(outcome).collect()
}

fn accept(ledger: &mut Ledger, task: &Task) -> Acceptance {
    ledger.accept(task.id, answer(task), 1.0, 1, Duration::ZERO)
}

fn copies(ledger: &mut Ledger, n_slots: usize, now: Duration) -> Vec<Task> {
    let copies = ledger.copy_stragglers(n_slots, now);
    copies.into_iter().map(|(task, _)| task).collect()
}

#[test]
fn a_copy_that_comes_first_ends_the_wave_and_the_late_one_is_thrown_away() {
    let mut ledger = ledger(1, 1);
    let slow = ledger.cut_task(2, at(0)).unwrap();
    let copy = copies(&mut ledger, 2, at(10));
    assert_eq!(copy.len(), 1);
    assert_eq!(
        accept(&mut ledger, &copy[0]),
        Acceptance::Accepted {
            n_fitted: 1,
            n_failed: 0
        }
    );
    assert!(ledger.is_wave_done());
    assert_eq!((ledger.n_leased(), ledger.n_losing()), (0, 1));
    assert_eq!(accept(&mut ledger, &slow), Acceptance::Duplicate);
    assert_eq!(ledger.n_losing(), 0);
    let counts = ledger.counts();
    assert_eq!((counts.planned, counts.accepted), (1, 1));
    assert_eq!((counts.speculated, counts.duplicate), (1, 1));
}

#[test]
fn pieces_of_a_copy_fill_what_the_others_left_open() {
    let mut ledger = ledger(4, 4);
    let whole = ledger.cut_task(3, at(0)).unwrap();
    let pieces = copies(&mut ledger, 3, at(10));
    assert_eq!(
        pieces.iter().map(numbers).collect::<Vec<_>>(),
        [[0, 1], [2, 3]]
    );
    accept(&mut ledger, &pieces[1]);
    assert!(!ledger.is_wave_done());
    let of_whole = accept(&mut ledger, &whole);
    assert_eq!(
        of_whole,
        Acceptance::Accepted {
            n_fitted: 2,
            n_failed: 0
        }
    );
    assert!(ledger.is_wave_done());
    assert_eq!(ledger.n_losing(), 1, "the first piece");
    let outcomes: Vec<PixelOutcome> = ledger.take_outcomes().into_values().collect();
    assert_eq!(outcomes, [0.0, 1.0, 2.0, 3.0].map(fitted));
    assert_eq!((ledger.counts().planned, ledger.counts().accepted), (1, 1));
}

#[test]
fn a_task_has_no_more_copies_than_allowed_one_after_the_other() {
    let mut ledger = ledger(1, 1);
    ledger.cut_task(9, at(0)).unwrap();
    let n_copies = [10, 20, 30, 40].map(|now| copies(&mut ledger, 9, at(now)).len());
    assert_eq!(n_copies, [1, 1, 0, 0]);
}

#[test]
fn losing_copies_hold_their_slots_until_they_come_back_or_are_taken_back() {
    let mut ledger = ledger(2, 1);
    let slow = ledger.cut_task(4, at(0)).unwrap();
    let other = ledger.cut_task(4, at(0)).unwrap();
    let made = copies(&mut ledger, 4, at(10));
    assert_eq!(made.len(), 2);
    accept(&mut ledger, &made[0]);
    accept(&mut ledger, &made[1]);
    assert!(ledger.is_wave_done());
    assert_eq!(ledger.n_losing(), 2);
    ledger.begin_wave(wave(9));
    assert!(!ledger.wants_more_out(2, 2), "both slots are held");
    accept(&mut ledger, &slow);
    assert!(ledger.wants_more_out(2, 2));
    ledger.purged(1);
    assert_eq!(ledger.n_losing(), 0);
    assert_eq!(accept(&mut ledger, &other), Acceptance::Duplicate);
}

#[test]
fn a_pixel_fails_only_when_nobody_else_is_out_with_it() {
    let mut ledger = ledger(2, 2);
    let whole = ledger.cut_task(3, at(0)).unwrap();
    let pieces = copies(&mut ledger, 3, at(10));
    assert_eq!(pieces.len(), 2);
    assert_eq!(
        ledger.reject(pieces[0].id, "broken", at(11)),
        GivenUp::Nothing
    );
    accept(&mut ledger, &pieces[1]);
    // Pixel 0 was left to the whole task, which brings it up alone.
    let GivenUp::Again(again) = ledger.reject(whole.id, "broken", at(12)) else {
        panic!("pixel 0 is tried alone");
    };
    assert_eq!(again.iter().map(numbers).collect::<Vec<_>>(), [[0]]);
    assert!(matches!(
        ledger.reject(again[0].id, "broken", at(13)),
        GivenUp::Failed(Pixel { index: 0, .. })
    ));
    assert!(ledger.is_wave_done());
}

/// Any interleaving of cutting, copying, results in any order, twice or late, gives every pixel once
/// and the same map. Pixel 7 brings down whatever task it is in.
#[test]
fn whatever_comes_first_every_pixel_counts_once_and_the_map_is_the_same() {
    for (seed, poison) in (0..300).map(|seed| (seed, (seed % 2 == 1).then_some(7))) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let n_pixels = rng.random_range(1..60u64);
        let mut ledger = ledger(n_pixels, rng.random_range(1..9));
        let mut out: BTreeMap<u64, Task> = BTreeMap::new();
        let (mut n_entered, mut n_results, mut n_gone) = (0, 0, 0);
        let mut now = 0;
        while !ledger.is_wave_done() {
            now += rng.random_range(0..3u64);
            let n_slots = rng.random_range(1..40);
            match rng.random_range(0..4) {
                0 => out.extend(
                    ledger
                        .cut_task(n_slots, at(now))
                        .map(|task| (task.id, task)),
                ),
                1 => {
                    let made = copies(&mut ledger, n_slots, at(now));
                    out.extend(made.into_iter().map(|task| (task.id, task)));
                }
                _ => {}
            }
            let Some(&id) = out.keys().nth(rng.random_range(0..out.len().max(1))) else {
                continue;
            };
            // One in four results comes again later.
            let task = match rng.random_range(0..4) {
                0 => out[&id].clone(),
                _ => out.remove(&id).unwrap(),
            };
            if poison.is_some_and(|poison| numbers(&task).contains(&poison)) {
                if let GivenUp::Again(singles) = ledger.reject(id, "poison", at(now)) {
                    out.extend(singles.into_iter().map(|single| (single.id, single)));
                }
                n_gone += 1;
            } else if let Acceptance::Accepted { n_fitted, .. } = accept(&mut ledger, &task) {
                n_entered += n_fitted;
                n_results += 1;
            }
        }
        for task in out.values() {
            assert_eq!(
                accept(&mut ledger, task),
                Acceptance::Duplicate,
                "seed {seed}"
            );
        }
        let is_poison = |number: u64| poison == Some(number);
        let expected: Vec<PixelOutcome> = (0..n_pixels)
            .map(|number| match is_poison(number) {
                true => PixelOutcome::Failed("poison".to_owned()),
                false => fitted(number as f64),
            })
            .collect();
        let outcomes: Vec<PixelOutcome> = ledger.take_outcomes().into_values().collect();
        assert_eq!(outcomes, expected, "seed {seed}");
        let n_poisoned = expected
            .iter()
            .filter(|o| matches!(o, PixelOutcome::Failed(_)))
            .count();
        assert_eq!(n_entered, n_pixels - n_poisoned as u64, "seed {seed}");
        assert_eq!(ledger.n_losing(), 0, "seed {seed}");
        let counts = ledger.counts();
        if poison.is_none() {
            assert_eq!(counts.planned, counts.accepted, "seed {seed}");
            assert_eq!((counts.failed, n_gone), (0, 0));
            assert!(n_results <= counts.planned + counts.speculated);
        }
    }
}
