//! Whether the service lives, and whether it takes alerts: for whoever starts and watches it,
//! without a token.

use std::sync::Arc;

use axum::extract::State;

use super::problem::Problem;
use super::{App, apart};

/// Answers if the service lives.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// Answers whether alerts are taken.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    apart(move || {
        if !app.desk.is_open() {
            return Err(Problem::not_now("the service is stopping"));
        }
        match app.desk.is_disk_full() {
            Some(full) => Err(Problem::disk_full(full)),
            None => Ok("ready\n"),
        }
    })
    .await
}
