//! Stragglers: tasks that hold up a wave, and what is done about them.
//!
//! Decided from the measured times of the wave's results and from what is out. Time is a [`Duration`]
//! since any fixed origin. Nothing here touches what a result says, so the map does not depend on it.
//!
//! Decision: What holds up a wave is copied (`docs/decisions.md`).
//! Decision: Slow workers are not looked for (`docs/decisions.md`).

mod times;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use times::Times;

/// With fewer results than this a wave says nothing of times; those of the wave before it count.
const FEWEST_MEASURED: u64 = 5;
/// A task takes typically what this share of the tasks takes at most.
const TYPICAL: f64 = 0.5;
/// A deadline is a multiple of what this share of the tasks takes at most.
const HIGH: f64 = 0.95;
/// While every slot is busy, copies have at most this share of them.
const SHARE_OF_COPIES: f64 = 0.05;
/// Pieces of a task that is not late have to take less than this share of the time that it still needs.
const WORTH_SPLITTING: f64 = 0.5;
/// A look at what is out comes after this share of a typical time, between these bounds.
const LOOKS_PER_TASK: f64 = 8.0;
const SOONEST_LOOK: Duration = Duration::from_millis(20);
const LATEST_LOOK: Duration = Duration::from_secs(30);
/// The same while no times are known.
const BLIND_LOOK: Duration = Duration::from_millis(100);
/// While no times are known, this is late.
const BLIND_DEADLINE_S: f64 = 60.0;
/// With each copy of a copy the deadline is twice as long, up to so many times.
const MOST_DOUBLINGS: u32 = 6;
/// No wait counts as shorter.
const SHORTEST_WAIT_S: f64 = 1e-6;

/// What is done about stragglers; each on its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StragglerPolicy {
    /// A task that is out for too long gets a copy, wherever the wave is.
    pub deadlines: bool,
    /// Too long is so many times what 95 % of the wave's tasks take, by the number of pixels.
    pub deadline_factor: f64,
    /// No deadline is shorter.
    pub deadline_floor_s: f64,
    /// At the end of a wave idle slots get copies of the tasks that are out for longest.
    pub speculation: bool,
    /// Of those that are out for so many times what half of the wave's tasks take.
    pub speculation_factor: f64,
    /// A copy is cut into as many pieces as there are idle slots; a task of many pixels need not be late.
    pub splitting: bool,
    /// At the end of a wave no task waits at a worker while slots are idle elsewhere.
    pub adaptive_credit: bool,
    /// At the end of a wave idle slots get what the next round will probably ask for.
    pub work_ahead: bool,
    /// Most copies of a pixel that are made because slots are idle, one after the other. Past its
    /// deadline a pixel always gets another one, which may take twice as long.
    pub most_copies: u32,
}

impl Default for StragglerPolicy {
    fn default() -> Self {
        Self {
            deadlines: true,
            speculation: true,
            splitting: true,
            adaptive_credit: true,
            work_ahead: true,
            ..Self::OFF
        }
    }
}

impl StragglerPolicy {
    /// Every task is waited for.
    pub const OFF: Self = Self {
        deadlines: false,
        deadline_factor: 3.0,
        deadline_floor_s: 5.0,
        speculation: false,
        speculation_factor: 3.0,
        splitting: false,
        adaptive_credit: false,
        work_ahead: false,
        most_copies: 2,
    };

    fn makes_copies(&self) -> bool {
        self.deadlines || self.speculation || self.splitting
    }
}

/// Why a task gets a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CopyReason {
    /// It is past its deadline.
    Overdue,
    /// It is late, and slots are idle.
    Late,
    /// It is wide, and idle slots can share it.
    Wide,
    /// Nothing at all has come for too long.
    Stalled,
}

/// A task that is out and may get a copy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Suspect {
    pub(super) id: u64,
    pub(super) handed_out: Duration,
    /// Pixels that it was handed out with.
    pub(super) n_pixels: usize,
    /// Those of them that have no outcome yet.
    pub(super) n_open: usize,
    /// How many copies came before it, one of the other.
    pub(super) generation: u32,
}

/// What there is beside the suspects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Situation {
    pub(super) n_slots: usize,
    /// Slots that no task of this scan can be in, unless it is stuck.
    pub(super) n_idle: usize,
    pub(super) n_out: usize,
    /// Copies among those that are out and not stuck.
    pub(super) n_copies: usize,
    /// There is one worker only: it gets the copies of its own tasks, which helps only where one of its
    /// slots hangs and another one is idle.
    pub(super) is_one_worker: bool,
    /// Every pixel of the wave is in a task.
    pub(super) is_all_out: bool,
}

