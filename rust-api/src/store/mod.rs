//! Where users come from.

mod pool;
mod sql;
mod sqlx;
mod tokio_postgres;

use std::time::Duration;

use uuid::Uuid;

use crate::model::{Page, User, UserPage};

pub use self::{
    pool::{Pooled, Session},
    sqlx::SqlxStore,
    tokio_postgres::TokioPostgresStore,
};

/// How the service shows up in `pg_stat_activity`, whichever driver it uses.
const APPLICATION_NAME: &str = env!("CARGO_PKG_NAME");

/// The database did not answer in time, or not at all. Why is in the log; clients are told no more than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

/// The questions that the API asks. Every answer comes within the store's time limit, if only as [`Unavailable`].
pub trait Store: Clone + Send + Sync + 'static {
    /// Whether a pooled connection answers; one round trip.
    fn ready(&self) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// The user with this id, if there is one; one round trip.
    fn user(&self, id: Uuid) -> impl Future<Output = Result<Option<User>, Unavailable>> + Send;

    /// A page of users; two round trips on one connection.
    fn users(&self, page: Page) -> impl Future<Output = Result<UserPage, Unavailable>> + Send;
}

/// The budget of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// Most connections at any time.
    pub max: usize,
    /// Connections that are opened at start, and again after they were lost.
    pub min: usize,
    /// Time limit of one request, waiting for a connection included.
    pub timeout: Duration,
}
