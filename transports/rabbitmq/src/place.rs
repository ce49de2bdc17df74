//! Where the broker is and how it is to be used, out of an `amqp://` address.

use std::{env, fmt, fs, time::Duration};

use lapin::{
    tcp::RustlsConnector,
    uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo, SASLMechanism},
};
use skyscan_transport::{Result, TransportError};
use url::{Host, Url};

use crate::{
    NAME,
    tls::{TlsError, TlsFiles},
};

/// The password itself; second choice after the address.
const PASSWORD: &str = "SKYSCAN_AMQP_PASSWORD";
/// Path of a file whose first line is the password; third choice.
const PASSWORD_FILE: &str = "SKYSCAN_AMQP_PASSWORD_FILE";

/// Largest AMQP frame on the connection of one link, the smallest that RabbitMQ takes.
const LINK_FRAME_BYTES: u32 = 8192;

/// A broker, and the namespace within it where hubs and links meet.
#[derive(Clone)]
pub(crate) struct Place {
    uri: AMQPUri,
    /// What its connections are sealed with, with `amqps://`.
    tls_files: TlsFiles,
    /// The same, read.
    pub(crate) tls: Option<RustlsConnector>,
    pub(crate) namespace: String,
    pub(crate) queues: QueueKind,
    /// Whether messages are written to disk before the broker confirms them.
    pub(crate) persistent: bool,
    /// How long `open_hub` waits for the broker.
    pub(crate) patience: Duration,
    /// Whether each link has a connection of its own.
    pub(crate) own_connections: bool,
}

/// What holds the tasks and results at the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueKind {
    /// One node holds each queue.
    Classic,
    /// A majority of the broker's nodes holds each queue.
    Quorum,
}

/// Why an address cannot be used. Never shows it whole: it may hold a password.
#[derive(Debug, thiserror::Error)]
enum PlaceError {
    #[error(
        "it is no address; in user, password and virtual host all but letters, digits and -._~ is \
         percent-encoded (`/` as %2F, `#` as %23, `@` as %40, `%` as %25), or leave the password out \
         and set {PASSWORD}"
    )]
    Syntax(#[source] url::ParseError),
    #[error(
        "it holds a raw `{0}` in user, password or virtual host, where it is percent-encoded (`/` as \
         %2F, `#` as %23, `?` as %3F, `@` as %40, `%` as %25); or leave the password out and set \
         {PASSWORD}"
    )]
    Raw(char),
    #[error("port 0 is one that no broker listens at")]
    AnyPort,
    #[error("its scheme is `{0}`, not `amqp` or `amqps`")]
    Scheme(String),
    #[error("its options `ca`, `certificate` and `key` go with amqps://")]
    NoTls,
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("it names no host")]
    NoHost,
    #[error("its user, password or virtual host is no percent-encoded UTF-8")]
    Encoding,
    #[error("its option `{0}` is unknown")]
    UnknownOption(String),
    #[error("its option `{option}` cannot be `{given}`, but {allowed}")]
    Option {
        option: &'static str,
        given: String,
        allowed: &'static str,
    },
    #[error("failed to read the password file {path}")]
    PasswordFile {
        path: String,
        #[source]
        source: std::io::Error,
    },
}

impl Place {
    /// The same, with the files that it names: from here on it can be connected to.
    pub(crate) fn ready(mut self) -> Result<Self> {
        if self.uri.scheme == AMQPScheme::AMQPS {
            let connector = self.tls_files.connector().map_err(PlaceError::Tls);
            self.tls = Some(connector.map_err(not_understood)?);
        }
        Ok(self)
    }

    /// Reads `amqp://user@host:port/vhost?option=value`.
    pub(crate) fn parse(address: &str) -> Result<Self> {
        // Empty means unset: compose files say `${SKYSCAN_AMQP_PASSWORD:-}`.
        let read = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        Self::parse_with(address, &read).map_err(not_understood)
    }

