//! What goes wrong in a life.

use std::fmt;
use std::time::Duration;

use skyscan_transport::backend::Dice;
use skyscan_transport_faulty::Rates;

use super::{CALM_AFTER, Draft};
use crate::disk::{DiskTrouble, TroubleKind};
use crate::fate::Death;
use crate::kernel::Sickness;
use crate::process::{Forged, Forgery, Garbling};

/// Most faults of a life.
const MOST_FAULTS: u64 = 9;

/// Whom a fault befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Worker(usize),
    Relay(usize),
    Scan(usize),
}

/// One thing that goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Frames of a process are lost, repeated, late, out of order, or cost it its link.
    Rates {
        who: Who,
        from: Duration,
        to: Duration,
        rates: Rates,
    },
    /// The wires of some processes are cut.
    Cut {
        who: Vec<Who>,
        from: Duration,
        to: Duration,
    },
    /// Only one direction works.
    OneWay {
        who: Who,
        from: Duration,
        to: Duration,
        is_deaf: bool,
    },
    /// A process dies, and another one takes its place after a while.
    Death {
        who: Who,
        death: Death,
        back_after: Duration,
    },
    /// A worker is asked to stop, and another one comes.
    Leave {
        worker: usize,
        at: Duration,
        back_after: Duration,
    },
    /// A worker is sick from some task on.
    Sick {
        worker: usize,
        sickness: Sickness,
        from_task: u64,
    },
    /// What a worker says is garbled.
    Garbles { worker: usize, garbling: Garbling },
    /// A stranger sends a Scanner results.
    Stranger { scan: usize, forgery: Forgery },
    /// The disk of a scan.
    Disk { scan: usize, trouble: DiskTrouble },
    /// Somebody ends a scan.
    Stop { scan: usize, at: Duration },
}

/// Draws the faults of a life. Each life has only some kinds of them, so that none hides the others.
pub(super) fn drawn(dice: &mut Dice, draft: &Draft) -> Vec<Fault> {
    let n_faults = dice.below(MOST_FAULTS + 1);
    let kinds = dice.draw();
    let mut faults = Vec::new();
    // Of workers the first one stays well, so that somebody can do the rest.
    let n_sick = draft.workers.len() as u64 - 1;
    for _ in 0..n_faults {
        let kind = dice.below(12);
        if kinds & (1 << kind) == 0 {
            continue;
        }
        let scan = dice.below(draft.scans.len() as u64) as usize;
        let worker = 1 + dice.below(n_sick) as usize;
        let (from, to) = window(dice);
        let fault = match kind {
            0 | 1 => Fault::Rates {
                who: anyone(dice, draft),
                from,
                to,
                rates: rates(dice),
            },
            2 => {
                let who = (0..=dice.below(3)).map(|_| distant(dice, draft)).collect();
                Fault::Cut { who, from, to }
            }
            3 => {
                let is_deaf = dice.below(2) == 0;
                Fault::OneWay {
                    who: distant(dice, draft),
                    from,
                    to,
                    is_deaf,
                }
            }
            4 | 5 => Fault::Death {
                who: anyone(dice, draft),
                death: Death {
                    after_steps: 1 + dice.below(1 << (1 + dice.clone().below(9))),
                    in_silence: dice.below(2) == 0,
                },
                back_after: dice.part_of(Duration::from_secs(60)),
            },
            6 => Fault::Leave {
                worker: dice.below(draft.workers.len() as u64) as usize,
                at: from,
                back_after: dice.part_of(Duration::from_secs(60)),
            },
            7 | 8 if n_sick > 0 => Fault::Sick {
                worker,
                sickness: sickness(dice),
                from_task: dice.below(1 + dice.clone().below(40)),
            },
            9 if n_sick > 0 => Fault::Garbles {
                worker,
                garbling: match dice.below(3) {
                    0 => Garbling::Noise,
                    1 => Garbling::Cut,
                    _ => Garbling::Rejects,
                },
            },
            10 => Fault::Stranger {
                scan,
                forgery: Forgery {
                    after_batches: 1 + dice.below(60),
                    about: match dice.below(3) {
                        0 => Forged::Unknown,
                        1 => Forged::Earlier,
                        _ => Forged::Settled,
                    },
                },
            },
            11 if draft.scans[scan].has_journal => Fault::Disk {
                scan,
                trouble: DiskTrouble {
                    from,
                    to,
                    kind: match dice.below(2) {
                        0 => TroubleKind::Full,
                        _ => TroubleKind::Slow(dice.part_of(Duration::from_secs(10))),
                    },
                },
            },
            _ if dice.below(4) == 0 => Fault::Stop { scan, at: from },
            _ => continue,
        };
        if !is_second_miscount(&fault, &faults) {
            faults.push(fault);
        }
    }
    faults
}

/// Whether a worker miscounts already that is to miscount: too few and as many too many would be the right number
/// of fits, some of them of another pixel. That is a plausible lie, which nobody promises to see.
fn is_second_miscount(fault: &Fault, before: &[Fault]) -> bool {
    let liar = |fault: &Fault| match fault {
        Fault::Sick {
            worker,
            sickness: Sickness::Miscounts(_),
            ..
        } => Some(*worker),
        _ => None,
    };
    liar(fault).is_some_and(|who| before.iter().any(|earlier| liar(earlier) == Some(who)))
}

