//! RabbitMQ: users, permissions and what policies must leave alone.

use super::template::{fill, quoted};
use super::{DeployError, plain_text};
use crate::transport::{Grants, Rights};

/// A script that makes a virtual host with a scanner's user and the workers' one, for whoever may use
/// `rabbitmqctl`. It holds no password: those are asked for, or read from its standard input.
///
/// # Errors
/// If a name cannot be written into it.
pub fn broker_script(grants: &Grants, worker_user: &str) -> Result<String, DeployError> {
    let Grants {
        vhost,
        user,
        namespace,
        scanner,
        worker,
    } = grants;
    for text in [vhost, user, namespace, worker_user] {
        plain_text(text)?;
    }
    let rights = |rights: &Rights| {
        [&rights.configure, &rights.write, &rights.read]
            .map(|pattern| quoted(pattern))
            .join(" ")
    };
    Ok(fill(
        include_str!("broker.sh"),
        &[
            ("VHOST", quoted(vhost)),
            ("SCANNER", quoted(user)),
            ("SCANNERS", rights(scanner)),
            ("WORKER", quoted(worker_user)),
            ("WORKERS", rights(worker)),
            ("NAMES", quoted(&format!("^{namespace}\\."))),
        ],
    ))
}
