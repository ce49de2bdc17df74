//! A broker of three nodes, one of which is killed in the middle of a scan.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use libtest_mimic::Failed;
use skyscan_rabbitmq_node::{Cluster, Node};

use super::remote::{Scan, Subject, Worker};
use super::same;

/// The scanner's node, with its queues; then that of the workers.
const KILLED: [usize; 2] = [0, 1];

/// Scanner and workers come in by addresses of their own, as behind a balancer: each at a node of its own while
/// that lives.
pub(super) fn a_killed_node_changes_nothing() -> Result<(), Failed> {
    let mut cluster = Cluster::start(3)?;
    let others = cluster.nodes()[0].control(&["eval", "length(nodes())."])?;
    if others.trim() != "2" {
        return Err(format!("no cluster of three: the first knows {others} others").into());
    }
    let ports: Vec<u16> = cluster.nodes().iter().map(Node::port).collect();
    let url = |first: usize| -> io::Result<String> {
        let mut nodes = ports.clone();
        nodes.rotate_left(first);
        let port = lead_to(nodes)?;
        Ok(format!(
            "amqp://guest:guest@127.0.0.1:{port}/%2f?queue=quorum"
        ))
    };
    let (of_scanner, of_workers) = (url(0)?, url(1)?);
    let workers = [Worker::start(&of_workers)?, Worker::start(&of_workers)?];
    for killed in KILLED {
        let mut scan = Scan::start(Subject::Demo, &of_scanner)?;
        scan.wait_for_round("nside 8")?;
        cluster.nodes_mut()[killed].kill()?;
        same(&scan.finish()?, &Subject::Demo.map_in_memory()?)?;
        cluster.nodes_mut()[killed].restart()?;
    }
    workers.into_iter().try_for_each(Worker::leave)
}

/// A port from which each connection is led to the first of these that answers.
fn lead_to(ports: Vec<u16>) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let own = listener.local_addr()?.port();
    thread::spawn(move || {
        for inside in listener.incoming().map_while(Result::ok) {
            let answers = |port: &u16| TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).ok();
            if let Some(outside) = ports.iter().find_map(answers) {
                join(inside, outside);
            }
        }
    });
    Ok(own)
}

/// Both ways; who ends one ends both.
fn join(inside: TcpStream, outside: TcpStream) {
    let (inside, outside) = (Arc::new(inside), Arc::new(outside));
    for (from, to) in [(&inside, &outside), (&outside, &inside)] {
        let (from, to) = (Arc::clone(from), Arc::clone(to));
        thread::spawn(move || {
            let mut piece = vec![0; 1 << 16];
            while let Ok(n @ 1..) = (&*from).read(&mut piece) {
                if (&*to).write_all(&piece[..n]).is_err() {
                    break;
                }
            }
            for end in [&from, &to] {
                // It may be gone already.
                let _ = end.shutdown(Shutdown::Both);
            }
        });
    }
}
