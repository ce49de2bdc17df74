//! No-op tasks through contract and backend, hub and worker in processes of their own, beside the
//! library alone in the same run. See the crate's README.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod amqp;
mod raw;

use std::env;

use anyhow::{Context, Result, bail};
use skyscan_bench::{
    contract::{self, BATCH, CREDIT, Measured, WARM_UP, WINDOW, median},
    ends::BODY_BYTES,
    place::Place,
};
use skyscan_rabbitmq_node::Node;

/// Each is measured so often, in turns; the median counts.
const ROUNDS: usize = 3;

/// More tasks than the contract joins in a message.
const MOST_TOGETHER: usize = 4096;

/// Most DEALERs of one process: libzmq gives 1023 sockets.
const MAX_DEALERS: usize = 1000;

fn main() -> Result<()> {
    if contract::work_if_asked()? {
        return Ok(());
    }
    if let Ok(role) = env::var("SKYSCAN_BENCH_ROLE") {
        let address = env::var("SKYSCAN_BENCH_ADDRESS").context("no address")?;
        let n_links = env::var("SKYSCAN_BENCH_LINKS")
            .context("no links")?
            .parse()?;
        let n_dealers = env::var("SKYSCAN_BENCH_DEALERS")
            .context("no dealers")?
            .parse()?;
        return match role.as_str() {
            "raw" => raw::work(&address, n_links, n_dealers),
            "raw-amqp" => amqp::work(&address, n_links),
            other => bail!("no role {other}"),
        };
    }
    let only: Option<usize> = env::args().skip(1).find_map(|text| text.parse().ok());
    println!(
        "{BODY_BYTES}-byte no-op tasks, {CREDIT} x {BATCH} on loan to a link, {WINDOW:?} after {WARM_UP:?}, median of {ROUNDS}"
    );
    println!(
        "{:<24} {:>6} {:>11} {:>14} {:>12} {:>15} {:>8} {:>14}",
        "",
        "links",
        "tasks/s",
        "ratio",
        "hub us/task",
        "worker us/task",
        "ready s",
        "tasks/message"
    );
    let all = !env::args().any(|text| text == "rabbitmq");
    for n_links in [100, 1000, 5000].into_iter().filter(|_| all) {
        if only.is_some_and(|only| only != n_links) {
            continue;
        }
        let raw_too = !env::args().any(|text| text == "contract");
        let (mut plain, mut shared, mut equal, mut ours) = (vec![], vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            let place = Place::open_to_all(&format!(
                "zmq://127.0.0.1:{}",
                skyscan_free_ports::free_port()?
            ));
            let measured = contract::measure(&place, n_links, None)?;
            ours.push(measured);
            if raw_too {
                plain.push(raw::measure(n_links, n_links, BATCH)?);
                shared.push(raw::measure(n_links, 1, BATCH)?);
                equal.push(raw::measure(n_links, 1, as_many(&measured))?);
            }
        }
        let raws = [plain, shared, equal].into_iter();
        let raws: Vec<_> = raws.filter_map(median).collect();
        let names = [
            "raw, a DEALER a link",
            "raw, a DEALER a process",
            "raw, messages as ours",
        ];
        for (name, raw) in names.iter().zip(&raws) {
            row(name, n_links, raw, &[]);
        }
        if let Some(ours) = median(ours) {
            row("contract over zeromq", n_links, &ours, &raws);
        }
    }
    rabbitmq(only)
}

/// The same over a broker of its own.
fn rabbitmq(only: Option<usize>) -> Result<()> {
    if let Some(missing) = skyscan_rabbitmq_node::missing() {
        println!("rabbitmq: {missing}");
        return Ok(());
    }
    let node = Node::start()?;
    for n_links in [100, 1000, 5000] {
        if only.is_some_and(|only| only != n_links) {
            continue;
        }
        // Above a thousand links only one process's connections are asked for.
        let raw_too = n_links <= 1000 && !env::args().any(|text| text == "contract");
        let (mut plain, mut equal, mut ours) = (vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            let place = Place::open_to_all(&node.url());
            let measured = contract::measure(&place, n_links, None)?;
            ours.push(measured);
            if raw_too {
                plain.push(amqp::measure(&node.url(), n_links, BATCH)?);
                equal.push(amqp::measure(&node.url(), n_links, as_many(&measured))?);
            }
        }
        let raws: Vec<_> = [plain, equal].into_iter().filter_map(median).collect();
        let names = ["raw lapin, 64 a pair", "raw, messages as ours"];
        for (name, raw) in names.iter().zip(&raws) {
            row(name, n_links, raw, &[]);
        }
        if let Some(ours) = median(ours) {
            row("contract over rabbitmq", n_links, &ours, &raws);
        }
    }
    Ok(())
}

/// How many tasks its messages had.
fn as_many(measured: &Measured) -> usize {
    (measured.tasks_per_message.round() as usize).clamp(1, MOST_TOGETHER)
}

fn row(name: &str, n_links: usize, measured: &Measured, beside: &[Measured]) {
    let ratios: Vec<_> = beside
        .iter()
        .map(|raw| format!("{:.2}", measured.tasks_per_s / raw.tasks_per_s))
        .collect();
    let ratio = ratios.join(" ");
    println!(
        "{name:<24} {n_links:>6} {:>11.0} {ratio:>14} {:>12.2} {:>15.2} {:>8.2} {:>14.1}",
        measured.tasks_per_s,
        measured.hub_us_per_task,
        measured.worker_us_per_task,
        measured.ready_s,
        measured.tasks_per_message
    );
}
