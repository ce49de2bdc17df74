//! Waves, answers and a fleet of any conduct, for the tests of the ledger.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::time::Duration;

use skyscan_event::DetectorDirection;
use skyscan_reco::PixelRequest;
use skyscan_sky::map::{PixelOutcome, fitted};
use skyscan_sky::{Nside, Pixel};

use super::{Acceptance, Answer, Chunking, Ledger, Task};
use crate::Point;
use crate::protocol::{Report, WorkerId};
use crate::stragglers::StragglerPolicy;

pub(super) fn pixel(index: u64) -> Point {
    let nside = Nside::try_from(8).unwrap();
    Pixel { nside, index }.into()
}

/// The number of a pixel is its zenith angle, too, so that a request tells which it is for.
pub(super) fn wave(n: u64) -> Vec<(Point, PixelRequest)> {
    let request = |index: u64| PixelRequest {
        direction: DetectorDirection {
            zenith_rad: index as f64,
            azimuth_rad: 0.0,
        },
        seeds: vec![],
    };
    (0..n).map(|index| (pixel(index), request(index))).collect()
}

pub(super) fn chunks(n_pixels: usize) -> Chunking {
    Chunking::Fixed(NonZeroUsize::new(n_pixels).unwrap())
}

pub(super) fn ledger(n_pixels: u64, chunk: usize, policy: StragglerPolicy) -> Ledger {
    let mut ledger = Ledger::new(chunks(chunk), policy);
    ledger.begin_wave(wave(n_pixels), Duration::ZERO);
    ledger
}

pub(super) const fn worker(number: u8) -> WorkerId {
    WorkerId([number; 16])
}

pub(super) fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn numbers(task: &Task) -> Vec<u64> {
    let number = |request: &PixelRequest| request.direction.zenith_rad as u64;
    task.requests.iter().map(number).collect()
}

/// What a good worker answers: the number of each pixel as its likelihood.
pub(super) fn outcomes(task: &Task) -> Vec<PixelOutcome> {
    let outcome = |number: u64| fitted(number as f64);
    numbers(task).into_iter().map(outcome).collect()
}

/// A worker of this number says so after a second, at the first attempt.
pub(super) fn says(number: u8, report: Report) -> Answer {
    Answer {
        worker: worker(number),
        attempt: 1,
        seconds: 1.0,
        report,
    }
}

/// A worker of this number does a task well.
pub(super) fn does(ledger: &mut Ledger, number: u8, task: &Task, now: Duration) -> Acceptance {
    let answer = says(number, Report::Outcomes(outcomes(task)));
    ledger.accept(task.id, answer, now)
}

/// A worker of this number fails at a task as a whole.
pub(super) fn fails(ledger: &mut Ledger, number: u8, task: &Task, now: Duration) -> Acceptance {
    let answer = says(number, Report::Failed("broken".to_owned()));
    ledger.accept(task.id, answer, now)
}

/// The map as numbers: NaN where a pixel failed.
pub(super) fn map(ledger: &mut Ledger) -> Vec<f64> {
    let llh = |outcome| match outcome {
        PixelOutcome::Fitted(fit) => fit.llh,
        PixelOutcome::Failed(_) => f64::NAN,
    };
    ledger.take_outcomes().into_values().map(llh).collect()
}

/// What a worker does with its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conduct {
    Good,
    Hangs,
    /// Without having tried.
    Fails,
    Crashes,
    GivesNan,
    GivesTooFew,
}

#[derive(Debug)]
struct Member {
    number: u8,
    conduct: Conduct,
    n_slots: usize,
    /// Tasks in slots, with the time that is left, then those that wait at hand.
    held: VecDeque<(Task, u32)>,
}

/// Workers at a hub that leases as real ones do: idle slots first, then up to twice as many as slots.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    queue: VecDeque<Task>,
    members: Vec<Member>,
    n_done: usize,
    /// Pixels that fail at whoever tries them.
    pub(super) poisoned: Vec<u64>,
}

/// A pixel takes a good worker so many steps of a tenth of a second.
const STEPS: u32 = 10;
const STEP: Duration = Duration::from_millis(100);
/// What a fleet does later than this it never does.
const LATEST: Duration = Duration::from_secs(4 * 3600);

