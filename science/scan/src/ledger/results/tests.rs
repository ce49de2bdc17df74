use skyscan_sky::map::fitted;

use super::super::fixture::*;
use super::super::{Chunking, Task};
use super::*;
use crate::StragglerPolicy;

const START: Duration = Duration::ZERO;
const OFF: StragglerPolicy = StragglerPolicy::OFF;

/// A ledger with workers of these numbers.
fn with_workers(n_pixels: u64, chunk: usize, workers: &[u8]) -> Ledger {
    let mut ledger = ledger(n_pixels, chunk, OFF);
    for number in workers {
        ledger.worker_up(worker(*number));
    }
    ledger
}

/// The first of two workers failed nine times at what the other one did.
fn with_one_put_aside() -> Ledger {
    let mut ledger = with_workers(30, 1, &[1, 2]);
    for _ in 0..9 {
        let task = next(&mut ledger);
        fails(&mut ledger, 1, &task, START);
        let again = next(&mut ledger);
        does(&mut ledger, 2, &again, START);
    }
    ledger
}

fn next(ledger: &mut Ledger) -> Task {
    ledger.cut_task(4, START).expect("something is to be done")
}

fn reasons(ledger: &mut Ledger) -> Vec<Option<String>> {
    let reason = |outcome| match outcome {
        PixelOutcome::Fitted(_) => None,
        PixelOutcome::Failed(reason) => Some(reason),
    };
    ledger.take_outcomes().into_values().map(reason).collect()
}

/// D4: the lease of such a result is settled, so that only the ledger can bring the task up again.
#[test]
fn a_result_with_a_wrong_number_of_fits_fails_its_worker_and_the_task_goes_out_again() {
    let mut ledger = with_workers(2, 2, &[1, 2]);
    for wrong in [vec![fitted(1.0)], vec![], vec![fitted(1.0); 3]] {
        let task = next(&mut ledger);
        assert_ne!(task.requests.len(), wrong.len());
        let answer = says(1, Report::Outcomes(wrong));
        let acceptance = ledger.accept(task.id, answer, START);
        assert_eq!(acceptance, Acceptance::Failed { n_failed: 0 });
        assert_eq!(ledger.check(START), Ok(()));
    }
    while let Some(task) = ledger.cut_task(4, START) {
        assert_eq!(task.avoid[..], [worker(1)], "it goes to somebody else");
        does(&mut ledger, 2, &task, START);
    }
    assert!(ledger.is_wave_done());
    assert_eq!(map(&mut ledger), [0.0, 1.0]);
    let counts = ledger.counts();
    assert_eq!((counts.planned, counts.accepted, counts.failed), (1, 1, 3));
}

/// D3: so one bad worker cannot spoil a map.
#[test]
fn a_pixel_that_fails_at_one_worker_and_not_at_another_is_fitted() {
    for bad in [
        PixelOutcome::Failed("do not want".to_owned()),
        fitted(f64::NAN),
        fitted(f64::INFINITY),
    ] {
        let mut ledger = with_workers(3, 3, &[1, 2]);
        let task = next(&mut ledger);
        let answer = says(1, Report::Outcomes(vec![fitted(0.0), bad, fitted(2.0)]));
        assert_eq!(
            ledger.accept(task.id, answer, START),
            Acceptance::Accepted {
                n_fitted: 2,
                n_failed: 0
            }
        );
        let again = next(&mut ledger);
        assert_eq!(
            (numbers(&again), &again.avoid[..]),
            (vec![1], &[worker(1)][..])
        );
        does(&mut ledger, 2, &again, START);
        assert!(ledger.is_wave_done());
        assert_eq!(map(&mut ledger), [0.0, 1.0, 2.0]);
        assert_eq!((ledger.counts().planned, ledger.counts().accepted), (1, 1));
    }
}

#[test]
fn a_pixel_fails_for_good_after_three_workers() {
    let mut ledger = with_workers(1, 1, &[1, 2, 3, 4]);
    for number in [1, 2, 3] {
        let task = next(&mut ledger);
        let n_failed = u64::from(number == 3);
        let acceptance = fails(&mut ledger, number, &task, START);
        assert_eq!(acceptance, Acceptance::Failed { n_failed });
    }
    assert!(ledger.is_wave_done());
    let reason = "broken (at 3 workers)".to_owned();
    assert_eq!(reasons(&mut ledger), [Some(reason)]);
    assert_eq!(ledger.counts().failed, 3);
}

