//! The list of cases.

mod avoid;
mod credit;
mod delivery;
mod drain;
mod holders;
mod hub;
mod lease;
mod loss;
mod many_links;
mod metrics;
mod notice;
mod payload;
mod priority;
mod scale;
mod version;

use std::fmt;

use anyhow::Result;
use futures::future::LocalBoxFuture;

use crate::Site;

/// One claim about a backend.
pub struct Case {
    /// `module::claim`.
    pub name: &'static str,
    /// The clauses that it checks.
    pub clause: &'static str,
    /// Whether it measures its process, and so runs in one of its own while no other case runs.
    pub alone: bool,
    /// Checks it at a fresh place.
    pub run: fn(&dyn Site) -> LocalBoxFuture<'_, Result<()>>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.name, self.clause)
    }
}

/// What a backend with a wire tells of itself, under the names in
/// [`meters`](skyscan_transport::backend::meters).
pub fn metrics_case() -> Case {
    metrics::case()
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(delivery::cases());
    cases.extend(loss::cases());
    cases.extend(lease::cases());
    cases.extend(credit::cases());
    cases.extend(avoid::cases());
    cases.extend(holders::cases());
    cases.extend(priority::cases());
    cases.extend(payload::cases());
    cases.extend(notice::cases());
    cases.extend(drain::cases());
    cases.extend(version::cases());
    cases.extend(hub::cases());
    cases.extend(scale::cases());
    cases.push(many_links::case());
    cases
}
