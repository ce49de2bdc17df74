//! A man at the broker: its firehose gives each message that is published, with where it goes.

use anyhow::{Context, Result};
use futures::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer,
    options::{BasicConsumeOptions, BasicPublishOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use skyscan_rabbitmq_node::Node;
use tokio::time::{Duration, timeout};

/// A message that has passed.
#[derive(Debug)]
pub(crate) struct Message {
    exchange: String,
    key: String,
    /// All else that the broker knows of it.
    around: String,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// All of it.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        [self.around.into_bytes(), self.body].concat()
    }
}

/// Sees what is published at the broker, and publishes there.
pub(crate) struct Tap {
    consumer: Consumer,
    channel: Channel,
    _connection: Connection,
}

impl Tap {
    pub(crate) async fn open(node: &Node) -> Result<Self> {
        node.control(&["trace_on"])?;
        let connection = Connection::connect(&node.url(), ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        let exclusive = QueueDeclareOptions {
            exclusive: true,
            ..QueueDeclareOptions::default()
        };
        let queue = channel
            .queue_declare("".into(), exclusive, FieldTable::default())
            .await?;
        let queue = queue.name().clone();
        let (trace, published) = ("amq.rabbitmq.trace".into(), "publish.#".into());
        channel
            .queue_bind(
                queue.clone(),
                trace,
                published,
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await?;
        let options = BasicConsumeOptions {
            no_ack: true,
            ..BasicConsumeOptions::default()
        };
        let consumer = channel
            .basic_consume(queue, "".into(), options, FieldTable::default())
            .await?;
        Ok(Self {
            consumer,
            channel,
            _connection: connection,
        })
    }

    pub(crate) async fn next(&mut self) -> Result<Message> {
        let delivery = self
            .consumer
            .next()
            .await
            .context("the broker has gone")??;
        let headers = delivery.properties.headers().clone().unwrap_or_default();
        let header = |name: &str| headers.inner().get(name).cloned();
        let text = |value: Option<AMQPValue>| match value {
            Some(AMQPValue::LongString(text)) => text.to_string(),
            Some(AMQPValue::ShortString(text)) => text.to_string(),
            Some(AMQPValue::FieldArray(all)) => match all.as_slice().first() {
                Some(AMQPValue::LongString(text)) => text.to_string(),
                _ => String::new(),
            },
            _ => String::new(),
        };
        Ok(Message {
            exchange: text(header("exchange_name")),
            key: text(header("routing_keys")),
            around: format!("{:?} {:?}", delivery.routing_key, delivery.properties),
            body: delivery.data,
        })
    }

    /// Publishes something where a message went.
    pub(crate) async fn say(&self, to: &Message, body: &[u8]) -> Result<()> {
        let (exchange, key) = (to.exchange.as_str().into(), to.key.as_str().into());
        let (options, plain) = (BasicPublishOptions::default(), BasicProperties::default());
        let confirm = self
            .channel
            .basic_publish(exchange, key, options, body, plain);
        confirm.await?;
        Ok(())
    }

    /// All messages until nothing more comes.
    pub(crate) async fn close(mut self) -> Result<Vec<Message>> {
        let mut messages = Vec::new();
        while let Ok(message) = timeout(Duration::from_secs(1), self.next()).await {
            messages.push(message?);
        }
        Ok(messages)
    }
}