    fn parse_with(
        address: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, PlaceError> {
        let url = Url::parse(address).map_err(PlaceError::Syntax)?;
        let scheme = match url.scheme() {
            "amqp" => AMQPScheme::AMQP,
            "amqps" => AMQPScheme::AMQPS,
            other => return Err(PlaceError::Scheme(other.to_owned())),
        };
        // A raw `#`, `?` or `/` in a password ends the part that it stands in; what was meant to be the
        // host is then found behind it. A port made of the beginning of a password would be tried.
        if url.fragment().is_some() {
            return Err(PlaceError::Raw('#'));
        }
        if url.path().contains('@') {
            return Err(PlaceError::Raw('/'));
        }
        if url.query().is_some_and(|query| query.contains('@')) {
            return Err(PlaceError::Raw('?'));
        }
        if url.port() == Some(0) {
            return Err(PlaceError::AnyPort);
        }
        // A URL has an IPv6 address in brackets, and the system's resolver has it without.
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => String::new(),
        };
        if host.is_empty() {
            return Err(PlaceError::NoHost);
        }
        let default_port = if scheme == AMQPScheme::AMQPS {
            5671
        } else {
            5672
        };
        let username = match url.username() {
            "" => "guest".to_owned(),
            given => decode(given)?,
        };
        let password = match url.password() {
            Some(given) => decode(given)?,
            None => password(environment)?.unwrap_or_else(|| "guest".to_owned()),
        };
        // The first slash belongs to the address, the rest to the name.
        let vhost = match url.path().strip_prefix('/').unwrap_or_default() {
            "" => "/".to_owned(),
            given => decode(given)?,
        };
        let mut place = Self {
            uri: AMQPUri {
                scheme,
                authority: AMQPAuthority {
                    userinfo: AMQPUserInfo { username, password },
                    host,
                    port: url.port().unwrap_or(default_port),
                },
                vhost,
                query: AMQPQueryString {
                    heartbeat: Some(20),
                    connection_timeout: Some(10_000),
                    auth_mechanism: Some(SASLMechanism::Plain),
                    ..AMQPQueryString::default()
                },
            },
            tls_files: TlsFiles::default(),
            tls: None,
            namespace: "skyscan".to_owned(),
            queues: QueueKind::Classic,
            persistent: false,
            patience: Duration::from_secs(30),
            own_connections: false,
        };
        let mut files = TlsFiles::default();
        for (option, given) in url.query_pairs() {
            match option.as_ref() {
                "ca" => files.ca = Some(given.as_ref().into()),
                "certificate" => files.certificate = Some(given.as_ref().into()),
                "key" => files.key = Some(given.as_ref().into()),
                _ => place.set(&option, given.into_owned())?,
            }
        }
        if place.uri.scheme == AMQPScheme::AMQP && !files.is_empty() {
            return Err(PlaceError::NoTls);
        }
        place.tls_files = files;
        Ok(place)
    }

    fn set(&mut self, option: &str, given: String) -> Result<(), PlaceError> {
        let refuse = |option, given, allowed| PlaceError::Option {
            option,
            given,
            allowed,
        };
        match option {
            "queue" => match given.as_str() {
                "classic" => self.queues = QueueKind::Classic,
                "quorum" => (self.queues, self.persistent) = (QueueKind::Quorum, true),
                _ => return Err(refuse("queue", given, "`classic` or `quorum`")),
            },
            "delivery" => match given.as_str() {
                "transient" if self.queues == QueueKind::Classic => self.persistent = false,
                "persistent" => self.persistent = true,
                _ => {
                    let allowed = "`transient` (classic queues only) or `persistent`";
                    return Err(refuse("delivery", given, allowed));
                }
            },
            "namespace" => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
                if given.is_empty() || given.len() > 64 || !given.bytes().all(plain) {
                    let allowed = "up to 64 letters, digits, `-` and `_`";
                    return Err(refuse("namespace", given, allowed));
                }
                self.namespace = given;
            }
            "heartbeat" => match given.parse::<u16>() {
                Ok(seconds @ 1..=3600) => self.uri.query.heartbeat = Some(seconds),
                _ => return Err(refuse("heartbeat", given, "1 to 3600 seconds")),
            },
            "connections" => match given.as_str() {
                "shared" => self.own_connections = false,
                "own" => self.own_connections = true,
                _ => return Err(refuse("connections", given, "`shared` or `own`")),
            },
            "patience" => match given.parse::<u16>() {
                Ok(seconds) => self.patience = Duration::from_secs(seconds.into()),
                Err(_) => return Err(refuse("patience", given, "a number of seconds")),
            },
            other => return Err(PlaceError::UnknownOption(other.to_owned())),
        }
        Ok(())
    }

    /// Who logs in.
    pub(crate) fn user(&self) -> &str {
        &self.uri.authority.userinfo.username
    }

    /// The broker's host, as its certificate names it.
    pub(crate) fn host(&self) -> &str {
        &self.uri.authority.host
    }

    /// Where at the broker.
    pub(crate) fn vhost(&self) -> &str {
        &self.uri.vhost
    }

    /// What lapin connects to. Holds the password: never to be shown.
    pub(crate) fn uri(&self) -> AMQPUri {
        self.uri.clone()
    }

    /// The same for the connection of one link. lapin makes room for 64 frames of the largest size
    /// with each connection, 8 MiB unless it is told otherwise; larger messages are split.
    pub(crate) fn uri_of_a_link(&self) -> AMQPUri {
        let mut uri = self.uri.clone();
        uri.query.frame_max = Some(LINK_FRAME_BYTES);
        uri
    }
}

