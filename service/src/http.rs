//! The service's HTTP: routes below `api/v1`, each of which is in `openapi.json`, health beside
//! them, and the page.

mod access;
mod asked;
mod files;
mod health;
mod listen;
mod media;
mod openapi;
mod page;
mod problem;
mod readers;
mod scans;
mod stream;
mod submit;
mod uploads;
mod whoami;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::desk::ScanDesk;
use crate::scan::Fleet;
use crate::tokens::Tokens;
use problem::Problem;
use readers::Readers;
use uploads::Uploads;

pub(crate) use listen::serve;

/// How long a request may take to come in.
const PATIENCE: Duration = Duration::from_secs(120);
/// Most bytes of bodies that are no events.
const MOST_WORDS: usize = 256 << 10;
/// Readers that stay at once.
const MOST_READERS: usize = 4096;

/// What all routes share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) desk: Arc<ScanDesk>,
    pub(crate) tokens: Arc<Tokens>,
    /// Where files lie that may be named.
    watched: Option<PathBuf>,
    readers: Readers,
    uploads: Uploads,
    /// Whether those who wait are to be let go.
    stopping: watch::Receiver<bool>,
}

impl App {
    pub(crate) fn new(
        desk: Arc<ScanDesk>,
        tokens: Arc<Tokens>,
        watched: Option<PathBuf>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            desk,
            tokens,
            watched,
            readers: Readers::new(MOST_READERS),
            uploads: Uploads::default(),
            stopping,
        }
    }
}

/// All routes of the API, with their description.
fn api(most_event_bytes: usize) -> OpenApiRouter<Arc<App>> {
    let alerts = DefaultBodyLimit::max(most_event_bytes.saturating_add(MOST_WORDS));
    OpenApiRouter::with_openapi(openapi::head())
        .merge(
            OpenApiRouter::new()
                .routes(routes!(submit::submit))
                .layer(alerts),
        )
        .routes(routes!(submit::submit_watched))
        .routes(routes!(scans::list))
        .routes(routes!(scans::one))
        .routes(routes!(scans::wait))
        .routes(routes!(stream::scan))
        .routes(routes!(files::map))
        .routes(routes!(files::hits))
        .routes(routes!(files::result))
        .routes(routes!(files::list))
        .routes(routes!(files::file))
        .routes(routes!(scans::cancel))
        .routes(routes!(scans::set_priority))
        .routes(routes!(scans::rescan))
        .routes(routes!(fleet))
        .routes(routes!(whoami::whoami))
        .routes(routes!(stream::all))
}

/// Everything that is answered. `most_event_bytes` is how large an alert may be.
pub(crate) fn router(app: Arc<App>, most_event_bytes: usize) -> Router {
    let (api, document) = api(most_event_bytes).split_for_parts();
    let document = openapi::answer(&openapi::complete(document));
    let api = api
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MOST_WORDS))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            access::check,
        ));
    Router::new()
        .nest("/api/v1", api)
        // Whoever makes a client needs no token for it; nor is it a secret.
        .route("/api/v1/openapi.json", get(move || async { document }))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .fallback(page::page)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn(around))
        .with_state(app)
}

/// Says who is there.
#[utoipa::path(get, path = "/fleet", tag = "fleet", operation_id = "get_fleet",
    responses((status = 200, description = "Who is there", body = Fleet)))]
async fn fleet(State(app): State<Arc<App>>) -> Result<Json<Fleet>, Problem> {
    apart(move || Ok(app.desk.fleet())).await.map(Json)
}

async fn no_such_route() -> Problem {
    Problem::not_found("there is nothing here: api/v1/openapi.json says what there is")
}

async fn no_such_method() -> Problem {
    Problem::method()
}

/// Has something that waits for the disk or for a lock done apart from what serves others.
async fn apart<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(act).await;
    done.unwrap_or_else(|panicked| Err(Problem::internal(&panicked)))
}

/// Counts requests, and tells browsers what they must not do with answers.
async fn around(request: Request, next: Next) -> Response {
    let method = match *request.method() {
        Method::GET | Method::HEAD => "read",
        _ => "write",
    };
    let mut response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!("skyscan_service_requests_total", "method" => method, "status" => status)
        .increment(1);
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// Of every answer that has none of its own.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; sandbox",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    // Kept by whoever asked, and asked for again by its tag.
    (header::CACHE_CONTROL, "private, no-cache"),
];
