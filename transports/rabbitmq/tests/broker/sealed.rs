//! Somebody at the broker sees everything that passes, and publishes what they like: to what is sealed end to end
//! this is nothing.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use futures::StreamExt;
use skyscan_rabbitmq_node::Node;
use skyscan_transport::{
    Conclusion, HubConfig, HubInbox, HubIncoming, LinkConfig, LinkInbox, LinkIncoming, TaskFrame,
    TaskId, Transport, TransportError, backend::checksum,
};
use skyscan_transport_conformance::Seen;
use skyscan_transport_keys::{add_worker, make};
use skyscan_transport_rabbitmq::RabbitmqTransport;
use tokio::time::timeout;

use crate::{
    address, block_on,
    scan::{hub_config, link_config},
    tap::{Message, Tap},
};

const REJECTED: &str = "skyscan_transport_rejected_messages_total";
const LIVENESS: Duration = Duration::from_secs(10);
const N_TASKS: u64 = 300;

/// What each kind of message has in it, and nothing else has.
const CANARIES: [&str; 6] = [
    "canary-in-a-welcome",
    "canary-in-a-hello",
    "canary-in-a-payload",
    "canary-in-a-task",
    "canary-in-a-result",
    "canary-in-a-notice",
];

fn process(address: &str, keys: Option<&Path>) -> Result<RabbitmqTransport> {
    Ok(RabbitmqTransport::with_keys(address, keys)?)
}

/// All that hub and link say to each other, with a canary in each of it; returns those that were seen at the broker.
async fn seen_canaries(node: &Node, name: &str, is_sealed: bool) -> Result<Vec<&'static str>> {
    let [welcome, hello, payload, task, result, notice] = CANARIES;
    let address = address(node, name, "");
    let folder = tempfile::tempdir()?;
    make(folder.path())?;
    let given = add_worker(folder.path(), "worker")?;
    let tap = Tap::open(node).await?;
    let scanner = process(&address, is_sealed.then_some(folder.path()))?;
    let config = HubConfig {
        welcome: Bytes::from(welcome),
        ..hub_config(LIVENESS)
    };
    let (hub, mut inbox) = scanner.open_hub(config).await?;
    let event = Bytes::from(payload.repeat(40_000));
    let id = hub.publish(event.clone()).await?;
    let worker = process(&address, is_sealed.then_some(given.as_path()))?;
    let config = LinkConfig {
        hello: Bytes::from(hello),
        ..link_config(1)
    };
    let (link, mut leases) = worker.open_link(config).await?;
    hub.submit(vec![TaskFrame {
        task: TaskId(1),
        body: Bytes::from(task),
        lost_above: 0,
        avoid: Vec::new(),
    }])
    .await?;
    let lease = loop {
        if let LinkIncoming::Leased(leases) = next(&mut leases).await? {
            break leases.into_iter().next().context("a lease")?;
        }
    };
    ensure!(lease.body() == task, "{:?}", lease.body());
    ensure!(link.fetch(lease.key().scan, id).await? == event);
    link.settle(vec![lease.completed(Bytes::from(result))])
        .await?;
    loop {
        let incoming = timeout(LIVENESS, inbox.next())
            .await?
            .context("it ended")??;
        if let HubIncoming::Settled(batch) = incoming {
            let outcomes = batch.confirm();
            let expected = Conclusion::Completed(Bytes::from(result));
            ensure!(outcomes[0].conclusion == expected, "{outcomes:?}");
            break;
        }
    }
    hub.broadcast(Bytes::from(notice)).await?;
    while !matches!(next(&mut leases).await?, LinkIncoming::Notice { body, .. } if body == notice) {
    }
    hub.close().await?;
    let messages = tap.close().await?;
    ensure!(messages.len() > 10, "{} messages", messages.len());
    let all: Vec<u8> = messages.into_iter().flat_map(Message::into_bytes).collect();
    let is_seen = |canary: &&str| {
        all.windows(canary.len())
            .any(|window| window == canary.as_bytes())
    };
    Ok(CANARIES.into_iter().filter(is_seen).collect())
}

async fn next(inbox: &mut LinkInbox) -> Result<LinkIncoming> {
    let next = timeout(LIVENESS, inbox.next()).await?;
    Ok(next.context("the inbox ended")??)
}

/// What is said without keys is seen at the broker, and with keys it is not.
pub(crate) fn canaries(node: &mut Node) -> Result<()> {
    block_on(async {
        let seen = seen_canaries(node, "clear", false).await?;
        ensure!(seen == CANARIES, "only {seen:?} are seen without keys");
        let seen = seen_canaries(node, "sealed", true).await?;
        ensure!(seen.is_empty(), "{seen:?} are seen");
        Ok(())
    })
}

