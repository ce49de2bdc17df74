//! How far each variant holds, and what stops it.

use std::fmt::{self, Display, Formatter};

use super::written::count;
use crate::scenario::results::{Point, Report};
use crate::scenario::setup::EventForm;

/// A variant holds as long as its workers are busy for at least this share of the time, or serve at least
/// this share of what comes.
pub const HOLDS: f64 = 0.95;
/// A processor core, or an emulated server, that is busy for this share is taken as full.
const FULL: f64 = 0.75;
/// How near a measured utilisation must be to a bound for that bound to be what limits it.
const NEAR: f64 = 0.1;

/// What keeps a point from being busier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Nothing: the workers are busy.
    Workers,
    /// The Scanner lets no more tasks out.
    Window,
    /// The emulated master's time per task.
    EmulatedHub,
    /// Our own hub's process needs a whole core.
    Hub,
    /// The same, with the event in every task: it spends its time moving bytes.
    Payload,
    /// The broker needs a whole core.
    Broker,
    /// Workers are taken away, and their places are empty for a while.
    Losses,
    /// A round waits for the last tasks of the one before.
    Rounds,
    /// A worker waits for its next task while the last result is on its way.
    Credit,
    /// The workers were not all there before the tasks ran out.
    Connections,
    /// The load generator, or other load on the machine; the figures say nothing of the system.
    Generator,
    /// Nothing: all that came was served.
    Offered,
    /// None of what was measured.
    Unknown,
}

impl Display for Limit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Workers => "nothing, workers are busy",
            Self::Window => "window of the master",
            Self::EmulatedHub => "hub time per task (emulated)",
            Self::Hub => "hub time per task (our own)",
            Self::Payload => "payload bytes (hub moves them)",
            Self::Broker => "broker CPU",
            Self::Losses => "workers that are taken away",
            Self::Rounds => "rounds that wait for each other",
            Self::Credit => "credit",
            Self::Connections => "connections",
            Self::Generator => "load generator (void)",
            Self::Offered => "the load: all of it is served",
            Self::Unknown => "none of what was measured",
        })
    }
}

/// What limits a point. `cores` are shared by hub, fleet and broker.
pub fn limit(point: &Point) -> Limit {
    if point.void().is_some() {
        return Limit::Generator;
    }
    let Some(utilisation) = point.mean.utilisation.map(|interval| interval.mean) else {
        return Limit::Connections;
    };
    if utilisation >= HOLDS {
        return Limit::Workers;
    }
    if keeps_up(point) == Some(true) {
        return Limit::Offered;
    }
    let throughput_per_s = point.mean.throughput_per_s.map_or(0.0, |x| x.mean);
    let is_near = |bound: f64| utilisation > bound * (1.0 - NEAR);
    let without_hub = point.setup.load(point.theory.service_s, 0.0);
    let mut without_window = without_hub;
    without_window.window = None;
    let window_bound = without_hub.utilisation_bound();
    let emulated = throughput_per_s * point.theory.emulated_hub_s;
    let hub_cpu = share(throughput_per_s, point.mean.hub_cpu_us_per_task);
    let broker_cpu = share(throughput_per_s, point.mean.broker_cpu_us_per_task);
    if window_bound < without_window.utilisation_bound() && is_near(window_bound) {
        Limit::Window
    } else if emulated > FULL {
        Limit::EmulatedHub
    } else if broker_cpu > FULL && broker_cpu >= hub_cpu {
        Limit::Broker
    } else if hub_cpu > FULL {
        match point.setup.messages.event {
            EventForm::Inline => Limit::Payload,
            EventForm::ByRef | EventForm::Relay => Limit::Hub,
        }
    } else if point.setup.faults.takes_workers() {
        Limit::Losses
    } else if point.setup.has_barriers() {
        Limit::Rounds
    } else if point.setup.transport.credit.get() == 1 {
        Limit::Credit
    } else {
        Limit::Unknown
    }
}

fn share(throughput_per_s: f64, us_per_task: Option<crate::scenario::statistics::Interval>) -> f64 {
    us_per_task.map_or(0.0, |us| throughput_per_s * us.mean / 1e6)
}

