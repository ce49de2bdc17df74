//! Fleets with workers that hang, lie and fail: a wave always ends, and the map is always the same.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::Ledger;
use super::super::fixture::*;
use crate::StragglerPolicy;
use Conduct::*;

fn expected(n_pixels: u64) -> Vec<f64> {
    (0..n_pixels).map(|number| number as f64).collect()
}

/// How long a fleet takes for so many pixels, in tasks of so many.
fn took(n_pixels: u64, chunk: usize, members: &[(Conduct, usize)]) -> Duration {
    let mut ledger = ledger(n_pixels, chunk, StragglerPolicy::default());
    let mut fleet = Fleet::of(&mut ledger, members);
    let took = fleet.work(&mut ledger);
    assert_eq!(map(&mut ledger), expected(n_pixels));
    let counts = ledger.counts();
    assert_eq!(counts.planned, counts.accepted);
    took
}

/// D1: what lost against its copy kept the slots of good workers idle for ever.
#[test]
fn half_of_a_fleet_that_hangs_does_not_stop_the_other_half() {
    let members = [vec![(Good, 1); 10], vec![(Hangs, 1); 10]].concat();
    let took = took(192, 1, &members);
    // Twenty rounds of a second for ten slots, and a deadline or two of five seconds.
    assert!(took < Duration::from_secs(60), "{took:?}");
}

/// D1, over several waves: what hangs since the first one does not hold up the others.
#[test]
fn what_hangs_since_an_earlier_wave_holds_up_none() {
    let mut ledger = ledger(48, 1, StragglerPolicy::default());
    let members = [vec![(Good, 1); 4], vec![(Hangs, 1); 8]].concat();
    let mut fleet = Fleet::of(&mut ledger, &members);
    fleet.work(&mut ledger);
    for n_pixels in [3, 12, 1] {
        map(&mut ledger);
        ledger.begin_wave(wave(n_pixels), Duration::ZERO);
        let took = fleet.work(&mut ledger);
        assert_eq!(map(&mut ledger), expected(n_pixels));
        assert!(took < Duration::from_secs(60), "{n_pixels}: {took:?}");
    }
}

/// D2: a fleet in which 5 % of the slots are less than one.
#[test]
fn one_good_worker_beside_one_that_hangs_does_everything() {
    let took = took(192, 1, &[(Good, 4), (Hangs, 4)]);
    assert!(took < Duration::from_secs(75), "{took:?}");
    let one_slot_each = self::took(20, 1, &[(Good, 1), (Hangs, 1)]);
    assert!(one_slot_each < Duration::from_secs(60), "{one_slot_each:?}");
}

/// Before any time is known: the hanging worker was there first, and has everything.
#[test]
fn a_few_pixels_that_all_hang_are_done_by_whoever_comes_later() {
    let mut ledger = ledger(3, 1, StragglerPolicy::default());
    let mut fleet = Fleet::of(&mut ledger, &[(Hangs, 8), (Good, 1)]);
    let took = fleet.work(&mut ledger);
    assert!(took < Duration::from_secs(600), "{took:?}");
}

/// A pixel that failed at the good worker is kept for the other one, which hangs; and nothing later comes
/// back by which that would show.
#[test]
fn a_pixel_that_fails_beside_a_worker_that_hangs_ends_its_wave() {
    let mut ledger = ledger(48, 1, StragglerPolicy::default());
    let mut fleet = Fleet::of(&mut ledger, &[(Good, 3), (Hangs, 1)]);
    fleet.poisoned = vec![5, 45];
    let took = fleet.work(&mut ledger);
    assert!(took < Duration::from_secs(1800), "{took:?}");
    let map = map(&mut ledger);
    let failed = (0..map.len()).filter(|number| map[*number].is_nan());
    assert_eq!(failed.collect::<Vec<_>>(), [5, 45]);
}

#[test]
fn a_worker_with_one_slot_that_hangs_gets_the_copy_into_another_one() {
    let mut ledger = ledger(40, 1, StragglerPolicy::default());
    ledger.worker_up(worker(1));
    let hangs = ledger.cut_task(4, at(0)).unwrap();
    for _ in 1..40 {
        let task = ledger.cut_task(4, at(0)).unwrap();
        does(&mut ledger, 1, &task, at(1));
    }
    let copies = ledger.copy_stragglers(1, 4, at(9));
    assert_eq!(copies.len(), 1);
    assert_eq!(numbers(&copies[0].0), numbers(&hangs));
}

/// Pixels that are suddenly harder are not copied all at once: nothing overtakes them.
#[test]
fn a_fleet_that_is_late_as_a_whole_is_not_thought_dead() {
    let mut ledger = ledger(40, 1, StragglerPolicy::default());
    for number in 1..=20 {
        ledger.worker_up(worker(number));
    }
    for _ in 0..20 {
        let task = ledger.cut_task(20, at(0)).unwrap();
        does(&mut ledger, 1, &task, at(1));
    }
    while ledger.cut_task(20, at(1)).is_some() {}
    let copies = ledger.copy_stragglers(20, 20, at(20));
    assert_eq!(copies.len(), 1, "one of twenty slots may be spent");
}

