//! A service that is asked from elsewhere: where it is, and how it is spoken to. One file a subcommand.

mod cancel;
mod form;
mod result;
mod status;
mod submit;
mod table;
mod token;
mod watch;

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use skyscan_service::scan::{Contour, Progress, Scan, ScanName};
use ureq::http::{Method, Response};
use ureq::{Agent, Body};

use super::{FAILED, Failure, bad_input, failed, tell};
use crate::transport::keys;

pub(super) use {cancel::run as cancel, result::run as result, status::run as status};
pub(super) use {submit::run as submit, token::run as token, watch::run as watch};

/// Arguments of the subcommands.
pub(super) mod arguments {
    pub(in crate::cli) use super::cancel::Arguments as Cancel;
    pub(in crate::cli) use super::result::Arguments as Result;
    pub(in crate::cli) use super::status::Arguments as Status;
    pub(in crate::cli) use super::submit::Arguments as Submit;
    pub(in crate::cli) use super::token::Command as Token;
    pub(in crate::cli) use super::watch::Arguments as Watch;
}

/// How long a service may take to answer what it can answer at once.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may be away while somebody waits for the end of a scan ...
const AWAY: Duration = Duration::from_secs(300);
/// ... who asks again so often.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest answer that is read as a whole: a result with its outlines has less than a megabyte.
const MOST_BYTES: u64 = 64 << 20;

/// Which service, and as whom.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ServerArguments {
    /// Where the service is
    #[arg(
        long,
        value_name = "URL",
        env = "SKYSCAN_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    server: String,
    /// File with the token to bring: on the machine of the service that is admin-token in its --data
    #[arg(
        long,
        value_name = "FILE",
        env = "SKYSCAN_TOKEN_FILE",
        hide_env_values = true
    )]
    token_file: Option<PathBuf>,
}

/// A service that can be asked.
struct Service {
    agent: Agent,
    /// Without a slash at its end.
    url: String,
    token: Option<String>,
}

/// How a scan stands.
#[derive(Debug, Deserialize)]
struct Standing {
    scan: Scan,
    progress: Option<Progress>,
    contour: Option<Contour>,
}

impl ServerArguments {
    fn service(&self) -> Result<Service, Failure> {
        let url = self.server.trim_end_matches('/').to_owned();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(bad_input(anyhow!(
                "--server {url:?} is no http:// or https:// URL"
            )));
        }
        let read = |file: &Path| keys::read_secret(file).map(|token| token.to_string());
        let token = self.token_file.as_deref().map(read);
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(PATIENCE));
        if url.starts_with("https://") {
            config = config.tls_config(skyscan_service::tls::config());
        }
        Ok(Service {
            agent: config.build().into(),
            url,
            token: token.transpose().map_err(bad_input)?,
        })
    }
}

impl Service {
    /// Asks; waits as long as `patience` for the whole answer, or for ever.
    fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
        patience: Option<Duration>,
    ) -> Result<Response<Body>, Failure> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/api/v1/{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {}", token));
        }
        let answered = match body {
            None => {
                let request = request.body(()).map_err(bad_input)?;
                let request = self.agent.configure_request(request);
                self.agent.run(request.timeout_global(patience).build())
            }
            Some((kind, body)) => {
                let request = request.header("content-type", kind);
                let request = request.body(body).map_err(bad_input)?;
                let request = self.agent.configure_request(request);
                self.agent.run(request.timeout_global(patience).build())
            }
        };
        let mut answer = answered
            .with_context(|| {
                format!(
                    "no service answers at {}: is skyscan serve running there? --server says where it is",
                    self.url
                )
            })
            .map_err(failed)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let problem: Option<Value> = answer.body_mut().read_json().ok();
        let detail = problem
            .as_ref()
            .and_then(|problem| problem["detail"].as_str());
        let detail = match detail {
            Some(detail) => detail.to_owned(),
            None => format!("{} answers {status}: is that a skyscan service?", self.url),
        };
        let error = match (status.as_u16(), &self.token) {
            (401, None) => anyhow!(
                "the service at {} wants a token: --token-file (or SKYSCAN_TOKEN_FILE) names a file with one, on its own \
                 machine admin-token in its --data",
                self.url
            ),
            (401, Some(_)) => anyhow!(
                "the service at {} does not know this token: skyscan token makes one there",
                self.url
            ),
            _ => anyhow!(detail),
        };
        // The other half of the errors is the service's.
        Err(match status.is_client_error() {
            true => bad_input(error),
            false => failed(error),
        })
    }

    fn json<T: DeserializeOwned>(&self, mut answer: Response<Body>) -> Result<T, Failure> {
        let body = answer.body_mut().with_config().limit(MOST_BYTES);
        body.read_json()
            .with_context(|| format!("what {} answers is not understood", self.url))
            .map_err(failed)
    }

    /// Asks again and again while the service is away: one that is started again goes on, and so do those who wait.
    #[expect(
        clippy::disallowed_methods,
        reason = "what is away tells nobody that it is back"
    )]
    fn patiently<T>(&self, ask: impl Fn() -> Result<T, Failure>) -> Result<T, Failure> {
        let until = Instant::now() + AWAY;
        let mut is_told = false;
        loop {
            match ask() {
                Err(failure) if failure.code == FAILED && Instant::now() < until => {
                    if !is_told {
                        let (error, minutes) = (failure.error, AWAY.as_secs() / 60);
                        tell(&format!("{error}; asked again for {minutes} minutes"));
                        is_told = true;
                    }
                    std::thread::sleep(PAUSE);
                }
                done => return done,
            }
        }
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer = self.ask(Method::GET, path, None, Some(PATIENCE))?;
        self.json(answer)
    }

    /// What comes at this path, as it comes.
    fn stream(&self, path: &str) -> Result<BufReader<ureq::BodyReader<'static>>, Failure> {
        let answer = self.ask(Method::GET, path, None, None)?;
        Ok(BufReader::new(answer.into_body().into_reader()))
    }

    /// Waits until a scan has ended.
    fn wait(&self, id: &ScanName) -> Result<Scan, Failure> {
        let path = format!("scans/{id}/wait?seconds=60");
        let wait = || self.json(self.ask(Method::GET, &path, None, Some(4 * PATIENCE))?);
        loop {
            let standing: Standing = self.patiently(wait)?;
            if standing.scan.state.is_end() {
                return Ok(standing.scan);
            }
        }
    }
}
