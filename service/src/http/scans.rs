//! Routes of scans: which there are, how they stand, what is to become of them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::access::{admit, from, may_change};
use super::asked::{Asked, Body, Named};
use super::problem::Problem;
use super::submit::Taken;
use super::{App, apart};
use crate::desk::Standing;
use crate::scan::{self, Contour, Progress, Scan, ScanName};
use crate::settings::{Priority, Settings};
use crate::tokens::Holder;

/// Most scans of one list.
const MOST_LISTED: usize = 500;
/// Longest wait for the end of a scan, in seconds.
const LONGEST_WAIT_S: u64 = 300;

/// Which scans are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those in this state.
    state: Option<scan::State>,
    /// How many, 500 at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<usize>,
    /// Only those that were submitted before this one: the `next` of the list before.
    before: Option<ScanName>,
}

/// Some scans, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScanList {
    scans: Vec<Scan>,
    /// What to ask `before` for the list that follows, if there is one.
    next: Option<ScanName>,
}

/// How a scan stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScanStanding {
    scan: Scan,
    /// How it gets on, while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    /// What is known of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    contour: Option<Contour>,
}

impl From<Standing> for ScanStanding {
    fn from(standing: Standing) -> Self {
        let Standing {
            scan,
            progress,
            contour,
        } = standing;
        let progress = progress.filter(|_| !scan.state.is_end());
        Self {
            scan,
            progress,
            contour,
        }
    }
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HowLong {
    /// Seconds, 300 at most.
    #[param(minimum = 0, maximum = 300, default = 30)]
    seconds: Option<u64>,
}

/// Another priority.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPriority {
    priority: Priority,
}

/// What is asked of a scan of the same event.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rescan {
    /// Its settings; by default those of this scan.
    settings: Option<Settings>,
    /// Its priority; by default that of this scan.
    priority: Option<Priority>,
}

/// Lists scans, newest first.
#[utoipa::path(get, path = "/scans", tag = "scans", operation_id = "list_scans", params(Which),
    responses((status = 200, description = "Scans", body = ScanList)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Asked(which): Asked<Which>,
) -> Result<Json<ScanList>, Problem> {
    let limit = which.limit.unwrap_or(50);
    if !(1..=MOST_LISTED).contains(&limit) {
        return Err(Problem::bad(format!("limit is 1 to {MOST_LISTED}")));
    }
    let listed = apart(move || {
        // One more says whether there is more.
        let listed = app
            .desk
            .list(which.state, limit + 1, which.before.as_ref())?;
        listed.ok_or_else(|| Problem::bad("there is no scan of the name that `before` has"))
    });
    let mut scans = listed.await?;
    let is_more = scans.len() > limit;
    scans.truncate(limit);
    let last = scans.last().filter(|_| is_more);
    let next = last.map(|scan| scan.id.clone());
    // One may have gone on since the catalogue was written.
    scans.retain(|scan| which.state.is_none_or(|state| scan.state == state));
    Ok(Json(ScanList { scans, next }))
}

/// Says how a scan stands.
#[utoipa::path(get, path = "/scans/{id}", tag = "scans", operation_id = "get_scan", params(("id" = ScanName, Path, description = "Name of the scan")),
    responses((status = 200, description = "How it stands", body = ScanStanding)))]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    Named(id): Named<ScanName>,
) -> Result<Json<ScanStanding>, Problem> {
    standing(app, id).await
}

async fn standing(app: Arc<App>, id: ScanName) -> Result<Json<ScanStanding>, Problem> {
    let standing = apart(move || app.desk.standing(&id).ok_or_else(Problem::no_such_scan)).await?;
    Ok(Json(standing.into()))
}

/// Waits until a scan has ended or the time is over, then says how it stands.
#[utoipa::path(get, path = "/scans/{id}/wait", tag = "scans", operation_id = "wait_for_scan",
    params(("id" = ScanName, Path, description = "Name of the scan"), HowLong),
    responses((status = 200, description = "How it stands", body = ScanStanding)))]
