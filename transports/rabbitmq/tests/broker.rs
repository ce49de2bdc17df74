//! What happens when the broker itself has trouble. One broker, one test at a time.

mod authority;
#[path = "broker/damage.rs"]
mod damage;
#[path = "broker/forged.rs"]
mod forged;
#[path = "broker/refusals.rs"]
mod refusals;
#[path = "broker/rights.rs"]
mod rights;
#[path = "broker/scan.rs"]
mod scan;
#[path = "broker/sealed.rs"]
mod sealed;
#[path = "broker/tap.rs"]
mod tap;
#[path = "broker/tls.rs"]
mod tls;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use lapin::{
    BasicProperties, Connection, ConnectionProperties, options::BasicPublishOptions,
    options::ConfirmSelectOptions,
};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use parking_lot::Mutex;
use skyscan_rabbitmq_node::Node;
use skyscan_transport::{LinkIncoming, ScanId, Transport, TransportError};
use skyscan_transport_conformance::Seen;
use skyscan_transport_rabbitmq::RabbitmqTransport;
use tokio::{runtime::Builder, time::timeout};

use crate::scan::{Scanned, hub_config, link_config, run};

/// The broker of every test.
static NODE: Mutex<Option<Node>> = Mutex::new(None);

/// Longest time of one test.
const PATIENCE: Duration = Duration::from_secs(180);

type Body = fn(&mut Node) -> Result<()>;

fn main() -> ExitCode {
    let missing = skyscan_rabbitmq_node::missing();
    let in_ci = std::env::var_os("CI").is_some();
    let tests: [(&str, Body); 26] = [
        ("a_restart_changes_nothing", |node| restart(node, "")),
        ("a_restart_changes_nothing_with_quorum_queues", |node| {
            restart(node, "&queue=quorum")
        }),
        ("a_crash_changes_nothing", |node| crash(node, "")),
        ("a_crash_changes_nothing_with_persistent_messages", |node| {
            crash(node, "&delivery=persistent")
        }),
        (
            "a_crash_longer_than_the_liveness_only_delays",
            crash_for_long,
        ),
        ("links_may_be_opened_before_the_broker", before_the_broker),
        ("an_absent_broker_fails_a_hub_clearly", absent_broker),
        (
            "a_wrong_password_is_told_at_once_and_not_shown",
            wrong_password,
        ),
        ("a_blocked_broker_loses_nobody", blocked),
        ("a_scan_has_one_hub_at_the_whole_place", one_hub),
        ("a_refused_frame_is_kept_for_whoever_looks", refused_frame),
        ("nothing_is_left_at_the_broker", nothing_left),
        ("connections_found_again_are_told", found_again),
        (
            "a_missing_permission_ends_with_what_to_grant",
            refusals::missing_permission,
        ),
        (
            "a_limit_of_queues_ends_with_what_to_raise",
            refusals::queue_limit,
        ),
        (
            "a_policy_that_refuses_frames_ends_with_its_name",
            refusals::refused_frames,
        ),
        (
            "a_goodbye_does_not_wait_for_a_blocked_broker",
            refusals::blocked_goodbye,
        ),
        (
            "the_rights_of_scanner_and_worker_are_enough_and_a_workers_no_more",
            rights::enough_and_no_more,
        ),
        ("forged_hubs_change_nothing", forged::hubs),
        ("another_wire_version_is_told_as_that", forged::another_wire),
        (
            "a_damaged_result_is_refused_and_sent_again",
            damage::results,
        ),
        ("what_is_sealed_is_not_seen_at_the_broker", sealed::canaries),
        (
            "what_others_at_the_broker_publish_changes_nothing",
            sealed::intruder,
        ),
        ("who_is_withdrawn_is_out_within_a_second", sealed::withdrawn),
        ("keys_that_do_not_fit_are_told", sealed::misfits),
        ("certificates_that_do_not_fit_are_told_as_that", |_| {
            tls::certificates()
        }),
    ];
    let trials = tests.into_iter().map(|(name, body)| {
        let missing = missing.clone();
        let ignored = missing.is_some() && !in_ci;
        Trial::ignorable_test(name, move || match missing {
            Some(reason) if ignored => Ok(Completion::ignored_with(reason)),
            Some(reason) => Err(Failed::from(reason)),
            None => with_node(body)
                .map(|()| Completion::Completed)
                .map_err(|error| Failed::from(format!("{error:#}"))),
        })
    });
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials.collect());
    drop(NODE.lock().take());
    conclusion.exit_code()
}

fn with_node(body: Body) -> Result<()> {
    let mut node = NODE.lock();
    let mut running = match node.take() {
        Some(running) => running,
        None => Node::start()?,
    };
    let ended = body(&mut running);
    if ended.is_ok() {
        *node = Some(running);
    }
    ended
}

