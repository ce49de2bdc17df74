//! As many links as a large machine's worker process has slots, and many more.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use tokio::task::JoinHandle;

use super::Case;
use crate::{Site, hub_end::HubEnd, link_end::LinkEnd};

const N_LINKS: usize = 5000;

/// Longest time from the first link's opening until the hub knows all of them.
const PATIENCE: Duration = Duration::from_secs(10);

const N_PASSES: u64 = 6;
const PASS_TASKS: u64 = 20_000;

/// Passes after which every buffer has grown to its working size.
const WARM_PASSES: u64 = 2;

/// Most memory that a pass after those may add. A leak of a hundred bytes a task would be over it. What leaks
/// leaks in every pass; a buffer that grows once more does not.
const MOST_GROWTH_KIB: i64 = 2 << 10;

pub(super) fn case() -> Case {
    Case {
        name: "scale::five_thousand_links_one_process",
        clause: "C1, C2, C5",
        alone: true,
        run: |site| Box::pin(five_thousand_links_one_process(site)),
    }
}

async fn five_thousand_links_one_process(site: &dyn Site) -> Result<()> {
    let mut hub = HubEnd::open(site).await?;
    let process = site.link_process().await?;
    let (before_kib, since) = (resident_kib()?, Instant::now());
    let mut servers: Vec<JoinHandle<Result<usize>>> = Vec::new();
    for _ in 0..N_LINKS {
        let mut link = LinkEnd::open_at(process.clone(), 2).await?;
        servers.push(tokio::spawn(async move { link.serve().await }));
    }
    for _ in 0..N_LINKS {
        hub.link_up().await?;
    }
    let (ready, up_kib) = (since.elapsed(), resident_kib()?);
    let since = Instant::now();
    let mut after_kib = Vec::new();
    for pass in 0..N_PASSES {
        pass_once_each(&mut hub, pass * PASS_TASKS..(pass + 1) * PASS_TASKS).await?;
        after_kib.push(resident_kib()?);
    }
    let took = since.elapsed();
    let downs = hub.downs_within(Duration::ZERO).await?;
    hub.hub.close().await?;
    let served = try_join_all(servers).await.context("a server panicked")?;
    let n_taken: usize = served.into_iter().sum::<Result<usize>>()?;
    say(&format!(
        "{N_LINKS} links up after {ready:?}; {N_PASSES} passes of {PASS_TASKS} tasks in {took:?}; \
         resident {before_kib} KiB before, {up_kib} with all links up, {after_kib:?} after each pass"
    ));
    ensure!(ready < PATIENCE, "up after {ready:?}");
    ensure!(
        downs.is_empty(),
        "{} links were taken for lost",
        downs.len()
    );
    ensure!(
        n_taken as u64 == N_PASSES * PASS_TASKS,
        "the links were told that {n_taken} settlements were taken"
    );
    let settled = &after_kib[WARM_PASSES as usize - 1..];
    let mut growths_kib: Vec<i64> = settled.windows(2).map(|pair| pair[1] - pair[0]).collect();
    growths_kib.sort_unstable();
    let growth_kib = growths_kib[(growths_kib.len() - 1) / 2];
    ensure!(
        growth_kib < MOST_GROWTH_KIB,
        "{growth_kib} KiB more in every other pass: {after_kib:?}"
    );
    Ok(())
}

/// Submits tasks and waits until each has come back: once, and no other one.
async fn pass_once_each(hub: &mut HubEnd, tasks: std::ops::Range<u64>) -> Result<()> {
    let n_tasks = (tasks.end - tasks.start) as usize;
    let submitter = hub.hub.clone();
    let frames = tasks.clone().map(crate::hub_end::frame).collect();
    let submit = tokio::spawn(async move { submitter.submit(frames).await });
    let mut seen = vec![false; n_tasks];
    let mut n_seen = 0;
    while n_seen < n_tasks {
        for outcome in hub.batch().await?.confirm() {
            let number = outcome.task.0;
            ensure!(tasks.contains(&number), "task {number} was not asked for");
            let seen = &mut seen[(number - tasks.start) as usize];
            ensure!(!*seen, "task {number} came twice");
            *seen = true;
            n_seen += 1;
        }
    }
    submit.await.context("the submitter panicked")??;
    Ok(())
}

/// Resident memory of this process, in KiB.
fn resident_kib() -> Result<i64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .context("the system does not tell")?
        .parse()
        .context("the system tells no number")
}

#[expect(
    clippy::print_stdout,
    reason = "figures belong beside the test results"
)]
fn say(text: &str) {
    println!("{text}");
}
