//! Rules and verdicts: the first rule that does not let a frame pass decides.

use std::{fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use skyscan_transport::{LinkId, TaskKey, backend::Dice};

/// What may be done to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// It never arrives. An outcome that its hub has answered for comes again, as the contract
    /// wants it.
    Lose,
    /// It arrives twice. A lease does not: it has one holder.
    Repeat,
    /// It arrives later.
    Delay(Duration),
    /// It arrives after the next one of its stream (or after a moment, when none comes).
    Reorder,
    /// Its link is lost without a goodbye, and comes back after this time.
    Sever(Duration),
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// A lease on its way to a link.
    Lease,
    /// A notice on its way to a link.
    Notice,
    /// A settlement on its way to the hub.
    Settlement,
    /// The hub's answer to a settlement.
    Answer,
    /// A link's word that it still works on a lease.
    Renewal,
    /// A batch of outcomes on its way to the hub's owner.
    Outcomes,
}

/// What a rule may look at.
#[derive(Clone, Copy, Debug)]
pub struct JudgedFrame {
    /// What it carries.
    pub kind: FrameKind,
    /// Whose it is, where one link is concerned.
    pub link: Option<LinkId>,
    /// What it is about, where one task is concerned.
    pub task: Option<TaskKey>,
    /// How many frames were judged before it.
    pub number: u64,
}

/// Decides what happens to frames.
pub trait Rule: Send + 'static {
    /// Judges one frame.
    fn judge(&mut self, frame: &JudgedFrame, dice: &mut Dice) -> Verdict;
}

impl<F: FnMut(&JudgedFrame, &mut Dice) -> Verdict + Send + 'static> Rule for F {
    fn judge(&mut self, frame: &JudgedFrame, dice: &mut Dice) -> Verdict {
        self(frame, dice)
    }
}

/// The rules in force, and the dice.
pub struct Rules {
    state: Mutex<State>,
}

struct State {
    rules: Vec<(u64, Box<dyn Rule>)>,
    dice: Dice,
    n_judged: u64,
    n_outcomes_repeated: usize,
    next_rule: u64,
}

impl Rules {
    /// Makes an empty list, which lets every frame pass.
    pub fn seeded(seed: u64) -> Arc<Self> {
        let state = State {
            rules: Vec::new(),
            dice: Dice::seeded(seed),
            n_judged: 0,
            n_outcomes_repeated: 0,
            next_rule: 0,
        };
        Arc::new(Self {
            state: Mutex::new(state),
        })
    }

    /// Puts a rule in force until the guard is dropped.
    pub fn add(self: &Arc<Self>, rule: impl Rule) -> RuleGuard {
        let mut state = self.state.lock();
        let number = state.next_rule;
        state.next_rule += 1;
        state.rules.push((number, Box::new(rule)));
        RuleGuard {
            rules: Arc::clone(self),
            number,
        }
    }

    /// How many outcomes have been repeated so far: a batch of them is one frame.
    pub fn n_outcomes_repeated(&self) -> usize {
        self.state.lock().n_outcomes_repeated
    }

    pub(crate) fn count_repeated(&self, n_outcomes: usize) {
        self.state.lock().n_outcomes_repeated += n_outcomes;
    }

    pub(crate) fn judge(
        &self,
        kind: FrameKind,
        link: Option<LinkId>,
        task: Option<TaskKey>,
    ) -> Verdict {
        let State {
            rules,
            dice,
            n_judged,
            ..
        } = &mut *self.state.lock();
        let frame = JudgedFrame {
            kind,
            link,
            task,
            number: *n_judged,
        };
        *n_judged += 1;
        let mut verdicts = rules.iter_mut().map(|(_, rule)| rule.judge(&frame, dice));
        verdicts
            .find(|verdict| *verdict != Verdict::Pass)
            .unwrap_or(Verdict::Pass)
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Rules")
            .field("n_rules", &state.rules.len())
            .field("n_judged", &state.n_judged)
            .finish_non_exhaustive()
    }
}

/// Keeps a rule in force.
#[must_use = "the rule ends with its guard"]
#[derive(Debug)]
pub struct RuleGuard {
    rules: Arc<Rules>,
    number: u64,
}

impl Drop for RuleGuard {
    fn drop(&mut self) {
        self.rules
            .state
            .lock()
            .rules
            .retain(|(number, _)| *number != self.number);
    }
}

/// A rule that draws: how often each verdict falls on any frame, each from 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Share of frames that are lost.
    pub lose: f64,
    /// Share of frames that arrive twice.
    pub repeat: f64,
    /// Share of frames that arrive late.
    pub delay: f64,
    /// Share of frames that change places with the next.
    pub reorder: f64,
    /// Share of frames that cost their link.
    pub sever: f64,
    /// Longest delay, and longest absence of a severed link.
    pub longest: Duration,
}

impl Rule for Rates {
    fn judge(&mut self, _frame: &JudgedFrame, dice: &mut Dice) -> Verdict {
        let mut drawn = dice.fraction();
        let mut falls = |share: f64| {
            drawn -= share;
            drawn < 0.0
        };
        if falls(self.lose) {
            Verdict::Lose
        } else if falls(self.repeat) {
            Verdict::Repeat
        } else if falls(self.delay) {
            Verdict::Delay(dice.part_of(self.longest))
        } else if falls(self.reorder) {
            Verdict::Reorder
        } else if falls(self.sever) {
            Verdict::Sever(dice.part_of(self.longest))
        } else {
            Verdict::Pass
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, FrameKind, Rates, Rules, Verdict};

    fn verdicts(seed: u64) -> Vec<Verdict> {
        let rules = Rules::seeded(seed);
        let rates = Rates {
            lose: 0.1,
            repeat: 0.1,
            delay: 0.1,
            reorder: 0.1,
            sever: 0.1,
            longest: Duration::from_secs(1),
        };
        let _rule = rules.add(rates);
        (0..1000)
            .map(|_| rules.judge(FrameKind::Lease, None, None))
            .collect()
    }

    #[test]
    fn the_same_seed_draws_the_same_verdicts() {
        assert_eq!(verdicts(1), verdicts(1));
        assert_ne!(verdicts(1), verdicts(2));
        let n_passed = verdicts(1)
            .iter()
            .filter(|verdict| **verdict == Verdict::Pass)
            .count();
        assert!((400..600).contains(&n_passed), "{n_passed} passed");
    }

    #[test]
    fn a_rule_ends_with_its_guard_and_the_first_decides() {
        let rules = Rules::seeded(0);
        let first = rules.add(|_: &super::JudgedFrame, _: &mut super::Dice| Verdict::Lose);
        let second = rules.add(|_: &super::JudgedFrame, _: &mut super::Dice| Verdict::Repeat);
        assert_eq!(rules.judge(FrameKind::Notice, None, None), Verdict::Lose);
        drop(first);
        assert_eq!(rules.judge(FrameKind::Notice, None, None), Verdict::Repeat);
        drop(second);
        assert_eq!(rules.judge(FrameKind::Notice, None, None), Verdict::Pass);
    }
}
