//! Who is not let in.

use std::error::Error;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::admission::count_caller;

/// Whoever reaches the place can make us say that it is not let in: that is told so often, and counted always.
const SAY_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Told {
    at: Instant,
    n_since: u64,
}

/// Of this process.
static TOLD: Mutex<Option<Told>> = Mutex::new(None);

/// Why somebody is not known, with what to do if it is one of ours.
pub fn no_handshake(error: &dyn Error) -> String {
    format!("{error}; what a worker needs is made here by skyscan keygen DIR --worker NAME")
}

/// Counts somebody who is not let in by a reason, and tells of it: the first one, then one a minute, with how many came
/// meanwhile. All of them are in the log for those who ask for it.
pub fn turn_away(reason: &'static str, words: &str) {
    count_caller(reason);
    match is_to_be_told(&mut TOLD.lock(), Instant::now()) {
        Some(0) => tracing::warn!("somebody is not let in: {words}"),
        Some(n_others) => tracing::warn!(n_others, "somebody is not let in: {words}"),
        None => tracing::info!("not let in: {words}"),
    }
}

/// How many came since the last one that was told, if this one is.
fn is_to_be_told(told: &mut Option<Told>, now: Instant) -> Option<u64> {
    match told {
        Some(told) if now - told.at < SAY_EVERY => {
            told.n_since += 1;
            None
        }
        before => {
            let n_since = before.as_ref().map_or(0, |told| told.n_since);
            *before = Some(Told {
                at: now,
                n_since: 0,
            });
            Some(n_since)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_minute_is_told_with_how_many_came_meanwhile() {
        let begun = Instant::now();
        let mut told = None;
        let mut after = |seconds| is_to_be_told(&mut told, begun + Duration::from_secs(seconds));
        assert_eq!(after(0), Some(0));
        assert_eq!((after(1), after(59)), (None, None));
        assert_eq!(after(60), Some(2));
        assert_eq!(after(61), None);
        assert_eq!(after(130), Some(1));
    }
}
