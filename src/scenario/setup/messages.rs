//! What the messages of a replay carry, and how large they are made.

use serde::{Deserialize, Serialize};
use skyscan_transport::MAX_BODY_BYTES;

/// What tasks and results carry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// How the event gets to the workers.
    pub event: EventForm,
    /// Size of the packed event.
    pub payload_bytes: usize,
    /// Size of a task without the event; as it comes if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_bytes: Option<usize>,
    /// Size of a result; as it comes if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_bytes: Option<usize>,
}

/// How the event gets to the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventForm {
    /// The whole event in every task.
    Inline,
    /// Once to each process, by its hash.
    ByRef,
    /// Once to the fleet, by its hash: a relay stands between it and the hub. Within the fleet it
    /// goes over ZeroMQ, whatever is above. In virtual time: once to each zone, which has a relay.
    Relay,
}

/// How large tasks and results are made; those that are larger anyway stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ballast {
    /// Size of a task's body.
    pub task_bytes: usize,
    /// Size of a result's body.
    pub result_bytes: usize,
}

impl Messages {
    /// What tasks and results are filled up to, if they are.
    pub fn ballast(&self) -> Option<Ballast> {
        let task_bytes = self.ballast_task_bytes();
        (task_bytes.is_some() || self.result_bytes.is_some()).then(|| Ballast {
            task_bytes: task_bytes.unwrap_or(0),
            result_bytes: self.result_bytes.unwrap_or(0),
        })
    }

    fn ballast_task_bytes(&self) -> Option<usize> {
        match self.event {
            EventForm::Inline => Some(self.payload_bytes + self.task_bytes.unwrap_or(0)),
            EventForm::ByRef | EventForm::Relay => self.task_bytes,
        }
    }

    /// Refuses bodies that no transport carries.
    pub(super) fn check(&self) -> Result<(), String> {
        let sizes = [
            ("task with its event", self.ballast_task_bytes()),
            ("result", self.result_bytes),
        ];
        for (what, size) in sizes {
            if let Some(size) = size
                && size > MAX_BODY_BYTES
            {
                return Err(format!(
                    "messages: a {what} of {size} bytes is over the transports' {MAX_BODY_BYTES}"
                ));
            }
        }
        Ok(())
    }
}
