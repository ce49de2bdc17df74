//! The time of day, which stands in the catalogue and enters no result.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};

/// Now, as RFC 3339 in UTC. All are of one length, so that they sort as the times do.
pub(crate) fn now() -> String {
    at(time())
}

/// What the time was then.
pub(crate) fn ago(since: Duration) -> String {
    at(time().checked_sub(since).unwrap_or(SystemTime::UNIX_EPOCH))
}

/// Seconds between two such times.
pub(crate) fn seconds_between(from: &str, to: &str) -> Option<f64> {
    let from = DateTime::parse_from_rfc3339(from).ok()?;
    let to = DateTime::parse_from_rfc3339(to).ok()?;
    (to - from).to_std().ok().map(|passed| passed.as_secs_f64())
}

fn at(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[expect(
    clippy::disallowed_methods,
    reason = "people are told when a scan came; it enters no result"
)]
fn time() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sort_and_can_be_subtracted() {
        let (earlier, later) = (ago(Duration::from_secs(90)), now());
        assert!(earlier < later);
        assert_eq!(earlier.len(), later.len());
        let passed = seconds_between(&earlier, &later).unwrap();
        assert!((89.9..91.0).contains(&passed), "{passed}");
        assert_eq!(seconds_between(&later, &earlier), None);
    }
}
