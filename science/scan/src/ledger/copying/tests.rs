use std::collections::{BTreeMap, VecDeque};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::Acceptance;
use super::super::fixture::*;
use super::*;
use crate::StragglerPolicy;
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
    work_ahead: false,
    most_copies: 2,
};

/// A ledger that knows that pixels take a second.
fn ledger(n_pixels: u64, chunk: usize) -> Ledger {
    let mut ledger = super::super::fixture::ledger(n_pixels, chunk, EAGER);
    for _ in 0..20 {
        ledger.stragglers.measured(1.0, 1, at(1));
    }
    ledger
}

fn accept(ledger: &mut Ledger, task: &Task) -> Acceptance {
    does(ledger, 1, task, at(1_000_000))
}

fn copies(ledger: &mut Ledger, n_slots: usize, now: Duration) -> Vec<Task> {
    let copies = ledger.copy_stragglers(9, n_slots, now);
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
fn each_copy_of_a_pixel_is_given_twice_the_time_of_the_one_before() {
    let mut ledger = ledger(1, 1);
    ledger.cut_task(9, at(0)).unwrap();
    // A second and an eighth at most is typical, and what there is waits as long again.
    let mut made_at = Vec::new();
    for now in 0..100 {
        made_at.extend(copies(&mut ledger, 9, at(now)).iter().map(|_| now));
    }
    let between: Vec<u64> = made_at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(made_at.len() > 5, "{made_at:?}");
    assert!(
        between[2..]
            .windows(2)
            .all(|pair| pair[1] >= 2 * pair[0] - 2),
        "{made_at:?}"
    );
}

/// The copy came to nothing, and who had the pixel before still has it: it can get another one.
#[test]
fn a_failed_copy_is_followed_by_another_one() {
    let patient = StragglerPolicy {
        speculation: false,
        splitting: false,
        ..EAGER
    };
    let mut ledger = super::super::fixture::ledger(1, 1, patient);
    (1..4).for_each(|number| ledger.worker_up(worker(number)));
    ledger.cut_task(9, at(0)).unwrap();
    let copy = copies(&mut ledger, 9, at(100));
    assert_eq!(copies(&mut ledger, 9, at(101)), []);
    fails(&mut ledger, 2, &copy[0], at(102));
    assert_eq!(copies(&mut ledger, 9, at(103)).len(), 1);
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
    ledger.begin_wave(wave(9), at(1_000_000));
    assert!(!ledger.wants_more_out(2, 2), "both slots are held");
    accept(&mut ledger, &slow);
    assert!(ledger.wants_more_out(2, 2));
    ledger.purged(1);
    assert_eq!(ledger.n_losing(), 0);
    assert_eq!(accept(&mut ledger, &other), Acceptance::Duplicate);
}

#[test]
fn a_pixel_goes_out_again_only_when_nobody_else_is_out_with_it() {
    let mut ledger = ledger(2, 2);
    ledger.worker_up(worker(1));
    let whole = ledger.cut_task(3, at(0)).unwrap();
    let pieces = copies(&mut ledger, 3, at(10));
    assert_eq!(pieces.len(), 2);
    fails(&mut ledger, 1, &pieces[0], at(11));
    assert_eq!(ledger.cut_task(3, at(11)), None, "the whole has it");
    does(&mut ledger, 1, &pieces[1], at(11));
    fails(&mut ledger, 1, &whole, at(12));
    let again = ledger.cut_task(3, at(12)).unwrap();
    assert_eq!(numbers(&again), [0]);
    fails(&mut ledger, 1, &again, at(13));
    let again = ledger.cut_task(3, at(14)).unwrap();
    fails(&mut ledger, 1, &again, at(15));
    assert!(ledger.is_wave_done());
    assert!(map(&mut ledger)[0].is_nan());
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
                fails(&mut ledger, rng.random_range(1..4), &task, at(now));
                n_gone += 1;
            } else if let Acceptance::Accepted { n_fitted, .. } =
                does(&mut ledger, 1, &task, at(now))
            {
                n_entered += n_fitted;
                n_results += 1;
            }
        }
        for task in out.values() {
            assert_eq!(
                does(&mut ledger, 1, task, at(now)),
                Acceptance::Duplicate,
                "seed {seed}"
            );
        }
        let is_poison = |number: u64| poison == Some(number);
        let is_fit = |(number, outcome): (u64, &PixelOutcome)| match is_poison(number) {
            true => matches!(outcome, PixelOutcome::Failed(reason) if reason.contains("broken")),
            false => *outcome == fitted(number as f64),
        };
        let outcomes: Vec<PixelOutcome> = ledger.take_outcomes().into_values().collect();
        assert_eq!(outcomes.len() as u64, n_pixels);
        assert!((0..).zip(&outcomes).all(is_fit), "seed {seed}");
        let n_poisoned = outcomes
            .iter()
            .filter(|o| matches!(o, PixelOutcome::Failed(_)))
            .count();
        assert_eq!(n_entered, n_pixels - n_poisoned as u64, "seed {seed}");
        assert_eq!(ledger.n_losing(), 0, "seed {seed}");
        let counts = ledger.counts();
        assert_eq!(counts.planned, counts.accepted, "seed {seed}");
        if poison.is_none() {
            assert_eq!((counts.failed, n_gone), (0, 0));
            assert!(n_results <= counts.planned + counts.speculated);
        }
    }
}