pub(super) async fn wait(
    State(app): State<Arc<App>>,
    Named(id): Named<ScanName>,
    Asked(how_long): Asked<HowLong>,
    headers: HeaderMap,
) -> Result<Json<ScanStanding>, Problem> {
    let seconds = how_long.seconds.unwrap_or(30);
    if seconds > LONGEST_WAIT_S {
        let words = format!("seconds is {LONGEST_WAIT_S} at most: ask again when it is over");
        return Err(Problem::bad(words));
    }
    if let Some(live) = app.desk.live(&id) {
        let _place = app.readers.enter()?;
        let mut watch = live.watch();
        drop(live);
        let mut stopping = app.stopping.clone();
        let over = async {
            tokio::select! {
                () = watch.over() => {}
                _stops = stopping.wait_for(|stops| *stops) => {}
            }
        };
        let _late = timeout(Duration::from_secs(seconds), over).await;
        // The token may have been removed meanwhile.
        admit(&app, &Method::GET, &headers)?;
    }
    standing(app, id).await
}

/// Ends a scan.
///
/// What it has found so far is kept; submitted again, it goes on.
#[utoipa::path(post, path = "/scans/{id}/cancel", tag = "scans", operation_id = "cancel_scan",
    params(("id" = ScanName, Path, description = "Name of the scan")),
    responses((status = 200, description = "The scan", body = Scan)))]
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    Named(id): Named<ScanName>,
    Extension(holder): Extension<Holder>,
) -> Result<Json<Scan>, Problem> {
    let cancelled = apart(move || {
        let standing = app.desk.standing(&id).ok_or_else(Problem::no_such_scan)?;
        may_change(&holder, &standing.scan)?;
        Ok(app.desk.cancel(&id)?)
    });
    cancelled.await.map(Json)
}

/// Changes which scan gets workers first.
///
/// A scan that runs is stopped and gone on with.
#[utoipa::path(put, path = "/scans/{id}/priority", tag = "scans", operation_id = "set_priority", request_body = NewPriority,
    params(("id" = ScanName, Path, description = "Name of the scan")),
    responses((status = 200, description = "The scan", body = Scan)))]
pub(super) async fn set_priority(
    State(app): State<Arc<App>>,
    Named(id): Named<ScanName>,
    Extension(holder): Extension<Holder>,
    Body(asked): Body<NewPriority>,
) -> Result<Json<Scan>, Problem> {
    let changed = apart(move || {
        let standing = app.desk.standing(&id).ok_or_else(Problem::no_such_scan)?;
        may_change(&holder, &standing.scan)?;
        Ok(app.desk.set_priority(&id, asked.priority)?)
    });
    changed.await.map(Json)
}

/// Scans the event of a scan with other settings.
///
/// That is another scan. With the same settings it is this one, begun again if it
/// did not end well.
#[utoipa::path(post, path = "/scans/{id}/rescan", tag = "scans", operation_id = "rescan", request_body = Rescan,
    params(("id" = ScanName, Path, description = "Name of the scan")),
    responses((status = 201, description = "A new scan", body = Scan, headers(("Location" = String, description = "Where the scan is"))),
        (status = 200, body = Scan, description = "There is one already")))]
pub(super) async fn rescan(
    State(app): State<Arc<App>>,
    Named(id): Named<ScanName>,
    Extension(holder): Extension<Holder>,
    Body(asked): Body<Rescan>,
) -> Result<Taken, Problem> {
    let taken = apart(move || {
        if let Some(full) = app.desk.is_disk_full() {
            return Err(Problem::disk_full(full));
        }
        let (settings, priority) = (asked.settings, asked.priority);
        let taken = app.desk.rescan(&id, settings, priority, from(&holder));
        Ok(taken.ok_or_else(Problem::no_such_scan)??)
    });
    // Beside scans/ID/rescan.
    taken.await.map(|taken| Taken::new(taken, "../"))
}