#[test]
fn how_often_a_pixel_may_fail_is_configured() {
    for fail_after in [1, 2, 5] {
        let asked = std::num::NonZeroU32::new(fail_after).unwrap();
        let mut ledger = with_workers(1, 1, &[1, 2, 3, 4, 5, 6]).failing_after(asked);
        for number in 1..=fail_after {
            let task = next(&mut ledger);
            fails(&mut ledger, number as u8, &task, START);
        }
        assert!(ledger.is_wave_done(), "{fail_after}");
    }
}

#[test]
fn one_worker_alone_is_asked_as_often() {
    let mut ledger = with_workers(1, 1, &[1]);
    for n in 1..=3 {
        let task = next(&mut ledger);
        fails(&mut ledger, 1, &task, START);
        assert_eq!(ledger.is_wave_done(), n == 3);
    }
    let reason = "broken (3 times; only 1 worker saw it)".to_owned();
    assert_eq!(reasons(&mut ledger), [Some(reason)]);
}

#[test]
fn a_poisoned_task_is_split_and_only_its_pixel_fails() {
    let mut ledger = with_workers(3, 3, &[1]);
    let task = next(&mut ledger);
    assert_eq!(
        fails(&mut ledger, 1, &task, START),
        Acceptance::Failed { n_failed: 0 }
    );
    let mut n_alone = 0;
    while let Some(alone) = ledger.cut_task(4, START) {
        n_alone += 1;
        match numbers(&alone)[..] {
            [1] => fails(&mut ledger, 1, &alone, START),
            [_] => does(&mut ledger, 1, &alone, START),
            ref several => panic!("{several:?} in one task"),
        };
    }
    assert_eq!(n_alone, 2 + 3);
    let reasons = reasons(&mut ledger);
    assert_eq!(reasons.iter().filter(|reason| reason.is_none()).count(), 2);
    assert!(reasons[1].as_ref().unwrap().starts_with("broken"));
    let counts = ledger.counts();
    assert_eq!((counts.planned, counts.accepted, counts.failed), (1, 1, 4));
}

/// What a relay's zone lost and leased again is no attempt of the lease above.
#[test]
fn what_comes_back_unbegun_was_lost_once_at_least() {
    let mut ledger = with_workers(1, 1, &[1]);
    for n_lost in 1..=20 {
        let task = next(&mut ledger);
        let acceptance = ledger.accept(task.id, says(1, Report::NotBegun), START);
        let n_failed = u64::from(n_lost == 20);
        assert_eq!(acceptance, Acceptance::NotBegun { n_failed }, "{n_lost}");
    }
    assert!(ledger.is_wave_done());
    let reason = "took its worker with it 20 times".to_owned();
    assert_eq!(reasons(&mut ledger), [Some(reason)]);
}

#[test]
fn who_cannot_serve_the_scan_is_put_aside_and_the_pixel_is_not_at_fault() {
    let mut ledger = with_workers(2, 1, &[1, 2]);
    let cannot = |number, was_lost| says(number, Report::not_served("another reco", was_lost));
    let task = next(&mut ledger);
    let acceptance = ledger.accept(task.id, cannot(1, false), START);
    assert_eq!(acceptance, Acceptance::NotServed { n_failed: 0 });
    assert!(ledger.is_aside(worker(1)) && !ledger.is_aside(worker(2)));
    // The other one gets it at once.
    let again = next(&mut ledger);
    assert_eq!(
        (numbers(&again), &again.avoid[..]),
        (vec![0], &[worker(1)][..])
    );
    // It went where it should not have gone, as in the zone of a relay: it waits, longer and longer.
    ledger.accept(again.id, cannot(1, false), START);
    let other = next(&mut ledger);
    assert_eq!(numbers(&other), [1]);
    does(&mut ledger, 2, &other, START);
    for (second, pause) in [(0, 2), (2, 4), (6, 8)] {
        let due = at(second + pause);
        assert!(ledger.cut_task(2, due - Duration::from_millis(1)).is_none());
        let again = ledger.cut_task(2, due).unwrap();
        ledger.accept(again.id, cannot(1, false), due);
    }
    let again = ledger.cut_task(2, at(30)).unwrap();
    does(&mut ledger, 2, &again, at(30));
    assert!(ledger.is_wave_done());
    assert_eq!((ledger.counts().failed, ledger.counts().lost), (0, 0));
}

