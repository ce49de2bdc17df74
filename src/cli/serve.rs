//! `skyscan serve`

mod engine;
mod staff;
mod telling;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::iter;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use skyscan_service::arriving::{AlertProgram, WatchedFolder};
use skyscan_service::doors::{Pace, Program};
use skyscan_service::leaving::{Outbox, Receiver, Secret, TellProgram, Webhook};
use skyscan_service::tokens::ADMIN_FILE;
use skyscan_service::{Config, DeskConfig, Held, Service};
use tokio::sync::watch;

use super::access::AccessArguments;
use super::attendance;
use super::guard;
use super::input::DetectorArguments;
use super::interrupt::on_interrupt;
use super::log::LogArguments;
use super::metrics::{MetricsArguments, address};
use super::number::from_one;
use super::place::PlaceArguments;
use super::{Failure, bad_input, failed, tell};
use crate::actors::attendance::Attended;
use crate::transport::{self, is_loopback};
use engine::{ScanEngine, Scans};

/// The file of a scan with its answer for people.
pub(super) const ANSWER: &str = "answer.txt";
/// Where it is kept what was told, and which files of the watched folder were brought. Not the catalogue, which can be
/// made again and is, where it is damaged.
const DOORS: &str = "doors.sqlite";

/// Take alerts, scan them on whatever workers are connected, and show and tell what comes of them
///
/// Prints the address of its page, which has a token for this machine's user. Alerts come in by the page, by
/// skyscan submit, by a watched folder, and from a program; answers go out to a webhook and a program at the
/// preliminary contour, when it is stable, and at the end. All scans share the workers, here and elsewhere; an
/// urgent one takes the next free slot everywhere. Killed at any moment and started again, it goes on.
/// Ctrl-C or SIGTERM ends it in good order: what runs goes on at the next start (docs/service.md).
///
/// Example: skyscan serve --data scans
///
/// Example: skyscan serve --data scans --transport zmqs://0.0.0.0:5555 --keys keys --workers 0 --watch alerts
/// --webhook https://chat.example/hook --webhook-secret-file secret
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder of the service: every scan with its event, journal and results, and the catalogue; made if there is none
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where the page and the interface are served: a port for this machine alone, or an address; others than loopback
    /// are plain HTTP and need --insecure, or, better, a reverse proxy with TLS on this machine
    #[arg(long, value_name = "ADDR", default_value = "8080", value_parser = address)]
    http: SocketAddr,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    detector: DetectorArguments,
    /// Scans that run at once; others wait, urgent ones do not
    #[arg(long, value_name = "N", default_value = "4", value_parser = from_one::<NonZeroUsize>)]
    running: NonZeroUsize,
    /// Remove scans so many days after their end [default: keep all]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    keep: Option<u32>,
    /// Scan every event file that comes into this folder; whoever writes slowly writes NAME.part and renames it
    #[arg(long, value_name = "DIR")]
    watch: Option<PathBuf>,
    /// Scan what this program brings: a JSON object a line on its standard output, with path, event or event_base64,
    /// and if wanted settings and priority; started again when it ends
    #[arg(long, value_name = "COMMAND")]
    alerts_from: Option<String>,
    /// Post what is found to this URL, signed, again and again until it is taken
    #[arg(
        long,
        value_name = "URL",
        requires = "webhook_secret_file",
        env = "SKYSCAN_WEBHOOK",
        hide_env_values = true
    )]
    webhook: Option<String>,
    /// File with the secret that posts are signed with (HMAC-SHA256)
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_secret_file: Option<PathBuf>,
    /// Run this program for what is found, with JSON on its standard input; again if it fails
    #[arg(long, value_name = "COMMAND")]
    tell: Option<String>,
    #[command(flatten)]
    access: AccessArguments,
    #[command(flatten)]
    metrics: MetricsArguments,
    #[command(flatten)]
    pub(super) log: LogArguments,
}

