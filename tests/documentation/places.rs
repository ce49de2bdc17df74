//! Places that only exist on paper, and those on this machine that stand for them.

use libtest_mimic::Failed;
use skyscan_free_ports::free_ports;
use skyscan_rabbitmq_node::Node;

/// A free port of ZeroMQ and, if it is asked for, a broker.
pub(crate) struct Places {
    port: u16,
    broker: Option<Node>,
}

impl Places {
    pub(crate) fn new() -> Result<Self, Failed> {
        let [port] = free_ports::<1>()?;
        Ok(Self { port, broker: None })
    }

    /// A command as it can be run here. What is only written into files stays.
    pub(crate) fn here(&mut self, command: &str) -> Result<String, Failed> {
        if command.contains("skyscan deploy") {
            return Ok(command.to_owned());
        }
        let mut here = command.to_owned();
        for place in ["0.0.0.0:5555", "scanner.example:5555", "127.0.0.1:5555"] {
            here = here.replace(
                &format!("://{place}"),
                &format!("://127.0.0.1:{}", self.port),
            );
        }
        // The broker here has no certificate, and is reached on loopback alone.
        here = here.replace("amqps://", "amqp://");
        while let Some(at) = here.find("amqp://") {
            let rest = &here[at..];
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let broker = match &mut self.broker {
                Some(broker) => broker,
                none => none.insert(Node::start()?),
            };
            // Once more with another beginning, so that it is not found again.
            here = format!(
                "{}AMQP{}{}",
                &here[..at],
                &broker.url()[4..],
                &here[at + end..]
            );
        }
        Ok(here.replace("AMQP://", "amqp://"))
    }
}
