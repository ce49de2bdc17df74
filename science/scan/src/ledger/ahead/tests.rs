use super::super::fixture::*;
use super::*;
use crate::StragglerPolicy;
use skyscan_sky::map::fitted;
use skyscan_sky::{Nside, Pixel};

const WORKS_AHEAD: StragglerPolicy = StragglerPolicy {
    work_ahead: true,
    ..StragglerPolicy::OFF
};

/// The children of a pixel of [`wave`], asked for as they would be by their numbers.
fn children(parent: u64) -> Vec<Asked> {
    let nside = pixel(parent).pixel.nside;
    let finer = Nside::try_from(16).unwrap();
    let children = Pixel {
        nside,
        index: parent,
    }
    .children(finer);
    let asked = children.into_iter().map(|child| {
        let (_, mut request) = wave(1).remove(0);
        request.direction.zenith_rad = 1000.0 + child.index as f64;
        (Point::from(child), request)
    });
    asked.collect()
}

/// Four pixels of which three have their outcomes, since one slot of ten still has the last one.
fn in_its_tail() -> Ledger {
    let mut ledger = ledger(4, 1, WORKS_AHEAD);
    let tasks: Vec<Task> = (0..4)
        .map(|_| ledger.cut_task(10, at(0)).unwrap())
        .collect();
    for task in &tasks[..3] {
        does(&mut ledger, 1, task, at(1));
    }
    ledger
}

/// The task that [`in_its_tail`] still waits for comes back.
fn ends(ledger: &mut Ledger) {
    let last = ledger.out.keys().next().copied().unwrap();
    let outcomes = ledger.out[&last].pixels.iter().map(|_| fitted(3.0));
    let report = Report::Outcomes(outcomes.collect());
    ledger.accept(last, says(1, report), at(9));
    assert!(ledger.is_wave_done());
    ledger.take_outcomes();
}

/// The children of a pixel went ahead, and the first of them is done; the round that they went ahead of is over.
fn with_one_done_ahead() -> (Ledger, Vec<Task>) {
    let mut ledger = in_its_tail();
    ledger.foresee(1, Some(vec![children(2)]));
    let tasks = cut_all(&mut ledger);
    does(&mut ledger, 2, &tasks[0], at(3));
    ends(&mut ledger);
    (ledger, tasks)
}

fn cut_all(ledger: &mut Ledger) -> Vec<Task> {
    std::iter::from_fn(|| ledger.cut_ahead(10, at(2))).collect()
}

#[test]
fn what_is_done_ahead_is_part_of_the_round_that_asks_for_it() {
    let mut ledger = in_its_tail();
    assert!(ledger.wants_foresight(10));
    ledger.foresee(1, Some(vec![children(2)]));
    assert!(!ledger.wants_foresight(10));
    let tasks = cut_all(&mut ledger);
    assert_eq!((tasks.len(), ledger.n_ahead()), (4, 4));
    assert_eq!(tasks[0].most_attempts, Some(1));
    for task in &tasks[..3] {
        assert_eq!(does(&mut ledger, 2, task, at(3)), Acceptance::Ahead);
    }
    assert_eq!(ledger.outcomes().len(), 3);
    ends(&mut ledger);

    let round = children(2);
    let done = ledger.begin_wave(round.clone(), at(10));
    let points: Vec<Point> = done.iter().flat_map(|done| done.points.clone()).collect();
    let first: Vec<Point> = round[..3].iter().map(|(point, _)| *point).collect();
    assert_eq!(points, first);
    let told = (
        done[0].task,
        done[0].worker,
        done[0].attempt,
        done[0].seconds,
    );
    assert_eq!(told, (tasks[0].id, worker(2), 1, 1.0));
    // The fourth is out, and nothing is left to be cut.
    assert_eq!((ledger.n_leased(), ledger.n_pending()), (1, 0));
    assert_eq!(ledger.cut_task(10, at(10)), None);
    let accepted = does(&mut ledger, 2, &tasks[3], at(11));
    assert!(matches!(accepted, Acceptance::Accepted { n_fitted: 1, .. }));
    assert!(ledger.is_wave_done());
    let expected: Vec<f64> = round
        .iter()
        .map(|(_, request)| request.direction.zenith_rad)
        .collect();
    assert_eq!(map(&mut ledger), expected);
    let counts = ledger.counts();
    assert_eq!((counts.ahead, counts.asked_for), (4, 4));
    assert_eq!(
        (counts.planned, counts.accepted, counts.duplicate),
        (8, 8, 0)
    );
    assert_eq!(ledger.busy_seconds(), 8.0);
}

#[test]
fn what_nobody_asks_for_is_thrown_away() {
    let (mut ledger, tasks) = with_one_done_ahead();
    // Another part of the sky, and of that one pixel by another request.
    let mut round = children(3);
    round.push(children(2).remove(1));
    round[4].1.direction.azimuth_rad = 1.0;
    assert_eq!(ledger.begin_wave(round, at(10)), []);
    assert_eq!((ledger.n_pending(), ledger.n_losing()), (5, 3));
    assert_eq!(does(&mut ledger, 2, &tasks[1], at(11)), Acceptance::Ahead);
    assert_eq!((ledger.n_losing(), ledger.outcomes().len()), (2, 0));
    let counts = ledger.counts();
    assert_eq!(
        (counts.ahead, counts.asked_for, counts.duplicate),
        (4, 0, 0)
    );
}

