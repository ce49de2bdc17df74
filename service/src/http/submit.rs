//! The routes that alerts come in by: a form with the file, or JSON that names a file below the
//! watched folder.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::access::from;
use super::asked::{Body, json};
use super::problem::Problem;
use super::{App, PATIENCE, apart};
use crate::doors::{Brought, Desk, Submission, Submitted};
use crate::scan::Scan;
use crate::settings::{Priority, Settings};
use crate::tokens::Holder;

/// Most bytes of `settings` and `priority`.
const MOST_WORDS: usize = 64 << 10;

/// An alert as a form.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "its fields are read one by one; this is their description"
)]
pub(super) struct AlertForm {
    /// The event, in any format that `skyscan scan` reads.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    event: Vec<u8>,
    /// What is asked of the scan.
    settings: Option<Settings>,
    /// Which scan gets workers first.
    priority: Option<Priority>,
}

/// An alert that lies in the watched folder.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertFile {
    /// Its name below that folder.
    path: String,
    /// What is asked of the scan.
    settings: Option<Settings>,
    /// Which scan gets workers first.
    priority: Option<Priority>,
}

/// An alert that was taken.
#[derive(Debug)]
pub(super) struct Taken {
    submitted: Submitted,
    beside: &'static str,
}

impl Taken {
    /// `beside` leads from the request's address to that of its scan.
    pub(super) fn new(submitted: Submitted, beside: &'static str) -> Self {
        Self { submitted, beside }
    }
}

impl IntoResponse for Taken {
    fn into_response(self) -> Response {
        let Submitted { scan, is_new } = self.submitted;
        let status = match is_new {
            true => StatusCode::CREATED,
            false => StatusCode::OK,
        };
        let location = format!("{}{}", self.beside, scan.id);
        (status, [(header::LOCATION, location)], Json(scan)).into_response()
    }
}

/// Takes an alert, and answers when it is safe.
///
/// The same event with the same settings is the same scan: submitted again it is answered with 200,
/// and begun again if it did not end well.
#[utoipa::path(post, path = "/scans", tag = "scans", operation_id = "submit",
    request_body(content = AlertForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "A new scan", body = Scan, headers(("Location" = String, description = "Where the scan is"))),
        (status = 200, body = Scan, description = "There is one already")))]
pub(super) async fn submit(
    State(app): State<Arc<App>>,
    Extension(holder): Extension<Holder>,
    request: Request,
) -> Result<Taken, Problem> {
    let room = Arc::clone(&app);
    let place = timeout(PATIENCE, room.uploads.enter(&holder)).await;
    let busy = || Problem::not_now("many are submitting: submit again later");
    let _place = place.ok().flatten().ok_or_else(busy)?;
    let form = timeout(PATIENCE, form(&app, request)).await;
    let alert = form.map_err(|_late| Problem::too_slow())??;
    take(app, &holder, alert).await
}

/// Takes an alert that lies in the folder that the service watches, as `submit` does.
// A route of its own: clients that are generated of one with two kinds of body cannot be run.
#[utoipa::path(post, path = "/watched", tag = "scans", operation_id = "submit_watched", request_body = AlertFile,
    responses((status = 201, description = "A new scan", body = Scan, headers(("Location" = String, description = "Where the scan is"))),
        (status = 200, body = Scan, description = "There is one already")))]
pub(super) async fn submit_watched(
    State(app): State<Arc<App>>,
    Extension(holder): Extension<Holder>,
    Body(file): Body<AlertFile>,
) -> Result<Taken, Problem> {
    let path = below(app.watched.as_deref(), &file.path)?;
    let alert = (Brought::File(path), file.settings, file.priority);
    take(app, &holder, alert).await
}

async fn take(app: Arc<App>, holder: &Holder, alert: Alert) -> Result<Taken, Problem> {
    let (event, settings, priority) = alert;
    let submission = Submission {
        event,
        settings: settings.unwrap_or_default(),
        priority: priority.unwrap_or_default(),
        from: from(holder),
    };
    let taken = apart(move || {
        if let Some(full) = app.desk.is_disk_full() {
            return Err(Problem::disk_full(full));
        }
        Ok(app.desk.submit(submission)?)
    });
    // Beside scans and watched.
    taken.await.map(|taken| Taken::new(taken, "scans/"))
}

type Alert = (Brought, Option<Settings>, Option<Priority>);

