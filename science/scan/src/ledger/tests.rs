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
}
