//! Routes that tell what happens as it happens (text/event-stream), to be read by `fetch`: whoever
//! is slow gets the latest of what there is, and holds up nobody.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::unfold;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::asked::Named;
use super::problem::Problem;
use super::readers::Place;
use super::{App, access, apart};
use crate::live::{Watch, frame};
use crate::scan::{ScanName, State as ScanState};

/// How often a line without meaning shows that the line is not dead, and the token is looked up again.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// That line.
const BEAT: Bytes = Bytes::from_static(b":\n\n");

/// Where frames come from.
enum Source {
    /// One scan that goes on.
    Scan(Watch),
    /// All scans.
    All(broadcast::Receiver<Bytes>),
    /// Nothing more comes.
    Nothing,
}

struct Stream {
    source: Source,
    /// What is to be written before anything new is looked for.
    frames: VecDeque<Bytes>,
    app: Arc<App>,
    /// As they came, with the reader's token.
    headers: HeaderMap,
    beat: Interval,
    stopping: watch::Receiver<bool>,
    _place: Place,
}

impl Stream {
    fn new(app: Arc<App>, headers: HeaderMap, place: Place) -> Self {
        let mut beat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            source: Source::Nothing,
            frames: VecDeque::new(),
            headers,
            beat,
            stopping: app.stopping.clone(),
            app,
            _place: place,
        }
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Some(frame);
            }
            let news = async {
                match &mut self.source {
                    Source::Scan(watch) => match watch.changed().await {
                        true => watch.news(),
                        false => Vec::new(),
                    },
                    Source::All(changes) => match changes.recv().await {
                        Ok(frame) => vec![frame],
                        // What is lost is lost: the list has it.
                        Err(RecvError::Lagged(_)) => vec![frame("reset", &())],
                        Err(RecvError::Closed) => Vec::new(),
                    },
                    Source::Nothing => Vec::new(),
                }
            };
            let news = tokio::select! {
                biased;
                _stops = self.stopping.wait_for(|stops| *stops) => return None,
                _at = self.beat.tick() => match access::admit(&self.app, &Method::GET, &self.headers) {
                    Ok(_holder) => vec![BEAT],
                    // The token was removed.
                    Err(_problem) => return None,
                },
                news = news => news,
            };
            if news.is_empty() {
                return None;
            }
            self.frames.extend(news);
            if matches!(&self.source, Source::Scan(watch) if watch.is_over()) {
                self.source = Source::Nothing;
            }
        }
    }

    fn answer(self) -> Response {
        let frames = unfold(self, |mut stream| async move {
            let frame = stream.next().await?;
            Some((Ok::<_, std::convert::Infallible>(frame), stream))
        });
        let mut response = Body::from_stream(frames).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("text/event-stream");
        headers.insert(header::CONTENT_TYPE, kind);
        // A proxy that collects answers would have people wait.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }
}

/// Tells what becomes of a scan.
///
/// First how it stands, then what is new: events `state` (a `Scan`), `progress` (a `Progress`) and
/// `contour` (a `Contour`), the latest of each. Ends with the state that is the scan's end.
#[utoipa::path(get, path = "/scans/{id}/events", tag = "scans", operation_id = "watch_scan",
    params(("id" = ScanName, Path, description = "Name of the scan")),
    responses((status = 200, description = "Events", body = String, content_type = "text/event-stream")))]
pub(super) async fn scan(
    State(app): State<Arc<App>>,
    Named(id): Named<ScanName>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = app.readers.enter()?;
    let mut stream = Stream::new(Arc::clone(&app), headers, place);
    if let Some(live) = app.desk.live(&id) {
        let mut watch = live.watch();
        stream.frames.extend(watch.news());
        if !watch.is_over() {
            stream.source = Source::Scan(watch);
        }
    } else {
        let stands = move || app.desk.standing(&id).ok_or_else(Problem::no_such_scan);
        let standing = apart(stands).await?;
        let contour = standing.contour.map(|contour| frame("contour", &contour));
        stream.frames.extend(contour);
        stream.frames.push_back(frame("state", &standing.scan));
    }
    Ok(stream.answer())
}

/// Tells how all scans change.
///
/// Events `state` (a `Scan`), first of those that run. An event `reset` says that some were
/// left out because the reader was slow: the list of scans has them.
#[utoipa::path(get, path = "/events", tag = "scans", operation_id = "watch_scans",
    responses((status = 200, description = "Events", body = String, content_type = "text/event-stream")))]
pub(super) async fn all(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = app.readers.enter()?;
    let mut stream = Stream::new(Arc::clone(&app), headers, place);
    stream.source = Source::All(app.desk.changes());
    let running = app.desk.running();
    // Something is said at once, so that whoever has opened the stream knows.
    stream.frames.push_back(BEAT);
    let states = running.iter().map(|scan| frame("state", scan));
    stream.frames.extend(states);
    debug_assert!(running.iter().all(|scan| scan.state == ScanState::Running));
    Ok(stream.answer())
}
