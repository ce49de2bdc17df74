//! What users of a broker have to be allowed: a scanner's, and a worker's, which is less.

use skyscan_transport::Result;

use crate::place::Place;

/// What one user may do with the queues and exchanges of a virtual host, as three regular expressions
/// over their names, in the order in which `rabbitmqctl set_permissions` takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Declare and delete.
    pub configure: String,
    /// Publish, and bind a queue.
    pub write: String,
    /// Consume, and bind to an exchange.
    pub read: String,
}

/// Who works at the place that an address names, and what has to be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    /// Virtual host.
    pub vhost: String,
    /// Who logs in by that address.
    pub user: String,
    /// What all names begin with.
    pub namespace: String,
    /// For a scanner, and for a relay on its lower side.
    pub scanner: Rights,
    /// For a worker, and for a relay on its upper side. The default exchange leads to every queue, so a
    /// worker may write to all of them, and read none but its own.
    pub worker: Rights,
}

impl Grants {
    /// What is needed at the place that an `amqp://` address names.
    ///
    /// # Errors
    /// If the address makes no sense.
    pub fn at(address: &str) -> Result<Self> {
        let place = Place::parse(address)?;
        let namespace = place.namespace.clone();
        Ok(Self {
            vhost: place.vhost().to_owned(),
            user: place.user().to_owned(),
            scanner: Rights::of_scanner(&namespace),
            worker: Rights::of_worker(&namespace),
            namespace,
        })
    }
}

impl Rights {
    /// All that is the namespace's own, and the default exchange, by which queues are written to.
    pub(crate) fn of_scanner(namespace: &str) -> Self {
        Self {
            configure: format!("^{namespace}\\."),
            write: format!("^({namespace}\\.|amq\\.default$)"),
            read: format!("^{namespace}\\."),
        }
    }

    /// Its own queues, where hubs and links call each other, and where refused frames go.
    fn of_worker(namespace: &str) -> Self {
        let own = "process\\..*";
        let of_scans = "[0-9a-f]{16}\\.[0-9a-f]{16}\\.(tasks\\..*|notices)";
        Self {
            configure: format!("^{namespace}\\.(hubs|links|dead|{own}|{of_scans})$"),
            write: format!("^({namespace}\\.(links|dead|{own})|amq\\.default)$"),
            read: format!("^{namespace}\\.(hubs|dead|{own}|{of_scans})$"),
        }
    }
}