#[test]
fn a_task_is_asked_for_as_a_whole_or_not_at_all() {
    let mut ledger = in_its_tail();
    ledger.chunking = chunks(3);
    ledger.foresee(1, Some(vec![children(2), children(3)]));
    // Two of four slots: one is busy, one is kept for copies.
    assert_eq!(numbers(&ledger.cut_ahead(4, at(2)).unwrap()).len(), 3);
    assert_eq!(numbers(&ledger.cut_ahead(4, at(2)).unwrap()).len(), 1);
    assert_eq!(ledger.cut_ahead(4, at(2)), None);
    ends(&mut ledger);
    let mut round = children(2);
    round.remove(0);
    ledger.begin_wave(round, at(10));
    // Of the first task one pixel is known otherwise: it does not count; the other one does.
    assert_eq!(
        (ledger.n_leased(), ledger.n_losing(), ledger.n_pending()),
        (1, 1, 2)
    );
    assert_eq!(ledger.counts().asked_for, 1);
}

#[test]
fn while_the_round_grows_its_children_wait() {
    let (mut ledger, _) = with_one_done_ahead();
    let more: Vec<Asked> = wave(6).split_off(4);
    assert_eq!(ledger.begin_wave(more, at(10)), []);
    assert_eq!(
        (ledger.n_ahead(), ledger.n_losing(), ledger.n_pending()),
        (3, 0, 2)
    );
    let growth: Vec<Task> = std::iter::from_fn(|| ledger.cut_task(10, at(11))).collect();
    does(&mut ledger, 1, &growth[0], at(12));
    // Those that went out already do not go out again.
    ledger.foresee(2, Some(vec![children(2), children(3)]));
    let more = cut_all(&mut ledger);
    assert_eq!(more.len(), 4);
    assert_eq!(
        numbers(&more[0]),
        [children(3)[0].1.direction.zenith_rad as u64]
    );
    does(&mut ledger, 1, &growth[1], at(12));
    ledger.take_outcomes();
    assert_eq!(ledger.begin_wave(children(2), at(13)).len(), 1);
    assert_eq!((ledger.n_leased(), ledger.n_pending()), (3, 0));
    assert_eq!(ledger.n_losing(), 4);
}

#[test]
fn where_nothing_can_be_foreseen_nobody_asks_again() {
    let mut ledger = in_its_tail();
    ledger.foresee(1, None);
    assert!(!ledger.wants_foresight(10));
    ends(&mut ledger);
    ledger.begin_wave(children(2), at(10));
    let tasks: Vec<Task> = std::iter::from_fn(|| ledger.cut_task(10, at(10))).collect();
    for task in &tasks[..2] {
        does(&mut ledger, 1, task, at(11));
    }
    assert!(ledger.wants_foresight(10), "it is another wave");
}

#[test]
fn what_fails_ahead_is_tried_again_by_its_round() {
    let mut ledger = in_its_tail();
    ledger.foresee(1, Some(vec![children(2)]));
    let tasks = cut_all(&mut ledger);
    assert_eq!(fails(&mut ledger, 2, &tasks[0], at(3)), Acceptance::Ahead);
    let nan = Report::Outcomes(vec![fitted(f64::NAN)]);
    assert_eq!(
        ledger.accept(tasks[1].id, says(2, nan), at(3)),
        Acceptance::Ahead
    );
    let too_many = Report::Outcomes(vec![fitted(1.0), fitted(2.0)]);
    assert_eq!(
        ledger.accept(tasks[2].id, says(2, too_many), at(3)),
        Acceptance::Ahead
    );
    ends(&mut ledger);
    assert_eq!(ledger.begin_wave(children(2), at(10)), []);
    assert_eq!((ledger.n_leased(), ledger.n_pending()), (1, 3));
    assert_eq!(ledger.counts().failed, 0);
}

#[test]
fn only_idle_slots_work_ahead_and_not_all_of_them() {
    let mut ledger = ledger(8, 1, WORKS_AHEAD);
    let tasks: Vec<Task> = (0..7)
        .map(|_| ledger.cut_task(10, at(0)).unwrap())
        .collect();
    for task in &tasks[..6] {
        does(&mut ledger, 1, task, at(1));
    }
    assert!(!ledger.wants_foresight(10), "a pixel is in no task yet");
    ledger.cut_task(10, at(1)).unwrap();
    assert!(ledger.wants_foresight(10));
    assert!(
        !ledger.wants_foresight(3),
        "two are busy, and one is kept for copies"
    );
    ledger.foresee(1, Some(vec![children(2), children(3)]));
    assert_eq!(cut_all(&mut ledger).len(), 7);
    // Once more is known.
    assert!(!ledger.wants_foresight(20));
    ledger.ahead.waiting.clear();
    assert!(!ledger.wants_foresight(20));
    does(&mut ledger, 1, &tasks[6], at(2));
    assert!(ledger.wants_foresight(20));

    let mut off = in_its_tail();
    off.works_ahead = false;
    assert!(!off.wants_foresight(10));
}

#[test]
fn nothing_is_foreseen_before_half_of_a_wave_is_known() {
    let mut ledger = ledger(5, 1, WORKS_AHEAD);
    let tasks: Vec<Task> = (0..5)
        .map(|_| ledger.cut_task(10, at(0)).unwrap())
        .collect();
    for (n_known, task) in tasks.iter().enumerate() {
        assert_eq!(ledger.wants_foresight(10), n_known >= 3);
        does(&mut ledger, 1, task, at(1));
    }
    assert!(!ledger.wants_foresight(10), "the wave is done");
}

#[test]
fn what_was_foreseen_of_the_wave_before_is_too_late() {
    let mut ledger = in_its_tail();
    ends(&mut ledger);
    ledger.begin_wave(children(2), at(10));
    ledger.foresee(1, Some(vec![children(2)]));
    assert_eq!((ledger.n_waves(), ledger.ahead.n_waiting()), (2, 0));
}
