use std::sync::Arc;
use std::time::Duration;

use skyscan_transport::TaskId;
use skyscan_transport_memory::MemoryTransport;
use tokio::sync::Notify;

use super::super::start;
use super::super::tests::{
    MINUTE, RECO, Waiting, config, hub, in_virtual_time, outcomes, submit, welcome,
};
use super::LeaveWithin;

/// One task runs, one waits; the hub sees who has which when the machine is about to go.
#[test]
fn who_has_notice_gives_back_what_is_not_begun_and_finishes_what_runs() {
    in_virtual_time(async {
        let place = MemoryTransport::new();
        let go = Arc::new(Notify::new());
        let reco = Waiting::ForWord(Arc::clone(&go));
        let (worker, end) = start(&place, config(1, reco)).await.unwrap();
        let (hub, mut inbox) = hub(&place, 1, welcome(RECO), MINUTE).await;
        submit(hub.as_ref(), 2).await;
        let tasks = || vec![TaskId(0), TaskId(1)];
        let n_held = async |n| {
            for _ in 0..100 {
                if hub.holders(tasks()).await.unwrap().len() == n {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("not {n}: {:?}", hub.holders(tasks()).await);
        };
        n_held(2).await;
        // The first one has begun.
        tokio::time::sleep(Duration::from_secs(1)).await;
        worker.send(LeaveWithin(2 * MINUTE)).await.unwrap();
        n_held(1).await;
        tokio::time::sleep(MINUTE).await;
        go.notify_waiters();
        let done = outcomes(&mut inbox, 1).await;
        assert_eq!((done[0].task, done[0].attempt), (TaskId(0), 1));
        let left = tokio::time::timeout(Duration::from_secs(1), end).await;
        left.expect("nothing keeps it").unwrap().unwrap();
    });
}

#[test]
fn who_has_notice_is_gone_in_time_though_a_task_takes_longer() {
    in_virtual_time(async {
        let place = MemoryTransport::new();
        let reco = Waiting::ForWord(Arc::new(Notify::new()));
        let (worker, end) = start(&place, config(1, reco)).await.unwrap();
        let (hub, _inbox) = hub(&place, 1, welcome(RECO), 10 * MINUTE).await;
        submit(hub.as_ref(), 1).await;
        while hub.holders(vec![TaskId(0)]).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        worker.send(LeaveWithin(MINUTE)).await.unwrap();
        let left = tokio::time::timeout(MINUTE, end).await;
        left.expect("it is still there").unwrap().unwrap();
        // It said goodbye: the task is free at once.
        assert_eq!(hub.holders(vec![TaskId(0)]).await.unwrap(), []);
    });
}
