//! Without rules the saboteur changes nothing: the whole suite. With rules it loses, repeats,
//! delays, reorders and severs, and still no task is lost. On a paused clock.

use std::{marker::PhantomData, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use async_trait::async_trait;
use parking_lot::Mutex;
use skyscan_transport::Transport;
use skyscan_transport_conformance::{Clock, Fixture, Seed, Site, cases, run_cases};
use skyscan_transport_faulty::{FaultyTransport, Plan, Rates, RuleGuard};
use skyscan_transport_memory::MemoryTransport;

fn main() -> ExitCode {
    let quiet = run_cases::<Sabotaged<Quiet>>(cases());
    let churn = cases()
        .into_iter()
        .filter(|case| case.name.starts_with("scale") && !case.alone)
        .collect();
    let rough = run_cases::<Sabotaged<Rough>>(churn);
    if quiet == ExitCode::SUCCESS {
        rough
    } else {
        quiet
    }
}

/// How the saboteur is set up.
trait Temper: Send + Sync + 'static {
    const NAME: &'static str;
    fn rates() -> Option<Rates>;
}

struct Quiet;

impl Temper for Quiet {
    const NAME: &'static str = "faulty";
    fn rates() -> Option<Rates> {
        None
    }
}

struct Rough;

impl Temper for Rough {
    const NAME: &'static str = "faulty with rules";
    fn rates() -> Option<Rates> {
        Some(Rates {
            lose: 0.02,
            repeat: 0.02,
            delay: 0.1,
            reorder: 0.1,
            sever: 0.001,
            longest: Duration::from_millis(500),
        })
    }
}

struct Sabotaged<T> {
    place: MemoryTransport,
    plan: Arc<Plan>,
    _rule: Option<RuleGuard>,
    processes: Mutex<Vec<(usize, Arc<MemoryTransport>)>>,
    temper: PhantomData<fn() -> T>,
}

impl<T: Temper> Sabotaged<T> {
    fn process(&self) -> Arc<dyn Transport> {
        let inner = Arc::new(self.place.process());
        let plan = Arc::clone(&self.plan);
        let outer = Arc::new(FaultyTransport::new(
            Arc::<MemoryTransport>::clone(&inner),
            plan,
        ));
        self.processes
            .lock()
            .push((Arc::as_ptr(&outer).cast::<u8>().addr(), inner));
        outer
    }

    fn find(&self, process: &Arc<dyn Transport>) -> Result<Arc<MemoryTransport>> {
        let address = Arc::as_ptr(process).cast::<u8>().addr();
        let processes = self.processes.lock();
        let found = processes.iter().rfind(|(known, _)| *known == address);
        found
            .map(|(_, inner)| Arc::clone(inner))
            .context("no process of this fixture")
    }
}

#[async_trait]
impl<T: Temper> Site for Sabotaged<T> {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        Ok(self.process())
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        Ok(self.process())
    }

    async fn sever(&self, process: &Arc<dyn Transport>) -> Result<()> {
        self.find(process)?.sever();
        Ok(())
    }

    async fn heal(&self, process: &Arc<dyn Transport>) -> Result<()> {
        self.find(process)?.heal();
        Ok(())
    }
}

#[async_trait]
impl<T: Temper> Fixture for Sabotaged<T> {
    const NAME: &'static str = T::NAME;
    const CLOCK: Clock = Clock::Paused;

    async fn start() -> Result<Self> {
        let rates = T::rates();
        let seed = rates.map_or(0, |_| Seed::from_environment(1_409_221).draw());
        let plan = Plan::seeded(seed);
        let rule = rates.map(|rates| plan.add(rates));
        Ok(Self {
            place: MemoryTransport::new(),
            plan,
            _rule: rule,
            processes: Mutex::default(),
            temper: PhantomData,
        })
    }
}
