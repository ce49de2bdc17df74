//! Who asks, and whether it is allowed: reading needs `read`, everything else `submit`; what others
//! have submitted is changed by `admin` alone.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::problem::Problem;
use crate::scan::Scan;
use crate::tokens::{Holder, Role};

/// Lets those in who bring a token that allows the method.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&app, request.method(), request.headers()) {
        Ok(holder) => {
            request.extensions_mut().insert(holder);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Whose token it is, if it allows the method.
pub(super) fn admit(app: &App, method: &Method, headers: &HeaderMap) -> Result<Holder, Problem> {
    // Of two, a proxy on the way may have judged the other one.
    let mut brought = headers.get_all(header::AUTHORIZATION).iter();
    let only = brought.next().filter(|_| brought.next().is_none());
    let secret = only
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, secret)| secret.trim());
    let secret = secret.ok_or_else(Problem::unauthorized)?;
    let holder = app.tokens.holder(secret);
    let holder = holder.map_err(|error| Problem::internal(&error))?;
    let holder = holder.ok_or_else(Problem::unauthorized)?;
    let needed = match *method {
        Method::GET | Method::HEAD => Role::Read,
        _ => Role::Submit,
    };
    match holder.role >= needed {
        true => Ok(holder),
        false => Err(Problem::forbidden(format!(
            "the token has the role {}, and {} is needed: ask the operator for one",
            holder.role.word(),
            needed.word(),
        ))),
    }
}

/// What a scan is said to come from.
pub(super) fn from(holder: &Holder) -> String {
    format!("http {}", holder.name)
}

/// Whether a scan may be changed.
pub(super) fn may_change(holder: &Holder, scan: &Scan) -> Result<(), Problem> {
    match holder.role == Role::Admin || scan.from == from(holder) {
        true => Ok(()),
        false => Err(Problem::forbidden(
            "the scan was submitted with another token: the role admin is needed",
        )),
    }
}