/// The address without its password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPAuthority {
            userinfo,
            host,
            port,
        } = &self.uri.authority;
        let (scheme, user) = (&self.uri.scheme, &userinfo.username);
        let vhost = self.uri.vhost.replace('/', "%2f");
        match host.contains(':') {
            true => write!(f, "{scheme}://{user}@[{host}]:{port}/{vhost}"),
            false => write!(f, "{scheme}://{user}@{host}:{port}/{vhost}"),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self} {} {:?})", self.namespace, self.queues)
    }
}

fn not_understood(source: PlaceError) -> TransportError {
    TransportError::Backend {
        transport: NAME,
        action: "understand the broker's address".into(),
        transient: false,
        source: Box::new(source),
    }
}

fn password(environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>, PlaceError> {
    if let Some(password) = environment(PASSWORD) {
        return Ok(Some(password));
    }
    let Some(path) = environment(PASSWORD_FILE) else {
        return Ok(None);
    };
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.lines().next().unwrap_or_default().to_owned())),
        Err(source) => Err(PlaceError::PasswordFile { path, source }),
    }
}

fn decode(text: &str) -> Result<String, PlaceError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = rest.next().and_then(|byte| char::from(byte).to_digit(16));
            digit.ok_or(PlaceError::Encoding)
        };
        bytes.push((digit()? * 16 + digit()?) as u8);
    }
    String::from_utf8(bytes).map_err(|_| PlaceError::Encoding)
}

#[cfg(test)]
mod tests {
    use super::{Place, PlaceError, QueueKind};

    fn parse(address: &str) -> Result<Place, PlaceError> {
        Place::parse_with(address, &|_| None)
    }

    #[test]
    fn reads_every_part_of_an_address() {
        let place =
            parse("amqp://me:p%40ss@broker.example:5673/sky%2fsouth?queue=quorum&namespace=x")
                .expect("it is well formed");
        let uri = place.uri();
        assert_eq!(uri.authority.userinfo.password, "p@ss");
        assert_eq!(
            (uri.vhost.as_str(), uri.authority.port),
            ("sky/south", 5673)
        );
        assert_eq!(place.queues, QueueKind::Quorum);
        assert!(place.persistent && place.namespace == "x");
    }

    #[test]
    fn the_default_virtual_host_is_a_slash() {
        for address in ["amqp://host", "amqp://host/", "amqp://host/%2f"] {
            let place = parse(address).expect("it is well formed");
            assert_eq!(place.uri().vhost, "/", "{address}");
        }
    }

    #[test]
    fn an_ipv6_address_is_resolved_without_its_brackets_and_shown_with_them() {
        let place = parse("amqp://me@[::1]:5673/").expect("it is well formed");
        assert_eq!(place.uri().authority.host, "::1");
        assert_eq!(place.to_string(), "amqp://me@[::1]:5673/%2f");
    }