#[test]
fn nothing_for_too_long_is_told_and_everything_goes_out_again() {
    let mut ledger = ledger(2, 1, StragglerPolicy::default());
    ledger.worker_up(worker(1));
    let tasks = [(); 2].map(|()| ledger.cut_task(4, at(0)).unwrap());
    // A minute until it is late, as long as no times are known, and another one.
    assert_eq!(ledger.stalled(4, at(119)), None);
    let (stall, again) = ledger.stalled(4, at(120)).unwrap();
    // Both are past their deadlines, so all four slots should be idle.
    assert_eq!((stall.n_open, stall.n_idle), (2, 4));
    assert_eq!(stall.pixels, [(pixel(0), vec![0]), (pixel(1), vec![1])]);
    assert_eq!(stall.tasks, [0, 1]);
    assert_eq!(again.len(), 2);
    assert_eq!(ledger.check(at(120)), Ok(()));
    assert_eq!(ledger.stalled(4, at(200)), None, "not again so soon");
    let told_again = (201..).find(|now| ledger.stalled(4, at(*now)).is_some());
    assert!((360..=720).contains(&told_again.unwrap()), "{told_again:?}");
    // The old ones count if they come after all.
    tasks.iter().for_each(|task| {
        does(&mut ledger, 1, task, at(800));
    });
    assert!(ledger.is_wave_done());
    let off = |mut ledger: Ledger| ledger.stalled(4, at(1_000_000));
    assert_eq!(off(self::ledger(1, 1, StragglerPolicy::OFF)), None);
}

#[test]
fn what_is_yet_to_go_out_when_nothing_comes_is_named_with_no_task() {
    let mut ledger = ledger(2, 1, StragglerPolicy::default());
    ledger.worker_up(worker(1));
    ledger.cut_task(1, at(0)).unwrap();
    let (stall, _) = ledger.stalled(1, at(120)).unwrap();
    assert_eq!(stall.pixels, [(pixel(0), vec![0]), (pixel(1), vec![])]);
    assert_eq!(stall.tasks, [0]);
}

/// One failing worker of ten, failing in any way: the same map as without it.
#[test]
fn a_bad_worker_changes_nothing() {
    for conduct in [Hangs, Fails, Crashes, GivesNan, GivesTooFew] {
        for chunk in [1, 7] {
            let mut members = vec![(Good, 1); 9];
            members.insert(4, (conduct, 1));
            let took = took(288, chunk, &members);
            assert!(took < Duration::from_secs(90), "{conduct:?}: {took:?}");
        }
    }
}

#[test]
fn any_fleet_with_a_good_worker_ends_with_the_same_map() {
    for seed in 0..60 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let conducts = [Good, Hangs, Fails, Crashes, GivesNan, GivesTooFew];
        let n_bad = rng.random_range(0..8);
        let mut bad = |_| {
            let conduct = conducts[rng.random_range(0..conducts.len())];
            (conduct, rng.random_range(1..4))
        };
        let mut members: Vec<(Conduct, usize)> = (0..n_bad).map(&mut bad).collect();
        // Enough that one that always fails is outvoted: a pixel fails after three of them.
        members.retain({
            let mut n_failing = 0;
            move |(conduct, _)| {
                let is_failing = !matches!(conduct, Good | Hangs);
                n_failing += usize::from(is_failing);
                !is_failing || n_failing <= 2
            }
        });
        let place = rng.random_range(0..=members.len());
        members.insert(place, (Good, rng.random_range(1..4)));
        let (n_pixels, chunk) = (rng.random_range(1..80), rng.random_range(1..9));
        let took = took(n_pixels, chunk, &members);
        assert!(took < Duration::from_secs(3600), "{seed}: {took:?}");
    }
}

#[test]
fn what_five_later_ones_overtook_is_stuck_once_noted_and_until_it_ends() {
    let mut stuck = super::Stuck::default();
    (3..7).for_each(|id| stuck.returned(id));
    assert!(!stuck.is_overtaken(0), "by four only");
    stuck.returned(7);
    assert!(stuck.is_overtaken(2) && !stuck.is_overtaken(3));
    stuck.note([2].into(), [1].into());
    assert!(stuck.is_stuck(2) && !stuck.is_stuck(3));
    assert_eq!((stuck.n_out(), stuck.n_losing()), (1, 1));
    stuck.ended(2);
    stuck.ended(1);
    assert!(!stuck.is_stuck(2));
    assert_eq!((stuck.n_out(), stuck.n_losing()), (0, 0));
}
