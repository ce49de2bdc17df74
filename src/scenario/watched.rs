//! A fleet in containers, seen through Prometheus: what a replay asks of processes that it has not
//! started itself.
//!
//! Decision: A fleet in containers is found, not started (`docs/decisions.md`).

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use super::file::Scenario;
use super::fleet::FleetOrder;
use super::results::Generator;
use super::setup::{Faults, Ramp};

/// A Prometheus that scrapes the fleet as `job="fleet"`.
#[derive(Clone, Debug)]
pub struct Watched {
    /// For example `http://prometheus:9090`.
    pub url: String,
}

/// What the fleet told over one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// Whether it kept up.
    pub generator: Generator,
    /// Busy share of all slots over the whole run, as the workers count it.
    pub utilisation: f64,
}

/// What one process of such a fleet is asked to do: to be one worker of the scenario, whichever of its
/// points is being replayed.
///
/// # Errors
/// If it cannot be the same for all points.
pub fn order(scenario: &Scenario, url: &str) -> Result<FleetOrder> {
    let first = scenario.points.first().context("it has no points")?;
    let mut setup = first.setup.clone();
    for point in &scenario.points {
        setup.fleet.workers = point.setup.fleet.workers;
        if setup != point.setup {
            return Err(anyhow!(
                "its points differ in more than fleet.workers, and a fleet that stays is told nothing of points"
            ));
        }
    }
    let is_repeated = scenario.points.iter().any(|point| point.repeats != 1);
    if is_repeated || setup.faults != Faults::default() || setup.fleet.ramp != Ramp::Step {
        return Err(anyhow!(
            "a fleet that stays knows neither repeats, nor faults, nor a ramp"
        ));
    }
    Ok(FleetOrder::new(&setup, scenario.seed, url.to_owned(), 0..1))
}

/// How long Prometheus may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

impl Watched {
    /// What the fleet told in the last `span_s` seconds.
    ///
    /// # Errors
    /// If Prometheus does not answer, or has not seen the fleet.
    pub(super) async fn told(&self, span_s: f64) -> Result<Told> {
        let watched = self.clone();
        tokio::task::spawn_blocking(move || watched.ask(span_s)).await?
    }

    fn ask(&self, span_s: f64) -> Result<Told> {
        let over = |name: &str| format!("rate({name}{{job=\"fleet\"}}[{span_s:.0}s])");
        let late = "skyscan_fleet_lateness_seconds";
        let p99 = format!(
            "histogram_quantile(0.99, sum by (le) ({}))",
            over(&format!("{late}_bucket"))
        );
        let (late_s, n_late) = (over(&format!("{late}_sum")), over(&format!("{late}_count")));
        let busy = over("skyscan_worker_task_seconds_sum");
        Ok(Told {
            generator: Generator {
                processes: self.value("count(skyscan_build_info{job=\"fleet\"})")? as usize,
                cpu_share: self.value(&format!("max({})", over("process_cpu_seconds_total")))?,
                lateness_mean_s: self.value(&format!("sum({late_s}) / sum({n_late})"))?,
                lateness_p99_s: self.value(&p99)?,
                // Who else is busy there, and how the hub fares, it does not know.
                foreign_load: 0.0,
                hub_wait_share: 0.0,
            },
            utilisation: self.value(&format!(
                "sum({busy}) / sum(skyscan_worker_slots{{job=\"fleet\"}})"
            ))?,
        })
    }

    /// The one number that an expression comes to now.
    fn value(&self, expression: &str) -> Result<f64> {
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE));
        let agent: ureq::Agent = config.build().into();
        let url = format!("{}/api/v1/query", self.url.trim_end_matches('/'));
        let answer: Value = agent
            .get(&url)
            .query("query", expression)
            .call()
            .and_then(|mut answer| answer.body_mut().read_json())
            .with_context(|| format!("failed to ask Prometheus at {}", self.url))?;
        let number = answer["data"]["result"][0]["value"][1].as_str();
        number
            .and_then(|number| number.parse().ok())
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| anyhow!("Prometheus at {} has no number for {expression}", self.url))
    }
}
