//! docs/metrics.md has what the program's own list has.

use std::fmt::Write;

use skyscan::telemetry::catalogue::{CATALOGUE, Kind, Label, Metric, Teller};

use super::prometheus::Result;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");

pub(crate) fn lists_every_metric() -> Result<()> {
    let text = std::fs::read_to_string(FILE)?;
    let lacking: Vec<String> = Teller::ALL
        .into_iter()
        .map(table)
        .filter(|table| !text.contains(table))
        .collect();
    if !lacking.is_empty() {
        return Err(format!("docs/metrics.md lacks\n\n{}", lacking.join("\n")).into());
    }
    let rows = text.lines().filter(|line| line.starts_with("| `")).count();
    match rows == CATALOGUE.len() {
        true => Ok(()),
        false => Err(format!(
            "docs/metrics.md has {rows} metrics, there are {}",
            CATALOGUE.len()
        )
        .into()),
    }
}

fn table(teller: Teller) -> String {
    let mut table = "| name | type | unit | labels | meaning |\n|---|---|---|---|---|\n".to_owned();
    for metric in CATALOGUE.iter().filter(|metric| metric.teller == teller) {
        let Metric {
            name,
            unit,
            meaning,
            ..
        } = metric;
        let kind = match metric.kind {
            Kind::Counter | Kind::Gauge => metric.kind.to_string(),
            Kind::Histogram(buckets) => {
                let bounds = buckets.bounds();
                format!("histogram, {} to {}", bounds[0], bounds[bounds.len() - 1])
            }
        };
        let labels: Vec<String> = metric.labels.iter().map(shown).collect();
        let labels = labels.join("; ");
        writeln!(
            table,
            "| `{name}` | {kind} | {unit} | {labels} | {meaning} |"
        )
        .expect("a String takes all");
    }
    table
}

fn shown(label: &Label) -> String {
    match label.values {
        [] => format!("`{}`", label.name),
        values => format!("`{}` = {}", label.name, values.join(", ")),
    }
}