async fn form(app: &Arc<App>, request: Request) -> Result<Alert, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.map_or(&[][..], |kind| kind.as_bytes());
    if !kind
        .to_ascii_lowercase()
        .starts_with(b"multipart/form-data")
    {
        let words = "send multipart/form-data with the part `event`: the file";
        return Err(Problem::rejected(StatusCode::UNSUPPORTED_MEDIA_TYPE, words));
    }
    let form = Multipart::from_request(request, app).await;
    let mut form = form.map_err(|why| Problem::rejected(why.status(), why.body_text()))?;
    let (mut event, mut settings, mut priority) = (None, None, None);
    while let Some(field) = form.next_field().await.map_err(unread)? {
        let name = field.name().unwrap_or_default().to_owned();
        let is_again = match name.as_str() {
            "event" => {
                let bytes = field.bytes().await.map_err(unread)?;
                event.replace(Brought::Bytes(bytes.into())).is_some()
            }
            "settings" => settings.replace(json(&words(field).await?)?).is_some(),
            "priority" => priority
                .replace(priority_of(&words(field).await?)?)
                .is_some(),
            _ => {
                let words = "the parts of the form are `event`, `settings` and `priority`";
                return Err(Problem::bad(words));
            }
        };
        if is_again {
            return Err(Problem::bad(format!("the part `{name}` comes twice")));
        }
    }
    let event = event.ok_or_else(|| Problem::bad("the part `event` is missing: the file"))?;
    Ok((event, settings, priority))
}

async fn words(mut field: Field<'_>) -> Result<Vec<u8>, Problem> {
    let mut words = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(unread)? {
        words.extend_from_slice(&chunk);
        if words.len() > MOST_WORDS {
            let detail = format!("`settings` and `priority` have {MOST_WORDS} bytes at most");
            return Err(Problem::too_large(detail));
        }
    }
    Ok(words)
}

/// Forms have plain words, and some who write JSON quote them.
fn priority_of(words: &[u8]) -> Result<Priority, Problem> {
    let words = String::from_utf8_lossy(words);
    let word = words.trim().trim_matches('"');
    serde_json::from_value(word.into())
        .map_err(|_other| Problem::bad("`priority` is background, normal or urgent"))
}

fn unread(why: MultipartError) -> Problem {
    match why.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(
            "the event is larger than this service takes: it is the operator who bounds it",
        ),
        status => Problem::rejected(status, why.body_text()),
    }
}

/// The file of this name below a folder, wherever links lead.
fn below(watched: Option<&Path>, name: &str) -> Result<PathBuf, Problem> {
    let watched = watched.ok_or_else(|| {
        Problem::bad("this service watches no folder: send the file as multipart/form-data")
    })?;
    let name = Path::new(name);
    let mut parts = name.components();
    let is_plain =
        !name.as_os_str().is_empty() && parts.all(|part| matches!(part, Component::Normal(_)));
    let none = || Problem::not_found("there is no file of this name below the watched folder");
    let file = watched.join(name).canonicalize();
    let (Ok(file), Ok(watched)) = (file, watched.canonicalize()) else {
        return Err(none());
    };
    match is_plain && file.starts_with(watched) && file.is_file() {
        true => Ok(file),
        false => Err(none()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_name_does_not_lead_out_of_the_watched_folder() {
        let data = tempfile::tempdir().unwrap();
        let watched = data.path().join("watched");
        fs::create_dir_all(watched.join("night")).unwrap();
        fs::write(watched.join("night/a.i3"), b"").unwrap();
        fs::write(data.path().join("secret"), b"").unwrap();
        symlink(data.path().join("secret"), watched.join("link")).unwrap();
        let found = below(Some(&watched), "night/a.i3").unwrap();
        assert!(found.ends_with("night/a.i3"));
        let absolute = data.path().join("secret");
        for name in [
            "../secret",
            "link",
            "",
            ".",
            "night",
            "none",
            absolute.to_str().unwrap(),
        ] {
            assert_eq!(
                below(Some(&watched), name).unwrap_err().status,
                404,
                "{name:?}"
            );
        }
        assert_eq!(below(None, "night/a.i3").unwrap_err().status, 400);
    }

    #[test]
    fn a_priority_is_a_word() {
        assert_eq!(priority_of(b"urgent").unwrap(), Priority::Urgent);
        assert_eq!(priority_of(b"\"normal\"").unwrap(), Priority::Normal);
        assert_eq!(priority_of(b"now").unwrap_err().status, 400);
    }
}
