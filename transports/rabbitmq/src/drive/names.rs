//! What exchanges and queues are called, and how they are declared.

use lapin::types::{AMQPValue, FieldTable, ShortString};
use skyscan_transport::ScanId;
use tokio::time::Duration;

use crate::{
    outbox::Route,
    place::{Place, QueueKind},
    wire::{Address, Scan},
};

/// Deliveries of one message that the broker may count without dropping it: none is ever dropped
/// for being redelivered. RabbitMQ 4 drops after 20 unless told otherwise; -1 is unknown to 3.10.
const DELIVERY_LIMIT: i32 = i32::MAX;

/// How long a delivery may stay unacknowledged; the readers take milliseconds. RabbitMQ 4.3 knows this of quorum queues
/// alone, and refuses a classic queue that is declared with it; before, such a queue has the broker's half an hour.
const CONSUMER_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// Refused frames that are kept.
const MAX_DEAD: i32 = 1000;
const MAX_DEAD_BYTES: i32 = 64 << 20;

/// What a process may be behind with; all of it comes again or is advice.
const MAX_BEHIND: i32 = 10_000;
const MAX_BEHIND_BYTES: i32 = 256 << 20;

/// Names within one namespace.
#[derive(Clone, Debug)]
pub(super) struct Names<'a>(pub(super) &'a Place);

impl Names<'_> {
    fn of(&self, rest: std::fmt::Arguments<'_>) -> ShortString {
        format!("{}.{rest}", self.0.namespace).into()
    }

    pub(super) fn hubs(&self) -> ShortString {
        self.of(format_args!("hubs"))
    }

    pub(super) fn links(&self) -> ShortString {
        self.of(format_args!("links"))
    }

    pub(super) fn dead(&self) -> ShortString {
        self.of(format_args!("dead"))
    }

    pub(super) fn process(&self, address: Address) -> ShortString {
        let Address {
            process,
            incarnation,
        } = address;
        self.of(format_args!("process.{process:016x}.{incarnation}"))
    }

    pub(super) fn owner(&self, scan: ScanId) -> ShortString {
        self.of(format_args!("{:016x}.owner", scan.0))
    }

    fn scan(&self, scan: Scan, rest: std::fmt::Arguments<'_>) -> ShortString {
        self.of(format_args!(
            "{:016x}.{:016x}.{rest}",
            scan.id.0, scan.epoch
        ))
    }

    pub(super) fn results(&self, scan: Scan) -> ShortString {
        self.scan(scan, format_args!("results"))
    }

    pub(super) fn requests(&self, scan: Scan) -> ShortString {
        self.scan(scan, format_args!("requests"))
    }

    pub(super) fn notices(&self, scan: Scan) -> ShortString {
        self.scan(scan, format_args!("notices"))
    }

    pub(super) fn tasks(&self, scan: Scan, process: u64) -> ShortString {
        self.scan(scan, format_args!("tasks.{process:016x}"))
    }

    /// Exchange and routing key of a route.
    pub(super) fn route(&self, route: Route) -> (ShortString, ShortString) {
        let direct = |queue| (ShortString::default(), queue);
        let fanout = |exchange| (exchange, ShortString::default());
        match route {
            Route::AllProcesses => fanout(self.hubs()),
            Route::AllHubs => fanout(self.links()),
            Route::Notices(scan) => fanout(self.notices(scan)),
            Route::Process(address) => direct(self.process(address)),
            Route::Requests(scan) => direct(self.requests(scan)),
            Route::Results(scan) => direct(self.results(scan)),
            Route::Tasks(scan, process) => direct(self.tasks(scan, process)),
        }
    }

    /// Arguments of a durable queue of a hub that is this long not used before it expires.
    pub(super) fn durable(&self, liveness: Duration) -> FieldTable {
        let mut table = expiring(liveness);
        let kind = match self.0.queues {
            QueueKind::Classic => "classic",
            QueueKind::Quorum => "quorum",
        };
        table.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
        if self.0.queues == QueueKind::Quorum {
            table.insert(
                "x-delivery-limit".into(),
                AMQPValue::LongInt(DELIVERY_LIMIT),
            );
            let timeout = i32::try_from(CONSUMER_TIMEOUT.as_millis()).unwrap_or(i32::MAX);
            table.insert("x-consumer-timeout".into(), AMQPValue::LongInt(timeout));
        }
        let dead = AMQPValue::LongString(self.dead().as_str().into());
        table.insert("x-dead-letter-exchange".into(), dead);
        table
    }

    /// Arguments of a process's own queue.
    pub(super) fn transient() -> FieldTable {
        let mut table = FieldTable::default();
        table.insert("x-max-length".into(), AMQPValue::LongInt(MAX_BEHIND));
        table.insert(
            "x-max-length-bytes".into(),
            AMQPValue::LongInt(MAX_BEHIND_BYTES),
        );
        table
    }

    /// Arguments of the queue of refused frames.
    pub(super) fn refused() -> FieldTable {
        let mut table = FieldTable::default();
        table.insert("x-max-length".into(), AMQPValue::LongInt(MAX_DEAD));
        table.insert(
            "x-max-length-bytes".into(),
            AMQPValue::LongInt(MAX_DEAD_BYTES),
        );
        table
    }
}

/// A queue that nobody uses outlives its hub by this much.
fn expiring(liveness: Duration) -> FieldTable {
    let after = (liveness * 20).clamp(Duration::from_secs(60), Duration::from_secs(24 * 3600));
    let mut table = FieldTable::default();
    let after = i32::try_from(after.as_millis()).unwrap_or(i32::MAX);
    table.insert("x-expires".into(), AMQPValue::LongInt(after));
    table
}
