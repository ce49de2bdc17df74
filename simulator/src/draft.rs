//! A life before it is lived: who is there, what is asked for, and what goes wrong when. All of it is
//! drawn from the seed, and each fault stands alone, so that it can be left out.

mod faults;

use std::time::Duration;

use skyscan::event::DetectorDirection;
use skyscan::scenario::workload::landscape::Landscape as Smooth;
use skyscan::sky::Nside;
use skyscan_transport::backend::Dice;

use crate::landscape::Landscape;
pub(crate) use faults::{Fault, Who};

/// After so long nothing goes wrong any more.
pub(crate) const CALM_AFTER: Duration = Duration::from_secs(600);

/// A whole life.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(crate) seed: u64,
    pub(crate) scans: Vec<ScanDraft>,
    pub(crate) workers: Vec<WorkerDraft>,
    pub(crate) n_relays: usize,
    pub(crate) lease_term: Duration,
    pub(crate) liveness: Duration,
    pub(crate) faults: Vec<Fault>,
    /// Whether journals are real files.
    pub(crate) has_files: bool,
}

/// One scan.
#[derive(Clone, Debug)]
pub(crate) struct ScanDraft {
    pub(crate) rounds: Vec<Nside>,
    pub(crate) is_zoom: bool,
    pub(crate) landscape: Landscape,
    pub(crate) chunk: Option<usize>,
    pub(crate) fail_after: u32,
    pub(crate) patience: Duration,
    pub(crate) spare_tasks: usize,
    pub(crate) window: Option<usize>,
    pub(crate) has_journal: bool,
    pub(crate) begins: Duration,
}

/// One worker.
#[derive(Clone, Debug)]
pub(crate) struct WorkerDraft {
    pub(crate) slots: u16,
    pub(crate) leases_per_slot: u16,
    pub(crate) seconds_per_pixel: f64,
    pub(crate) tail: f64,
    /// Behind which relay, if any.
    pub(crate) relay: Option<usize>,
    /// The scan that it cannot serve, if any.
    pub(crate) cannot_serve: Option<usize>,
    pub(crate) comes: Duration,
}

impl Draft {
    /// Draws the life of a seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::seeded(seed);
        let lease_term = Duration::from_secs(5 + dice.below(56));
        let liveness = Duration::from_secs(2 + dice.below(14));
        let n_relays = match dice.below(4) {
            0 => 1,
            1 => 2,
            _ => 0,
        };
        let n_scans = 1 + usize::from(dice.below(4) == 0) + usize::from(dice.below(8) == 0);
        let scans: Vec<_> = (0..n_scans).map(|_| ScanDraft::drawn(&mut dice)).collect();
        let n_workers = 1 + dice.below(2 + dice.clone().below(9)) as usize;
        let pace = 0.02 * 400f64.powf(dice.fraction());
        let mut workers: Vec<_> = (0..n_workers)
            .map(|_| WorkerDraft::drawn(&mut dice, pace, n_relays, n_scans))
            .collect();
        // The first one is there for all, and to the end: somebody has to be.
        workers[0].cannot_serve = None;
        let mut draft = Self {
            seed,
            scans,
            workers,
            n_relays,
            lease_term,
            liveness,
            faults: Vec::new(),
            has_files: false,
        };
        draft.faults = faults::drawn(&mut dice, &draft);
        draft
    }

    /// The same with journals in real files, beside the model of them.
    #[must_use]
    pub fn with_files(self) -> Self {
        Self {
            has_files: true,
            ..self
        }
    }

    /// The same without some of its faults, by their numbers.
    #[must_use]
    pub fn without(&self, left_out: &[usize]) -> Self {
        let kept = self.faults.iter().enumerate();
        let kept = kept.filter(|(number, _)| !left_out.contains(number));
        Self {
            faults: kept.map(|(_, fault)| fault.clone()).collect(),
            ..self.clone()
        }
    }

    /// How many faults it has.
    pub fn n_faults(&self) -> usize {
        self.faults.len()
    }

    /// What goes wrong, in words, by number.
    pub fn faults(&self) -> Vec<String> {
        self.faults.iter().map(ToString::to_string).collect()
    }
}

impl ScanDraft {
    fn drawn(dice: &mut Dice) -> Self {
        const ROUNDS: [&[u32]; 9] = [
            &[1],
            &[2],
            &[4],
            &[1, 2],
            &[1, 4],
            &[2, 8],
            &[1, 2, 4],
            &[2, 4, 16],
            &[4, 8],
        ];
        let rounds = ROUNDS[dice.below(ROUNDS.len() as u64) as usize];
        let rounds: Vec<Nside> = (rounds.iter())
            .filter_map(|nside| Nside::try_from(*nside).ok())
            .collect();
        let poison_one_in = match dice.below(6) {
            0 => 5 + dice.below(60),
            _ => 0,
        };
        let killer_one_in = match dice.below(12) {
            0 => 20 + dice.below(60),
            _ => 0,
        };
        Self {
            is_zoom: rounds.len() > 1,
            rounds,
            landscape: Landscape {
                smooth: Smooth {
                    truth: DetectorDirection {
                        zenith_rad: libm::acos(2.0 * dice.fraction() - 1.0),
                        azimuth_rad: std::f64::consts::TAU * dice.fraction(),
                    },
                    width_rad: 0.03 + 0.2 * dice.fraction(),
                },
                salt: dice.draw(),
                poison_one_in,
                killer_one_in,
            },
            chunk: match dice.below(3) {
                0 => None,
                1 => Some(1),
                _ => Some(1 + dice.below(12) as usize),
            },
            fail_after: match dice.below(6) {
                0 => 2,
                1 => 4,
                _ => 3,
            },
            patience: match dice.below(3) {
                0 => Duration::ZERO,
                _ => skyscan::actors::PATIENCE,
            },
            spare_tasks: dice.below(12) as usize,
            window: (dice.below(6) == 0).then(|| 1 + dice.below(20) as usize),
            has_journal: dice.below(2) == 0,
            begins: dice.part_of(Duration::from_secs(20)),
        }
    }
}

impl WorkerDraft {
    fn drawn(dice: &mut Dice, pace: f64, n_relays: usize, n_scans: usize) -> Self {
        Self {
            slots: 1 + dice.below(4) as u16,
            leases_per_slot: 1 + dice.below(3) as u16,
            seconds_per_pixel: pace * (0.5 + dice.fraction()),
            tail: 1.0 + 20.0 * dice.fraction(),
            relay: match n_relays as u64 {
                0 => None,
                n => (dice.below(4) > 0).then(|| dice.below(n) as usize),
            },
            cannot_serve: (dice.below(8) == 0).then(|| dice.below(n_scans as u64) as usize),
            comes: match dice.below(3) {
                0 => dice.part_of(Duration::from_secs(120)),
                _ => dice.part_of(Duration::from_secs(5)),
            },
        }
    }
}