impl Fleet {
    pub(super) fn of(ledger: &mut Ledger, members: &[(Conduct, usize)]) -> Self {
        let mut fleet = Self::default();
        for (number, (conduct, n_slots)) in (1..).zip(members) {
            ledger.worker_up(worker(number));
            fleet.members.push(Member {
                number,
                conduct: *conduct,
                n_slots: *n_slots,
                held: VecDeque::new(),
            });
        }
        fleet
    }

    /// Works until the wave is done; returns when that was. The books balance all the time.
    pub(super) fn work(&mut self, ledger: &mut Ledger) -> Duration {
        let mut now = Duration::ZERO;
        while !ledger.is_wave_done() {
            now += STEP;
            assert!(now < LATEST, "a fleet with a good worker ends");
            self.step(ledger, now);
            assert_eq!(ledger.check(now), Ok(()), "after {now:?}");
        }
        now
    }

    fn step(&mut self, ledger: &mut Ledger, now: Duration) {
        let able = |member: &&Member| !ledger.is_aside(worker(member.number));
        let n_slots: usize = (self.members.iter().filter(able)).map(|m| m.n_slots).sum();
        let copies = ledger.copy_stragglers(self.members.len(), n_slots, now);
        self.queue.extend(copies.into_iter().map(|(task, _)| task));
        if let Some((_, again)) = ledger.stalled(n_slots, now) {
            self.queue.extend(again);
        }
        while ledger.wants_more_out(n_slots, 2 * n_slots + 8)
            && let Some(task) = ledger.cut_task(n_slots, now)
        {
            self.queue.push_back(task);
        }
        for filled_to in [1, 2] {
            for at in 0..self.members.len() {
                self.lease(at, filled_to);
            }
        }
        for at in 0..self.members.len() {
            for (task, report) in self.members[at].settle(&self.poisoned) {
                self.n_done += 1;
                let answer = says(self.members[at].number, report);
                ledger.accept(task.id, answer, now);
            }
        }
    }

    fn lease(&mut self, at: usize, filled_to: usize) {
        while self.members[at].held.len() < filled_to * self.members[at].n_slots {
            let others: Vec<WorkerId> = self.members.iter().map(|m| worker(m.number)).collect();
            let may_have = |task: &Task, who: WorkerId| {
                !task.avoid.contains(&who) || others.iter().all(|other| task.avoid.contains(other))
            };
            let member = &mut self.members[at];
            let place = (self.queue.iter()).position(|task| may_have(task, worker(member.number)));
            let Some(task) = place.and_then(|place| self.queue.remove(place)) else {
                return;
            };
            let n_steps = match member.conduct {
                Conduct::Fails | Conduct::Crashes => 1,
                _ => STEPS * task.requests.len() as u32,
            };
            member.held.push_back((task, n_steps));
        }
    }
}

impl Member {
    fn settle(&mut self, poisoned: &[u64]) -> Vec<(Task, Report)> {
        if self.conduct == Conduct::Hangs {
            return Vec::new();
        }
        (self.held.iter_mut().take(self.n_slots)).for_each(|(_, left)| *left -= 1);
        let conduct = self.conduct;
        let mut settled = Vec::new();
        self.held.retain(|(task, left)| {
            if *left == 0 {
                let nan = || vec![fitted(f64::NAN); task.requests.len()];
                let report = match conduct {
                    Conduct::Good | Conduct::Hangs => {
                        let mut outcomes = outcomes(task);
                        for (outcome, number) in outcomes.iter_mut().zip(numbers(task)) {
                            if poisoned.contains(&number) {
                                *outcome = PixelOutcome::Failed("poison".to_owned());
                            }
                        }
                        Report::Outcomes(outcomes)
                    }
                    Conduct::Fails => {
                        let failed = PixelOutcome::Failed("do not want".to_owned());
                        Report::Outcomes(vec![failed; task.requests.len()])
                    }
                    Conduct::Crashes => Report::Failed("killed".to_owned()),
                    Conduct::GivesNan => Report::Outcomes(nan()),
                    Conduct::GivesTooFew => Report::Outcomes(nan()[1..].to_vec()),
                };
                settled.push((task.clone(), report));
            }
            *left > 0
        });
        settled
    }
}
