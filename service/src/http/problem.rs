//! What is answered when something is not as asked (RFC 9457): what is wrong, and what to do.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalogue::CatalogueError;
use crate::desk::Unchanged;
use crate::doors::NotTaken;
use crate::engine::Refused;

/// Something that is not as asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct Problem {
    /// Which kind of problem, for programs: `urn:skyscan:problem:` and a word.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// The status of the answer.
    pub(super) status: u16,
    /// Which kind of problem, for people.
    pub(super) title: String,
    /// What is wrong with this request, and what to do.
    pub(super) detail: String,
}

impl Problem {
    fn new(status: StatusCode, word: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:skyscan:problem:{word}"),
            status: status.as_u16(),
            title: title.to_owned(),
            detail: detail.into(),
        }
    }

    pub(super) fn unauthorized() -> Self {
        let detail = "bring a token that the service knows: Authorization: Bearer TOKEN";
        let status = StatusCode::UNAUTHORIZED;
        Self::new(status, "no-token", "A token is needed", detail)
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        let title = "The token does not allow it";
        Self::new(StatusCode::FORBIDDEN, "not-allowed", title, detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is none", detail)
    }

    pub(super) fn no_such_scan() -> Self {
        Self::not_found(
            "there is no scan of this name: the list of scans (skyscan status) has those that there are",
        )
    }

    pub(super) fn method() -> Self {
        let (status, title) = (StatusCode::METHOD_NOT_ALLOWED, "Not with this method");
        let detail = "api/v1/openapi.json says what can be done here";
        Self::new(status, "method", title, detail)
    }

    pub(super) fn bad(detail: impl Into<String>) -> Self {
        let title = "The request is not understood";
        Self::new(StatusCode::BAD_REQUEST, "bad-request", title, detail)
    }

    /// What reading a request came to, with its own status.
    pub(super) fn rejected(status: StatusCode, detail: impl Into<String>) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large(detail),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                let title = "Not in this form";
                Self::new(status, "media-type", title, detail)
            }
            _ => Self::bad(detail),
        }
    }

    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self::new(status, "too-large", "Too large", detail)
    }

    pub(super) fn too_slow() -> Self {
        let (status, title) = (StatusCode::REQUEST_TIMEOUT, "The request came too slowly");
        Self::new(
            status,
            "too-slow",
            title,
            "send it again over a faster line",
        )
    }

    pub(super) fn event(detail: impl Into<String>) -> Self {
        let title = "The event cannot be scanned";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "event", title, detail)
    }

    pub(super) fn settings(detail: impl Into<String>) -> Self {
        let title = "The settings cannot be used";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "settings", title, detail)
    }

    pub(super) fn ended(detail: impl Into<String>) -> Self {
        let title = "The scan has ended";
        Self::new(StatusCode::CONFLICT, "ended", title, detail)
    }

    pub(super) fn disk_full(detail: impl Into<String>) -> Self {
        let status = StatusCode::INSUFFICIENT_STORAGE;
        Self::new(status, "disk-full", "The disk is nearly full", detail)
    }

    pub(super) fn not_now(detail: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "not-now", "Not now", detail)
    }

    pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a request could not be answered");
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let detail = "the service's log says what; nothing of what was asked has been done";
        Self::new(status, "internal", "Something went wrong here", detail)
    }
}

impl From<NotTaken> for Problem {
    fn from(why: NotTaken) -> Self {
        match why {
            NotTaken::Refused(Refused::Event(why)) => Self::event(why),
            NotTaken::Refused(Refused::Settings(why)) => Self::settings(why),
            NotTaken::NotNow(why) => Self::not_now(why),
        }
    }
}

impl From<Unchanged> for Problem {
    fn from(why: Unchanged) -> Self {
        match why {
            Unchanged::NoSuchScan => Self::no_such_scan(),
            Unchanged::Ended(_) => Self::ended(format!(
                "{why}; rescan with other settings makes another one"
            )),
            Unchanged::NotNow(why) => Self::not_now(why),
        }
    }
}

impl From<CatalogueError> for Problem {
    fn from(error: CatalogueError) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        // What was sent beyond the bound is not read.
        if status == StatusCode::PAYLOAD_TOO_LARGE || status == StatusCode::REQUEST_TIMEOUT {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