/// A task is to be copied, in so many pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CopyOrder {
    pub(super) id: u64,
    pub(super) n_pieces: usize,
    pub(super) reason: CopyReason,
}

/// What is known of the times of a scan's tasks, and what follows from it.
#[derive(Clone, Debug)]
pub(super) struct Stragglers {
    policy: StragglerPolicy,
    /// Seconds per pixel of the results of this wave.
    times: Times,
    /// The same of the last wave that had enough of them.
    earlier: Times,
    /// What tasks of this wave waited beside.
    waits: Times,
}

impl Stragglers {
    pub(super) fn new(policy: StragglerPolicy) -> Self {
        Self {
            policy,
            times: Times::default(),
            earlier: Times::default(),
            waits: Times::default(),
        }
    }

    pub(super) fn begin_wave(&mut self) {
        self.waits = Times::default();
        let times = std::mem::take(&mut self.times);
        if times.len() >= FEWEST_MEASURED {
            self.earlier = times;
        }
    }

    /// A task of so many pixels took a worker so long; what else it was out for, it waited: at the hub,
    /// on its way, behind another task.
    pub(super) fn measured(&mut self, seconds: f64, n_pixels: usize, was_out: Duration) {
        self.times.record(seconds / n_pixels as f64);
        let waited_s = was_out.as_secs_f64() - seconds;
        self.waits.record(waited_s.max(SHORTEST_WAIT_S));
    }

    /// What is overdue by now; `None` where every task is waited for.
    pub(super) fn deadlines(&self) -> Option<Deadlines> {
        self.policy.deadlines.then(|| Deadlines {
            pixel_s: (self.high_s()).map(|high_s| self.policy.deadline_factor * high_s),
            floor_s: self.policy.deadline_floor_s,
            // Where the master has more to do than it can, every task waits: none is late for that.
            waited_s: self.waits.quantile(HIGH, 0).unwrap_or(0.0),
        })
    }

    /// Whether anything is known of times, so that something can be late or wide.
    pub(super) fn knows_times(&self) -> bool {
        self.times.len() >= FEWEST_MEASURED || self.earlier.len() >= FEWEST_MEASURED
    }

    /// How many tasks may be out if workers may hold `n_leases` of them and so many are not cut yet:
    /// the fewer are left, the fewer wait at a worker for the one before them.
    pub(super) fn most_out(&self, n_slots: usize, n_leases: usize, n_uncut: usize) -> usize {
        match self.policy.adaptive_credit {
            true => n_leases.min(n_slots.max(n_uncut)),
            false => n_leases,
        }
    }

    /// When to look for stragglers again; never if nothing is done about them.
    pub(super) fn look_again_after(&self) -> Option<Duration> {
        self.policy.makes_copies().then(|| {
            let known = [&self.times, &self.earlier];
            let typical = known
                .into_iter()
                .find_map(|times| times.quantile(TYPICAL, 0));
            typical.map_or(BLIND_LOOK, |seconds| {
                Duration::try_from_secs_f64(seconds / LOOKS_PER_TASK)
                    .unwrap_or(LATEST_LOOK)
                    .clamp(SOONEST_LOOK, LATEST_LOOK)
            })
        })
    }

    /// Which of the suspects get a copy now; they come in the order in which they were handed out.
    pub(super) fn orders(
        &self,
        now: Duration,
        suspects: &[Suspect],
        situation: Situation,
    ) -> Vec<CopyOrder> {
        let mut orders = Orders {
            n_idle: situation.n_idle,
            is_splitting: self.policy.splitting,
            made: Vec::new(),
        };
        // One copy may always be under way: in a fleet of a few slots a share of them is none, and a
        // task that hangs would hang for ever.
        let share = (SHARE_OF_COPIES * situation.n_slots as f64) as usize;
        let most_unasked = match situation.is_one_worker {
            true => 0,
            false => share.max(1),
        };
        let mut n_unasked = most_unasked.saturating_sub(situation.n_copies);
        let mut rest: Vec<&Suspect> = suspects.iter().collect();
        let deadlines = self.deadlines();
        rest.retain(|suspect| {
            let is_overdue = deadlines.is_some_and(|deadlines| {
                suspect.age_s(now) > deadlines.allowed_s(suspect.n_pixels, suspect.generation)
            });
            if !is_overdue || (orders.n_idle == 0 && n_unasked == 0) {
                return true;
            }
            if orders.n_idle == 0 {
                n_unasked -= 1;
            }
            orders.make(suspect, CopyReason::Overdue);
            false
        });
        if situation.is_one_worker {
            return orders.made;
        }
        rest.retain(|suspect| suspect.generation < self.policy.most_copies);
        let typical_s = self.typical_s(situation.n_out as u64);
        if let (true, Some(typical_s)) = (situation.is_all_out, typical_s) {
            self.fill_idle(now, rest, typical_s, &mut orders);
        }
        orders.made
    }

