//! What a request asks, read strictly: what is not understood is a problem, not left out.

use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::PATIENCE;
use super::problem::Problem;

/// The part after the question mark.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Query::from_request_parts(parts, state).await;
        let Query(asked) = read.map_err(|why: QueryRejection| Problem::bad(why.body_text()))?;
        Ok(Self(asked))
    }
}

/// What of the path is a name.
pub(super) struct Named<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Path::from_request_parts(parts, state).await;
        let Path(named) = read.map_err(|why: PathRejection| Problem::bad(why.body_text()))?;
        Ok(Self(named))
    }
}

/// A body of JSON; an empty one stands for an empty object.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let read = timeout(PATIENCE, Bytes::from_request(request, state)).await;
        let bytes = read
            .map_err(|_late| Problem::too_slow())?
            .map_err(|why: BytesRejection| Problem::rejected(why.status(), why.body_text()))?;
        json(if bytes.is_empty() { b"{}" } else { &bytes }).map(Self)
    }
}

/// Reads a JSON object.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::bad("not the JSON that is asked for: an object"));
    }
    serde_json::from_slice(bytes)
        .map_err(|why| Problem::bad(format!("not the JSON that is asked for: {why}")))
}
