//! What a locked door costs: the same tasks over `zmqs://` and over `zmq://`, or over RabbitMQ with keys and without,
//! in turns. See the crate's README.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use std::time::Duration;

use anyhow::{Context, Result};
use skyscan_bench::{
    contract::{self, BATCH, CREDIT, Measured, WARM_UP, WINDOW, median},
    ends::BODY_BYTES,
    place::Place,
};
use skyscan_rabbitmq_node::Node;

/// Each is measured so often, in turns; the median counts.
const ROUNDS: usize = 5;

/// A pixel that is quickly computed.
const PIXEL: Duration = Duration::from_millis(10);

/// What is measured: its name, the links, what stands behind the URL, how long a task takes.
const CASES: [(&str, usize, &str, Option<Duration>); 5] = [
    ("no-op, one connection", 100, "", None),
    ("no-op, one connection", 5000, "", None),
    ("no-op, a connection a link", 100, "?connections=own", None),
    ("no-op, a connection a link", 2000, "?connections=own", None),
    ("10 ms a task", 64, "", Some(PIXEL)),
];

fn main() -> Result<()> {
    rlimit::increase_nofile_limit(rlimit::INFINITY).context("failed to raise `ulimit -n`")?;
    if contract::work_if_asked()? {
        return Ok(());
    }
    println!(
        "{BODY_BYTES}-byte tasks, {CREDIT} x {BATCH} on loan to a link ({CREDIT} where they take time), {WINDOW:?} after {WARM_UP:?}, \
         median of {ROUNDS} in turns"
    );
    println!(
        "{:<28} {:>6} {:<5} {:>11} {:>7} {:>12} {:>15} {:>9}",
        "", "links", "", "tasks/s", "ratio", "hub us/task", "worker us/task", "all up s"
    );
    if std::env::args().any(|argument| argument == "rabbitmq") {
        return over_rabbitmq();
    }
    let only: Option<usize> = std::env::args().skip(1).find_map(|text| text.parse().ok());
    for (name, n_links, options, task) in CASES {
        if only.is_some_and(|only| only != n_links) {
            continue;
        }
        let (mut plain, mut sealed) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let place = Place::open_to_all(&format!(
                "zmq://127.0.0.1:{}{options}",
                skyscan_free_ports::free_port()?
            ));
            plain.push(contract::measure(&place, n_links, task)?);
            let keys = tempfile::tempdir()?;
            let place = Place::sealed(keys.path(), options)?;
            sealed.push(contract::measure(&place, n_links, task)?);
        }
        let plain = median(plain).context("a round at least")?;
        let sealed = median(sealed).context("a round at least")?;
        row(name, n_links, "zmq", &plain, None);
        row(name, n_links, "zmqs", &sealed, Some(&plain));
    }
    Ok(())
}

/// A broker of its own carries both, each round in a namespace that nobody has used.
fn over_rabbitmq() -> Result<()> {
    let node = Node::start()?;
    let n_links = 100;
    let (mut plain, mut sealed) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let url = |kind: &str| format!("{}?namespace={kind}{round}", node.url());
        plain.push(contract::measure(
            &Place::open_to_all(&url("plain")),
            n_links,
            None,
        )?);
        let keys = tempfile::tempdir()?;
        let place = Place::sealed_at(&url("sealed"), keys.path())?;
        sealed.push(contract::measure(&place, n_links, None)?);
    }
    let plain = median(plain).context("a round at least")?;
    let sealed = median(sealed).context("a round at least")?;
    let name = "no-op, RabbitMQ";
    row(name, n_links, "plain", &plain, None);
    row(name, n_links, "keys", &sealed, Some(&plain));
    Ok(())
}

fn row(name: &str, n_links: usize, scheme: &str, measured: &Measured, beside: Option<&Measured>) {
    let ratio = beside.map_or(String::new(), |plain| {
        format!("{:.3}", measured.tasks_per_s / plain.tasks_per_s)
    });
    println!(
        "{name:<28} {n_links:>6} {scheme:<5} {:>11.0} {ratio:>7} {:>12.2} {:>15.2} {:>9.2}",
        measured.tasks_per_s,
        measured.hub_us_per_task,
        measured.worker_us_per_task,
        measured.ready_s,
    );
}
