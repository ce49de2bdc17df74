//! What goes wrong.

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Workers are taken away without a word, and others take their places.
    pub preemption: Option<Preemption>,
    /// Some workers are slow.
    pub stragglers: Option<Stragglers>,
    /// Some tasks hang for a while.
    pub hangs: Option<Hangs>,
    /// A whole fleet process is killed, and started again.
    pub fleet_restarts: Vec<FleetRestart>,
    /// Whole zones vanish at a time that is told, and come back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Outage>,
}

/// Zones vanish, all machines at once and without a word; they come back together, booting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// Zones of this name in `[[network.zone]]`.
    pub zone: String,
    /// How many of them; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zones: Option<usize>,
    /// When, in seconds since the fleet began.
    pub after_s: f64,
    /// For how long, in seconds.
    pub for_s: f64,
}

/// Workers are taken away, memoryless, with all their slots at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preemption {
    /// Rate at which a worker is taken away, per minute.
    pub per_min: f64,
    /// Time until another worker stands in for it, in seconds.
    pub back_after_s: f64,
    /// Time between a notice and the end of the worker, in seconds; no notice if absent. A worker that has
    /// notice takes no new task and finishes what it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_s: Option<f64>,
    /// Share of the cases in which notice comes; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_share: Option<f64>,
    /// Beside single workers: whole zones are reclaimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolLoss>,
}

/// A zone is reclaimed, memoryless.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolLoss {
    /// Rate at which a zone is reclaimed, per hour.
    pub per_hour: f64,
    /// Share of the zone's workers that are taken away.
    pub share: f64,
    /// Time over which they are taken away evenly, in seconds.
    pub within_s: f64,
}

impl Faults {
    /// Whether workers go before the end.
    pub fn takes_workers(&self) -> bool {
        self.preemption.is_some() || !self.outages.is_empty()
    }
}

impl Preemption {
    pub(super) fn scaled(self, factor: f64) -> Self {
        Self {
            per_min: self.per_min / factor,
            back_after_s: self.back_after_s * factor,
            notice_s: self.notice_s.map(|notice_s| notice_s * factor),
            notice_share: self.notice_share,
            pool: self.pool.map(|pool| PoolLoss {
                per_hour: pool.per_hour / factor,
                share: pool.share,
                within_s: pool.within_s * factor,
            }),
        }
    }

    /// Share of the time that a worker is there and takes tasks, if it takes so long to boot.
    pub fn availability(&self, boot_s: f64) -> f64 {
        let pools = self
            .pool
            .map_or(0.0, |pool| pool.per_hour * pool.share / 3600.0);
        let per_s = self.per_min / 60.0 + pools;
        // Lives are memoryless: so much of them lies before the notice, of those that get one.
        let told = self
            .notice_s
            .map_or(0.0, |_| self.notice_share.unwrap_or(1.0));
        let before_notice = (-per_s * self.notice_s.unwrap_or(0.0)).exp();
        (1.0 - told + told * before_notice) / (1.0 + per_s * (self.back_after_s + boot_s))
    }
}

/// Some workers are slow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stragglers {
    /// Share of the workers that are slow.
    pub share: f64,
    /// Factor by which a slow worker takes longer.
    pub slower: f64,
}

/// Tasks that take far too long for no reason of theirs: on another worker they may not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hangs {
    /// Share of the tasks that hang.
    pub probability: f64,
    /// Time for which a task hangs, in seconds.
    pub seconds: f64,
}

/// A fleet process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetRestart {
    /// Share of the tasks that are done when it is killed.
    pub after_share: f64,
    /// Time until it is started again, in seconds.
    pub back_after_s: f64,
    /// Number of the process, from 0.
    #[serde(default)]
    pub process: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_had_notice_takes_nothing_more() {
        let taken = Preemption {
            per_min: 1.0,
            back_after_s: 0.0,
            notice_s: None,
            notice_share: None,
            pool: None,
        };
        let with = |notice_s, notice_share| Preemption {
            notice_s: Some(notice_s),
            notice_share,
            ..taken
        };
        assert_eq!(taken.availability(0.0), 1.0);
        assert_eq!(taken.availability(60.0), 0.5);
        let half = 60.0 * 2f64.ln();
        for (told, there) in [(None, 0.5), (Some(0.5), 0.75), (Some(0.0), 1.0)] {
            let availability = with(half, told).availability(0.0);
            assert!((availability - there).abs() < 1e-12, "{told:?}");
        }
    }

    #[test]
    fn a_notice_longer_than_a_life_is_refused_by_its_key() {
        let taken = Preemption {
            per_min: 6.0,
            back_after_s: 1.0,
            notice_s: Some(30.0),
            notice_share: None,
            pool: None,
        };
        let said = taken.check(0.0).unwrap_err();
        assert!(
            said.contains("faults.preemption.notice_s = 30 is longer than a worker lives, 10 s"),
            "{said}"
        );
        let shorter = Preemption {
            notice_s: Some(9.0),
            ..taken
        };
        assert_eq!(shorter.check(0.0), Ok(()));
    }
}
