//! Where a life takes place: the places where hubs and links meet, the wires between, and what is done
//! to them when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skyscan::sky::coordinates::SkyFrame;
use skyscan_transport::Transport;
use skyscan_transport_faulty::{FaultyTransport, FrameKind, JudgedFrame, Rules, Verdict};
use skyscan_transport_memory::{MemoryTransport, MemoryWire};
use tokio::time::{Instant, sleep_until};

use crate::draft::{CALM_AFTER, Draft, Fault, Who};
use crate::fate::{Death, Fate};
use crate::history::History;
use crate::process::{Names, Process};

/// When every event of a life is, in UTC days; its detector is at the South Pole.
const MJD: f64 = 60_000.0;

/// What all of a life share.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) draft: Draft,
    pub(crate) history: Arc<History>,
    pub(crate) begun: Instant,
    pub(crate) frame: SkyFrame,
    names: Arc<Names>,
    /// Where the Scanners are.
    top: MemoryTransport,
    /// Below each relay.
    zones: Vec<MemoryTransport>,
    rules: Mutex<BTreeMap<String, Arc<Rules>>>,
    wires: Mutex<BTreeMap<String, Wires>>,
}

/// The wires of one who has died and come back, perhaps.
#[derive(Debug, Default)]
struct Wires {
    n_cuts: usize,
    last: Option<MemoryWire>,
}

impl World {
    pub(crate) fn new(draft: Draft) -> Arc<Self> {
        let site = skyscan::event::detector::Site {
            longitude_deg: 0.0,
            latitude_deg: -90.0,
        };
        let n_relays = draft.n_relays;
        Arc::new(Self {
            history: History::begin(),
            begun: Instant::now(),
            frame: SkyFrame::new(MJD, &site),
            names: Names::seeded(draft.seed),
            top: MemoryTransport::new(),
            zones: (0..n_relays).map(|_| MemoryTransport::new()).collect(),
            rules: Mutex::default(),
            wires: Mutex::default(),
            draft,
        })
    }

    /// When nothing goes wrong any more.
    pub(crate) fn calm(&self) -> Instant {
        self.begun + CALM_AFTER
    }

    /// The fate of somebody who came for the n-th time.
    pub(crate) fn fate(&self, who: Who, n_times: usize) -> Arc<Fate> {
        let (history, unmissed) = (Arc::clone(&self.history), self.draft.liveness);
        let death = self.deaths(who).get(n_times).map(|(death, _)| *death);
        Fate::new(who.to_string(), history, self.calm(), unmissed, death)
    }

    /// How somebody dies, one time after the other, and how long it is gone then.
    pub(crate) fn deaths(&self, who: Who) -> Vec<(Death, Duration)> {
        let faults = self.draft.faults.iter();
        let deaths = faults.filter_map(|fault| match fault {
            Fault::Death {
                who: dying,
                death,
                back_after,
            } if *dying == who => Some((*death, *back_after)),
            _ => None,
        });
        deaths.collect()
    }

    /// A process that meets the Scanners.
    pub(crate) fn at_top(&self, who: Who, fate: &Arc<Fate>) -> Process {
        self.process(&self.top, who.to_string(), fate)
    }

    /// A process in the zone of a relay; without one, with the Scanners.
    pub(crate) fn in_zone(&self, relay: Option<usize>, who: Who, fate: &Arc<Fate>) -> Process {
        match relay.and_then(|number| self.zones.get(number)) {
            Some(zone) => self.process(zone, who.to_string(), fate),
            None => self.at_top(who, fate),
        }
    }

    /// The side of a relay that its zone meets: its wire is never cut.
    pub(crate) fn below(&self, relay: usize, fate: &Arc<Fate>) -> Process {
        self.process(&self.zones[relay], format!("below relay{relay}"), fate)
    }

    fn process(&self, place: &MemoryTransport, wire: String, fate: &Arc<Fate>) -> Process {
        let memory = place.process();
        {
            let mut all = self.wires.lock();
            let wires = all.entry(wire.clone()).or_default();
            if wires.n_cuts > 0 {
                memory.sever();
            }
            wires.last = Some(memory.wire());
        }
        let memory: Arc<dyn Transport> = Arc::new(memory);
        let faulty = Arc::new(FaultyTransport::new(memory, self.rules(&wire)));
        Process::new(Arc::clone(fate), faulty, Arc::clone(&self.names))
    }

    fn rules(&self, wire: &str) -> Arc<Rules> {
        let mut all = self.rules.lock();
        let seed = self.draft.seed ^ (all.len() as u64 + 1).wrapping_mul(0x9e37_79b9);
        let rules = all.entry(wire.to_owned());
        Arc::clone(rules.or_insert_with(|| Rules::seeded(seed)))
    }

    /// Does what a fault does to the wires, while it does.
    pub(crate) async fn trouble(self: Arc<Self>, fault: Fault) {
        match fault {
            Fault::Rates {
                who,
                from,
                to,
                rates,
            } => {
                let rules = self.rules(&who.to_string());
                sleep_until(self.begun + from).await;
                let _rule = rules.add(rates);
                sleep_until(self.begun + to).await;
            }
            Fault::OneWay {
                who,
                from,
                to,
                is_deaf,
            } => {
                let rules = self.rules(&who.to_string());
                sleep_until(self.begun + from).await;
                let _rule = rules.add(move |frame: &JudgedFrame, _: &mut _| {
                    let comes_in = match frame.kind {
                        FrameKind::Lease | FrameKind::Notice | FrameKind::Answer => true,
                        FrameKind::Settlement | FrameKind::Renewal | FrameKind::Outcomes => false,
                    };
                    match comes_in == is_deaf {
                        true => Verdict::Lose,
                        false => Verdict::Pass,
                    }
                });
                sleep_until(self.begun + to).await;
            }
            Fault::Cut { who, from, to } => {
                sleep_until(self.begun + from).await;
                who.iter().for_each(|who| self.cut(*who));
                sleep_until(self.begun + to).await;
                who.iter().for_each(|who| self.mend(*who));
            }
            _ => {}
        }
    }

    fn cut(&self, who: Who) {
        let mut all = self.wires.lock();
        let wires = all.entry(who.to_string()).or_default();
        wires.n_cuts += 1;
        if let (1, Some(wire)) = (wires.n_cuts, &wires.last) {
            wire.sever();
        }
    }

    fn mend(&self, who: Who) {
        let mut all = self.wires.lock();
        let wires = all.entry(who.to_string()).or_default();
        wires.n_cuts -= 1;
        if let (0, Some(wire)) = (wires.n_cuts, &wires.last) {
            wire.heal();
        }
    }
}
