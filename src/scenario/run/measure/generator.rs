//! Whether the load generator, or the machine under it, was the bottleneck of a run: then its figures
//! say nothing of the system.

use crate::scenario::results::Generator;
use crate::scenario::run::sampler::Sample;
use crate::scenario::run::traces::Traces;
use crate::scenario::stage::machine;

/// A fleet process that uses more of its core than this makes its workers wait for each other.
const MOST_CPU_SHARE: f64 = 0.7;
/// Workers that wake up so late, relative to the work, shift the utilisation by as much.
const MOST_LATENESS: f64 = 0.01;
/// Other work on the machine is no matter below this share of it ...
const SOME_FOREIGN_LOAD: f64 = 0.1;
/// ... nor is a hub that waits for a core for less than this share of the time.
const SOME_WAITING: f64 = 0.1;
/// A hub that works and waits for a core for more than this share of the time may be the limit only
/// because it waits.
const MOST_STRETCHED: f64 = 0.75;
/// So late is the timer of a machine that does nothing else; it is no sign of anything.
const TIMER_LATENESS_S: f64 = 0.002;

/// The state of the generator over a span of a run, in which the clocks went on by `spent`.
pub(super) fn state(traces: &Traces<'_>, spent: &Sample) -> Generator {
    let span_s = spent.at_s.max(f64::MIN_POSITIVE);
    let fleet_s: f64 = spent.fleet_s.iter().sum();
    let foreign_s = spent.all_s - spent.hub_s - spent.broker_s - fleet_s;
    let foreign_load = (foreign_s / span_s / machine::cores() as f64).max(0.0);
    let hub_wait_share = spent.hub_waited_s / span_s;
    match traces.fleet.scraped {
        Some(scraped) => Generator {
            processes: scraped.processes,
            cpu_share: scraped.cpu_share,
            lateness_mean_s: scraped.lateness_mean_s,
            lateness_p99_s: scraped.lateness_p99_s,
            foreign_load,
            hub_wait_share,
        },
        None => Generator {
            processes: spent.fleet_s.len(),
            cpu_share: spent.fleet_s.iter().copied().fold(0.0, f64::max) / span_s,
            lateness_mean_s: traces.fleet.most(|report| report.lateness_mean_s),
            lateness_p99_s: traces.fleet.most(|report| report.lateness_p99_s),
            foreign_load,
            hub_wait_share,
        },
    }
}

/// Why a run whose generator was in this state is void, if it is; `n_done` tasks were done while the
/// clocks went on by `spent`.
pub(super) fn fault(
    traces: &Traces<'_>,
    generator: &Generator,
    spent: &Sample,
    n_done: usize,
) -> Option<String> {
    let service_s = traces.setup.workload.service.mean_s;
    let most_late_s = (MOST_LATENESS * service_s).max(TIMER_LATENESS_S);
    if generator.cpu_share > MOST_CPU_SHARE {
        return Some(format!(
            "a fleet process used {:.2} of its core, over {MOST_CPU_SHARE}: set fleet.processes \
             higher, if there are cores for them",
            generator.cpu_share
        ));
    }
    if generator.lateness_mean_s > most_late_s {
        return Some(format!(
            "simulated work ended {:.1} ms late on average, over {:.1} ms: the machine is too \
             busy, or fleet.processes too few",
            1e3 * generator.lateness_mean_s,
            1e3 * most_late_s
        ));
    }
    // A fleet in containers is foreign load, too, but not somebody else's.
    let is_alone = traces.fleet.scraped.is_some()
        || generator.foreign_load < SOME_FOREIGN_LOAD
        || generator.hub_wait_share < SOME_WAITING;
    let span_s = spent.at_s.max(f64::MIN_POSITIVE);
    let is_stretched = spent.hub_s / span_s + generator.hub_wait_share > MOST_STRETCHED;
    let tasks_wait = spent.hub_waited_s / n_done.max(1) as f64 > most_late_s;
    (!is_alone && (is_stretched || tasks_wait)).then(|| {
        format!(
            "the hub waited for a core {:.2} of the time while others used {:.2} of the machine: \
             run it when nothing else does",
            generator.hub_wait_share, generator.foreign_load
        )
    })
}
