//! Every metric of the program: name, type, unit, labels, meaning, and who tells it.
//!
//! docs/metrics.md is made of this list. Units are the base units of Prometheus and stand in the name.
//!
//! Decision: Metrics have one list in the code (`docs/decisions.md`).

use std::fmt;

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// As Prometheus knows it; of a histogram without `_bucket`, `_sum` and `_count`.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What is counted or measured.
    pub unit: &'static str,
    /// Its labels beside those that the teller gives all its metrics.
    pub labels: &'static [Label],
    /// Where it comes from.
    pub teller: Teller,
    /// What it says.
    pub meaning: &'static str,
}

/// A label and its values; without any, they are as many as scans have resolutions, or one a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// All values that it takes, if they are known beforehand.
    pub values: &'static [&'static str],
}

/// A type of metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Grows only.
    Counter,
    /// Comes and goes.
    Gauge,
    /// How often in which range.
    Histogram(Buckets),
}

/// Upper bounds of a histogram's ranges, geometric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buckets {
    /// 10 ms to 1.5 h, each twice the one before: work and ways of tasks.
    Work,
    /// 1 us to 1 s, each four times the one before: steps of a program.
    Steps,
}

impl Buckets {
    /// The bounds in seconds.
    pub fn bounds(self) -> Vec<f64> {
        match self {
            Self::Work => (0..20).map(|n| 0.01 * f64::from(1u32 << n)).collect(),
            Self::Steps => (0..11).map(|n| 1e-6 * f64::from(1u32 << (2 * n))).collect(),
        }
    }
}

/// Where metrics come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teller {
    /// Every process.
    Process,
    /// `skyscan scan`.
    Scan,
    /// `skyscan serve`.
    Service,
    /// The Scanner: `skyscan scan`, `skyscan serve` and `skyscan replay`.
    Scanner,
    /// Workers: `skyscan worker`, the fleets of replays, and `skyscan scan` and `serve` unless `--workers 0`.
    Worker,
    /// Simulated workers: the fleets of replays.
    Fleet,
    /// `skyscan relay`; all have the label `zone`.
    Relay,
    /// The end of a transport, each side of it that the process has; all have the labels
    /// `transport` and `side`.
    Transport,
    /// Where a hub is opened at a sealed place, `zmqs://`.
    Door,
}

impl Teller {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Process,
        Self::Scan,
        Self::Service,
        Self::Scanner,
        Self::Worker,
        Self::Fleet,
        Self::Relay,
        Self::Transport,
        Self::Door,
    ];

    /// Labels that all its metrics have.
    pub fn labels(self) -> &'static [Label] {
        match self {
            Self::Transport => &[TRANSPORT, SIDE],
            Self::Relay => &[ZONE],
            _ => &[],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        })
    }
}

