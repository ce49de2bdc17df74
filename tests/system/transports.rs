//! The same map over every transport, with workers in other processes that are killed, replaced
//! and asked to leave, and brokers that go away in the middle of a scan.

mod cluster;
mod faults;
mod notice;
mod priorities;
mod relay;
pub(crate) mod remote;
mod sealed;
pub(crate) mod shared_broker;
mod systematics;
mod unfit;

use self::remote::{FREE_PORT, Scan, Scanned, Subject, Worker, kill_at_task};
use libtest_mimic::{Failed, Trial};
use skyscan_free_ports::free_ports;
use skyscan_rabbitmq_node::Node;

use crate::needs::{Check, broker, group, long, proxies, real_events};

pub(crate) fn trials() -> Vec<Trial> {
    let zeromq: [(&str, Check); 11] = [
        ("an_urgent_scan_among_others_is_as_fast_as_alone", || {
            at_one_place(&zeromq_url()?, priorities::urgent)
        }),
        ("systematics_are_the_same_though_workers_are_killed", || {
            systematics::workers_come_and_go(&zeromq_url()?)
        }),
        ("a_bad_worker_among_ten_changes_nothing", || {
            at_one_place(&zeromq_url()?, faults::one_bad)
        }),
        ("killed_workers_cost_no_pixel", || {
            workers_come_and_go(Subject::Demo, &zeromq_url()?)
        }),
        ("workers_outlive_scans_and_leave_when_asked", || {
            workers_serve_many(&zeromq_url()?)
        }),
        (
            "a_worker_of_another_protocol_says_so_and_gives_up_when_told_to",
            || unfit::other_protocol(&zeromq_url()?),
        ),
        (
            "a_worker_without_the_reco_says_so_and_gives_up_when_told_to",
            || unfit::other_reco(&zeromq_url()?),
        ),
        (
            "a_worker_that_nobody_needs_says_so_and_gives_up_when_told_to",
            || unfit::nobody_comes(&zeromq_url()?),
        ),
        (
            "a_scan_that_nobody_can_serve_says_so_and_ends_at_the_first_interrupt",
            || unfit::a_typo_is_told(&zeromq_url()?),
        ),
        ("a_notice_of_the_cloud_is_heard_in_time", || {
            notice::heard_in_time(&zeromq_url()?)
        }),
        ("no_worker_joins_a_process_alone", no_worker_in_memory),
    ];
    let rabbitmq: [(&str, Check); 9] = [
        ("an_urgent_scan_among_others_is_as_fast_as_alone", || {
            at_one_place(&shared_broker::url()?, priorities::urgent)
        }),
        ("a_bad_worker_among_ten_changes_nothing", || {
            at_one_place(&shared_broker::url()?, faults::one_bad)
        }),
        ("killed_workers_cost_no_pixel", || {
            workers_come_and_go(Subject::Demo, &shared_broker::url()?)
        }),
        ("workers_outlive_scans_and_leave_when_asked", || {
            workers_serve_many(&shared_broker::url()?)
        }),
        (
            "a_worker_of_another_protocol_says_so_and_gives_up_when_told_to",
            || unfit::other_protocol(&shared_broker::url()?),
        ),
        (
            "a_worker_without_the_reco_says_so_and_gives_up_when_told_to",
            || unfit::other_reco(&shared_broker::url()?),
        ),
        ("a_neighbours_typo_harms_nobody", || {
            unfit::a_neighbours_typo_harms_nobody(&shared_broker::url()?)
        }),
        ("a_stopped_broker_only_delays", || {
            broker_goes_away(Outage::Stopped)
        }),
        ("a_killed_broker_only_delays", || {
            broker_goes_away(Outage::Killed)
        }),
    ];
    let sealed: [(&str, Check); 10] = [
        (
            "workers_with_a_key_or_a_token_make_the_same_map",
            sealed::workers_with_a_key_or_a_token,
        ),
        (
            "strangers_are_told_no_and_change_nothing",
            sealed::strangers_change_nothing,
        ),
        (
            "a_goodbye_leaves_with_its_worker",
            sealed::leaving::a_goodbye_leaves_with_its_worker,
        ),
        (
            "a_port_that_is_taken_is_told",
            sealed::leaving::a_port_that_is_taken_is_told,
        ),
        (
            "keys_are_needed_and_private",
            sealed::keys_are_needed_and_private,
        ),
        (
            "relays_have_keys_on_both_sides",
            sealed::roles::relays_have_keys_on_both_sides,
        ),
        (
            "doors_open_again_for_the_next",
            sealed::roles::doors_open_again_for_the_next,
        ),
        (
            "replays_make_their_own_keys",
            sealed::roles::replays_make_their_own_keys,
        ),
        (
            "secrets_are_in_nothing_that_a_scan_tells_or_writes",
            sealed::secrets::are_in_nothing_that_a_scan_tells_or_writes,
        ),
        (
            "secrets_are_in_no_error_and_no_help",
            sealed::secrets::are_in_no_error_and_no_help,
        ),
    ];
    let over_a_broker: [(&str, Check); 2] = [
        (
            "workers_make_the_same_map_over_a_broker",
            sealed::broker::workers_make_the_same_map,
        ),
        (
            "keys_that_do_not_fit_are_told_over_a_broker",
            sealed::broker::keys_that_do_not_fit_are_told,
        ),
    ];
    let behind_proxies: [(&str, Check); 1] = [(
        "proxies_lead_to_the_scanner",
        sealed::proxies::lead_to_the_scanner,
    )];
    let memory: [(&str, Check); 1] = [("a_bad_worker_among_ten_changes_nothing", || {
        at_one_place("memory:", faults::one_bad)
    })];
    let relays: [(&str, Check); 5] = [
        ("an_urgent_scan_among_others_is_as_fast_as_alone", || {
            priorities::urgent(&zeromq_url()?, &zeromq_url()?)
        }),
        ("a_bad_worker_of_the_zone_changes_nothing", || {
            faults::one_bad(&zeromq_url()?, &zeromq_url()?)
        }),
        ("one_copy_for_a_zone", relay::one_copy_for_a_zone),
        (
            "a_killed_relay_loses_nothing",
            relay::a_killed_relay_loses_nothing,
        ),
        (
            "refuses_what_makes_no_sense",
            relay::refuses_what_makes_no_sense,
        ),
    ];
    let real = "killed_workers_cost_no_pixel_of_a_real_event";
    let real_zeromq: [(&str, Check); 1] =
        [(real, || workers_come_and_go(Subject::Gold, &zeromq_url()?))];
    let real_rabbitmq: [(&str, Check); 1] = [(real, || {
        workers_come_and_go(Subject::Gold, &shared_broker::url()?)
    })];
    let clusters: [(&str, Check); 1] = [(
        "long::a_killed_node_of_three_changes_nothing",
        cluster::a_killed_node_changes_nothing,
    )];
    let above: [(&str, Check); 1] = [(
        "relays_stand_below_relays",
        relay::relays_stand_below_relays,
    )];
    [
        group("transports::memory", None, memory),
        group("transports::zeromq", None, zeromq),
        group("transports::zeromq", real_events(), real_zeromq),
        group("transports::sealed", None, sealed),
        group("transports::sealed", broker(), over_a_broker),
        group("transports::sealed", proxies(), behind_proxies),
        group("transports::rabbitmq", broker(), rabbitmq),
        group(
            "transports::rabbitmq",
            real_events().or(broker()),
            real_rabbitmq,
        ),
        group("transports::rabbitmq", long().or(broker()), clusters),
        group("transports::relay", None, relays),
        group("transports::relay", broker(), above),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Something that may have a relay between a scan and its workers, without one.
fn at_one_place(url: &str, check: fn(&str, &str) -> Result<(), Failed>) -> Result<(), Failed> {
    check(url, url)
}

fn zeromq_url() -> Result<String, Failed> {
    let [port] = free_ports::<1>()?;
    Ok(format!("{FREE_PORT}{port}"))
}

/// Two workers are killed while they evaluate a task, the first one with results delivered and all
/// others alone at the scan, so that it cannot end without them; a third one is killed when the first
/// round is over. Others take their places.
fn workers_come_and_go(subject: Subject, url: &str) -> Result<(), Failed> {
    let expected = subject.map_in_memory()?;
    let mut scan = Scan::start(subject, url)?;
    kill_at_task(url, 4)?;
    kill_at_task(url, 1)?;
    let mut doomed = Worker::start(url)?;
    let stays = Worker::start(url)?;
    scan.wait_for_round("nside 8")?;
    doomed.kill()?;
    let joins = Worker::start(url)?;
    let scanned = scan.finish()?;
    same(&scanned, &expected)?;
    // A copy may come before it is noticed that its worker is gone.
    let n_made_good = scanned.n_lost + scanned.n_copies;
    if n_made_good < 2 {
        return Err(format!("two leases were lost at least, not {n_made_good}").into());
    }
    joins.leave()?;
    stays.leave()
}

/// One worker serves two scans, one after the other, and then leaves.
fn workers_serve_many(url: &str) -> Result<(), Failed> {
    let worker = Worker::start(url)?;
    for _ in 0..2 {
        same(
            &Scan::start(Subject::Demo, url)?.finish()?,
            &Subject::Demo.map_in_memory()?,
        )?;
    }
    worker.leave()
}

fn no_worker_in_memory() -> Result<(), Failed> {
    let output = remote::skyscan()
        .args(["worker", "--transport", "memory:"])
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(2) || !told.contains("zmq://") {
        return Err(format!("{}: {told}", output.status).into());
    }
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Outage {
    /// `rabbitmqctl stop_app`, `start_app`.
    Stopped,
    /// `kill -9` of the node; durable queues and messages come back.
    Killed,
}

fn broker_goes_away(outage: Outage) -> Result<(), Failed> {
    let mut node = Node::start()?;
    let url = format!("{}?queue=quorum", node.url());
    let workers = [Worker::start(&url)?, Worker::start(&url)?];
    let mut scan = Scan::start(Subject::Demo, &url)?;
    scan.wait_for_round("nside 8")?;
    match outage {
        Outage::Stopped => {
            node.stop_app()?;
            node.start_app()?;
        }
        Outage::Killed => {
            node.note_queues()?;
            node.restart()?;
        }
    }
    same(&scan.finish()?, &Subject::Demo.map_in_memory()?)?;
    workers.into_iter().try_for_each(Worker::leave)
}

fn same(scanned: &Scanned, expected: &str) -> Result<(), Failed> {
    if scanned.map != expected {
        return Err(format!("map {}, in memory {expected}", scanned.map).into());
    }
    Ok(())
}
