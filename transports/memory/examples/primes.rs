//! Counts the primes below a million: another master, other workers and another kernel than those of a
//! sky scan, over the same contract.
//!
//! A hub hands out 400 ranges to three workers; one of them is killed in the middle, with whatever it
//! holds. The ledger counts every range once, so the sum is right all the same.
//!
//!     cargo run --release -p skyscan-transport-memory --example primes

use std::{collections::BTreeMap, error::Error, io::Write, ops::Range, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use skyscan_transport::{
    Conclusion, HubConfig, HubIncoming, LinkConfig, LinkIncoming, Priority, ScanId, TaskFrame,
    TaskId, Transport, Version, WorkerId,
};
use skyscan_transport_memory::MemoryTransport;
use tokio::task::JoinHandle;

const PROTOCOL: Version = Version { major: 1, minor: 0 };
const BELOW: u64 = 1_000_000;
const RANGE: u64 = 2_500;
/// So many ranges are counted when a worker is killed.
const KILL_AT: usize = 100;

/// What the whole comes to.
#[derive(Debug)]
struct Counted {
    n_primes: u64,
    n_tasks: usize,
    /// Ranges that were counted by a second or later lease.
    n_leased_again: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let counted = runtime.block_on(count(Arc::new(MemoryTransport::new())))?;
    writeln!(
        std::io::stdout(),
        "{} primes below {BELOW}, from {} ranges, {} of them leased again",
        counted.n_primes,
        counted.n_tasks,
        counted.n_leased_again
    )?;
    Ok(())
}

/// The master: submits ranges, counts each once, and kills a worker on the way.
async fn count(transport: Arc<dyn Transport>) -> Result<Counted, Box<dyn Error>> {
    let config = HubConfig {
        scan: ScanId(1),
        protocol: PROTOCOL,
        welcome: Bytes::from_static(b"count primes"),
        backlog: 100,
        liveness: Duration::from_secs(5),
        lease_term: Duration::from_secs(30),
        payloads: None,
        priority: Priority::default(),
    };
    let (hub, mut inbox) = transport.open_hub(config).await?;
    let mut workers: Vec<JoinHandle<()>> = (0..3)
        .map(|_| {
            let transport = Arc::clone(&transport);
            tokio::spawn(async move {
                // A worker that fails is a lost worker.
                let _lost = work(transport).await;
            })
        })
        .collect();
    let submitting = tokio::spawn({
        let hub = Arc::clone(&hub);
        // Waits where the backlog is full.
        async move { hub.submit((0..BELOW / RANGE).map(task).collect()).await }
    });
    let mut counts: BTreeMap<TaskId, u64> = BTreeMap::new();
    let mut n_leased_again = 0;
    while counts.len() < (BELOW / RANGE) as usize {
        let incoming = inbox.next().await.ok_or("the hub has ended")??;
        let HubIncoming::Settled(batch) = incoming else {
            continue;
        };
        // Confirmed once it is recorded: what is dropped before that comes again.
        for outcome in batch.outcomes() {
            let Conclusion::Completed(result) = &outcome.conclusion else {
                return Err(format!("{outcome:?}").into());
            };
            let n_primes = u64::from_le_bytes(result[..].try_into()?);
            n_leased_again += usize::from(outcome.attempt > 1);
            // At least once below, once above: a second answer changes nothing.
            counts.entry(outcome.task).or_insert(n_primes);
        }
        drop(batch.confirm());
        if counts.len() >= KILL_AT && workers.len() == 3 {
            // Its link is dropped without a goodbye; what it holds is leased again.
            workers.remove(0).abort();
        }
    }
    submitting.await??;
    hub.close().await?;
    Ok(Counted {
        n_primes: counts.values().sum(),
        n_tasks: counts.len(),
        n_leased_again,
    })
}

/// A worker: one loop, and no code for a hub that goes away.
async fn work(transport: Arc<dyn Transport>) -> Result<(), Box<dyn Error + Send + Sync>> {
    let config = LinkConfig {
        protocol: PROTOCOL,
        worker: WorkerId::random(),
        // One to work on, one to go on with.
        credit: 2,
        hello: Bytes::new(),
    };
    let (link, mut inbox) = transport.open_link(config).await?;
    while let Some(incoming) = inbox.next().await {
        match incoming? {
            LinkIncoming::Leased(leases) => {
                for lease in leases {
                    let range = range_of(lease.body())?;
                    // The kernel runs beside the runtime, so that the link goes on breathing.
                    let n_primes = tokio::task::spawn_blocking(move || primes_in(range)).await?;
                    let result = Bytes::copy_from_slice(&n_primes.to_le_bytes());
                    // A lease that was lost meanwhile is no error: others do it.
                    let _lost = lease.complete(result).await;
                }
            }
            LinkIncoming::HubDown { .. } => break,
            LinkIncoming::HubUp { .. } | LinkIncoming::Notice { .. } => {}
        }
    }
    link.close().await?;
    Ok(())
}

/// A task is a range, and its body says which.
fn task(number: u64) -> TaskFrame {
    TaskFrame {
        task: TaskId(number),
        body: Bytes::copy_from_slice(&(number * RANGE).to_le_bytes()),
        lost_above: 0,
        avoid: vec![],
    }
}

fn range_of(body: &[u8]) -> Result<Range<u64>, std::array::TryFromSliceError> {
    let first = u64::from_le_bytes(body.try_into()?);
    Ok(first..first.saturating_add(RANGE))
}

/// The kernel: pure, and slow on purpose.
fn primes_in(range: Range<u64>) -> u64 {
    let is_prime = |n: &u64| {
        *n > 1
            && (2..)
                .take_while(|d| d * d <= *n)
                .all(|d| !n.is_multiple_of(d))
    };
    range.filter(is_prime).count() as u64
}

#[cfg(test)]
mod tests {
    use super::{Arc, MemoryTransport, count};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_killed_worker_costs_no_prime() {
        let counted = count(Arc::new(MemoryTransport::new())).await;
        let counted = counted.expect("two workers are left");
        assert_eq!((counted.n_primes, counted.n_tasks), (78_498, 400));
    }
}
