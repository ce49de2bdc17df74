use std::sync::Arc;

use skyscan_transport::{Hub, HubInbox, Outcome, Transport};
use skyscan_transport_memory::MemoryTransport;

use super::*;
use crate::actors::worker::start;
use crate::actors::worker::tests::{
    MINUTE, RECO, Waiting, config, hub_of, in_virtual_time, outcomes, submit, submit_from, welcome,
};

/// How long a task takes.
const TASK: Duration = Duration::from_millis(500);
/// What the actors need to hear of each other.
const MOMENT: Duration = Duration::from_millis(50);

async fn open(place: &dyn Transport, scan: u64, priority: Priority) -> (Arc<dyn Hub>, HubInbox) {
    hub_of(place, scan, priority, welcome(RECO), MINUTE).await
}

/// Outcomes, and how long they took.
async fn timed(inbox: &mut HubInbox, n_outcomes: usize) -> (Vec<Outcome>, Duration) {
    let begun = Instant::now();
    let outcomes = outcomes(inbox, n_outcomes).await;
    (outcomes, begun.elapsed())
}

/// What ran goes on and nothing is lost: neither what was given back nor what waits for long.
#[test]
fn an_urgent_scan_gets_every_slot_next_and_the_other_one_goes_on_afterwards() {
    in_virtual_time(async {
        let place = MemoryTransport::new();
        let (_worker, _end) = start(&place, config(4, Waiting::For(TASK))).await.unwrap();
        let (normal, mut others) = open(&place, 1, Priority::NORMAL).await;
        submit(normal.as_ref(), 40).await;
        tokio::time::sleep(TASK / 2).await;
        let (urgent, mut inbox) = open(&place, 2, Priority::URGENT).await;
        submit(urgent.as_ref(), 12).await;
        let (done, took) = timed(&mut inbox, 12).await;
        assert!(done.iter().all(|outcome| outcome.attempt == 1), "{done:?}");
        // Half a task until slots are free, then three in each.
        assert!(took < TASK * 7 / 2 + MOMENT, "{took:?}");
        urgent.close().await.unwrap();
        let (done, took) = timed(&mut others, 40).await;
        let mut tasks: Vec<u64> = done.iter().map(|outcome| outcome.task.0).collect();
        tasks.sort_unstable();
        assert_eq!(tasks, (0..40).collect::<Vec<_>>());
        assert!(done.iter().all(|outcome| outcome.attempt == 1), "{done:?}");
        // Four of them ran when it came: the other 36 begin at once.
        assert!(took < TASK * 9 + MOMENT, "{took:?}");
    });
}

#[test]
fn slots_are_kept_from_one_wave_to_the_next() {
    in_virtual_time(async {
        let place = MemoryTransport::new();
        let (_worker, _end) = start(&place, config(4, Waiting::For(TASK))).await.unwrap();
        let (urgent, mut inbox) = open(&place, 2, Priority::URGENT).await;
        let (normal, _others) = open(&place, 1, Priority::NORMAL).await;
        submit(urgent.as_ref(), 4).await;
        submit(normal.as_ref(), 40).await;
        outcomes(&mut inbox, 4).await;
        for wave in 1..5 {
            tokio::time::sleep(KEPT_FOR - MOMENT).await;
            submit_from(urgent.as_ref(), wave * 8, 8).await;
            let (_, took) = timed(&mut inbox, 8).await;
            assert!(took < 2 * TASK + MOMENT, "{took:?} in wave {wave}");
        }
    });
}

/// It is open and hands out nothing: slots wait for it once, and then no more.
#[test]
fn a_scan_starves_behind_no_urgent_one_that_is_stuck() {
    in_virtual_time(async {
        let place = MemoryTransport::new();
        let (_worker, _end) = start(&place, config(2, Waiting::For(TASK))).await.unwrap();
        let (_urgent, _inbox) = open(&place, 2, Priority::URGENT).await;
        let (normal, mut others) = open(&place, 1, Priority::NORMAL).await;
        submit(normal.as_ref(), 20).await;
        let (_, took) = timed(&mut others, 20).await;
        assert!(took < KEPT_FOR + 10 * TASK + 5 * MOMENT, "{took:?}");
    });
}

#[test]
fn slots_are_kept_for_a_while_and_not_for_ever() {
    in_virtual_time(async {
        let place = MemoryTransport::new();
        let (_worker, _end) = start(&place, config(3, Waiting::For(TASK))).await.unwrap();
        let (urgent, mut inbox) = open(&place, 2, Priority::URGENT).await;
        let (normal, mut others) = open(&place, 1, Priority::NORMAL).await;
        submit(urgent.as_ref(), 1).await;
        outcomes(&mut inbox, 1).await;
        let begun = Instant::now();
        submit(normal.as_ref(), 30).await;
        outcomes(&mut others, 30).await;
        let took = begun.elapsed();
        assert!(
            took > KEPT_FOR && took < KEPT_FOR + 10 * TASK + 5 * MOMENT,
            "{took:?}"
        );
    });
}

#[test]
fn an_urgent_scan_that_goes_lets_the_others_go_on_at_once() {
    in_virtual_time(async {
        let place = MemoryTransport::new();
        let (_worker, _end) = start(&place, config(2, Waiting::For(TASK))).await.unwrap();
        let (urgent, _inbox) = open(&place, 2, Priority::URGENT).await;
        let (normal, mut others) = open(&place, 1, Priority::NORMAL).await;
        submit(normal.as_ref(), 2).await;
        tokio::time::sleep(MOMENT).await;
        urgent.close().await.unwrap();
        let (_, took) = timed(&mut others, 2).await;
        assert!(took < TASK + MOMENT, "{took:?}");
    });
}

/// It lacks the other one's reconstruction.
#[test]
fn a_worker_that_skips_the_urgent_scan_keeps_nothing_for_it() {
    in_virtual_time(async {
        let place = MemoryTransport::new();
        let (_worker, _end) = start(&place, config(2, Waiting::For(TASK))).await.unwrap();
        let foreign = welcome("external:other");
        let (_urgent, _inbox) = hub_of(&place, 2, Priority::URGENT, foreign, MINUTE).await;
        let (normal, mut others) = open(&place, 1, Priority::NORMAL).await;
        submit(normal.as_ref(), 20).await;
        let (_, took) = timed(&mut others, 20).await;
        assert!(took < 10 * TASK + MOMENT, "{took:?}");
    });
}

/// What waits is renewed, however long the urgent scan takes: nothing of it is leased to others.
#[test]
fn what_waits_behind_an_urgent_scan_is_not_lost() {
    in_virtual_time(async {
        let place = MemoryTransport::new();
        let (_worker, _end) = start(&place, config(2, Waiting::For(TASK))).await.unwrap();
        let term = 4 * TASK;
        let (urgent, mut inbox) = hub_of(&place, 2, Priority::URGENT, welcome(RECO), term).await;
        let (normal, mut others) = hub_of(&place, 1, Priority::NORMAL, welcome(RECO), term).await;
        submit(normal.as_ref(), 4).await;
        submit(urgent.as_ref(), 60).await;
        outcomes(&mut inbox, 60).await;
        let (done, _) = timed(&mut others, 4).await;
        assert!(done.iter().all(|outcome| outcome.attempt == 1), "{done:?}");
    });
}
