//! The queries of the Grafana dashboard, as Prometheus is to answer them.

use std::path::Path;

use serde_json::Value;

use super::prometheus::{Prometheus, Result};

const FILE: &str = "deploy/grafana/dashboards/skyscan.json";
/// What Grafana puts in is four scrapes long or more.
const RATE_INTERVAL: &str = "10s";

/// Every query with the title of its panel.
pub(crate) fn queries() -> Result<Vec<(String, String)>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().ok_or("no panels")? {
        let title = panel["title"].as_str().ok_or("a panel without a title")?;
        // A heading above panels.
        if panel["type"] == "row" {
            continue;
        }
        for target in panel["targets"]
            .as_array()
            .ok_or("a panel without queries")?
        {
            let query = target["expr"].as_str().ok_or("a target without a query")?;
            let query = query.replace("$__rate_interval", RATE_INTERVAL);
            let query = query.replace("$scan", ".*");
            if query.contains('$') {
                return Err(format!("{title}: {query} has a variable that is not known").into());
            }
            queries.push((title.to_owned(), query));
        }
    }
    Ok(queries)
}

/// The queries among these that never returned a number, with the titles of their panels.
pub(crate) fn without_data(
    prometheus: &Prometheus,
    queries: &[(String, String)],
) -> Result<Vec<String>> {
    let mut without = Vec::new();
    for (title, query) in queries {
        if !prometheus.has_data(query)? {
            without.push(format!("{title}: {query}"));
        }
    }
    Ok(without)
}