/// Whether posts to this URL cross a network unsealed.
fn is_plain_beyond_here(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let name = match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_here = |address: IpAddr| address.is_loopback();
    name != "localhost" && !name.parse().is_ok_and(is_here)
}

/// A folder that the service writes into would bring what it writes.
fn check_watched(watched: &Path, data: &Path) -> Result<(), Failure> {
    let real = |path: &Path| {
        let shown = path.display();
        (path.canonicalize())
            .with_context(|| format!("cannot use {shown}"))
            .map_err(bad_input)
    };
    let (watched, data) = (real(watched)?, real(data)?);
    match watched.starts_with(&data) || data.starts_with(&watched) {
        false => Ok(()),
        true => Err(bad_input(anyhow!(
            "--watch {} and --data {} lie in one another: what the service writes would come in as alerts; choose another \
             folder",
            watched.display(),
            data.display()
        ))),
    }
}

impl Arguments {
    /// A program of the operator's, which ends with this one, however that ends.
    fn program(command: &str) -> Result<Program, Failure> {
        let program = Program::new(command).map_err(bad_input)?;
        let guard = guard::guard()?;
        let words = guard.arguments.into_iter().map(OsString::from);
        Ok(program.guarded_by(iter::once(guard.file.into_os_string()).chain(words)))
    }

    /// Those who are told what is found.
    fn receivers(&self) -> Result<Vec<Box<dyn Receiver>>, Failure> {
        let mut receivers: Vec<Box<dyn Receiver>> = Vec::new();
        if let (Some(url), Some(file)) = (&self.webhook, &self.webhook_secret_file) {
            if is_plain_beyond_here(url) && !self.access.is_insecure() {
                return Err(bad_input(anyhow!(
                    "what is posted to an http:// webhook on another machine can be read on the way: use https://, or, \
                     where the network is yours alone, say --insecure (or SKYSCAN_INSECURE=1)"
                )));
            }
            let secret = Secret::read(file).map_err(bad_input)?;
            receivers.push(Box::new(
                Webhook::new(url, secret, Webhook::PATIENCE).map_err(bad_input)?,
            ));
        }
        if let Some(command) = &self.tell {
            let program = Program::new(command).map_err(bad_input)?;
            receivers.push(Box::new(TellProgram::new(program, TellProgram::PATIENCE)));
        }
        Ok(receivers)
    }

    fn config(&self) -> Config {
        let days = |days| Duration::from_secs(86_400 * u64::from(days));
        let usual = Config::new(self.data.clone());
        Config {
            desk: DeskConfig {
                max_running: self.running.get(),
                keep: self.keep.map(days),
                ..usual.desk
            },
            watched: self.watch.clone(),
            ..usual
        }
    }

    fn listener(&self) -> Result<TcpListener, Failure> {
        let bound = TcpListener::bind(self.http)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        let advice = || {
            format!(
                "cannot serve at {}: choose another address with --http",
                self.http
            )
        };
        bound.with_context(advice).map_err(bad_input)
    }

    /// Says where people and workers come.
    fn say_where(&self, service: &Service, at: SocketAddr) -> Result<(), Failure> {
        // What is not read at a terminal is kept in files, where the token has no place.
        let door = match std::io::stderr().is_terminal() {
            true => service.admin_link(at).map_err(failed)?,
            false => {
                let token = self.data.join(ADMIN_FILE);
                format!("http://{at}/ (its token is in {})", token.display())
            }
        };
        tell(&format!("serve: {door}"));
        if !transport::is_local(&self.place.transport) {
            let way = self.place.way_for_workers(&self.access);
            tell(&format!("serve: {way}"));
        }
        Ok(())
    }