/// How far a variant holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The variant; empty if the scenario has none.
    pub variant: String,
    /// Largest number of workers up to which every point holds, with its utilisation.
    pub holds: Option<(usize, f64)>,
    /// The first one that does not, with its utilisation.
    pub fails: Option<(usize, f64)>,
    /// What limits the first that fails, or the largest if none does.
    pub limit: Limit,
    /// Sizes that do not count, since the load generator was their bottleneck.
    pub n_void: usize,
    /// `N* = mu S` with the hub's time as measured, if it takes any.
    pub knee_workers: Option<f64>,
}

/// One verdict for each variant whose tasks take time, in the order of the report.
pub fn verdicts(report: &Report) -> Vec<Verdict> {
    let takes_time = |points: &[&Point]| {
        let services = points.iter().map(|point| &point.setup.workload.service);
        services.into_iter().any(|service| service.mean_s > 0.0)
    };
    variants(report)
        .into_iter()
        .filter(|(_, points)| takes_time(points))
        .map(|(variant, mut points)| {
            let n_void = points.iter().filter(|point| point.void().is_some()).count();
            points.retain(|point| is_busy(point).is_some());
            points.sort_by_key(|point| point.workers);
            let busy = |point: &Point| point.mean.utilisation.map_or(0.0, |u| u.mean);
            let n_hold = points
                .iter()
                .take_while(|point| is_busy(point) == Some(true))
                .count();
            let of = |point: &&Point| (point.workers, busy(point));
            let judged = points.get(n_hold).or(points.last());
            Verdict {
                variant: variant.to_owned(),
                holds: points[..n_hold].last().map(of),
                fails: points.get(n_hold).map(of),
                limit: judged.map_or(Limit::Unknown, |point| limit(point)),
                n_void,
                knee_workers: judged.and_then(|point| point.theory.knee_workers),
            }
        })
        .collect()
}

/// Whether tasks that come at a rate are served at that rate; `None` if they do not come at one.
fn keeps_up(point: &Point) -> Option<bool> {
    let rate = point.setup.workload.rate_per_s?;
    let served = point.mean.throughput_per_s.map_or(0.0, |x| x.mean);
    Some(served >= HOLDS * rate)
}

/// Whether a point's workers are busy, or serve all that comes where tasks come at a rate. They are not if
/// some of them never connect; where all do, but the tasks run out before, nobody knows. Nor does anybody of
/// a point that is void.
pub(crate) fn is_busy(point: &Point) -> Option<bool> {
    if point.void().is_some() {
        return None;
    }
    match (point.mean.utilisation, point.mean.connection_s) {
        (Some(utilisation), _) => Some(keeps_up(point).unwrap_or(utilisation.mean >= HOLDS)),
        (None, None) => Some(false),
        (None, Some(_)) => None,
    }
}

/// The points of each variant, variants in the order in which they first appear.
pub(in crate::scenario) fn variants(report: &Report) -> Vec<(&str, Vec<&Point>)> {
    let mut found: Vec<(&str, Vec<&Point>)> = Vec::new();
    for point in &report.points {
        match found.iter_mut().find(|(name, _)| *name == point.variant) {
            Some((_, points)) => points.push(point),
            None => found.push((&point.variant, vec![point])),
        }
    }
    found
}

impl Display for Verdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.holds, self.fails) {
            (Some((n, u)), None) => {
                write!(
                    f,
                    "holds at every size that counts, up to {} ({u:.3})",
                    count(n)
                )?;
            }
            (Some((n, _)), Some((m, u))) => {
                let (n, m) = (count(n), count(m));
                write!(f, "holds up to {n}, not at {m} ({u:.3}): {}", self.limit)?;
            }
            (None, Some((m, u))) => {
                write!(f, "does not hold at {} ({u:.3}): {}", count(m), self.limit)?;
            }
            (None, None) if self.n_void > 0 => write!(f, "cannot be judged")?,
            (None, None) => write!(f, "was over before it had a steady state")?,
        }
        match self.n_void {
            0 => {}
            1 => write!(f, "; one size is void")?,
            n => write!(f, "; {n} sizes are void")?,
        }
        if let Some(knee) = self.knee_workers {
            write!(f, "; N* = {}", count(knee.round() as usize))?;
        }
        Ok(())
    }
}
