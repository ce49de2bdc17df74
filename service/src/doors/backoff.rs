//! How long is waited before something is tried again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Waits that double, each shorter by up to a quarter, by chance: so that those who failed together
/// do not come again together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// After the first failure.
    pub first: Duration,
    /// After however many.
    pub most: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            most: Duration::from_secs(300),
        }
    }
}

impl Pace {
    /// How long to wait after so many failures in a row.
    pub(crate) fn after(self, n_failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(n_failures.saturating_sub(1));
        let longest = self.first.saturating_mul(doubled).min(self.most);
        // Keys of hash maps are seeded by the system's random numbers: enough for this.
        let chance = RandomState::new().hash_one(n_failures) as f64 / u64::MAX as f64;
        longest.mul_f64(1.0 - 0.25 * chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let pace = Pace::default();
        for (n_failures, longest) in [
            (0, 1),
            (1, 1),
            (2, 2),
            (5, 16),
            (9, 256),
            (10, 300),
            (u32::MAX, 300),
        ] {
            let longest = Duration::from_secs(longest);
            let wait = pace.after(n_failures);
            assert!(
                wait <= longest && wait >= longest.mul_f64(0.74),
                "{n_failures}: {wait:?}"
            );
        }
    }

    #[test]
    fn waits_differ() {
        let waits: std::collections::BTreeSet<_> =
            (0..20).map(|_| Pace::default().after(9)).collect();
        assert!(waits.len() > 1, "{waits:?}");
    }
}
