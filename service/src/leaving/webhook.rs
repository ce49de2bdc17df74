//! The webhook: letters are posted to a URL of the operator's.
//!
//! ```text
//! POST /hook HTTP/1.1
//! Content-Type: application/json
//! Skyscan-Delivery: 5f0c…                       the letter's id, the same at each attempt
//! Skyscan-Signature: t=1790000000,v1=9a1b…      seconds since 1970, and HMAC-SHA256 over "t.body" in hex
//!
//! {"moment": "final", "scan": …, "contour": …, "result": …}
//! ```
//!
//! A receiver checks the signature in constant time, refuses a `t` that is minutes old, and does
//! nothing for an id that it has seen. Any 2xx takes the letter; 410 refuses it for good; whatever
//! else, redirects among them, means that it is tried again. `Retry-After` is honoured, up to an
//! hour.

mod secret;

use std::fmt::{self, Debug, Formatter};
use std::io::Read;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER, USER_AGENT};
use ureq::http::{HeaderMap, Response, StatusCode, Uri};
use ureq::{Agent, Body};

use crate::doors::{Stop, quoted};

use super::{NotDelivered, Outgoing, Receiver};

pub use secret::Secret;

/// Bytes of an answer that are read.
const MOST_ANSWER: u64 = 1024;
/// Bytes of all its headers.
const MOST_HEADERS: usize = 16 << 10;

/// Posts letters to a URL.
pub struct Webhook {
    url: Uri,
    /// What stands in the log: the URL may hold passwords and tokens.
    shown: String,
    authorization: Option<String>,
    secret: Secret,
    agent: Agent,
}

/// Why there is no webhook. Nothing of the URL is shown but its host.
#[derive(Debug, thiserror::Error)]
pub enum BadWebhook {
    /// It is no URL of the web.
    #[error("the webhook's URL is none: http://HOST/... or https://HOST/... is wanted")]
    Url,
    /// The secret cannot be read.
    #[error("cannot read the webhook's secret from {0}: {1}")]
    Unreadable(String, #[source] std::io::Error),
    /// The secret is too short.
    #[error(
        "the webhook's secret in {0} is shorter than {1} bytes; `openssl rand -hex 32` makes a good one"
    )]
    Short(String, usize),
}

impl Webhook {
    /// How long an attempt may take if nothing else is wanted.
    pub const PATIENCE: Duration = Duration::from_secs(10);

    /// A webhook at this URL; `user:password@` in it is sent as basic authentication. Certificates
    /// are checked against those that the system trusts, or `SSL_CERT_FILE`.
    ///
    /// # Errors
    /// If it is no URL.
    pub fn new(url: &str, secret: Secret, patience: Duration) -> Result<Self, BadWebhook> {
        let uri: Uri = url.parse().map_err(|_| BadWebhook::Url)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(BadWebhook::Url);
        };
        if !["http", "https"].contains(&scheme) || authority.host().is_empty() {
            return Err(BadWebhook::Url);
        }
        let user = authority.as_str().rsplit_once('@').map(|(user, _)| user);
        let authorization = user.map(|user| format!("Basic {}", STANDARD.encode(decoded(user))));
        let port = authority
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        let host = format!("{}{port}", authority.host());
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let bare = format!("{scheme}://{host}{path}");
        let config = Agent::config_builder()
            .timeout_global(Some(patience))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MOST_HEADERS);
        let config = if scheme == "https" {
            config.tls_config(crate::tls::config())
        } else {
            config
        };
        Ok(Self {
            url: bare.parse().map_err(|_| BadWebhook::Url)?,
            shown: format!("{scheme}://{host}"),
            authorization,
            secret,
            agent: config.build().into(),
        })
    }

    /// Its scheme and host, for the log.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// Without what the URL may hold.
impl Debug for Webhook {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Webhook").field(&self.shown).finish()
    }
}

impl Receiver for Webhook {
    fn name(&self) -> &str {
        "webhook"
    }

    fn hand_over(&self, letter: &Outgoing, _stop: &Stop) -> Result<(), NotDelivered> {
        let signature = self.secret.signature(now_s(), &letter.body);
        let mut request = self
            .agent
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("skyscan/", env!("CARGO_PKG_VERSION")))
            .header("Skyscan-Delivery", &letter.id)
            .header("Skyscan-Signature", signature);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let sent = request.send(&letter.body);
        let mut answer = sent.map_err(|error| {
            // Errors of the library may quote the URL.
            let error = error
                .to_string()
                .replace(&self.url.to_string(), &self.shown);
            NotDelivered::now(format!("{}: {error}", self.shown))
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let why = format!("{} answered {status}{}", self.shown, said(&mut answer));
        if status == StatusCode::GONE {
            return Err(NotDelivered::Ever(why));
        }
        Err(NotDelivered::Now {
            why,
            wait: retry_after(answer.headers()),
        })
    }
}

/// What there is to know of an answer beside its status.
fn said(answer: &mut Response<Body>) -> String {
    if answer.status().is_redirection() {
        let to = answer.headers().get(LOCATION);
        let to = to.and_then(|to| {
            to.to_str()
                .ok()?
                .parse::<Uri>()
                .ok()?
                .host()
                .map(str::to_owned)
        });
        let to = to.map_or_else(String::new, |host| format!(" to {}", host.escape_debug()));
        return format!(": a redirect{to}, which is not followed; give the URL that it leads to");
    }
    let mut text = Vec::new();
    let reader = answer.body_mut().as_reader();
    // What there is has to do.
    let _broken = reader.take(MOST_ANSWER).read_to_end(&mut text);
    match text.trim_ascii() {
        [] => String::new(),
        text => format!(": {}", quoted(text)),
    }
}

/// How long the receiver wants to be left alone: so many seconds, or until a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let date_s = date.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(Duration::from_secs(date_s.saturating_sub(now_s())))
}

#[expect(
    clippy::disallowed_methods,
    reason = "receivers refuse old letters; it enters no result"
)]
fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// A user and password as they were before they were written into a URL.
fn decoded(user: &str) -> Vec<u8> {
    let mut bytes = user.as_bytes().iter();
    let mut decoded = Vec::new();
    while let Some(&byte) = bytes.next() {
        let rest = bytes.as_slice();
        let escaped = rest.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(escaped) if byte == b'%' => {
                decoded.push(escaped);
                bytes.nth(1);
            }
            _ => decoded.push(byte),
        }
    }
    decoded
}