    #[test]
    fn only_the_first_slash_is_not_part_of_the_virtual_host() {
        let place = parse("amqp://me@host//x").expect("it is well formed");
        assert_eq!(place.uri().vhost, "/x");
        let place = parse("amqp://me@host/x/y").expect("it is well formed");
        assert_eq!(place.uri().vhost, "x/y");
    }

    #[test]
    fn a_raw_special_character_in_a_password_is_told_to_be_percent_encoded() {
        for address in [
            "amqp://me:pa/ss@host/v",
            "amqp://me:12/34@host/v",
            "amqp://me:pa#ss@host/v",
            "amqp://me:12#34@host/v",
            "amqp://me:pa?ss@host/v",
            "amqp://me:12?34@host/v",
            "amqp://me:50%@host/v",
        ] {
            let error = parse(address).expect_err(address).to_string();
            assert!(error.contains("percent-encoded"), "{address}: {error}");
        }
        let place = parse("amqp://me:p%2f%23%3f%40%25@host/v").expect("it is well formed");
        assert_eq!(place.uri().authority.userinfo.password, "p/#?@%");
        assert!(matches!(parse("amqp://h:0"), Err(PlaceError::AnyPort)));
    }

    #[test]
    fn never_shows_the_password() {
        let place = parse("amqp://me:canary@host/v").expect("it is well formed");
        assert!(!format!("{place} {place:?}").contains("canary"));
        for address in [
            "amqp://me:canary@",
            "amqp://me:canary@h/?x=1",
            "http://me:canary@h",
        ] {
            let error = Place::parse(address).expect_err("it is not well formed");
            assert!(
                !format!("{error} {error:?}").contains("canary"),
                "{error:?}"
            );
        }
    }

    #[test]
    fn takes_the_password_from_the_environment_when_the_address_has_none() {
        let environment = |name: &str| (name == super::PASSWORD).then(|| "secret".to_owned());
        let of = |address| {
            let place = Place::parse_with(address, &environment).expect("it is well formed");
            place.uri().authority.userinfo.password
        };
        assert_eq!(of("amqp://me@host"), "secret");
        assert_eq!(of("amqp://me:own@host"), "own");
    }

    #[test]
    fn takes_the_password_from_a_file() {
        let path = std::env::temp_dir().join(format!("skyscan-password-{}", std::process::id()));
        std::fs::write(&path, "from a file\n").expect("the folder is writable");
        let shown = path.display().to_string();
        let environment = |name: &str| (name == super::PASSWORD_FILE).then(|| shown.clone());
        let place = Place::parse_with("amqp://me@host", &environment);
        std::fs::remove_file(&path).expect("it was written");
        let password = place
            .expect("it is well formed")
            .uri()
            .authority
            .userinfo
            .password;
        assert_eq!(password, "from a file");
    }

    #[test]
    fn files_of_tls_go_with_tls_and_make_sense() {
        let file = std::env::temp_dir().join(format!("skyscan-no-pem-{}", std::process::id()));
        std::fs::write(&file, "canary").expect("the folder is writable");
        let (file, nowhere) = (file.display(), "/nowhere/ca.pem");
        for (address, words) in [
            (format!("amqp://me@host/?ca={file}"), "go with amqps://"),
            (format!("amqps://me@host/?ca={nowhere}"), nowhere),
            (format!("amqps://me@host/?ca={file}"), "Senseless"),
            (format!("amqps://me@host/?certificate={file}"), "Half"),
        ] {
            let error = parse(&address)
                .map_err(|error| error.to_string())
                .and_then(|place| place.ready().map_err(|error| format!("{error:?}")));
            let error = error.expect_err(&address);
            assert!(
                error.contains(words) && !error.contains("canary"),
                "{error}"
            );
        }
        std::fs::remove_file(file.to_string()).expect("it was written");
    }

    #[test]
    fn refuses_options_that_it_does_not_know() {
        assert!(matches!(
            parse("amqp://h?quue=quorum"),
            Err(PlaceError::UnknownOption(_))
        ));
        for address in ["amqp://h?queue=lazy", "amqp://h?connections=many"] {
            assert!(matches!(parse(address), Err(PlaceError::Option { .. })));
        }
        assert!(matches!(parse("zmq://h"), Err(PlaceError::Scheme(_))));
    }
}
