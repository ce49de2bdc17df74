//! Replaying: a whole scenario, point after point, and what those who watch are told.

mod crew;
mod hub;
mod measure;
mod repeat;
mod sampler;
pub mod step;
mod traces;

use anyhow::Result;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::sync::watch;

use crate::scenario::results::point;
use crate::scenario::results::{FORMAT, Report, Run};
use crate::scenario::setup::Clock;
use crate::scenario::setup::file::{PlannedPoint, Scenario};
use crate::scenario::stage::capacity::Capacity;
use crate::scenario::stage::machine;
use crate::scenario::stage::stages::Stages;
use crate::scenario::stage::watched::{Scraped, Watched};
use crate::scenario::workload::work::Work;
use step::Step;
use traces::Turn;

/// Replays a scenario; `stop` ends it early, with the points that are finished. `url` is used for
/// every point instead of what the scenario says; with `watched`, others start the fleet there. Who
/// watches is told each step.
pub async fn replay(
    scenario: &Scenario,
    url: Option<String>,
    watched: Option<Watched>,
    mut stop: watch::Receiver<bool>,
    tell: impl Fn(Step<'_>),
) -> Report {
    let mut stages = Stages {
        url,
        watched,
        ..Stages::default()
    };
    let mut report = Report {
        format: FORMAT.to_owned(),
        scenario: scenario.name.clone(),
        question: scenario.question.clone(),
        remarks: scenario.remarks.clone(),
        sources: scenario.sources.clone(),
        clock: scenario.clock,
        machine: (scenario.clock == Clock::Real).then(machine::describe),
        complete: true,
        is_quick: scenario.is_quick,
        points: Vec::new(),
    };
    for (number, planned) in scenario.points.iter().enumerate() {
        let mut runs = Vec::new();
        for repeat in 0..planned.repeats {
            tell(Step::Begins {
                number,
                n_points: scenario.points.len(),
                repeat,
                planned,
            });
            let seed = scenario.seed + repeat as u64;
            match repeat_once(planned, repeat, seed, &mut stages, &mut stop, &tell).await {
                Ok((run, scraped)) => {
                    report
                        .remarks
                        .extend(scraped.map(|scraped| remark(planned, scraped)));
                    tell(Step::Ends(&run));
                    runs.push(run);
                }
                Err(error) => {
                    report.complete = false;
                    report.remarks.push(format!(
                        "{} with {} workers could not be run: {error:#}",
                        shown(&planned.variant),
                        planned.setup.n_slots()
                    ));
                    break;
                }
            }
            if *stop.borrow() {
                break;
            }
        }
        report.complete &= runs.iter().all(|run| run.complete);
        if !runs.is_empty() {
            let (variant, setup) = (planned.variant.clone(), planned.setup.clone());
            report.points.push(point::of_runs(variant, setup, runs));
        }
        if *stop.borrow() {
            report.complete = false;
            break;
        }
    }
    if let Some(machine) = &mut report.machine {
        machine.load_after = machine::load();
    }
    report
}

fn shown(variant: &str) -> &str {
    match variant {
        "" => "the point",
        name => name,
    }
}

async fn repeat_once(
    planned: &PlannedPoint,
    repeat: usize,
    seed: u64,
    stages: &mut Stages,
    stop: &mut watch::Receiver<bool>,
    tell: &impl Fn(Step<'_>),
) -> Result<(Run, Option<Scraped>)> {
    let setup = &planned.setup;
    Capacity::read().check(setup).map_err(anyhow::Error::msg)?;
    let service = &setup.workload.service;
    let service_s = service.mean_of_draws_s(&mut ChaCha8Rng::seed_from_u64(seed));
    let work = Work::of(setup, seed, service_s).map_err(anyhow::Error::msg)?;
    let n_tasks = work.n_tasks();
    let load = setup.load(service_s, setup.hub.service_s);
    let waits_s = (work.n_waves() - 1) as f64 * service_s;
    let turn = Turn {
        repeat,
        seed,
        n_tasks,
        expected_s: n_tasks as f64 / load.throughput_bound_per_s() + waits_s,
    };
    let stage = stages.open(setup).await?;
    repeat::run(setup, turn, work, stage, stop, tell).await
}

/// What Prometheus knows beside what the hub measured.
fn remark(planned: &PlannedPoint, scraped: Scraped) -> String {
    format!(
        "N = {}: by Prometheus, {} processes of the fleet had their slots busy for {:.4} of the whole \
         run, its begin and end included.",
        planned.setup.n_slots(),
        scraped.processes,
        scraped.utilisation
    )
}
