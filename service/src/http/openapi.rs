//! The description of the API, made from handlers and types.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, Info, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr,
    Required, ResponseBuilder, Server,
};

use super::problem::Problem;

/// What stands before the routes.
pub(super) fn head() -> OpenApi {
    let mut info = Info::new("skyscan", env!("CARGO_PKG_VERSION"));
    info.description = Some(env!("CARGO_PKG_DESCRIPTION").to_owned());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of the operator's: read, submit or admin"))
        .build();
    let mut components = ComponentsBuilder::new().schema_from::<Problem>().build();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    OpenApiBuilder::new()
        .info(info)
        // Relative to the document, so that it is right behind a proxy under a path.
        .servers(Some([Server::new(".")]))
        .components(Some(components))
        .security(Some([SecurityRequirement::new("token", [""; 0])]))
        .build()
}

/// Adds what every route may answer.
pub(super) fn complete(mut document: OpenApi) -> OpenApi {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        // Generators make clients that cannot be run of bodies that may be left out.
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            body.required = Some(Required::True);
        }
        for (statuses, words) in [
            ("4XX", "Something is not as asked"),
            ("5XX", "The service cannot, for now"),
        ] {
            let problem = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build();
            let answer = ResponseBuilder::new()
                .description(words)
                .content("application/problem+json", problem)
                .build();
            let responses = &mut operation.responses.responses;
            responses.insert(statuses.to_owned(), answer.into());
        }
    }
    document
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let all = [&mut path.get, &mut path.post, &mut path.put];
    all.into_iter().flatten()
}

/// The document as it is answered.
#[derive(Clone, Debug)]
pub(super) struct Document(Bytes);

pub(super) fn answer(document: &OpenApi) -> Document {
    Document(Bytes::from(
        document.to_pretty_json().unwrap_or_default().into_bytes(),
    ))
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

#[cfg(test)]
mod tests;
