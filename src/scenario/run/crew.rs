//! The fleet of one run: its processes, or the workers inside of this one, and who is killed when.

use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::scenario::fleet::process::FleetProcess;
use crate::scenario::fleet::{self, FleetOrder, FleetReport};
use crate::scenario::setup::{FleetRestart, Ramp, Setup};
use crate::scenario::stage::machine;
use crate::scenario::stage::stages::Stage;

/// All simulated workers of a run.
pub(super) struct Crew {
    processes: Vec<Member>,
    inside: Option<Inside>,
    restarts: Vec<FleetRestart>,
    /// Fleet processes that were killed so far.
    pub(super) n_kills: usize,
}

struct Member {
    order: FleetOrder,
    process: Option<FleetProcess>,
    /// CPU time of those that were killed.
    spent_cpu_s: f64,
    back_at: Option<Instant>,
}

struct Inside {
    running: LocalBoxFuture<'static, Result<FleetReport, fleet::FleetError>>,
    end: oneshot::Sender<()>,
}

impl Crew {
    /// Starts the fleet of a point.
    pub(super) fn start(setup: &Setup, seed: u64, stage: &Stage) -> Result<Self> {
        let fleet = &setup.fleet;
        let is_inside = setup.is_in_this_process();
        let n_processes = if is_inside { 1 } else { fleet.processes };
        let order = |process: usize| {
            let workers =
                process * fleet.workers / n_processes..(process + 1) * fleet.workers / n_processes;
            FleetOrder::new(
                setup,
                seed,
                (stage.url.clone(), stage.access.clone()),
                workers,
            )
        };
        let mut crew = Self {
            processes: Vec::new(),
            inside: None,
            restarts: setup.faults.fleet_restarts.clone(),
            n_kills: 0,
        };
        if is_inside {
            let (end, ended) = oneshot::channel();
            let (order, hosts) = (order(0), stage.hosts.laden(setup.messages.ballast()));
            let running = async move { fleet::run_on(&order, &hosts, ended.map(drop)).await };
            crew.inside = Some(Inside {
                running: running.boxed_local(),
                end,
            });
            return Ok(crew);
        }
        if stage.watched.is_some() {
            // Others start it.
            return Ok(crew);
        }
        for order in (0..n_processes).map(order) {
            let process = FleetProcess::start(&order).context("failed to start a fleet process")?;
            crew.processes.push(Member {
                order,
                process: Some(process),
                spent_cpu_s: 0.0,
                back_at: None,
            });
        }
        Ok(crew)
    }

    /// Lets the workers inside of this process work. Ends with an error only.
    pub(super) async fn work(&mut self) -> Result<()> {
        match &mut self.inside {
            Some(inside) => Pin::new(&mut inside.running).await.map(drop)?,
            None => std::future::pending().await,
        }
        Ok(())
    }

    /// Kills and starts again whoever's turn it is, when this share of the tasks is done.
    pub(super) fn attend(&mut self, share_done: f64) -> Result<()> {
        let now = Instant::now();
        let is_due = |restart: &FleetRestart| restart.after_share <= share_done;
        for restart in self.restarts.extract_if(.., |restart| is_due(restart)) {
            let Some(member) = self.processes.get_mut(restart.process) else {
                continue;
            };
            if let Some(mut process) = member.process.take() {
                member.spent_cpu_s += process.pid().and_then(machine::cpu_s).unwrap_or(0.0);
                process.kill();
                self.n_kills += 1;
            }
            member.back_at = Some(now + Duration::from_secs_f64(restart.back_after_s));
        }
        for member in &mut self.processes {
            if member.back_at.is_some_and(|at| at <= now) {
                member.back_at = None;
                // The ramp is over: who comes back comes at once.
                member.order.fleet.ramp = Ramp::Step;
                member.process = Some(FleetProcess::start(&member.order)?);
            }
            if let Some(process) = &mut member.process {
                ensure!(
                    !process.has_ended(),
                    "a fleet process ended on its own; it has told why"
                );
            }
        }
        Ok(())
    }

    /// CPU time so far of each process.
    pub(super) fn cpu_s(&self) -> Vec<f64> {
        let cpu_s = |member: &Member| {
            let pid = member.process.as_ref().and_then(FleetProcess::pid);
            member.spent_cpu_s + pid.and_then(machine::cpu_s).unwrap_or(0.0)
        };
        self.processes.iter().map(cpu_s).collect()
    }

    /// Ends the fleet; what its processes tell.
    pub(super) async fn end(self) -> Vec<FleetReport> {
        if let Some(inside) = self.inside {
            // It may have ended on its own.
            let _ = inside.end.send(());
            return inside.running.await.into_iter().collect();
        }
        let processes = self.processes.into_iter();
        let ending = processes.filter_map(|member| member.process.map(FleetProcess::end));
        let reports = futures::future::join_all(ending).await;
        reports.into_iter().flatten().collect()
    }
}
