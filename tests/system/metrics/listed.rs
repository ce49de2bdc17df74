//! Whether what was scraped is what the list says: nothing less, nothing more.

use std::collections::{BTreeMap, BTreeSet};

use skyscan::telemetry::catalogue::{CATALOGUE, Kind, Label, Metric, Teller};

use super::prometheus::{Labels, Prometheus, Result};

/// Checks that every metric that these tell has its type and a line of help. Prometheus forgets both
/// with the last place that had them.
pub(crate) fn types(prometheus: &Prometheus, tellers: &[Teller]) -> Result<()> {
    let types = prometheus.types()?;
    let told = |metric: &&Metric| tellers.contains(&metric.teller);
    let faults: Vec<String> = CATALOGUE
        .iter()
        .filter(told)
        .filter_map(|metric| match types.get(metric.name) {
            Some((kind, true)) if *kind == metric.kind.to_string() => None,
            other => Some(format!("{}: type and help are {other:?}", metric.name)),
        })
        .collect();
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.join("\n").into()),
    }
}

/// Compares the metrics of the places that `selector` chooses with those that these tell.
pub(crate) fn compare(prometheus: &Prometheus, selector: &str, tellers: &[Teller]) -> Result<()> {
    let scraped = prometheus.metrics(selector)?;
    let mut faults = Vec::new();
    let mut documented = BTreeSet::new();
    let told = |metric: &&Metric| tellers.contains(&metric.teller);
    for metric in CATALOGUE.iter().filter(told) {
        for name in series_of(metric) {
            match scraped.get(&name) {
                Some(labels) => faults.extend(label_faults(metric, &name, labels)),
                None => faults.push(format!("{name} is not there")),
            }
            documented.insert(name);
        }
    }
    let undocumented = scraped.keys().filter(|name| !documented.contains(*name));
    faults.extend(undocumented.map(|name| format!("{name} is not documented")));
    match faults.is_empty() {
        true => Ok(()),
        false => Err(format!("{selector}:\n{}", faults.join("\n")).into()),
    }
}

/// Names under which Prometheus keeps a metric.
fn series_of(metric: &Metric) -> Vec<String> {
    match metric.kind {
        Kind::Counter | Kind::Gauge => vec![metric.name.to_owned()],
        Kind::Histogram(_) => ["_bucket", "_sum", "_count"]
            .map(|part| format!("{}{part}", metric.name))
            .to_vec(),
    }
}

fn label_faults(metric: &Metric, name: &str, scraped: &Labels) -> Vec<String> {
    let own = metric.labels.iter().chain(metric.teller.labels());
    let mut expected: BTreeMap<&str, &Label> = own.map(|label| (label.name, label)).collect();
    let mut faults = Vec::new();
    for (label, values) in scraped {
        match expected.remove(label.as_str()) {
            Some(known) => {
                let is_strange = |value: &&String| {
                    !known.values.is_empty() && !known.values.contains(&value.as_str())
                };
                let strange: Vec<_> = values.iter().filter(is_strange).collect();
                if !strange.is_empty() {
                    faults.push(format!("{name} has the label {label} = {strange:?}"));
                }
            }
            None if label == "le" && name.ends_with("_bucket") => {}
            None => faults.push(format!("{name} has a label {label}")),
        }
    }
    faults.extend(
        expected
            .keys()
            .map(|label| format!("{name} has no label {label}")),
    );
    faults
}