/// A worker's link that says of each task what it was, for as long as it is polled.
async fn work(link: Arc<dyn skyscan_transport::Link>, mut leases: LinkInbox) -> Result<()> {
    loop {
        match leases.next().await.context("the inbox ended")?? {
            LinkIncoming::Leased(leases) => {
                for lease in leases {
                    let said = answer(lease.body());
                    link.settle(vec![lease.completed(said)]).await?;
                }
            }
            LinkIncoming::HubDown { .. } => bail!("the hub was taken for gone"),
            LinkIncoming::Notice { body, .. } => bail!("a notice of {body:?}"),
            LinkIncoming::HubUp { .. } => {}
        }
    }
}

fn body(task: u64) -> Bytes {
    Bytes::from(format!("task {task} ").repeat(20))
}

fn answer(body: &[u8]) -> Bytes {
    [b"seen: ", body].concat().into()
}

async fn results(inbox: &mut HubInbox) -> Result<BTreeMap<u64, Conclusion>> {
    let mut results = BTreeMap::new();
    while results.len() < N_TASKS as usize {
        match inbox.next().await.context("the inbox ended")?? {
            HubIncoming::Settled(batch) => {
                for outcome in batch.confirm() {
                    results.insert(outcome.task.0, outcome.conclusion);
                }
            }
            HubIncoming::LinkUp { .. } => {}
            HubIncoming::LinkDown { .. } => bail!("a link was taken for lost"),
        }
    }
    Ok(results)
}

/// The same message with a bit flipped near its end, and another one under another number, with checksums that fit.
fn flipped(message: &Message) -> Vec<Vec<u8>> {
    // Behind head, tag, scan, way and key.
    let number = 4 + 4 + 1 + 16 + 1 + 8;
    let n_bytes = message.body.len();
    if n_bytes < number + 8 {
        return Vec::new();
    }
    let flip = |at: usize| {
        let mut bytes = message.body.clone();
        bytes[at] ^= 4;
        let sum = checksum(&[&bytes[8..]]).to_le_bytes();
        bytes[4..8].copy_from_slice(&sum);
        bytes
    };
    vec![flip(n_bytes - 9), flip(number + 1)]
}

/// What a hub without keys would say that has the name of one with keys: it is closed, or stops everything.
fn made_up(message: &Message) -> Vec<Vec<u8>> {
    let scan = message.body.get(9..25).unwrap_or_default();
    let frame = |tag: u8, rest: &[u8]| {
        let rest = [&[tag], scan, rest].concat();
        let sum = checksum(&[&rest]).to_le_bytes();
        [b"SKY\x03", sum.as_slice(), &rest].concat()
    };
    vec![
        frame(2, b""),
        frame(10, b"stop"),
        frame(9, &1_u32.to_le_bytes()),
    ]
}

/// Publishes each message that passes again: as it was, flipped, and in another form.
async fn harm(tap: &mut Tap, n_said: &mut usize) -> Result<()> {
    let mut known: HashSet<Vec<u8>> = HashSet::new();
    loop {
        let message = tap.next().await?;
        if !known.insert(message.body.clone()) {
            continue;
        }
        let forged = flipped(&message).into_iter().chain(made_up(&message));
        for bytes in forged.chain([message.body.clone()]) {
            known.insert(bytes.clone());
            tap.say(&message, &bytes).await?;
            *n_said += 1;
        }
    }
}

/// What passes is flipped, repeated and made up, and the results are those of a scan that nobody disturbs.
pub(crate) fn intruder(node: &mut Node) -> Result<()> {
    let address = address(node, "intruder", "");
    block_on(async {
        let (seen, _here) = Seen::record();
        let folder = tempfile::tempdir()?;
        make(folder.path())?;
        let given = add_worker(folder.path(), "worker")?;
        let mut tap = Tap::open(node).await?;
        let scanner = process(&address, Some(folder.path()))?;
        let (hub, mut inbox) = scanner.open_hub(hub_config(LIVENESS)).await?;
        let worker = process(&address, Some(&given))?;
        let (link, leases) = worker.open_link(link_config(4)).await?;
        let tasks = (0..N_TASKS).map(|task| TaskFrame {
            task: TaskId(task),
            body: body(task),
            lost_above: 0,
            avoid: Vec::new(),
        });
        let mut n_said = 0;
        let scan = async {
            // The door is open, and the intruder there, before there is something to do.
            hub.submit(tasks.collect()).await?;
            results(&mut inbox).await
        };
        let done: Result<BTreeMap<u64, Conclusion>> = tokio::select! {
            done = timeout(Duration::from_secs(90), scan) => done?,
            ended = work(link, leases) => { ended?; bail!("the worker ended") }
            ended = harm(&mut tap, &mut n_said) => { ended?; bail!("the intruder ended") }
        };
        for (task, conclusion) in done? {
            let expected = Conclusion::Completed(answer(&body(task)));
            ensure!(conclusion == expected, "task {task}: {conclusion:?}");
        }
        ensure!(n_said > 100, "{n_said} messages were published");
        for reason in ["repeated", "unopened", "unsealed"] {
            let n_refused = seen.sum_with(REJECTED, ("reason", reason))?;
            ensure!(n_refused > 10, "{n_refused} {reason} of {n_said}");
        }
        hub.close().await?;
        Ok(())
    })
}

