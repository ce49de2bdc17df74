//! Routes of what a scan's folder holds: maps, hits, results and files.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use futures::stream::unfold;
use nix::fcntl::OFlag;
use serde::Serialize;
use tokio::io::AsyncReadExt;
use utoipa::ToSchema;

use super::asked::Named;
use super::media::{MediaType, of_file};
use super::problem::Problem;
use super::{App, apart};
use crate::folder::{Folder, HITS, MAP, RESULT, is_file_name};
use crate::live::Tagged;
use crate::scan::{Hit, Map, ScanName};

/// Bytes of a file that are read at once.
const CHUNK: usize = 64 << 10;

/// The files of a scan.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileList {
    files: Vec<FileRow>,
}

/// What a file holds, as the description has it.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "only described: it is sent as it is read")]
struct Content(Vec<u8>);

/// A file of a scan.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct FileRow {
    /// Its name.
    name: String,
    /// How many bytes it has.
    size: u64,
    /// What it is.
    media_type: String,
}

/// Lists the files of a scan.
#[utoipa::path(get, path = "/scans/{id}/files", tag = "files", operation_id = "list_files",
    params(("id" = ScanName, Path, description = "Name of the scan")),
    responses((status = 200, description = "Files", body = FileList)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Named(id): Named<ScanName>,
) -> Result<Json<FileList>, Problem> {
    let files = apart(move || rows(&folder(&app, &id)?).map_err(|error| Problem::internal(&error)));
    Ok(Json(FileList {
        files: files.await?,
    }))
}

fn rows(folder: &Folder) -> io::Result<Vec<FileRow>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder.path())? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        // One may be gone by now: a draft, or a scan that is removed.
        let Ok(file) = entry.metadata() else {
            continue;
        };
        if is_file_name(&name) && file.is_file() {
            files.push(FileRow {
                size: file.len(),
                media_type: of_file(&name).name.to_owned(),
                name,
            });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Gives a file of a scan.
#[utoipa::path(get, path = "/scans/{id}/files/{name}", tag = "files", operation_id = "get_file",
    params(("id" = ScanName, Path, description = "Name of the scan"), ("name" = String, Path, description = "Name of the file"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what is there already")),
    responses((status = 200, description = "The file", body = inline(Content), content_type = "application/octet-stream", headers(("ETag" = String))),
        (status = 304, description = "It has not changed")))]
pub(super) async fn file(
    State(app): State<Arc<App>>,
    Named((id, name)): Named<(ScanName, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kind = of_file(&name);
    send(app, id, name, kind, headers).await
}

/// Gives the map of a scan as it stands.
#[utoipa::path(get, path = "/scans/{id}/map", tag = "scans", operation_id = "get_map",
    params(("id" = ScanName, Path, description = "Name of the scan"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what is there already")),
    responses((status = 200, description = "The map", body = Map, headers(("ETag" = String))), (status = 304, description = "It has not changed")))]
pub(super) async fn map(
    State(app): State<Arc<App>>,
    Named(id): Named<ScanName>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let live = app.desk.live(&id);
    let shown = match &live {
        // Large ones take a while to write down.
        Some(live) => {
            let live = Arc::clone(live);
            apart(move || Ok(live.map_json())).await?
        }
        None => None,
    };
    if let Some(Tagged { bytes, tag }) = shown {
        let kind = MediaType::JSON;
        return Ok(match is_known(&headers, &tag) {
            true => unchanged(&tag),
            false => answer(kind, &tag, bytes.len() as u64, None, Body::from(bytes)),
        });
    }
    let is_waiting = live.is_some();
    match send(app, id, MAP.to_owned(), MediaType::JSON, headers).await {
        Err(problem) if problem.status == 404 && is_waiting => {
            Ok(Json(Map::default()).into_response())
        }
        sent => sent,
    }
}

/// Gives the hits of a scan's event.
#[utoipa::path(get, path = "/scans/{id}/hits", tag = "scans", operation_id = "get_hits",
    params(("id" = ScanName, Path, description = "Name of the scan")),
    responses((status = 200, description = "The hits", body = [Hit])))]
pub(super) async fn hits(
    State(app): State<Arc<App>>,
    Named(id): Named<ScanName>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    send(app, id, HITS.to_owned(), MediaType::JSON, headers).await
}

/// Gives the result of a scan: what `skyscan scan --format json` prints.
#[utoipa::path(get, path = "/scans/{id}/result", tag = "scans", operation_id = "get_result",
    params(("id" = ScanName, Path, description = "Name of the scan")),
    responses((status = 200, description = "The result", body = serde_json::Value)))]
