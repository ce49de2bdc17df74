//! The page, embedded: nothing of it comes from elsewhere, and nothing in it is a secret.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::{no_such_method, no_such_route};
use crate::live::Tagged;

/// The files of `page/`.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Scripts, styles and pictures of its own, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
    connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers with a file of the page.
pub(super) async fn page(
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let name = uri.path().trim_start_matches('/');
    let name = if name.is_empty() { "index.html" } else { name };
    let found = FILES.iter().find(|(file, _)| *file == name);
    let Some((file, bytes)) = found else {
        return Err(no_such_route().await);
    };
    if ![Method::GET, Method::HEAD].contains(&method) {
        return Err(no_such_method().await);
    }
    let tag = Tagged::new(bytes.to_vec()).tag;
    let known = headers.get(header::IF_NONE_MATCH);
    let mut response = match known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => {
            let kind = HeaderValue::from_static(kind(file));
            ([(header::CONTENT_TYPE, kind)], Body::from(*bytes)).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.extend(tag.parse().ok().map(|tag| (header::ETAG, tag)));
    let policy = HeaderValue::from_static(POLICY);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

fn kind(file: &str) -> &'static str {
    match file.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}
