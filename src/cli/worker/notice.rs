//! Notices that a cloud gives before it takes a machine back: asked for at the metadata service that
//! every machine there has, at an address of the link itself. No proxy is ever asked.
//!
//! - AWS: `spot/instance-action`, two minutes before, with a session token (IMDSv2);
//!   <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html>.
//! - Google: `instance/preempted`, up to 30 seconds before;
//!   <https://cloud.google.com/compute/docs/instances/spot#preemption-process>.
//! - Azure: scheduled event `Preempt` (or `Terminate`), at least 30 seconds before;
//!   <https://learn.microsoft.com/azure/virtual-machines/linux/scheduled-events>.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use ureq::Agent;

use crate::cli::tell;

/// The metadata service, from within a machine of any of these clouds.
const ADDRESS: &str = "http://169.254.169.254";
/// It is on the same machine: whoever needs longer is not there.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is left at least where only the fact is told, and not when.
const SHORT_NOTICE: Duration = Duration::from_secs(25);
/// How long a session token of AWS holds.
const TOKEN_S: &str = "21600";

/// Who gives notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Notice {
    /// Nobody.
    None,
    /// Whichever of these clouds it is.
    Auto,
    /// AWS, two minutes before.
    Aws,
    /// Google Cloud, 30 seconds before.
    Gcp,
    /// Azure, 30 seconds before.
    Azure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cloud {
    Aws,
    Gcp,
    Azure,
}

/// Watches for a notice in a thread of its own; yields how much time is left, once.
pub(super) fn watch(notice: Notice, address: Option<String>) -> UnboundedReceiver<Duration> {
    let (told, heard) = mpsc::unbounded_channel();
    if notice != Notice::None {
        let service = Service::at(address.as_deref().unwrap_or(ADDRESS));
        std::thread::spawn(move || {
            if let Some(left) = service.wait(notice) {
                // The worker may have ended.
                let _ = told.send(left);
            }
        });
    }
    heard
}

/// A metadata service.
struct Service {
    agent: Agent,
    address: String,
    token: Option<String>,
}

impl Service {
    fn at(address: &str) -> Self {
        let config = Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .build();
        Self {
            agent: config.into(),
            address: address.trim_end_matches('/').to_owned(),
            token: None,
        }
    }

    /// Waits for the notice; returns nothing where no cloud is.
    fn wait(mut self, notice: Notice) -> Option<Duration> {
        let cloud = match notice {
            Notice::None => return None,
            Notice::Aws => Cloud::Aws,
            Notice::Gcp => Cloud::Gcp,
            Notice::Azure => Cloud::Azure,
            Notice::Auto => match self.cloud() {
                Some(cloud) => cloud,
                None => {
                    tell(
                        "worker: no cloud's metadata service answers here, so no notice will come; leave out \
                         --notice, or name the cloud if it is one",
                    );
                    return None;
                }
            },
        };
        let mut is_told = false;
        loop {
            match self.ask(cloud, now()) {
                Ok(Some(left)) => return Some(left),
                Ok(None) => is_told = false,
                Err(reason) if !is_told => {
                    is_told = true;
                    tracing::warn!(
                        ?cloud,
                        reason,
                        "the metadata service does not answer: a notice that comes now is not heard; it is asked again"
                    );
                }
                Err(_) => {}
            }
            pause(cloud);
        }
    }

    /// Which cloud this is.
    fn cloud(&mut self) -> Option<Cloud> {
        let clouds = [Cloud::Aws, Cloud::Gcp, Cloud::Azure];
        clouds
            .into_iter()
            .find(|cloud| self.ask(*cloud, now()).is_ok())
    }

    /// Asks once; returns how much time is left if there is a notice.
    fn ask(&mut self, cloud: Cloud, now: SystemTime) -> Result<Option<Duration>, String> {
        match cloud {
            Cloud::Aws => self.ask_aws(now),
            Cloud::Gcp => {
                let path = "/computeMetadata/v1/instance/preempted";
                let body = self.get(path, ("Metadata-Flavor", "Google"))?;
                let body = body.ok_or("it knows nothing of preemption")?;
                gcp(&body)
            }
            Cloud::Azure => {
                let name = "/metadata/instance/compute/name?api-version=2021-02-01&format=text";
                let name = self.get(name, ("Metadata", "true"))?;
                let name = name.ok_or("it does not know the machine's name")?;
                let events = "/metadata/scheduledevents?api-version=2020-07-01";
                let events = self.get(events, ("Metadata", "true"))?;
                azure(&events.unwrap_or_default(), name.trim(), now)
            }
        }
    }

