//! One function a route.

use axum::extract::{Path, RawQuery, State, rejection::PathRejection};

use super::{parse_page, parse_user_id, reply::Reply};
use crate::store::{Store, Unavailable};

/// Room for one user as JSON: the longest of the seed take 230 bytes.
const USER_SIZE: usize = 256;

impl From<Unavailable> for Reply {
    fn from(_: Unavailable) -> Self {
        Self::UNAVAILABLE
    }
}

/// `GET /healthz`: never touches the database.
pub async fn healthz() -> Reply {
    Reply::ALIVE
}

/// `GET /readyz`: whether a pooled connection answers.
pub async fn readyz<S: Store>(State(store): State<S>) -> Result<Reply, Reply> {
    store.ready().await?;
    Ok(Reply::READY)
}

/// `GET /users/{id}`. A segment that is no UTF-8 is rejected by the extractor and is as bad as any other non-id.
pub async fn user<S: Store>(
    State(store): State<S>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Reply, Reply> {
    let Path(id) = id.map_err(|_| Reply::BAD_REQUEST)?;
    let id = parse_user_id(&id).map_err(|_| Reply::BAD_REQUEST)?;
    match store.user(id).await? {
        Some(user) => Ok(Reply::json(&user, USER_SIZE)),
        None => Ok(Reply::NOT_FOUND),
    }
}

/// `GET /users?limit&offset`.
pub async fn users<S: Store>(
    State(store): State<S>,
    RawQuery(query): RawQuery,
) -> Result<Reply, Reply> {
    let page = parse_page(query.as_deref()).map_err(|_| Reply::BAD_REQUEST)?;
    let users = store.users(page).await?;
    let size = (users.items.len() + 1) * USER_SIZE;
    Ok(Reply::json(&users, size))
}