fn block_on<T>(test: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        timeout(PATIENCE, test)
            .await
            .context("the test did not end")?
    })
}

fn address(node: &Node, test: &str, options: &str) -> String {
    let port = node.port();
    format!("amqp://guest:guest@127.0.0.1:{port}/%2f?namespace={test}{options}")
}

/// Each task came once, and no link was taken for lost.
fn undisturbed(scanned: &Scanned) -> Result<()> {
    ensure!(scanned.n_missing == 0, "{scanned:?}");
    ensure!(
        scanned.n_doubled == 0 && scanned.n_downs == 0,
        "{scanned:?}"
    );
    ensure!(
        scanned.n_before > 0,
        "the trouble came too early: {scanned:?}"
    );
    Ok(())
}

fn restart(node: &mut Node, options: &str) -> Result<()> {
    let address = address(node, &format!("restart{}", options.len()), options);
    let mut stop = || {
        node.stop_app()?;
        node.start_app()
    };
    let scanned = block_on(run(&address, Duration::from_secs(60), &mut stop))?;
    undisturbed(&scanned)
}

fn crash(node: &mut Node, options: &str) -> Result<()> {
    let address = address(node, &format!("crash{}", options.len()), options);
    let mut kill = || node.restart();
    let scanned = block_on(run(&address, Duration::from_secs(60), &mut kill))?;
    undisturbed(&scanned)
}

fn crash_for_long(node: &mut Node) -> Result<()> {
    let address = address(node, "long", "");
    let mut kill = || node.restart();
    let scanned = block_on(run(&address, Duration::from_millis(500), &mut kill))?;
    ensure!(
        scanned.n_missing == 0 && scanned.n_before > 0,
        "{scanned:?}"
    );
    ensure!(scanned.n_downs > 0, "nobody was lost: {scanned:?}");
    Ok(())
}

fn before_the_broker(node: &mut Node) -> Result<()> {
    // A broker takes long to start on a busy machine; the hub waits as long as this test may take.
    let address = address(node, "before", &format!("&patience={}", PATIENCE.as_secs()));
    node.kill()?;
    block_on(async {
        let process = RabbitmqTransport::new(&address)?;
        let (link, mut inbox) = process.open_link(link_config(1)).await?;
        let hub = async {
            let process = RabbitmqTransport::new(&address)?;
            let opened = process
                .open_hub(hub_config(Duration::from_secs(10)))
                .await?;
            anyhow::Ok((process, opened))
        };
        let restarted = async { tokio::task::block_in_place(|| node.restart()) };
        let (opened, restarted) = tokio::join!(hub, restarted);
        restarted?;
        let (_process, (hub, _inbox)) = opened?;
        let first = inbox.next().await.context("the inbox ended")??;
        ensure!(matches!(first, LinkIncoming::HubUp { .. }), "{first:?}");
        hub.submit(vec![scan::frame(1)]).await?;
        let second = inbox.next().await.context("the inbox ended")??;
        ensure!(matches!(second, LinkIncoming::Leased(_)), "{second:?}");
        link.close().await?;
        hub.close().await?;
        Ok(())
    })
}

fn absent_broker(_node: &mut Node) -> Result<()> {
    let [port] = skyscan_free_ports::free_ports()?;
    block_on(async {
        let address = format!("amqp://me:canary@127.0.0.1:{port}/%2f?patience=1");
        let process = RabbitmqTransport::new(&address)?;
        let since = Instant::now();
        let opened = process.open_hub(hub_config(Duration::from_secs(10))).await;
        let error = opened.err().context("a hub stands without a broker")?;
        ensure!(error.is_transient() && since.elapsed() < Duration::from_secs(5));
        let shown = format!("{error} {error:?}");
        ensure!(shown.contains(&format!("127.0.0.1:{port}")), "{shown}");
        ensure!(!shown.contains("canary") && !format!("{process:?}").contains("canary"));
        Ok(())
    })
}

fn wrong_password(node: &mut Node) -> Result<()> {
    let port = node.port();
    block_on(async {
        let address = format!("amqp://guest:canary@127.0.0.1:{port}/%2f");
        let process = RabbitmqTransport::new(&address)?;
        let (_link, mut inbox) = process.open_link(link_config(1)).await?;
        let since = Instant::now();
        let opened = process.open_hub(hub_config(Duration::from_secs(10))).await;
        let error = opened.err().context("a hub was opened")?;
        ensure!(!error.is_transient(), "{error:?}");
        ensure!(since.elapsed() < Duration::from_secs(10), "told late");
        let told = inbox.next().await.context("the inbox ended")?;
        let told = told.err().context("the link came up")?;
        for error in [&error, &told] {
            let shown = format!("{error} {error:?}");
            ensure!(shown.contains("REFUSED"), "{shown}");
            ensure!(!shown.contains("canary"), "the password is shown");
        }
        Ok(())
    })
}

