//! The pair of connections: a broker in trouble stops reading those that publish, and must not
//! stop acknowledgements with them. A link with a connection of its own has just the one.

use std::{io, iter, sync::Arc};

use async_rs::{
    Runtime,
    traits::{Reactor, RuntimeKit},
};
use futures::{StreamExt, future::join_all};
use lapin::{
    Channel, Connection, ConnectionProperties, Error, ErrorKind, Event, ExchangeKind,
    options::{
        ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
    },
    tcp::{AMQPUriTcpExt, AsyncTcpStream, RustlsConnector},
    types::FieldTable,
    uri::{AMQPScheme, AMQPUri},
};

use super::names::Names;
use crate::process::Process;

pub(super) struct Connections {
    publishing: Connection,
    /// None where the other one does both.
    consuming: Option<Connection>,
    /// Confirms are on.
    pub(super) publisher: Channel,
}

impl Connections {
    /// Connects, and declares what the whole place shares.
    pub(super) async fn open(process: &Process) -> Result<Self, Error> {
        let connect = |purpose: &str| {
            let name = format!("skyscan {:016x} {purpose}", process.id);
            let properties = ConnectionProperties::default()
                .with_connection_name(name.into())
                // Both are what makes the broker tell that it is in trouble.
                .with_client_property("product".into(), "skyscan".into());
            let uri = match process.own {
                true => process.place.uri_of_a_link(),
                false => process.place.uri(),
            };
            let tls = process.place.tls.clone();
            async move {
                let runtime = lapin::runtime::default_runtime()?;
                let dial =
                    async move |uri: AMQPUri, runtime| dial(uri, tls.as_ref(), &runtime).await;
                Connection::connector(uri, runtime, dial, properties).await
            }
        };
        let publishing = connect("publishing").await?;
        let consuming = match process.own {
            true => None,
            false => Some(connect("consuming").await?),
        };
        let publisher = publishing.create_channel().await?;
        publisher
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        let names = Names(&process.place);
        for exchange in [names.hubs(), names.links(), names.dead()] {
            let options = ExchangeDeclareOptions {
                durable: true,
                ..ExchangeDeclareOptions::default()
            };
            publisher
                .exchange_declare(
                    exchange,
                    ExchangeKind::Fanout,
                    options,
                    FieldTable::default(),
                )
                .await?;
        }
        let options = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        publisher
            .queue_declare(names.dead(), options, Names::refused())
            .await?;
        let nothing = (QueueBindOptions::default(), FieldTable::default());
        publisher
            .queue_bind(names.dead(), names.dead(), "".into(), nothing.0, nothing.1)
            .await?;
        Ok(Self {
            publishing,
            consuming,
            publisher,
        })
    }

    /// The connection to consume from.
    pub(super) fn consuming(&self) -> &Connection {
        self.consuming.as_ref().unwrap_or(&self.publishing)
    }

    pub(super) fn n_open(&self) -> u32 {
        1 + u32::from(self.consuming.is_some())
    }

    /// Waits until either connection breaks; tells meanwhile whether the broker takes messages.
    pub(super) async fn watch(&self, process: &Process) -> Error {
        let mut publishing = self.publishing.events_listener();
        let mut consuming = self.consuming().events_listener();
        loop {
            let event = tokio::select! {
                event = publishing.next() => event,
                event = consuming.next() => event,
            };
            match event {
                Some(Event::ConnectionBlocked(reason)) => {
                    tracing::warn!(place = %process.place, %reason, "the broker takes no messages");
                    process.told.shared.blocked.set(1);
                    process.with(|state, now| state.set_blocked(true, now));
                }
                Some(Event::ConnectionUnblocked) => {
                    tracing::info!(place = %process.place, "the broker takes messages again");
                    process.told.shared.blocked.set(0);
                    process.with(|state, now| state.set_blocked(false, now));
                    process.deadlines.notify_one();
                }
                Some(Event::Error(error)) => return error,
                Some(_) => {}
                None => return broken(),
            }
        }
    }

    /// Says goodbye, as far as that is possible.
    pub(super) async fn close(self) {
        let both = iter::once(self.publishing).chain(self.consuming);
        let closing =
            both.map(|connection| async move { connection.close(200, "done".into()).await });
        for error in join_all(closing).await.into_iter().filter_map(Result::err) {
            tracing::debug!(%error, "a connection was not closed in good order");
        }
    }
}

/// A connection to the broker's machine, sealed if it is to be.
async fn dial<K: RuntimeKit + Send + Sync>(
    uri: AMQPUri,
    tls: Option<&RustlsConnector>,
    runtime: &Runtime<K>,
) -> Result<AsyncTcpStream<<K as Reactor>::TcpStream>, Error> {
    let failed = |error: io::Error| Error::from(ErrorKind::IOError(Arc::new(error)));
    let host = uri.authority.host.clone();
    // lapin would choose itself whom to believe.
    let plain = AMQPUri {
        scheme: AMQPScheme::AMQP,
        ..uri
    };
    let stream = plain.connect_async(runtime).await.map_err(failed)?;
    match tls {
        Some(tls) => stream.into_rustls(tls, &host).await.map_err(failed),
        None => Ok(stream),
    }
}

/// What is said of a connection that ended without an error.
pub(super) fn broken() -> Error {
    ErrorKind::IOError(Arc::new(std::io::ErrorKind::ConnectionAborted.into())).into()
}
