//! Without rules the saboteur changes nothing: the whole suite. With rules it loses, repeats,
//! delays, reorders and severs, and still no task is lost. On a paused clock.

use std::{marker::PhantomData, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Result;
use async_trait::async_trait;
use skyscan_transport::Transport;
use skyscan_transport_conformance::{
    Clock, Fixture, Site, Wires, cases, dice_from_environment, run_cases,
};
use skyscan_transport_faulty::{FaultyTransport, Rates, RuleGuard, Rules};
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
    rules: Arc<Rules>,
    _rule: Option<RuleGuard>,
    wires: Wires,
    temper: PhantomData<fn() -> T>,
}

#[async_trait]
impl<T: Temper> Site for Sabotaged<T> {
    async fn hub_process(&self) -> Result<Arc<dyn Transport>> {
        let inner = Arc::new(self.place.process());
        Ok(Arc::new(FaultyTransport::new(
            inner,
            Arc::clone(&self.rules),
        )))
    }

    async fn link_process(&self) -> Result<Arc<dyn Transport>> {
        let inner = self.place.process();
        let (cut, mend) = (inner.wire(), inner.wire());
        let process = FaultyTransport::new(Arc::new(inner), Arc::clone(&self.rules));
        Ok(self
            .wires
            .lay(process, move || cut.sever(), move || mend.heal()))
    }

    fn wires(&self) -> &Wires {
        &self.wires
    }

    fn n_repeated(&self) -> usize {
        self.rules.n_outcomes_repeated()
    }
}

#[async_trait]
impl<T: Temper> Fixture for Sabotaged<T> {
    const NAME: &'static str = T::NAME;
    const CLOCK: Clock = Clock::Paused;

    async fn start() -> Result<Self> {
        let rates = T::rates();
        let seed = rates.map_or(0, |_| dice_from_environment(1_409_221).draw());
        let rules = Rules::seeded(seed);
        let rule = rates.map(|rates| rules.add(rates));
        Ok(Self {
            place: MemoryTransport::new(),
            rules,
            _rule: rule,
            wires: Wires::default(),
            temper: PhantomData,
        })
    }
}
