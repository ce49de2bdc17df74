//! Replaying: a whole scenario, point after point, and what those who watch are told.

mod crew;
pub mod forecast;
mod hub;
mod measure;
mod repeat;
mod sampler;
pub mod step;
mod traces;

use anyhow::Result;
use tokio::sync::watch;

use crate::scenario::results::point;
use crate::scenario::results::{FORMAT, Report, Run};
use crate::scenario::setup::Clock;
use crate::scenario::setup::file::{PlannedPoint, Scenario};
use crate::scenario::stage::capacity::Capacity;
use crate::scenario::stage::machine;
use crate::scenario::stage::stages::Stages;
use crate::scenario::stage::watched::{Scraped, Watched};
use crate::transport::Access;
use step::Step;
use traces::Turn;

/// Replays a scenario; `stop` ends it early, with the points that are finished. `url` is used for
/// every point instead of what the scenario says; with `watched`, others start the fleet there. Who
/// watches is told each step.
pub async fn replay(
    scenario: &Scenario,
    place: (Option<String>, Access),
    watched: Option<Watched>,
    mut stop: watch::Receiver<bool>,
    tell: impl Fn(Step<'_>),
) -> Report {
    let mut stages = Stages::at(place, watched);
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
        is_changed: scenario.is_changed,
        points: Vec::new(),
    };
    let mut runs: Vec<Vec<Run>> = scenario.points.iter().map(|_| Vec::new()).collect();
    for (number, repeat) in order(scenario) {
        let planned = &scenario.points[number];
        // One that could not be run is not tried again.
        if runs[number].len() < repeat {
            continue;
        }
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
                runs[number].push(run);
            }
            Err(error) => {
                tell(Step::Fails(&error));
                report.complete = false;
                report.remarks.push(format!(
                    "{} with {} workers could not be run: {error:#}",
                    shown(&planned.variant),
                    planned.setup.n_slots()
                ));
            }
        }
        if *stop.borrow() {
            break;
        }
    }
    for (planned, runs) in scenario.points.iter().zip(runs) {
        report.complete &= runs.len() == planned.repeats && runs.iter().all(|run| run.complete);
        if !runs.is_empty() {
            let (variant, setup) = (planned.variant.clone(), planned.setup.clone());
            report.points.push(point::of_runs(variant, setup, runs));
        }
    }
    if let Some(machine) = &mut report.machine {
        machine.load_after = machine::load();
    }
    report
}

/// Every run, as the number of its point and of its repeat, in the order in which they are done.
fn order(scenario: &Scenario) -> Vec<(usize, usize)> {
    let points = scenario.points.iter().enumerate();
    let mut order: Vec<(usize, usize)> = points
        .flat_map(|(number, planned)| (0..planned.repeats).map(move |repeat| (number, repeat)))
        .collect();
    if scenario.interleaved {
        order.sort_by_key(|&(number, repeat)| (repeat, number));
    }
    order
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
    let (work, expected_s) = forecast::work(setup, seed).map_err(anyhow::Error::msg)?;
    let turn = Turn {
        repeat,
        seed,
        n_tasks: work.n_tasks(),
        expected_s,
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