fn blocked(node: &mut Node) -> Result<()> {
    let address = address(node, "blocked", "");
    let liveness = Duration::from_secs(2);
    let mut alarm = || {
        node.control(&["set_vm_memory_high_watermark", "absolute", "1MB"])?;
        pause(liveness * 3);
        node.control(&["set_vm_memory_high_watermark", "absolute", "4GB"])
            .map(drop)
    };
    let scanned = block_on(run(&address, liveness, &mut alarm))?;
    undisturbed(&scanned)
}

#[expect(clippy::disallowed_methods, reason = "the silence is what is tested")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

fn one_hub(node: &mut Node) -> Result<()> {
    let address = address(node, "one", "");
    block_on(async {
        let config = || hub_config(Duration::from_secs(1));
        let first = RabbitmqTransport::new(&address)?;
        let (hub, _inbox) = first.open_hub(config()).await?;
        let second = RabbitmqTransport::new(&address)?;
        let refused = second.open_hub(config()).await.err();
        ensure!(
            matches!(refused, Some(TransportError::ScanInUse(ScanId(1)))),
            "{refused:?}"
        );
        hub.close().await?;
        let (hub, _inbox) = second.open_hub(config()).await?;
        hub.close().await?;
        Ok(())
    })
}

fn refused_frame(node: &mut Node) -> Result<()> {
    let address = address(node, "refused", "");
    block_on(async {
        let process = RabbitmqTransport::new(&address)?;
        let (hub, _inbox) = process
            .open_hub(hub_config(Duration::from_secs(10)))
            .await?;
        let (_link, mut inbox) = process.open_link(link_config(1)).await?;
        let queues = node.control(&["list_queues", "name"])?;
        let results = queues
            .lines()
            .find(|name| name.starts_with("refused.") && name.ends_with(".results"))
            .context("there is no result queue")?;
        let connection = Connection::connect(&node.url(), ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        for body in [&b"rubbish"[..], b"SKY\x03\x07 cut", b""] {
            let (options, plain) = (BasicPublishOptions::default(), BasicProperties::default());
            let confirm = channel.basic_publish("".into(), results.into(), options, body, plain);
            confirm.await?.await?;
        }
        hub.submit(vec![scan::frame(1)]).await?;
        while !matches!(inbox.next().await, Some(Ok(LinkIncoming::Leased(_)))) {}
        let since = Instant::now();
        loop {
            let queues = node.control(&["list_queues", "name", "messages"])?;
            if queues.lines().any(|line| line == "refused.dead\t3") {
                return Ok(());
            }
            ensure!(since.elapsed() < Duration::from_secs(10), "{queues}");
        }
    })
}

fn nothing_left(node: &mut Node) -> Result<()> {
    let address = address(node, "left", "");
    block_on(async {
        let process = RabbitmqTransport::new(&address)?;
        let (hub, _inbox) = process
            .open_hub(hub_config(Duration::from_secs(10)))
            .await?;
        let other = RabbitmqTransport::new(&address)?;
        let (link, mut inbox) = other.open_link(link_config(1)).await?;
        inbox.next().await.context("the inbox ended")??;
        let held = node.control(&["list_queues", "name"])?;
        ensure!(held.contains("left.") && held.contains(".tasks."), "{held}");
        link.close().await?;
        hub.close().await?;
        drop((hub, link, process, other));
        let since = Instant::now();
        loop {
            let queues = node.control(&["list_queues", "name"])?;
            let mut left = queues.lines().filter(|name| name.starts_with("left."));
            if left.all(|name| name == "left.dead") {
                return Ok(());
            }
            ensure!(since.elapsed() < Duration::from_secs(10), "{queues}");
        }
    })
}

fn found_again(node: &mut Node) -> Result<()> {
    let address = address(node, "again", "");
    block_on(async {
        let (seen, _here) = Seen::record();
        let told = async |name: &str, expected| {
            let name = format!("skyscan_transport_{name}");
            seen.wait(&name, "shared", expected).await
        };
        let process = RabbitmqTransport::new(&address)?;
        let (hub, _inbox) = process
            .open_hub(hub_config(Duration::from_secs(30)))
            .await?;
        told("connections", 2).await?;
        told("connections_closed_total", 0).await?;
        told("reconnects_total", 0).await?;
        tokio::task::block_in_place(|| node.stop_app())?;
        told("connections", 0).await?;
        told("connections_closed_total", 2).await?;
        tokio::task::block_in_place(|| node.start_app())?;
        told("reconnects_total", 1).await?;
        told("connections", 2).await?;
        told("connections_opened_total", 4).await?;
        hub.close().await?;
        Ok(())
    })
}