/// Somebody has taken whatever was to be had and does nothing; eight good slots are idle. Once the first
/// copies have come back, all that is overdue goes out as fast as those can do it.
#[test]
fn what_one_worker_hoards_is_copied_as_fast_as_idle_slots_can_do_it() {
    const N_PIXELS: u64 = 200;
    const TAKES: Duration = Duration::from_millis(40);
    let mut ledger = super::super::fixture::ledger(N_PIXELS, 1, StragglerPolicy::default());
    (1..4).for_each(|number| ledger.worker_up(worker(number)));
    let mut hoarded: Vec<Task> = Vec::new();
    while let Some(task) = ledger.cut_task(9, at(0)) {
        hoarded.push(task);
    }
    // These alone reached the others.
    for task in hoarded.drain(..8) {
        does(&mut ledger, 1, &task, TAKES);
    }
    let mut now = TAKES;
    let mut waiting: VecDeque<Task> = VecDeque::new();
    let mut at_work: Vec<(Duration, Task)> = Vec::new();
    while !ledger.is_wave_done() {
        now += Duration::from_millis(20);
        let made = ledger.copy_stragglers(3, 9, now);
        waiting.extend(made.into_iter().map(|(task, _)| task));
        let (done, rest): (Vec<_>, Vec<_>) = at_work.into_iter().partition(|(due, _)| *due <= now);
        at_work = rest;
        for (_, task) in done {
            does(&mut ledger, 2, &task, now);
        }
        while at_work.len() < 8
            && let Some(task) = waiting.pop_front()
        {
            at_work.push((now + TAKES, task));
        }
        // Five seconds until they are overdue, one for the copies of all.
        assert!(now < at(8));
    }
}

#[test]
fn looks_come_several_times_in_what_a_task_takes() {
    let look = ledger(1, 1).look_again_after().unwrap();
    assert!((at(1) / 9..at(1) / 6).contains(&look), "{look:?}");
    let off = super::super::fixture::ledger(1, 1, StragglerPolicy::OFF);
    assert_eq!(off.look_again_after(), None);
}

#[test]
fn where_times_are_known_idle_slots_share_a_wide_task_at_once() {
    let mut ledger = ledger(10, 10);
    ledger.cut_task(10, at(0)).unwrap();
    assert_eq!(
        copies(&mut ledger, 10, at(0)).len(),
        5,
        "of two pixels each"
    );
}

#[test]
fn a_busy_fleet_has_no_more_copies_under_way_than_its_share() {
    let mut ledger = ledger(2, 1);
    for _ in 0..2 {
        ledger.cut_task(2, at(0)).unwrap();
    }
    assert_eq!(copies(&mut ledger, 2, at(10)).len(), 1);
    assert_eq!(copies(&mut ledger, 2, at(11)), []);
}

#[test]
fn what_is_only_late_is_copied_where_somebody_else_is() {
    let patient = StragglerPolicy {
        deadline_floor_s: 100.0,
        ..EAGER
    };
    for (n_workers, n_copies) in [(1, 0), (2, 1)] {
        let mut ledger = super::super::fixture::ledger(1, 1, patient);
        for _ in 0..20 {
            ledger.stragglers.measured(1.0, 1, at(1));
        }
        ledger.cut_task(4, at(0)).unwrap();
        let copies = ledger.copy_stragglers(n_workers, 4, at(9));
        assert_eq!(copies.len(), n_copies, "{n_workers} workers");
    }
}

#[test]
fn that_nothing_comes_is_told_ever_less_often_down_to_a_bound() {
    let mut ledger = ledger(3, 1);
    let task = ledger.cut_task(1, at(0)).unwrap();
    does(&mut ledger, 1, &task, at(0));
    let mut told = Vec::new();
    for seconds in 0..40_000 {
        if let Some((stall, again)) = ledger.stalled(0, at(seconds)) {
            assert_eq!((stall.n_open, again.len()), (2, 0));
            told.push(seconds as f64);
        }
    }
    let patience = told[0];
    assert!((60.0..65.0).contains(&patience), "{told:?}");
    let dues = [
        1.0, 3.0, 7.0, 15.0, 31.0, 63.0, 127.0, 255.0, 383.0, 511.0, 639.0,
    ];
    for (told, due) in told.iter().zip(dues) {
        assert!(
            (told / patience - due).abs() < 0.02 * due,
            "{told} at {due}"
        );
    }
    assert_eq!(told.len(), dues.len(), "{told:?}");
}

#[test]
fn a_copy_knows_what_is_out_in_vain_and_how_many_came_before_it() {
    let mut ledger = ledger(1, 1);
    let slow = ledger.cut_task(9, at(0)).unwrap();
    let first = copies(&mut ledger, 9, at(10)).remove(0);
    assert_eq!(first.in_vain, [slow.id]);
    let second = copies(&mut ledger, 9, at(100)).remove(0);
    assert_eq!(second.in_vain, [slow.id, first.id]);
    let generation = |task: &Task| ledger.out[&task.id].generation;
    assert_eq!([&slow, &first, &second].map(generation), [0, 1, 2]);
}