    /// Nothing is left to hand out: what idle slots may do meanwhile.
    fn fill_idle(
        &self,
        now: Duration,
        mut rest: Vec<&Suspect>,
        typical_s: f64,
        orders: &mut Orders,
    ) {
        if self.policy.speculation {
            let factor = self.policy.speculation_factor;
            rest.retain(|suspect| {
                let is_late = suspect.age_s(now) >= factor * typical_s * suspect.n_pixels as f64;
                if !is_late || orders.n_idle == 0 {
                    return true;
                }
                orders.make(suspect, CopyReason::Late);
                false
            });
        }
        if self.policy.splitting {
            let left_s =
                |suspect: &Suspect| typical_s * suspect.n_pixels as f64 - suspect.age_s(now);
            // The sort is stable: what was handed out first stays first.
            rest.sort_by(|a, b| left_s(b).total_cmp(&left_s(a)));
            for suspect in rest {
                let n_pieces = suspect.n_open.min(orders.n_idle);
                if n_pieces < 2 {
                    continue;
                }
                let piece_s = typical_s * suspect.n_open.div_ceil(n_pieces) as f64;
                if piece_s < WORTH_SPLITTING * left_s(suspect) {
                    orders.make(suspect, CopyReason::Wide);
                }
            }
        }
    }

    /// Seconds that a pixel takes typically; unknown as long as most tasks of the wave are out.
    fn typical_s(&self, n_out: u64) -> Option<f64> {
        match self.times.len() >= FEWEST_MEASURED {
            true => self.times.quantile(TYPICAL, n_out),
            false => self.earlier.quantile(TYPICAL, 0),
        }
    }

    fn high_s(&self) -> Option<f64> {
        match self.times.len() >= FEWEST_MEASURED {
            true => self.times.quantile(HIGH, 0),
            false => self.earlier.quantile(HIGH, 0),
        }
    }
}

/// How long tasks may be out before they are overdue. Learned from the times of this event's tasks, and
/// never the end of a pixel: only a copy goes out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// For each pixel; unknown at first.
    pixel_s: Option<f64>,
    floor_s: f64,
    waited_s: f64,
}

impl Deadlines {
    /// Seconds for a task. A copy of a copy is given twice the time, so that a pixel that is long by itself
    /// does not fill the fleet.
    pub(super) fn allowed_s(&self, n_pixels: usize, generation: u32) -> f64 {
        let doubled = f64::from(1u32 << generation.min(MOST_DOUBLINGS));
        let learned = self.pixel_s.map(|pixel_s| {
            let allowed_s = pixel_s * n_pixels as f64;
            allowed_s.max(self.floor_s) + self.waited_s
        });
        doubled * learned.unwrap_or(BLIND_DEADLINE_S)
    }

    /// Whether nothing can be overdue yet that is out for so long.
    pub(super) fn are_far(&self, longest: Duration) -> bool {
        longest.as_secs_f64() <= self.allowed_s(1, 0)
    }
}

impl Suspect {
    fn age_s(&self, now: Duration) -> f64 {
        now.saturating_sub(self.handed_out).as_secs_f64()
    }
}

/// Copies ordered so far, and the slots that are left for more.
struct Orders {
    n_idle: usize,
    is_splitting: bool,
    made: Vec<CopyOrder>,
}

impl Orders {
    fn make(&mut self, suspect: &Suspect, reason: CopyReason) {
        let n_pieces = match self.is_splitting {
            true => suspect.n_open.min(self.n_idle).max(1),
            false => 1,
        };
        self.n_idle = self.n_idle.saturating_sub(n_pieces);
        self.made.push(CopyOrder {
            id: suspect.id,
            n_pieces,
            reason,
        });
    }
}

#[cfg(test)]
mod tests;