const fn label(name: &'static str, values: &'static [&'static str]) -> Label {
    Label { name, values }
}

const TRANSPORT: Label = label("transport", &["rabbitmq", "zeromq"]);
const SIDE: Label = label("side", &["hub", "link", "shared"]);
const ZONE: Label = label("zone", &[]);
const NSIDE: Label = label("nside", &[]);
const DIRECTION: Label = label("direction", &["in", "out"]);

const fn metric(
    teller: Teller,
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    labels: &'static [Label],
    meaning: &'static str,
) -> Metric {
    Metric {
        name,
        kind,
        unit,
        labels,
        teller,
        meaning,
    }
}

use Kind::{Counter, Gauge};
use Teller::{Door, Fleet, Process, Relay, Scan, Scanner, Service, Transport, Worker};
const WORK: Kind = Kind::Histogram(Buckets::Work);
const STEPS: Kind = Kind::Histogram(Buckets::Steps);

/// The list.
#[rustfmt::skip]
pub const CATALOGUE: &[Metric] = &[
    metric(Process, "skyscan_build_info", Gauge, "1",
        &[label("version", &[]), label("protocol", &[]), label("role", &["scan", "serve", "worker", "relay", "replay", "fleet"])],
        "The program, always 1"),
    metric(Process, "process_cpu_seconds_total", Gauge, "seconds", &[],
        "CPU time used, user and system; a gauge by type, so that it keeps fractions"),
    metric(Process, "process_resident_memory_bytes", Gauge, "bytes", &[], "Memory in use"),
    metric(Process, "process_virtual_memory_bytes", Gauge, "bytes", &[], "Address space in use"),
    metric(Process, "process_virtual_memory_max_bytes", Gauge, "bytes", &[], "Address space allowed; 0 without a limit"),
    metric(Process, "process_open_fds", Gauge, "files", &[], "Open files and connections"),
    metric(Process, "process_max_fds", Gauge, "files", &[], "Open files allowed"),
    metric(Process, "process_threads", Gauge, "threads", &[], "Threads"),
    metric(Process, "process_start_time_seconds", Gauge, "seconds", &[], "When it began, since 1970"),

    metric(Scan, "skyscan_scan_info", Gauge, "1",
        &[label("run_id", &[]), label("event_id", &[]), label("reco", &[]), label("transport", &["memory", "rabbitmq", "zeromq"])],
        "What is scanned, always 1"),
    metric(Scan, "skyscan_scan_payload_bytes", Gauge, "bytes", &[], "Size of the packed event"),

    metric(Service, "skyscan_service_scans", Gauge, "scans", &[label("state", &["queued", "running"])],
        "Scans that wait for their turn; that are being made"),
    metric(Service, "skyscan_service_submissions_total", Counter, "alerts",
        &[label("outcome", &["new", "known", "refused", "not_now"])],
        "Alerts that were brought: taken; scanned already; not to be scanned; not to be taken now, as when the disk is full"),
    metric(Service, "skyscan_service_ended_total", Counter, "scans", &[label("state", &["done", "incomplete", "failed", "cancelled"])],
        "Scans that ended"),
    metric(Service, "skyscan_service_queue_seconds", WORK, "seconds", &[], "From when an alert was taken until its scan began"),
    metric(Service, "skyscan_service_requests_total", Counter, "requests",
        &[label("method", &["read", "write"]), label("status", &[])], "Requests that were answered, by HTTP status"),
    metric(Service, "skyscan_service_readers", Gauge, "readers", &[], "Those who wait for the end of a scan, or follow one as it goes"),

    metric(Scanner, "skyscan_scan_workers", Gauge, "workers", &[], "Links of workers that are there"),
    metric(Scanner, "skyscan_scan_slots", Gauge, "slots", &[], "Their slots"),
    metric(Scanner, "skyscan_scan_slots_wanted", Gauge, "slots", &[],
        "Slots that would have work now: as many as take what is open of the running wave within a minute, no more than it has pixels"),
    metric(Scanner, "skyscan_tasks_submitted_total", Counter, "tasks", &[], "Tasks cut and given to the hub, copies included"),
    metric(Scanner, "skyscan_task_copies_total", Counter, "tasks", &[label("reason", &["overdue", "late", "wide", "stalled"])],
        "Copies of tasks, or pieces of them: past a deadline; late while slots are idle; wide, and idle slots share it; nothing came at all"),
    metric(Scanner, "skyscan_tasks_ahead_total", Counter, "tasks", &[label("step", &["handed_out", "asked_for"])],
        "Tasks given to idle slots before their round; those of them that it asked for, while the others are thrown away"),
    metric(Scanner, "skyscan_tasks_out", Gauge, "tasks", &[], "Tasks of the running wave that have no result yet"),
    metric(Scanner, "skyscan_task_results_total", Counter, "results",
        &[label("outcome", &["accepted", "ahead", "duplicate", "unplanned", "invalid", "rejected", "failed", "not_begun", "not_served", "refused"])],
        "Results: entered into the map; of a task that went ahead of its round; known already; of no task; unreadable; of a task that could not be read; at which \
         the worker failed, those two among them; given back unbegun, since it was lost too often; given back by a worker \
         that cannot serve the scan; thrown away, since another scanner has taken the journal over"),
    metric(Scanner, "skyscan_workers_put_aside_total", Counter, "workers", &[],
        "Workers that got no tasks for a while, since they failed at what others could do or cannot serve the scan"),
    metric(Scanner, "skyscan_scan_stalls_total", Counter, "stalls", &[],
        "Times that nothing came for far too long, and tasks were handed out again"),
    metric(Scanner, "skyscan_scan_stalled_tasks_total", Counter, "tasks", &[label("at", &["link", "hub"])],
        "Tasks that were out at such times: a link held them; they waited at the hub for one"),
    metric(Scanner, "skyscan_tasks_lost_total", Counter, "leases", &[],
        "Leases that were lost with their workers, told when a result comes after all"),
    metric(Scanner, "skyscan_pixels_planned_total", Counter, "pixels", &[NSIDE], "Pixels asked for so far, under each systematic anew; a round may grow"),
    metric(Scanner, "skyscan_pixels_done_total", Counter, "pixels", &[NSIDE, label("outcome", &["fitted", "failed"])],
        "Pixels with an outcome"),
    metric(Scanner, "skyscan_task_service_seconds", WORK, "seconds", &[NSIDE],
        "Time in the kernel of accepted tasks, as their workers measured it"),
    metric(Scanner, "skyscan_task_round_trip_seconds", WORK, "seconds", &[],
        "From when a task was given to the hub until it came back; work and waiting together"),
    metric(Scanner, "skyscan_hub_operation_seconds", STEPS, "seconds", &[label("op", &["hand_out", "collect"])],
        "Time in the Scanner for cutting tasks and for entering results; its rate is the busy share of the Scanner"),
    metric(Scanner, "skyscan_journal_commit_seconds", STEPS, "seconds", &[],
        "Time in which accepted results of all that came meanwhile became durable, beside the Scanner"),
    metric(Scanner, "skyscan_refine_seconds", WORK, "seconds", &[],
        "Between two waves, in which no task is handed out; in a replay the wait for the fleet"),
    metric(Scanner, "skyscan_scan_last_result_timestamp_seconds", Gauge, "seconds", &[],
        "When results came last, or the Scanner began, since 1970"),

    metric(Worker, "skyscan_worker_slots", Gauge, "slots", &[label("state", &["free", "busy"])], "Slots"),
    metric(Worker, "skyscan_worker_waiting_tasks", Gauge, "tasks", &[], "Tasks at hand that have not begun"),
    metric(Worker, "skyscan_worker_scans", Gauge, "scans", &[], "Scans that are served, each worker counted"),
    metric(Worker, "skyscan_worker_skipped_scans_total", Counter, "scans", &[label("cause", &["reco", "protocol", "welcome"])],
        "Scans that cannot be served: of another reconstruction; of another version; not understood"),
    metric(Worker, "skyscan_worker_tasks_total", Counter, "tasks", &[label("outcome", &["completed", "released", "yielded", "rejected"])],
        "Tasks that ended: with a result; stopped and given back; given back unbegun for a more urgent scan; given up for good"),
    metric(Worker, "skyscan_worker_pixels_total", Counter, "pixels", &[label("outcome", &["fitted", "failed"])], "Pixels of completed tasks"),
    metric(Worker, "skyscan_worker_task_seconds", WORK, "seconds", &[], "Time in the kernel of completed tasks"),
    metric(Worker, "skyscan_worker_preparation_seconds", WORK, "seconds", &[],
        "From meeting a scan until its tasks can begin: the event fetched, the kernel made"),
    metric(Worker, "skyscan_worker_payload_bytes_total", Counter, "bytes", &[],
        "Packed events taken; over the wire they come once to a process"),

    metric(Fleet, "skyscan_fleet_lateness_seconds", STEPS, "seconds", &[],
        "How late simulated work ended: above a few milliseconds the machine is too slow for the fleet"),

    metric(Relay, "skyscan_relay_tasks_held", Gauge, "tasks", &[], "Tasks leased above and not handed up"),
    metric(Relay, "skyscan_relay_links", Gauge, "links", &[], "Links of the zone for which one is open above"),
    metric(Relay, "skyscan_relay_results_total", Counter, "results", &[], "Outcomes that hubs above have taken"),
    metric(Relay, "skyscan_relay_results_lost_total", Counter, "results", &[], "Outcomes whose leases were lost above before"),

    metric(Transport, "skyscan_transport_messages_total", Counter, "frames", &[DIRECTION], "Frames"),
    metric(Transport, "skyscan_transport_bytes_total", Counter, "bytes", &[DIRECTION], "Their bytes"),
    metric(Transport, "skyscan_transport_rejected_messages_total", Counter, "frames",
        &[label("reason", &["malformed", "oversize", "version", "unknown_peer", "damaged", "foreign", "silent", "fetches", "queued", "links",
            "processes", "hubs", "leases", "reason", "unopened", "repeated", "unsealed", "keyless"])],
        "What was refused of a peer: frames that cannot be read, are too large, of another version of the wire, of no session, \
         damaged on the way; hubs that are not those they seem to be; connections without a hello; what is over a budget; and over a broker with keys what \
         does not open, has been here before, is not sealed, or is sealed where there are no keys"),
    metric(Transport, "skyscan_transport_redelivered_total", Counter, "leases", &[], "Leases of tasks that were leased before (hub)"),
    metric(Transport, "skyscan_transport_queue_messages", Gauge, "tasks", &[label("queue", &["ready"])], "Tasks that wait for a link (hub)"),
    metric(Transport, "skyscan_credit_outstanding", Gauge, "leases", &[], "Leases that are out (hub)"),
    metric(Transport, "skyscan_credit_limit", Gauge, "leases", &[], "Leases that links may hold (hub)"),
    metric(Transport, "skyscan_transport_links", Gauge, "links", &[], "Links that serve (hub); links that are open (link)"),
    metric(Transport, "skyscan_transport_links_lost_total", Counter, "links", &[], "Links that vanished (hub)"),
    metric(Transport, "skyscan_transport_unconfirmed_messages", Gauge, "messages", &[],
        "Sent and not known to have arrived: settlements (ZeroMQ, link), frames (RabbitMQ, shared)"),
    metric(Transport, "skyscan_transport_connections", Gauge, "connections", &[],
        "Sessions (ZeroMQ, hub and link); connections to the broker (RabbitMQ, shared)"),
    metric(Transport, "skyscan_transport_connections_opened_total", Counter, "connections", &[], "Connections that came up"),
    metric(Transport, "skyscan_transport_connections_closed_total", Counter, "connections",
        &[label("cause", &["clean", "lost"])], "Connections that ended"),
    metric(Transport, "skyscan_transport_reconnects_total", Counter, "connections", &[], "Connections found again after a loss"),
    metric(Transport, "skyscan_transport_nacks_total", Counter, "frames", &[], "Frames that the broker refused (RabbitMQ, shared)"),
    metric(Transport, "skyscan_transport_blocked", Gauge, "1", &[], "1 while the broker takes no frames (RabbitMQ, shared)"),
    metric(Transport, "skyscan_transport_auth_failures_total", Counter, "logins", &[], "Logins that the broker refused (RabbitMQ, shared)"),

    metric(Door, "skyscan_door_callers_total", Counter, "connections",
        &[label("outcome", &["let_in", "unknown_key", "no_token", "unknown_token", "expired_token", "used_up_token", "no_handshake",
            "too_slow", "too_many", "taken", "withdrawn"])],
        "Who came: let in, or why not; and sessions that ended since their key was withdrawn"),
];
