use bytes::Bytes;
use skyscan_transport::{Holder, PayloadId, ScanId, TaskId};

use super::*;

/// Counts what it is given, and when the last of it came.
#[derive(Debug)]
struct Counting(Mutex<(usize, Instant)>);

#[async_trait]
impl Hub for Counting {
    fn scan(&self) -> ScanId {
        ScanId(0)
    }
    async fn submit(&self, tasks: Vec<TaskFrame>) -> Result<()> {
        let mut seen = self.0.lock().unwrap();
        *seen = (seen.0 + tasks.len(), Instant::now());
        Ok(())
    }
    async fn publish(&self, payload: Bytes) -> Result<PayloadId> {
        Ok(PayloadId::of(&payload))
    }
    async fn broadcast(&self, _: Bytes) -> Result<()> {
        Ok(())
    }
    async fn purge(&self) -> Result<usize> {
        Ok(0)
    }
    async fn holders(&self, _: Vec<TaskId>) -> Result<Vec<Holder>> {
        Ok(Vec::new())
    }
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

fn task(id: u64) -> TaskFrame {
    TaskFrame {
        task: TaskId(id),
        body: Bytes::new(),
        lost_above: 0,
        avoid: vec![],
    }
}

/// Seconds that `n` tasks take which come together, and their mean as the master tells it.
async fn serve(n: usize, setup: &HubSetup) -> (f64, f64) {
    let begun = Instant::now();
    let inner = Arc::new(Counting(Mutex::new((0, begun))));
    let master = SlowMaster::new(Arc::clone(&inner) as Arc<dyn Hub>, setup, 1);
    for id in 0..n as u64 {
        Hub::submit(master.as_ref(), vec![task(id)]).await.unwrap();
    }
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (seen, last) = *inner.0.lock().unwrap();
        if seen == n {
            return ((last - begun).as_secs_f64(), master.mean_service_s());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_exact_far_below_a_millisecond() {
    let setup = HubSetup {
        service_s: 0.000_1,
        law: HubLaw::Constant,
    };
    let (took, mean) = serve(20_000, &setup).await;
    assert!((took - 2.0).abs() < 0.003, "{took}");
    assert!((mean - 0.000_1).abs() < 1e-12);
}

#[tokio::test(start_paused = true)]
async fn exponential_times_have_their_mean() {
    let setup = HubSetup {
        service_s: 0.01,
        law: HubLaw::Exponential,
    };
    let (took, mean) = serve(20_000, &setup).await;
    assert!((mean - 0.01).abs() < 0.0003, "{mean}");
    assert!((took - 20_000.0 * mean).abs() < 0.003, "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_purge_throws_away_what_waits_in_the_master() {
    let begun = Instant::now();
    let inner = Arc::new(Counting(Mutex::new((0, begun))));
    let setup = HubSetup {
        service_s: 1.0,
        law: HubLaw::Constant,
    };
    let master = SlowMaster::new(Arc::clone(&inner) as Arc<dyn Hub>, &setup, 1);
    Hub::submit(master.as_ref(), (0..5).map(task).collect())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    // Two have passed, one is being served, two wait for it.
    assert_eq!(Hub::purge(master.as_ref()).await.unwrap(), 3);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(inner.0.lock().unwrap().0, 2);
}

#[tokio::test(start_paused = true)]
async fn a_purged_master_is_free_once_it_is_done_with_the_task_that_it_had() {
    let begun = Instant::now();
    let inner = Arc::new(Counting(Mutex::new((0, begun))));
    let setup = HubSetup {
        service_s: 1.0,
        law: HubLaw::Constant,
    };
    let master = SlowMaster::new(Arc::clone(&inner) as Arc<dyn Hub>, &setup, 1);
    Hub::submit(master.as_ref(), (0..100).map(task).collect())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(Hub::purge(master.as_ref()).await.unwrap(), 100);
    Hub::submit(master.as_ref(), vec![task(100)]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (seen, last) = *inner.0.lock().unwrap();
    assert_eq!(seen, 1);
    assert!(((last - begun).as_secs_f64() - 2.0).abs() < 0.003);
}