    fn check_door(&self) -> Result<(), Failure> {
        if is_loopback(self.http) || self.access.is_insecure() {
            return Ok(());
        }
        Err(bad_input(anyhow!(
            "tokens and results would cross the network in plain at {}: serve to this machine (--http {}) behind a reverse \
             proxy with TLS, or, where the network is yours alone, say --insecure (or SKYSCAN_INSECURE=1)",
            self.http,
            self.http.port()
        )))
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    arguments.check_door()?;
    let slots = arguments.place.slots()?;
    let detector = arguments.detector.read()?;
    let receivers = arguments.receivers()?;
    let alerts_from = arguments.alerts_from.as_deref();
    let alerts_from = alerts_from.map(Arguments::program).transpose()?;
    let insecure = arguments.access.is_insecure();
    arguments.metrics.serve("serve", insecure)?;
    // Nothing is begun, brought or told before it is known that nobody else has folder and port.
    let held = Held::take(&arguments.data).map_err(bad_input)?;
    if let Some(folder) = &arguments.watch {
        check_watched(folder, &arguments.data)?;
    }
    let listener = arguments.listener()?;
    let place = &arguments.place.transport;
    let transport = transport::open(place, &arguments.access.access()).map_err(bad_input)?;
    let book = attendance::book("serve", transport::is_local(place))?;
    let transport = Attended::around(transport, Arc::clone(&book));
    let (ask, mut asked) = watch::channel(false);
    on_interrupt(move || {
        // Nobody may be listening any more.
        let _ = ask.send(true);
    })?;
    let staff = staff::come(Arc::clone(&transport), NonZeroU16::new(slots))?;
    let engine = ScanEngine(Arc::new(Scans {
        transport,
        place: place.clone(),
        detector,
        book,
    }));
    let doors = arguments.data.join(DOORS);
    let outbox = Arc::new(outbox(&doors, receivers)?);
    let config = arguments.config();
    let service = Service::open(config, held, Arc::new(engine), outbox).map_err(failed)?;
    let folder = arguments.watch.as_deref();
    let watch = |folder| WatchedFolder::watch(folder, &doors, service.desk());
    let _folder = folder.map(watch).transpose().map_err(bad_input)?;
    let bring = |program| AlertProgram::run(program, Pace::default(), service.desk());
    let _program = alerts_from.map(bring).transpose().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.map_err(failed)?.block_on(async {
        arguments.say_where(&service, listener.local_addr().map_err(failed)?)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        let stop = async move {
            // Without a sender nobody can ask.
            let _ = asked.wait_for(|asked| *asked).await;
        };
        tokio::select! {
            () = service.serve(listener, stop) => Ok(()),
            broken = staff => Err(failed(broken)),
        }
    })?;
    tell("serve: ended; what was running goes on at the next start");
    Ok(0)
}

fn outbox(doors: &Path, receivers: Vec<Box<dyn Receiver>>) -> Result<Outbox, Failure> {
    let advice = || {
        let shown = doors.display();
        format!(
            "if {shown} is damaged, move it away: what waited to be told, and which files were brought, is forgotten then"
        )
    };
    let outbox = Outbox::open(doors, receivers, Pace::default());
    outbox.with_context(advice).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_go_plain_to_this_machine_alone() {
        for here in [
            "https://chat.example/hook",
            "http://127.0.0.1:9/hook",
            "http://localhost/",
            "http://[::1]:80/x",
            "http://a:b@127.0.0.1/",
        ] {
            assert!(!is_plain_beyond_here(here), "{here}");
        }
        for away in [
            "http://chat.example/hook",
            "http://127.0.0.1@chat.example/",
            "http://10.0.0.1",
            "http://127.0.0.1.example/",
        ] {
            assert!(is_plain_beyond_here(away), "{away}");
        }
    }

    #[test]
    fn a_service_does_not_watch_what_it_writes() {
        let root = tempfile::tempdir().unwrap();
        let (data, alerts) = (root.path().join("data"), root.path().join("alerts"));
        for folder in [&data, &alerts] {
            std::fs::create_dir(folder).unwrap();
        }
        assert!(check_watched(&alerts, &data).is_ok());
        for wrong in [&data, &root.path().to_path_buf(), &root.path().join("none")] {
            assert_eq!(
                check_watched(wrong, &data).unwrap_err().code,
                super::super::BAD_INPUT
            );
        }
    }
}
