//! A fleet in containers, seen through Prometheus: what a replay asks of processes that it has not
//! started itself.
//!
//! Decision: A fleet in containers is found, not started (`docs/decisions.md`).

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

/// A Prometheus that scrapes the fleet as `job="fleet"`.
#[derive(Clone, Debug)]
pub struct Watched {
    /// For example `http://prometheus:9090`.
    pub url: String,
}

/// What Prometheus knows of the fleet over one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::scenario) struct Scraped {
    /// Processes of the fleet that it scrapes.
    pub(in crate::scenario) processes: usize,
    /// CPU time of the busiest process, over time.
    pub(in crate::scenario) cpu_share: f64,
    /// How late simulated work ended, on average, in seconds.
    pub(in crate::scenario) lateness_mean_s: f64,
    /// 99th percentile of the same, in seconds.
    pub(in crate::scenario) lateness_p99_s: f64,
    /// Busy share of all slots over the whole run, as the workers count it.
    pub(in crate::scenario) utilisation: f64,
}

/// How long Prometheus may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

impl Watched {
    /// What it has scraped from the fleet in the last `span_s` seconds.
    ///
    /// # Errors
    /// If Prometheus does not answer, or has not seen the fleet.
    pub(in crate::scenario) async fn last(&self, span_s: f64) -> Result<Scraped> {
        let watched = self.clone();
        tokio::task::spawn_blocking(move || watched.ask(span_s)).await?
    }

    fn ask(&self, span_s: f64) -> Result<Scraped> {
        let over = |name: &str| format!("rate({name}{{job=\"fleet\"}}[{span_s:.0}s])");
        let late = "skyscan_fleet_lateness_seconds";
        let p99 = format!(
            "histogram_quantile(0.99, sum by (le) ({}))",
            over(&format!("{late}_bucket"))
        );
        let (late_s, n_late) = (over(&format!("{late}_sum")), over(&format!("{late}_count")));
        let busy = over("skyscan_worker_task_seconds_sum");
        Ok(Scraped {
            processes: self.value("count(skyscan_build_info{job=\"fleet\"})")? as usize,
            cpu_share: self.value(&format!("max({})", over("process_cpu_seconds_total")))?,
            lateness_mean_s: self.value(&format!("sum({late_s}) / sum({n_late})"))?,
            lateness_p99_s: self.value(&p99)?,
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
