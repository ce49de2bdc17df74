//! Doors that alerts come in by, beside HTTP: a folder that is watched, and a program of the operator's.
//!
//! Both bring what they have to a [`Desk`] and remember nothing else: whoever submits an alert again
//! is told its scan.

mod folder;
mod program;

pub use folder::{FolderError, WatchedFolder};
pub use program::AlertProgram;

use crate::doors::{Desk, NotTaken, Pace, Stop, Submission, Submitted};
use crate::engine::Refused;

/// Brings an alert until the desk says what becomes of it; none if the service ends before. What keeps the desk from
/// taking it, such as a full disk, keeps it from taking all others, too.
fn bring(
    desk: &dyn Desk,
    submission: &Submission,
    pace: Pace,
    stop: &Stop,
) -> Option<Result<Submitted, String>> {
    let mut n_failures = 0;
    loop {
        match desk.submit(submission.clone()) {
            Ok(submitted) => return Some(Ok(submitted)),
            Err(NotTaken::Refused(Refused::Event(why) | Refused::Settings(why))) => {
                return Some(Err(why));
            }
            Err(NotTaken::NotNow(why)) => {
                n_failures += 1;
                let wait = pace.after(n_failures);
                let from = &submission.from;
                tracing::warn!(%from, ?wait, "an alert waits, because it cannot be taken now: {why}");
                if stop.wait(wait) {
                    return None;
                }
            }
        }
    }
}
