//! Who is asking: a page shows only what its reader may do.

use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::tokens::{Holder, Role};

/// Whose token it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Asker {
    /// The name that it was given.
    name: String,
    /// What it allows.
    role: Role,
}

/// Says what the token of the request is called, and what it allows.
#[utoipa::path(get, path = "/whoami", tag = "fleet", operation_id = "whoami",
    responses((status = 200, body = Asker, description = "Whose token it is")))]
pub(super) async fn whoami(Extension(Holder { name, role }): Extension<Holder>) -> Json<Asker> {
    Json(Asker { name, role })
}
