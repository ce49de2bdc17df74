//! A real Prometheus: started here, or asked where it runs already.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A Prometheus that answers.
#[derive(Debug)]
pub(crate) struct Prometheus {
    /// For example `127.0.0.1:9090`.
    pub(crate) address: String,
}

/// What Prometheus knows of a metric in one place: its labels, with all their values.
pub(crate) type Labels = BTreeMap<String, BTreeSet<String>>;

impl Prometheus {
    /// The `data` that it answers with.
    pub(crate) fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<Value> {
        let url = format!("http://{}/api/v1/{path}", self.address);
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)));
        let agent: ureq::Agent = config.build().into();
        let mut answer: Value = agent
            .get(&url)
            .query_pairs(query.iter().copied())
            .call()?
            .body_mut()
            .read_json()?;
        match answer["status"].as_str() {
            Some("success") => Ok(answer["data"].take()),
            _ => Err(format!("{path} {query:?}: {answer}").into()),
        }
    }

    /// Values of an expression now, by nothing.
    pub(crate) fn values(&self, expression: &str) -> Result<Vec<f64>> {
        let answer = self.ask("query", &[("query", expression)])?;
        let values = answer["result"].as_array().ok_or("no vector")?;
        let number = |sample: &Value| sample["value"][1].as_str()?.parse().ok();
        Ok(values.iter().filter_map(number).collect())
    }

    /// Whether an expression had a number at any time in the last ten minutes.
    pub(crate) fn has_data(&self, expression: &str) -> Result<bool> {
        let now = self
            .values("vector(time())")?
            .first()
            .copied()
            .ok_or("no time")?;
        let answer = self.ask(
            "query_range",
            &[
                ("query", expression),
                ("start", &(now - 600.0).to_string()),
                ("end", &now.to_string()),
                ("step", "1"),
            ],
        )?;
        let is_number = |sample: &Value| {
            let number = sample[1].as_str().and_then(|text| text.parse::<f64>().ok());
            number.is_some_and(f64::is_finite)
        };
        let series = answer["result"].as_array().ok_or("no matrix")?;
        Ok(series
            .iter()
            .filter_map(|series| series["values"].as_array())
            .any(|samples| samples.iter().any(is_number)))
    }

    /// Every metric that was scraped from places with these labels, and its labels beside them.
    pub(crate) fn metrics(&self, selector: &str) -> Result<BTreeMap<String, Labels>> {
        let series = self.ask("series", &[("match[]", &format!("{{{selector}}}"))])?;
        let mut metrics: BTreeMap<String, Labels> = BTreeMap::new();
        for labels in series.as_array().ok_or("no series")? {
            let labels = labels.as_object().ok_or("no labels")?;
            let name = labels["__name__"].as_str().ok_or("no name")?;
            let known = metrics.entry(name.to_owned()).or_default();
            for (label, value) in labels {
                if !["__name__", "job", "instance"].contains(&label.as_str()) {
                    let value = value.as_str().ok_or("no value")?.to_owned();
                    known.entry(label.clone()).or_default().insert(value);
                }
            }
        }
        // What Prometheus adds itself.
        let own = ["up", "scrape_", "ALERTS"];
        metrics.retain(|name, _| !own.iter().any(|start| name.starts_with(start)));
        Ok(metrics)
    }

    /// The type of every metric, and whether it has a line of help.
    pub(crate) fn types(&self) -> Result<BTreeMap<String, (String, bool)>> {
        let metadata = self.ask("metadata", &[])?;
        let metadata = metadata.as_object().ok_or("no metadata")?;
        let told = |(name, told): (&String, &Value)| {
            let kind = told[0]["type"].as_str()?.to_owned();
            Some((name.clone(), (kind, told[0]["help"] != "")))
        };
        Ok(metadata.iter().filter_map(told).collect())
    }
}
