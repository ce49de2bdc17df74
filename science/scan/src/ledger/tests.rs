use skyscan_sky::map::fitted;

use super::fixture::*;
use super::*;
use crate::protocol::Report;

const START: Duration = Duration::ZERO;
const OFF: StragglerPolicy = StragglerPolicy::OFF;

#[test]
fn every_pixel_is_handed_out_once() {
    let mut ledger = ledger(10, 3, OFF);
    let sizes: Vec<usize> = std::iter::from_fn(|| ledger.cut_task(4, START))
        .map(|task| task.requests.len())
        .collect();
    assert_eq!(sizes, [3, 3, 3, 1]);
    assert!(!ledger.is_wave_done());
    assert_eq!(ledger.check(START), Ok(()));
}

#[test]
fn a_repeated_result_counts_once() {
    let mut ledger = ledger(2, 2, OFF);
    let task = ledger.cut_task(1, START).unwrap();
    assert_eq!(
        does(&mut ledger, 1, &task, START),
        Acceptance::Accepted {
            n_fitted: 2,
            n_failed: 0
        }
    );
    let again = says(1, Report::Outcomes(vec![fitted(9.0), fitted(9.0)]));
    assert_eq!(ledger.accept(task.id, again, START), Acceptance::Duplicate);
    assert!(ledger.is_wave_done());
    assert_eq!(map(&mut ledger), [0.0, 1.0]);
    assert_eq!(ledger.counts().duplicate, 1);
}

#[test]
fn a_result_of_no_task_is_thrown_away() {
    let mut ledger = ledger(2, 2, OFF);
    let task = ledger.cut_task(1, START).unwrap();
    let answer = says(1, Report::Outcomes(outcomes(&task)));
    assert_eq!(
        ledger.accept(task.id + 1, answer, START),
        Acceptance::Unplanned
    );
    assert!(!ledger.is_wave_done());
}

#[test]
fn losses_are_counted_apart_from_failures() {
    let mut ledger = ledger(1, 1, OFF);
    let task = ledger.cut_task(1, START).unwrap();
    let answer = Answer {
        attempt: 4,
        ..says(1, Report::Outcomes(outcomes(&task)))
    };
    ledger.accept(task.id, answer, START);
    assert_eq!(ledger.counts().lost, 3);
    assert_eq!(ledger.counts().failed, 0);
}

#[test]
fn slots_are_wanted_for_a_minute_of_work() {
    let mut ledger = ledger(700, 1, OFF);
    // Nobody knows yet what a pixel costs.
    assert_eq!(ledger.slots_wanted(), 700);
    for _ in 0..100 {
        let task = ledger.cut_task(4, START).unwrap();
        let answer = Answer {
            seconds: 3.0,
            ..says(1, Report::Outcomes(outcomes(&task)))
        };
        ledger.accept(task.id, answer, START);
    }
    assert_eq!(ledger.slots_wanted(), 600 * 3 / 60);
    while let Some(task) = ledger.cut_task(4, START) {
        assert!(ledger.slots_wanted() >= 1);
        does(&mut ledger, 1, &task, START);
    }
    assert_eq!(ledger.slots_wanted(), 0);
}

#[test]
fn tasks_grow_to_half_a_second_and_shrink_at_the_end() {
    let mut ledger = Ledger::new(Chunking::USUAL, OFF);
    ledger.begin_wave(wave(700), START);
    let probe = ledger.cut_task(4, START).unwrap();
    assert_eq!(probe.requests.len(), 1);
    let answer = Answer {
        seconds: 0.01,
        ..says(1, Report::Outcomes(outcomes(&probe)))
    };
    ledger.accept(probe.id, answer, START);
    assert_eq!(ledger.cut_task(4, START).unwrap().requests.len(), 50);
    let mut sizes = Vec::new();
    while let Some(task) = ledger.cut_task(4, START) {
        sizes.push(task.requests.len());
    }
    assert_eq!(sizes.last(), Some(&1));
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
}

#[test]
fn tasks_are_sized_by_the_mean_cost_of_all_pixels_so_far() {
    let mut ledger = Ledger::new(Chunking::USUAL, OFF);
    ledger.begin_wave(wave(2000), START);
    for (n_pixels, seconds) in [(1, 1.0 / 128.0), (64, 0.5), (64, 0.5)] {
        let task = ledger.cut_task(4, START).unwrap();
        assert_eq!(task.requests.len(), n_pixels);
        let answer = Answer {
            seconds,
            ..says(1, Report::Outcomes(outcomes(&task)))
        };
        ledger.accept(task.id, answer, START);
    }
}

#[test]
fn every_slot_gets_three_tasks_however_cheap_pixels_are() {
    let mut ledger = Ledger::new(Chunking::USUAL, OFF);
    ledger.begin_wave(wave(601), START);
    let probe = ledger.cut_task(4, START).unwrap();
    let answer = Answer {
        seconds: 1e-6,
        ..says(1, Report::Outcomes(outcomes(&probe)))
    };
    ledger.accept(probe.id, answer, START);
    assert_eq!(ledger.cut_task(4, START).unwrap().requests.len(), 600 / 12);
}

#[test]
fn slots_hold_more_than_one_task_while_more_wait_to_be_cut() {
    let policy = StragglerPolicy {
        adaptive_credit: true,
        ..OFF
    };
    let mut ledger = ledger(20, 1, policy);
    for _ in 0..8 {
        assert!(ledger.wants_more_out(4, 8));
        ledger.cut_task(4, START).unwrap();
    }
    assert!(!ledger.wants_more_out(4, 8));
}

