//! Whether this machine can hold a point at all, asked before it is started.

use super::machine;
use crate::scenario::setup::{Backend, Connections, Setup};

/// Descriptors that a process has open beside its connections.
const OTHER_FILES: usize = 64;
/// Descriptors of a ZeroMQ link with a connection of its own: the wire, and a socket's mailbox.
const FILES_PER_LINK: usize = 2;
/// Threads that a process has beside those of its connections.
const OTHER_THREADS: usize = 64;
/// Threads and descriptors of a RabbitMQ link with connections of its own: one to publish, one to
/// consume.
const PER_BROKER_LINK: usize = 2;

/// What the machine allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) struct Capacity {
    /// Open files of a process.
    files: usize,
    /// Ports that connections can go out from.
    ports: usize,
    /// Threads of the whole system.
    threads: usize,
}

impl Capacity {
    /// Of this process and machine. What cannot be read limits nothing.
    pub(in crate::scenario) fn read() -> Self {
        Self {
            files: machine::most_files().unwrap_or(usize::MAX),
            ports: machine::n_ports().unwrap_or(usize::MAX),
            threads: machine::most_threads().unwrap_or(usize::MAX),
        }
    }

    /// Says why a point cannot be run, and how it could.
    pub(in crate::scenario) fn check(self, setup: &Setup) -> Result<(), String> {
        let (kind, fleet) = (setup.transport.kind, &setup.fleet);
        if setup.transport.connections == Connections::Shared || kind == Backend::Memory {
            return Ok(());
        }
        let workers = fleet.workers;
        let per_process = workers.div_ceil(fleet.processes);
        let (files, threads) = match kind {
            Backend::Rabbitmq => (
                (PER_BROKER_LINK * workers).max(PER_BROKER_LINK * per_process),
                PER_BROKER_LINK * workers + OTHER_THREADS,
            ),
            // Each end has the connection inside of the seal beside the one over the network.
            Backend::ZeromqSealed => (
                (3 * workers).max(2 * FILES_PER_LINK * per_process),
                OTHER_THREADS,
            ),
            Backend::Zeromq | Backend::Memory => {
                (workers.max(FILES_PER_LINK * per_process), OTHER_THREADS)
            }
        };
        let files = files + OTHER_FILES;
        if files > self.files {
            return Err(format!(
                "{workers} connections need {files} open files in one process, {} are allowed: \
                 run `ulimit -n {files}` first (as root: `prlimit --pid $$ --nofile={files}`), or \
                 set fleet.processes higher, or transport.connections = \"shared\"",
                self.files
            ));
        }
        let ports = match kind {
            Backend::Rabbitmq => PER_BROKER_LINK * workers,
            _ => workers,
        };
        if ports > self.ports {
            return Err(format!(
                "{ports} connections need as many ports, there are {}: run `sysctl -w \
                 net.ipv4.ip_local_port_range=\"1024 65535\"` as root first",
                self.ports
            ));
        }
        if threads > self.threads {
            return Err(format!(
                "{workers} connections need {threads} threads, {} are allowed: run `sysctl -w \
                 kernel.threads-max={threads}` as root first",
                self.threads
            ));
        }
        Ok(())
    }
}
