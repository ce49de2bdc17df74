//! What can be wrong with an external program.

use std::process::ExitStatus;
use std::time::Duration;

/// Why a program gave no answer. The texts say what its author or its user can do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// It cannot be started.
    #[error("cannot start the external program {command:?}: {source}")]
    Start {
        /// The first word of the command.
        command: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The command cannot be split into words.
    #[error("the external program {0:?} cannot be split into words: check its quotes")]
    Command(String),
    /// It ended.
    #[error("the external program ended while it {doing}{}{}", with(.status), said(.last_words))]
    Ended {
        /// What it was to do.
        doing: &'static str,
        /// How it ended, if that is known.
        status: Option<ExitStatus>,
        /// The last lines of its stderr.
        last_words: String,
    },
    /// It took too long.
    #[error(
        "the external program {doing} for more than {} s and was ended{}",
        limit.as_secs_f64(), said(.last_words)
    )]
    Late {
        /// What it was to do.
        doing: &'static str,
        /// How long it may take.
        limit: Duration,
        /// The last lines of its stderr.
        last_words: String,
    },
    /// What it wrote is not the message that was due.
    #[error("the external program wrote no {expected} to its stdout: {reason}")]
    Rubbish {
        /// Name of the message that was due.
        expected: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// It was started so often in a row without a good answer that it is left alone for a while.
    #[error("{last} ({n_starts} starts in a row without an answer)")]
    Barren {
        /// Starts, or programs that had to be ended, since the last good answer.
        n_starts: u32,
        /// What went wrong last.
        last: String,
    },
    /// It cannot do anything with the event, and says why.
    #[error("the external program refuses the event: {0}")]
    Refused(String),
    /// It was exchanged for another one while the worker ran.
    #[error("the external program calls itself {0:?} now: start the worker again")]
    Renamed(String),
}

impl ProgramError {
    /// Whether another attempt may go better: it was killed, or went without complaint, or did not
    /// come up. One that leaves with a code of its own would do so again.
    pub(super) fn is_worth_another(&self) -> bool {
        match self {
            Self::Start { .. } => true,
            Self::Ended { status, .. } => {
                let code = status.and_then(|status| status.code());
                code.is_none_or(|code| code == 0)
            }
            _ => false,
        }
    }
}

fn with(status: &Option<ExitStatus>) -> String {
    status.map_or_else(String::new, |status| format!(" ({status})"))
}

fn said(last_words: &str) -> String {
    match last_words {
        "" => String::new(),
        words => format!("; it said last: {words:?}"),
    }
}
