//! Refusals of the broker: which of them last, and what would end them.
//!
//! A broker that refuses a login, a permission, a queue or a message of this size refuses it again a
//! moment later; connecting anew would go on for ever. What it says is told, and what to grant.

use lapin::{
    Error, ErrorKind,
    protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError},
};

use crate::{place::Place, rights::Rights, tls, wire::MAX_FRAME_BYTES};

/// Channels that a process needs: one to publish, one to declare, two for each hub, one for each
/// session, and its own.
const CHANNELS: u16 = 16;

/// What to do about a login.
const CREDENTIALS: &str = "check the user in the URL, and that SKYSCAN_AMQP_PASSWORD, or the file that \
     SKYSCAN_AMQP_PASSWORD_FILE names, has its password";

/// Why the broker cannot be used, for those who wait for it.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// It may be reached later.
    #[error(transparent)]
    Unreached(#[from] Error),
    /// It answers, and wants nothing of this process.
    #[error("the broker refuses: {words}; {remedy}")]
    Refused { words: String, remedy: String },
}

impl Trouble {
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// Frames were refused for so long that they will not be taken.
    pub(super) fn nacked(place: &Place) -> Self {
        Self::Refused {
            words: "it takes no frames (basic.nack)".to_owned(),
            remedy: format!(
                "a policy limits the queues of {}.* with `overflow: reject-publish`: exempt them, \
                 raise its max-length and max-length-bytes (a frame has up to {MAX_FRAME_BYTES}), or \
                 use another virtual host",
                place.namespace
            ),
        }
    }
}

impl Place {
    /// What an error means for whoever waits for the broker.
    pub(super) fn trouble(&self, error: Error) -> Trouble {
        match self.remedy(&error) {
            Some(remedy) => Trouble::Refused {
                words: error.to_string(),
                remedy,
            },
            None => Trouble::Unreached(error),
        }
    }

    /// What would end a refusal; `None` for what may pass by itself.
    fn remedy(&self, error: &Error) -> Option<String> {
        let words = error.to_string();
        let (namespace, user, vhost) = (&self.namespace, self.user(), self.vhost());
        let kind = match error.kind() {
            ErrorKind::ChannelsLimitReached => {
                return Some(format!(
                    "raise channel_max of the broker to {CHANNELS} or more, and by 2 for each scan"
                ));
            }
            ErrorKind::AuthProviderError(_) => return Some(CREDENTIALS.to_owned()),
            ErrorKind::IOError(error) => return tls::remedy(error, self.host()),
            ErrorKind::ProtocolError(error) => error.kind().clone(),
            _ => return None,
        };
        match kind {
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) if words.contains(" access to ") => {
                let Rights {
                    configure,
                    write,
                    read,
                } = Rights::of_scanner(namespace);
                Some(format!(
                    "grant what is needed by `rabbitmqctl set_permissions -p '{vhost}' '{user}' \
                     '{configure}' '{write}' '{read}'`, or as `skyscan deploy rabbitmq` says"
                ))
            }
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => Some(CREDENTIALS.to_owned()),
            // A process that was stopped for half an hour has acknowledged nothing meanwhile, and does now.
            AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED)
                if words.contains("delivery acknowledgement") =>
            {
                None
            }
            AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => Some(match () {
                () if words.contains("message size") => {
                    format!("raise max_message_size of the broker to {MAX_FRAME_BYTES} or more")
                }
                () if words.contains("queue limit") => format!(
                    "raise the limit max-queues of the virtual host: each scan needs 3, and 1 more \
                     for each process that serves it; `rabbitmqctl clear_vhost_limits -p '{vhost}'` \
                     takes it away"
                ),
                () => format!(
                    "delete what stands there under the namespace `{namespace}` with other \
                     properties, or give another one: `?namespace=NAME`"
                ),
            }),
            AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => Some(format!(
                "check that the virtual host `{vhost}` exists, that `{user}` may use it, and its \
                 limits of connections and channels"
            )),
            AMQPErrorKind::Soft(_) | AMQPErrorKind::Hard(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use lapin::{
        Error, ErrorKind,
        protocol::{AMQPError, AMQPErrorKind, AMQPHardError, AMQPSoftError},
    };

    use super::Trouble;
    use crate::place::Place;

    fn trouble(kind: AMQPErrorKind, words: &str) -> Trouble {
        let place = Place::parse("amqp://me:canary@host/sky?namespace=ns").expect("well formed");
        let error = AMQPError::new(kind, words.into());
        place.trouble(Error::from(ErrorKind::ProtocolError(error)))
    }

    #[test]
    fn a_refusal_tells_the_brokers_words_and_what_to_grant() {
        for (kind, words, remedy) in [
            (
                AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED),
                "ACCESS_REFUSED - write access to exchange 'amq.default' in vhost 'sky' refused",
                "set_permissions -p 'sky' 'me' '^ns\\.' '^(ns\\.|amq\\.default$)' '^ns\\.'",
            ),
            (
                AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED),
                "PRECONDITION_FAILED - message size 200000 is larger than configured max size 1000",
                "max_message_size",
            ),
            (
                AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED),
                "PRECONDITION_FAILED - cannot declare queue 'q': queue limit in vhost 'sky' (1)",
                "max-queues",
            ),
            (
                AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED),
                "NOT_ALLOWED - vhost sky not found",
                "`sky` exists",
            ),
        ] {
            let trouble = trouble(kind, words);
            let told = trouble.to_string();
            assert!(trouble.is_refusal());
            assert!(told.contains(words) && told.contains(remedy), "{told}");
            assert!(!told.contains("canary"), "{told}");
        }
    }

    #[test]
    fn a_broker_that_goes_down_refuses_nothing() {
        let kind = AMQPErrorKind::Hard(AMQPHardError::CONNECTIONFORCED);
        assert!(!trouble(kind, "CONNECTION_FORCED - shutdown").is_refusal());
        let kind = AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND);
        assert!(!trouble(kind, "NOT_FOUND - no exchange").is_refusal());
        let kind = AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED);
        let late = "PRECONDITION_FAILED - delivery acknowledgement on channel 3 timed out";
        assert!(!trouble(kind, late).is_refusal());
    }
}