#[test]
fn what_failed_and_is_turned_down_ever_again_goes_back_to_where_it_failed() {
    let mut ledger = with_workers(1, 1, &[1, 2]);
    let task = next(&mut ledger);
    ledger.accept(task.id, says(2, Report::failed("dark")), START);
    let mut now = START;
    for n in 1..=8 {
        let task = next_of(&mut ledger, &mut now);
        assert!(task.avoid.contains(&worker(2)), "{n}");
        let cannot = Report::not_served("another reco", false);
        ledger.accept(task.id, says(1, cannot), now);
    }
    let task = next_of(&mut ledger, &mut now);
    assert!(!task.avoid.contains(&worker(2)), "{:?}", task.avoid);
}

/// The next task, whenever it comes.
fn next_of(ledger: &mut Ledger, now: &mut Duration) -> Task {
    loop {
        match ledger.cut_task(1, *now) {
            Some(task) => return task,
            None => *now += at(1) - START,
        }
    }
}

/// What a worker loses is a loss whoever got it next, though no lease above was lost.
#[test]
fn what_was_lost_before_it_was_turned_down_counts_as_lost() {
    let mut ledger = with_workers(1, 1, &[1, 2]);
    for n_lost in 1..=20 {
        let task = next(&mut ledger);
        let report = Report::not_served("another reco", true);
        let acceptance = ledger.accept(task.id, says(1, report), START);
        let n_failed = u64::from(n_lost == 20);
        assert_eq!(acceptance, Acceptance::NotServed { n_failed }, "{n_lost}");
    }
    assert!(ledger.is_wave_done());
}

/// Losses alone never fail a pixel early, however they are distributed over its tasks.
#[test]
fn what_was_lost_eight_times_goes_out_alone_and_last_and_after_twenty_it_is_told() {
    let mut ledger = with_workers(3, 2, &[1]);
    let lost = |attempt| Answer {
        attempt,
        ..says(1, Report::NotBegun)
    };
    let task = next(&mut ledger);
    assert_eq!(task.most_attempts, Some(8));
    let acceptance = ledger.accept(task.id, lost(9), START);
    assert_eq!(acceptance, Acceptance::NotBegun { n_failed: 0 });
    assert_eq!(ledger.counts().lost, 8);
    let other = next(&mut ledger);
    assert_eq!(numbers(&other), [2], "the rest comes first");
    let alone = [next(&mut ledger), next(&mut ledger)];
    assert_eq!([numbers(&alone[0]), numbers(&alone[1])], [[0], [1]]);
    assert_eq!(alone[0].most_attempts, Some(12));
    does(&mut ledger, 1, &other, START);
    does(&mut ledger, 1, &alone[1], START);
    let acceptance = ledger.accept(alone[0].id, lost(13), START);
    assert_eq!(acceptance, Acceptance::NotBegun { n_failed: 1 });
    assert!(ledger.is_wave_done());
    let reason = "took its worker with it 20 times".to_owned();
    assert_eq!(reasons(&mut ledger), [Some(reason), None, None]);
    assert_eq!(ledger.counts().failed, 0, "no worker failed");
}

#[test]
fn a_worker_that_fails_at_what_others_do_is_put_aside_and_told_once() {
    let mut ledger = with_one_put_aside();
    assert!(ledger.is_aside(worker(1)));
    assert_eq!(ledger.standings.n_aside(), 1);
    let told = ledger.take_put_aside();
    assert_eq!((told.len(), told[0].reason.as_str()), (1, "broken"));
    assert_eq!(next(&mut ledger).avoid[..], [worker(1)]);
    // After a while it gets one task to try.
    let trial = ledger.cut_task(4, at(60)).unwrap();
    assert!(trial.avoid.is_empty());
    assert_eq!(ledger.cut_task(4, at(61)).unwrap().avoid[..], [worker(1)]);
    does(&mut ledger, 1, &trial, at(62));
    assert!(!ledger.is_aside(worker(1)));
}

#[test]
fn who_is_gone_is_nobody_else_to_turn_to() {
    let mut ledger = with_workers(3, 1, &[1, 2]).patient_for(at(10));
    let task = next(&mut ledger);
    ledger.worker_down(worker(2));
    fails(&mut ledger, 1, &task, START);
    // Whoever comes is waited for, since the only one who is there has failed at it.
    let rest: Vec<u64> = std::iter::from_fn(|| ledger.cut_task(4, START))
        .flat_map(|task| numbers(&task))
        .collect();
    assert_eq!(rest, [1, 2]);
}