    fn ask_aws(&mut self, now: SystemTime) -> Result<Option<Duration>, String> {
        let token = match self.token.take() {
            Some(token) => token,
            None => self.aws_token()?,
        };
        let path = "/latest/meta-data/spot/instance-action";
        let action = self.get(path, ("X-aws-ec2-metadata-token", &token))?;
        self.token = Some(token);
        action.map_or(Ok(None), |action| aws(&action, now))
    }

    fn aws_token(&self) -> Result<String, String> {
        let url = format!("{}/latest/api/token", self.address);
        let asking = self
            .agent
            .put(url)
            .header("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_S);
        let mut answer = asking.send_empty().map_err(|error| error.to_string())?;
        match answer.status().as_u16() {
            200 => (answer.body_mut().read_to_string()).map_err(|error| error.to_string()),
            status => Err(format!("no session token: status {status}")),
        }
    }

    /// What stands there; `None` if it says that there is nothing.
    fn get(&self, path: &str, header: (&str, &str)) -> Result<Option<String>, String> {
        let url = format!("{}{path}", self.address);
        let asking = self.agent.get(url).header(header.0, header.1);
        let mut answer = asking.call().map_err(|error| error.to_string())?;
        match answer.status().as_u16() {
            200 => (answer.body_mut().read_to_string())
                .map(Some)
                .map_err(|error| error.to_string()),
            404 => Ok(None),
            status => Err(format!("status {status}")),
        }
    }
}

/// Waits as long as each cloud asks those who ask it to wait.
#[expect(
    clippy::disallowed_methods,
    reason = "in a thread that does nothing else"
)]
fn pause(cloud: Cloud) {
    std::thread::sleep(match cloud {
        Cloud::Aws => Duration::from_secs(5),
        Cloud::Gcp | Cloud::Azure => Duration::from_secs(1),
    });
}

/// Clouds tell by the calendar when a machine goes.
#[expect(
    clippy::disallowed_methods,
    reason = "what is told is a time of the day; nothing of a map depends on it"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

/// From now until then, at least nothing.
fn left(until: DateTime<Utc>, now: SystemTime) -> Duration {
    (until - DateTime::<Utc>::from(now))
        .to_std()
        .unwrap_or_default()
}

/// `{"action": "terminate", "time": "2017-09-18T08:22:00Z"}`
fn aws(action: &str, now: SystemTime) -> Result<Option<Duration>, String> {
    #[derive(Deserialize)]
    struct Action {
        time: DateTime<Utc>,
    }
    let action: Action = serde_json::from_str(action).map_err(|error| error.to_string())?;
    Ok(Some(left(action.time, now)))
}

/// `TRUE` or `FALSE`
fn gcp(preempted: &str) -> Result<Option<Duration>, String> {
    match preempted.trim() {
        "TRUE" => Ok(Some(SHORT_NOTICE)),
        "FALSE" => Ok(None),
        other => Err(format!("neither TRUE nor FALSE: {other:?}")),
    }
}

/// `{"Events": [{"EventType": "Preempt", "Resources": ["name"], "NotBefore": "Mon, 19 Sep 2016 18:29:47 GMT"}]}`;
/// events of the machine's neighbours are told, too.
fn azure(events: &str, name: &str, now: SystemTime) -> Result<Option<Duration>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Events {
        #[serde(default)]
        events: Vec<Event>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Event {
        event_type: String,
        #[serde(default)]
        resources: Vec<String>,
        #[serde(default)]
        not_before: String,
    }
    let Events { events } = serde_json::from_str(events).map_err(|error| error.to_string())?;
    let ends_us = |event: &&Event| {
        ["Preempt", "Terminate"].contains(&event.event_type.as_str())
            && event.resources.iter().any(|resource| resource == name)
    };
    let times = events.iter().filter(ends_us).map(|event| {
        // Empty once it has begun.
        DateTime::parse_from_rfc2822(&event.not_before)
            .map_or(SHORT_NOTICE, |until| left(until.to_utc(), now))
    });
    Ok(times.min())
}

#[cfg(test)]
mod tests;
