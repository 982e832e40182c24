//! From requests to answers: routes, the reading of ids and queries, and the form of the answers.

mod handlers;
mod path;
mod query;
mod reply;
mod user_id;

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
    routing::get,
};
use tower::ServiceExt;

pub use self::{
    query::{BadQuery, parse_page},
    reply::Reply,
    user_id::{BadUserId, parse_user_id},
};
use crate::store::Store;

/// The whole API over `store`.
pub fn app<S: Store>(store: S) -> Router {
    let routes = Router::new()
        .route("/healthz", get(handlers::healthz))
        .route("/readyz", get(handlers::readyz::<S>))
        .route("/users", get(handlers::users::<S>))
        .route("/users/{id}", get(handlers::user::<S>))
        .method_not_allowed_fallback(async || Reply::METHOD_NOT_ALLOWED)
        .with_state(store);

    // axum compares paths as they were sent. A path that matches nothing gets a second chance with its needless
    // percent-encoding undone, so that `/us%65rs` is `/users`: at no cost to the paths that clients really send.
    let respelled = routes.clone().fallback(async || Reply::NOT_FOUND);
    routes.fallback(async move |request: Request| -> Response {
        match path::respell(request) {
            Some(request) => respelled.oneshot(request).await.into_response(),
            None => Reply::NOT_FOUND.into_response(),
        }
    })
}