#[test]
fn a_pixel_that_nobody_can_fit_puts_nobody_aside() {
    let mut ledger = with_workers(9, 1, &[1, 2, 3]);
    for n in 0..27 {
        let task = next(&mut ledger);
        fails(&mut ledger, 1 + n % 3, &task, START);
    }
    assert!(ledger.is_wave_done());
    assert_eq!(ledger.standings.n_aside(), 0);
}

#[test]
fn a_bad_worker_that_is_there_first_does_not_decide_before_others_come() {
    let mut ledger = with_workers(12, 1, &[1]).patient_for(at(4));
    while let Some(task) = ledger.cut_task(4, at(0)) {
        fails(&mut ledger, 1, &task, at(0));
    }
    assert_eq!(ledger.hopeless(), None, "each pixel has failed once");
    assert!(!ledger.has_waited_enough(at(3)));
    assert_eq!(ledger.check(at(3)), Ok(()));

    // Nobody else came: it is asked again, and waits for twice as long.
    assert!(ledger.has_waited_enough(at(4)));
    while let Some(task) = ledger.cut_task(4, at(4)) {
        fails(&mut ledger, 1, &task, at(4));
    }
    assert!(!ledger.has_waited_enough(at(11)));

    // Who comes gets them at once.
    ledger.worker_up(worker(2));
    while let Some(task) = ledger.cut_task(4, at(5)) {
        assert_eq!(task.avoid[..], [worker(1)]);
        does(&mut ledger, 2, &task, at(5));
    }
    assert!(ledger.is_wave_done());
    assert!(!map(&mut ledger).iter().any(|llh| llh.is_nan()));
}

#[test]
fn a_fleet_of_which_everything_fails_is_hopeless_soon() {
    let mut ledger = with_workers(768, 1, &[1]);
    let mut n_tasks = 0;
    while ledger.hopeless().is_none() {
        let task = next(&mut ledger);
        fails(&mut ledger, 1, &task, START);
        n_tasks += 1;
    }
    assert_eq!(n_tasks, 30, "ten pixels, three times each");
    assert!(ledger.hopeless().unwrap().starts_with("broken"));
    let mut ledger = with_workers(768, 1, &[1]);
    let task = next(&mut ledger);
    does(&mut ledger, 1, &task, START);
    (0..60).for_each(|_| {
        let task = next(&mut ledger);
        fails(&mut ledger, 1, &task, START);
    });
    assert_eq!(ledger.hopeless(), None, "one was fitted");
}

#[test]
fn times_that_cannot_be_are_not_counted() {
    for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let mut ledger = Ledger::new(Chunking::USUAL, OFF);
        ledger.begin_wave(wave(100), START);
        let task = next(&mut ledger);
        let answer = Answer {
            seconds,
            ..says(1, Report::Outcomes(outcomes(&task)))
        };
        ledger.accept(task.id, answer, START);
        assert_eq!(ledger.busy_seconds(), 0.0);
        assert_eq!(next(&mut ledger).requests.len(), 1, "nobody knows its cost");
    }
}

fn failed_once() -> Report {
    Report::Outcomes(vec![PixelOutcome::Failed("do not want".to_owned())])
}

#[test]
fn a_pixel_that_failed_is_a_failure_of_its_worker_and_goes_on_to_the_next_at_once() {
    let mut ledger = with_workers(1, 1, &[1, 2]).patient_for(at(10));
    let task = next(&mut ledger);
    let acceptance = ledger.accept(task.id, says(1, failed_once()), START);
    assert_eq!(acceptance, Acceptance::Failed { n_failed: 0 });
    assert_eq!(ledger.counts().failed, 1);
    assert_eq!(next(&mut ledger).avoid[..], [worker(1)]);
}

#[test]
fn a_trial_at_which_every_pixel_fails_keeps_its_worker_aside() {
    let mut ledger = with_one_put_aside();
    let trial = ledger.cut_task(4, at(60)).unwrap();
    assert!(trial.avoid.is_empty());
    ledger.accept(trial.id, says(1, failed_once()), at(61));
    assert!(ledger.is_aside(worker(1)));
}

#[test]
fn only_outcomes_are_progress() {
    let mut ledger = with_workers(3, 1, &[1, 2]);
    let (good, bad) = (next(&mut ledger), next(&mut ledger));
    does(&mut ledger, 1, &good, at(5));
    assert_eq!(ledger.without_progress(at(7)), at(2));
    fails(&mut ledger, 1, &bad, at(9));
    assert_eq!(ledger.without_progress(at(10)), at(5));
}