#[test]
fn pixels_that_failed_cost_time_too() {
    let known = (0..6).map(|index| match index {
        0..3 => (pixel(index), fitted(0.0)),
        _ => (pixel(index), PixelOutcome::Failed("no light".to_owned())),
    });
    let spent = TaskCounts::default();
    let mut ledger = Ledger::new(chunks(1), OFF).going_on(0, spent, 60.0);
    ledger.know(known);
    ledger.begin_wave(wave(106).split_off(6), START);
    assert_eq!(ledger.slots_wanted(), 100_usize.div_ceil(6));
}

#[test]
fn what_came_back_tells_how_long_it_was_out_and_what_is_known_already_nothing() {
    let mut ledger = ledger(4, 2, OFF);
    ledger.cut_task(1, START).unwrap();
    let task = ledger.cut_task(1, at(2)).unwrap();
    does(&mut ledger, 1, &task, at(5));
    assert_eq!(ledger.news().was_out, Some(at(3)));
    assert_eq!(ledger.news().settled, [pixel(2), pixel(3)]);
    does(&mut ledger, 1, &task, at(6));
    assert_eq!(*ledger.news(), News::default());
}

#[test]
fn a_wave_after_another_is_balanced_by_itself() {
    let mut ledger = ledger(2, 1, OFF);
    while let Some(task) = ledger.cut_task(1, START) {
        does(&mut ledger, 1, &task, START);
    }
    assert_eq!(map(&mut ledger).len(), 2);
    ledger.begin_wave(wave(5), at(1));
    assert_eq!(ledger.check(at(1)), Ok(()));
    assert_eq!(ledger.without_progress(at(3)), at(2));
    assert!(ledger.take_outcomes().is_empty());
}

/// As after a scanner was killed: what it had out belongs to another life.
#[test]
fn a_ledger_that_goes_on_counts_on_and_knows_none_of_the_tasks_before() {
    let counts = TaskCounts {
        planned: 3,
        accepted: 3,
        ..TaskCounts::default()
    };
    let first = 1 << 40;
    let mut ledger = Ledger::new(chunks(1), StragglerPolicy::OFF).going_on(first, counts, 1.5);
    ledger.know((0..3).map(|index| (pixel(index), fitted(index as f64))));
    ledger.begin_wave(wave(5).split_off(3), Duration::ZERO);
    ledger.worker_up(worker(1));
    let task = ledger.cut_task(1, Duration::ZERO).unwrap();
    assert_eq!((task.id, numbers(&task)), (first, vec![3]));
    let old = ledger.accept(
        2,
        says(1, Report::Outcomes(vec![fitted(9.0)])),
        Duration::ZERO,
    );
    assert_eq!(old, Acceptance::Unplanned);
    assert!(ledger.news().settled.is_empty());
    does(&mut ledger, 1, &task, Duration::ZERO);
    assert_eq!(ledger.news().settled, [pixel(3)]);
    let task = ledger.cut_task(1, Duration::ZERO).unwrap();
    does(&mut ledger, 1, &task, Duration::ZERO);
    assert!(ledger.is_wave_done());
    assert_eq!(map(&mut ledger), [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!((ledger.counts().planned, ledger.counts().accepted), (5, 5));
    assert_eq!(ledger.busy_seconds(), 1.5 + 2.0);
}

#[test]
fn a_ledger_tells_what_is_out_what_waits_and_what_came_of_it() {
    let mut ledger = ledger(5, 2, OFF);
    ledger.worker_up(worker(1));
    ledger.worker_up(worker(2));
    let (good, bad) = (
        ledger.cut_task(4, START).unwrap(),
        ledger.cut_task(4, START).unwrap(),
    );
    assert_eq!((ledger.n_leased(), ledger.n_pending()), (2, 1));
    fails(&mut ledger, 1, &bad, START);
    // Each of its pixels goes out again, beside the one that was in no task.
    assert_eq!((ledger.n_leased(), ledger.n_pending()), (1, 3));
    let answer = Answer {
        seconds: 2.5,
        ..says(2, Report::Outcomes(outcomes(&good)))
    };
    ledger.accept(good.id, answer, START);
    assert_eq!((ledger.n_leased(), ledger.n_pending()), (0, 3));
    assert_eq!(ledger.busy_seconds(), 2.5);
    assert_eq!(ledger.outcome(pixel(1)), Some(&fitted(1.0)));
    assert_eq!(ledger.outcome(pixel(2)), None);
}

#[test]
fn what_is_known_to_have_failed_counts_against_hope_and_one_fit_restores_it() {
    let failed = |index| (pixel(index), PixelOutcome::Failed("no light".to_owned()));
    let mut ledger = Ledger::new(chunks(1), OFF);
    ledger.know((0..9).map(failed));
    assert_eq!(ledger.hopeless(), None);
    ledger.know([failed(9)]);
    assert_eq!(ledger.hopeless(), Some("no light"));
    ledger.know([(pixel(10), fitted(1.0))]);
    assert_eq!(ledger.hopeless(), None);
}

#[test]
fn who_pauses_waits_for_progress_anew() {
    let mut ledger = ledger(1, 1, OFF);
    assert_eq!(ledger.without_progress(at(4)), at(4));
    ledger.pauses(at(5));
    assert_eq!(ledger.without_progress(at(7)), at(2));
}