pub(super) async fn result(
    State(app): State<Arc<App>>,
    Named(id): Named<ScanName>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let goes_on = app.desk.live(&id).is_some();
    match send(app, id, RESULT.to_owned(), MediaType::JSON, headers).await {
        Err(problem) if problem.status == 404 && goes_on => Err(Problem::not_found(
            "the scan has no result yet: ask `wait` until it has ended",
        )),
        sent => sent,
    }
}

/// The folder of a scan that there is.
fn folder(app: &App, id: &ScanName) -> Result<Folder, Problem> {
    let folder = app.desk.folder(id);
    let folder = folder.filter(|folder| folder.path().is_dir());
    folder.ok_or_else(Problem::no_such_scan)
}

async fn send(
    app: Arc<App>,
    id: ScanName,
    name: String,
    kind: MediaType,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let shown = name.clone();
    let (file, size, tag) = apart(move || {
        let folder = folder(&app, &id)?;
        let opened = is_file_name(&name).then(|| open(&folder, &name));
        let none = "the scan has no such file, or not yet: its list of files has those that it has";
        opened
            .and_then(Result::ok)
            .ok_or_else(|| Problem::not_found(none))
    })
    .await?;
    if is_known(&headers, &tag) {
        return Ok(unchanged(&tag));
    }
    let file = tokio::fs::File::from_std(file);
    // What is appended meanwhile is not what was announced.
    let chunks = unfold(
        (file.take(size), BytesMut::new()),
        |(mut file, mut chunk)| async move {
            chunk.reserve(CHUNK);
            match file.read_buf(&mut chunk).await {
                Ok(0) => None,
                Ok(_) => Some((Ok(chunk.split().freeze()), (file, chunk))),
                Err(error) => Some((Err(error), (file, chunk))),
            }
        },
    );
    Ok(answer(
        kind,
        &tag,
        size,
        Some(&shown),
        Body::from_stream(chunks),
    ))
}

/// Opens a file that is one, with its size and its tag.
fn open(folder: &Folder, name: &str) -> io::Result<(File, u64, String)> {
    let mut options = File::options();
    // A link could lead anywhere, and a pipe would have us wait.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = options
        .read(true)
        .custom_flags(flags.bits())
        .open(folder.file(name))?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::from(io::ErrorKind::NotFound));
    }
    let (size, at) = (about.len(), (about.mtime(), about.mtime_nsec()));
    let tag = format!("\"{:x}-{:x}.{:x}-{size:x}\"", about.ino(), at.0, at.1);
    Ok((file, size, tag))
}

/// Whether whoever asks has it already.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let asked = headers.get_all(header::IF_NONE_MATCH).iter();
    let words = asked.filter_map(|value| value.to_str().ok());
    let mut tags = words.flat_map(|words| words.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

fn unchanged(tag: &str) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()
}

fn answer(kind: MediaType, tag: &str, size: u64, name: Option<&str>, body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind.name.to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
        (header::ETAG, tag.to_owned()),
        (header::CONTENT_DISPOSITION, kind.disposition(name)),
    ];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_tag_is_known_as_caches_bring_it() {
        let brings = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, value.parse().unwrap());
            is_known(&headers, "\"b\"")
        };
        assert!(brings("\"b\""));
        assert!(brings("\"a\", W/\"b\""));
        assert!(brings("*"));
        assert!(!brings("\"a\""));
        assert!(!is_known(&HeaderMap::new(), "\"b\""));
    }

    #[test]
    fn links_and_hidden_files_are_not_shown() {
        let scans = tempfile::tempdir().unwrap();
        let folder = Folder::at(scans.path().join("a"));
        fs::create_dir(folder.path()).unwrap();
        fs::write(scans.path().join("secret"), b"words").unwrap();
        symlink("../secret", folder.file("link")).unwrap();
        fs::write(folder.file(".scan.json.new"), b"").unwrap();
        fs::write(folder.file("map.json"), b"{}").unwrap();
        let names: Vec<String> = rows(&folder)
            .unwrap()
            .into_iter()
            .map(|row| row.name)
            .collect();
        assert_eq!(names, ["map.json"]);
        open(&folder, "link").unwrap_err();
        open(&folder, ".").unwrap_err();
        assert_eq!(open(&folder, "map.json").unwrap().1, 2);
    }
}