/// Early ones more often than late ones: many lives are short.
fn window(dice: &mut Dice) -> (Duration, Duration) {
    let longest = CALM_AFTER.mul_f64(dice.fraction() * dice.fraction());
    let from = dice.part_of(longest);
    let lasts = dice.part_of(Duration::from_secs(120));
    (from, (from + lasts).min(CALM_AFTER))
}

fn anyone(dice: &mut Dice, draft: &Draft) -> Who {
    match dice.below(3) {
        0 => Who::Scan(dice.below(draft.scans.len() as u64) as usize),
        _ => distant(dice, draft),
    }
}

/// Somebody who is not a Scanner.
fn distant(dice: &mut Dice, draft: &Draft) -> Who {
    match (draft.n_relays as u64, dice.below(3)) {
        (n_relays @ 1.., 0) => Who::Relay(dice.below(n_relays) as usize),
        _ => Who::Worker(dice.below(draft.workers.len() as u64) as usize),
    }
}

fn rates(dice: &mut Dice) -> Rates {
    let mut share = |most: f64| match dice.below(2) {
        0 => 0.0,
        _ => most * dice.fraction(),
    };
    Rates {
        lose: share(0.3),
        repeat: share(0.3),
        delay: share(0.5),
        reorder: share(0.5),
        sever: share(0.05),
        // Longer than a lease, now and then: then old leases come back.
        longest: match dice.below(4) {
            0 => dice.part_of(Duration::from_secs(100)),
            _ => dice.part_of(Duration::from_secs(3)),
        },
    }
}

fn sickness(dice: &mut Dice) -> Sickness {
    match dice.below(8) {
        0 | 1 => Sickness::Hangs,
        2 => Sickness::HangsAtTimes(2 + dice.below(20)),
        3 => Sickness::Miscounts(match dice.below(2) {
            0 => 1 + dice.below(3).cast_signed(),
            _ => -1 - dice.below(3).cast_signed(),
        }),
        4 => Sickness::NotANumber,
        5 => Sickness::FailsPixels,
        6 => Sickness::FailsTasks,
        _ => Sickness::Slow(2.0 + 50.0 * dice.fraction()),
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(number) => write!(f, "worker{number}"),
            Self::Relay(number) => write!(f, "relay{number}"),
            Self::Scan(number) => write!(f, "scan{number}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = |from: &Duration, to: &Duration| {
            format!(
                "from {:.1} s to {:.1} s",
                from.as_secs_f64(),
                to.as_secs_f64()
            )
        };
        match self {
            Self::Rates {
                who,
                from,
                to,
                rates,
            } => write!(
                f,
                "{who}, {}: {:.0} % of frames lost, {:.0} % repeated, {:.0} % late, {:.0} % out of order, \
                 {:.0} % cost the link; up to {:.1} s",
                window(from, to),
                100.0 * rates.lose,
                100.0 * rates.repeat,
                100.0 * rates.delay,
                100.0 * rates.reorder,
                100.0 * rates.sever,
                rates.longest.as_secs_f64()
            ),
            Self::Cut { who, from, to } => {
                let who: Vec<String> = who.iter().map(ToString::to_string).collect();
                write!(f, "{}, {}: cut off", who.join(" and "), window(from, to))
            }
            Self::OneWay {
                who,
                from,
                to,
                is_deaf,
            } => {
                let what = if *is_deaf {
                    "hears nothing"
                } else {
                    "is not heard"
                };
                write!(f, "{who}, {}: {what}", window(from, to))
            }
            Self::Death {
                who,
                death,
                back_after,
            } => {
                let how = if death.in_silence { "vanishes" } else { "dies" };
                let (steps, back_s) = (death.after_steps, back_after.as_secs_f64());
                write!(
                    f,
                    "{who} {how} with its step {steps}; back after {back_s:.1} s"
                )
            }
            Self::Leave {
                worker,
                at,
                back_after,
            } => {
                let (at_s, back_s) = (at.as_secs_f64(), back_after.as_secs_f64());
                write!(
                    f,
                    "worker{worker} is asked to stop at {at_s:.1} s; back after {back_s:.1} s"
                )
            }
            Self::Sick {
                worker,
                sickness,
                from_task,
            } => {
                write!(f, "worker{worker} {sickness}, from its task {from_task} on")
            }
            Self::Garbles { worker, garbling } => {
                write!(f, "worker{worker} garbles its results: {garbling:?}")
            }
            Self::Stranger { scan, forgery } => {
                let Forgery {
                    after_batches,
                    about,
                } = forgery;
                write!(
                    f,
                    "scan{scan} gets a forged result, {about:?}, after {after_batches} batches"
                )
            }
            Self::Disk { scan, trouble } => {
                let kind = trouble.kind;
                write!(
                    f,
                    "disk of scan{scan}, {}: {kind:?}",
                    window(&trouble.from, &trouble.to)
                )
            }
            Self::Stop { scan, at } => {
                write!(f, "scan{scan} is stopped at {:.1} s", at.as_secs_f64())
            }
        }
    }
}