/// Who is withdrawn is out within a second, and the others go on, with other keys.
pub(crate) fn withdrawn(node: &mut Node) -> Result<()> {
    let address = address(node, "withdrawn", "");
    block_on(async {
        let folder = tempfile::tempdir()?;
        make(folder.path())?;
        let given = [
            add_worker(folder.path(), "bad")?,
            add_worker(folder.path(), "good")?,
        ];
        let scanner = process(&address, Some(folder.path()))?;
        let (hub, mut inbox) = scanner.open_hub(hub_config(LIVENESS)).await?;
        let mut workers = Vec::new();
        for keys in &given {
            let worker = process(&address, Some(keys))?;
            let (link, mut leases) = worker.open_link(link_config(1)).await?;
            let up = next(&mut leases).await?;
            ensure!(matches!(up, LinkIncoming::HubUp { .. }), "{up:?}");
            workers.push((worker, link, leases));
        }
        let since = Instant::now();
        std::fs::remove_file(folder.path().join("workers/bad.pub"))?;
        loop {
            let incoming = timeout(LIVENESS, inbox.next())
                .await?
                .context("it ended")??;
            if let HubIncoming::LinkDown { link, .. } = incoming {
                ensure!(link == workers[0].1.id(), "the wrong one is out");
                break;
            }
        }
        let took = since.elapsed();
        ensure!(took < Duration::from_secs(1), "it took {took:?}");
        let down = next(&mut workers[0].2).await?;
        ensure!(matches!(down, LinkIncoming::HubDown { .. }), "{down:?}");
        let tasks = [1, 2].map(crate::scan::frame);
        hub.submit(tasks.to_vec()).await?;
        hub.broadcast(Bytes::from_static(b"after it")).await?;
        let (mut n_leased, mut n_told) = (0, 0);
        while n_leased < 2 || n_told < 1 {
            match next(&mut workers[1].2).await? {
                LinkIncoming::Leased(leases) => {
                    n_leased += leases.len();
                    let done = leases
                        .into_iter()
                        .map(|lease| lease.completed(Bytes::new()));
                    workers[1].1.settle(done.collect()).await?;
                }
                LinkIncoming::Notice { body, .. } => {
                    ensure!(body == "after it", "{body:?}");
                    n_told += 1;
                }
                other => bail!("{other:?}"),
            }
        }
        let nothing = timeout(Duration::from_millis(500), workers[0].2.next()).await;
        ensure!(nothing.is_err(), "it was told {nothing:?}");
        hub.close().await?;
        Ok(())
    })
}

/// Whoever comes with other keys than it takes, or without any, is told so, and does not hang without a word.
pub(crate) fn misfits(node: &mut Node) -> Result<()> {
    let address = address(node, "misfits", "");
    block_on(async {
        let folder = tempfile::tempdir()?;
        make(folder.path())?;
        let given = add_worker(folder.path(), "worker")?;
        // A worker's folder opens no hub, and a hub is told so at once.
        let error = process(&address, Some(&given))?
            .open_hub(hub_config(LIVENESS))
            .await;
        let error = format!("{:?}", error.err().context("a hub with a worker's keys")?);
        ensure!(error.contains("OfWorker"), "{error}");
        let scanner = process(&address, Some(folder.path()))?;
        let (hub, _inbox) = scanner.open_hub(hub_config(Duration::from_secs(2))).await?;
        let plain = process(&address, None)?;
        let (_link, mut leases) = plain.open_link(link_config(1)).await?;
        let told = timeout(LIVENESS, leases.next())
            .await?
            .context("the inbox ended")?;
        ensure!(
            matches!(told, Err(TransportError::Keyless { .. })),
            "{told:?}"
        );
        // In the process of the scanner itself no other key is needed.
        let (_link, mut leases) = scanner.open_link(link_config(1)).await?;
        let up = next(&mut leases).await?;
        ensure!(matches!(up, LinkIncoming::HubUp { .. }), "{up:?}");
        hub.close().await?;
        Ok(())
    })
}
