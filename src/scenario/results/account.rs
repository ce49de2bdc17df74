//! What a run used: bytes over each boundary, core hours, money.

use serde::{Deserialize, Serialize};

use crate::scenario::setup::{PerBoundary, Prices, Setup};

const HOUR_S: f64 = 3600.0;
const GIGABYTE: f64 = 1e9;
/// Sums that differ by less than this part are the same.
const ROUNDING: f64 = 1e-9;

/// What a run used. Core hours and money are in unscaled time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// What crossed each boundary, both ways together. A real run crosses that between processes
    /// of one machine only.
    pub moved: PerBoundary<Transfer>,
    /// Core hours; absent if a process of the fleet was killed, or others started it:
    /// then nobody tells.
    pub core_hours: Option<CoreHours>,
    /// Money, if the scenario has prices and there are core hours.
    pub dollars: Option<Dollars>,
}

/// What crossed a boundary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// Messages; 0 where the transport does not count them.
    pub messages: u64,
    /// Bytes, headers included as far as the transport, or the model, knows of them.
    pub bytes: u64,
}

/// Time of slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CoreHours {
    /// Work whose result counts.
    pub used: f64,
    /// Work whose result was lost or came twice.
    pub wasted: f64,
    /// Paid for without any work: booting, connecting, waiting.
    pub idle: f64,
    /// Paid for: the sum.
    pub billed: f64,
}

/// Money in dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dollars {
    /// For the core hours that are billed.
    pub compute: f64,
    /// For the machines of hub, broker and relays.
    pub hub: f64,
    /// For the bytes over each boundary.
    pub transfer: PerBoundary<f64>,
    /// All together.
    pub total: f64,
}

/// Times of a run in seconds, as measured.
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) struct Spent {
    /// Time that slots worked for results that count.
    pub(in crate::scenario) used_s: f64,
    /// Time that slots worked for any result.
    pub(in crate::scenario) worked_s: f64,
    /// Time that slots are paid for.
    pub(in crate::scenario) paid_s: f64,
    /// Time that the whole run took.
    pub(in crate::scenario) elapsed_s: f64,
}

impl Account {
    /// The account of a run; `spent` is absent if not all of its fleet could tell.
    pub(in crate::scenario) fn of(
        setup: &Setup,
        moved: PerBoundary<Transfer>,
        spent: Option<Spent>,
    ) -> Self {
        let core_hours = spent.map(|spent| CoreHours::of(spent, setup.time_scale));
        let dollars = match (setup.price, core_hours, spent) {
            (Some(prices), Some(core_hours), Some(spent)) => {
                let elapsed_h = spent.elapsed_s / setup.time_scale / HOUR_S;
                let machines_hour = prices.hub_hour + prices.relay_hour * setup.n_relays() as f64;
                let hub = machines_hour * elapsed_h;
                Some(Dollars::of(prices, core_hours, hub, moved))
            }
            _ => None,
        };
        Self {
            moved,
            core_hours,
            dollars,
        }
    }

    /// The mean account of several runs; core hours and money are absent unless all have them.
    pub(in crate::scenario) fn mean(all: &[&Self]) -> Self {
        let n = all.len().max(1) as f64;
        let zero = PerBoundary::<f64>::default();
        let moved = |of: fn(&Transfer) -> u64| {
            let sum = all.iter().fold(zero, |sum, account| {
                sum.with(&account.moved, |sum, moved| sum + of(&moved) as f64)
            });
            sum.with(&zero, |sum, _| (sum / n).round() as u64)
        };
        let messages = moved(|moved| moved.messages);
        let core_hours: Option<Vec<CoreHours>> =
            all.iter().map(|account| account.core_hours).collect();
        let dollars: Option<Vec<Dollars>> = all.iter().map(|account| account.dollars).collect();
        Self {
            moved: messages.with(&moved(|moved| moved.bytes), |messages, bytes| Transfer {
                messages,
                bytes,
            }),
            core_hours: core_hours.filter(|all| !all.is_empty()).map(|all| {
                let mean = |of: fn(&CoreHours) -> f64| all.iter().map(of).sum::<f64>() / n;
                CoreHours {
                    used: mean(|hours| hours.used),
                    wasted: mean(|hours| hours.wasted),
                    idle: mean(|hours| hours.idle),
                    billed: mean(|hours| hours.billed),
                }
            }),
            dollars: dollars.filter(|all| !all.is_empty()).map(|all| {
                let mean = |of: fn(&Dollars) -> f64| all.iter().map(of).sum::<f64>() / n;
                let transfer = all.iter().fold(zero, |sum, dollars| {
                    sum.with(&dollars.transfer, |sum, paid| sum + paid / n)
                });
                Dollars {
                    compute: mean(|dollars| dollars.compute),
                    hub: mean(|dollars| dollars.hub),
                    transfer,
                    total: mean(|dollars| dollars.total),
                }
            }),
        }
    }
}

impl CoreHours {
    fn of(spent: Spent, time_scale: f64) -> Self {
        let hours = |seconds: f64| seconds.max(0.0) / time_scale / HOUR_S;
        // Sums of the same times in different orders differ in their last digits.
        let wasted_s = spent.worked_s - spent.used_s;
        let is_rounding = wasted_s < ROUNDING * spent.worked_s;
        Self {
            used: hours(spent.used_s),
            wasted: if is_rounding { 0.0 } else { hours(wasted_s) },
            idle: hours(spent.paid_s - spent.worked_s),
            billed: hours(spent.paid_s),
        }
    }
}

impl Dollars {
    fn of(prices: Prices, core_hours: CoreHours, hub: f64, moved: PerBoundary<Transfer>) -> Self {
        let per_gb = |moved: Transfer, price| moved.bytes as f64 / GIGABYTE * price;
        let transfer = moved.with(&prices.per_gb, per_gb);
        let compute = core_hours.billed * prices.core_hour;
        let transfers: f64 = transfer.named().iter().map(|(_, dollars)| dollars).sum();
        Self {
            compute,
            hub,
            transfer,
            total: compute + hub + transfers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_bytes_become_money() {
        let spent = Spent {
            used_s: 3600.0,
            worked_s: 5400.0,
            paid_s: 7200.0,
            elapsed_s: 1800.0,
        };
        let hours = CoreHours::of(spent, 0.5);
        assert_eq!(
            (hours.used, hours.wasted, hours.idle, hours.billed),
            (2.0, 1.0, 1.0, 4.0)
        );
        let rounded = Spent {
            worked_s: 3600.0 + 1e-7,
            ..spent
        };
        assert_eq!(CoreHours::of(rounded, 0.5).wasted, 0.0);
        let moved = PerBoundary {
            region: Transfer {
                messages: 1,
                bytes: 5_000_000_000,
            },
            ..PerBoundary::default()
        };
        let mut prices = Prices {
            core_hour: 0.25,
            ..Prices::default()
        };
        prices.per_gb.region = 0.02;
        let dollars = Dollars::of(prices, hours, 3.0, moved);
        assert!((dollars.transfer.region - 0.1).abs() < 1e-12);
        assert!((dollars.total - (1.0 + 3.0 + 0.1)).abs() < 1e-12);
    }
}
