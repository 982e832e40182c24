//! The store over sqlx's driver.
//!
//! sqlx sets no `TCP_NODELAY` and offers no way to. It does no harm here: a query is one write, and it is sent
//! only when the answer to the one before has come, so there is never unacknowledged data to wait for.

use deadpool::managed::{Manager, Metrics, RecycleResult};
use sqlx::{
    ConnectOptions, Connection, PgConnection, Row,
    postgres::{PgConnectOptions, PgRow},
};
use uuid::Uuid;

use super::{
    APPLICATION_NAME, PoolSettings,
    pool::{Pooled, Session},
    sql,
};
use crate::{
    config::{ConfigError, DatabaseUrl},
    model::{Page, User, UserPage},
};

/// Users from sqlx.
pub type SqlxStore = Pooled<Connector>;

impl SqlxStore {
    /// Starts to connect to the database at `url`, and does not wait for it.
    ///
    /// # Errors
    /// [`ConfigError::DatabaseUrl`] when sqlx cannot read `url`.
    pub fn connect(url: &DatabaseUrl, settings: PoolSettings) -> Result<Self, ConfigError> {
        let options = url
            .expose()
            .parse::<PgConnectOptions>()
            .map_err(|_| ConfigError::DatabaseUrl)?
            .application_name(APPLICATION_NAME)
            .disable_statement_logging();
        Ok(Self::start(Connector(options), settings))
    }
}

/// Opens connections.
pub struct Connector(PgConnectOptions);

impl Manager for Connector {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect_with(&self.0).await
    }

    /// Nothing to do: what a client that went away left unread, sqlx reads before the next query. (Waiting for it
    /// here would lose the connection if the next client went away too.)
    async fn recycle(&self, _: &mut PgConnection, _: &Metrics) -> RecycleResult<sqlx::Error> {
        Ok(())
    }
}

/// Statements are prepared when first used, and kept for the connection's life.
impl Session for PgConnection {
    type Error = sqlx::Error;

    async fn ready(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query(sql::READY).fetch_one(self).await?;
        Ok(())
    }

    async fn user(&mut self, id: Uuid) -> Result<Option<User>, sqlx::Error> {
        let row = sqlx::query(sql::GET_USER)
            .bind(id)
            .fetch_optional(self)
            .await?;
        row.as_ref().map(user).transpose()
    }

    async fn users(&mut self, page: Page) -> Result<UserPage, sqlx::Error> {
        let rows = sqlx::query(sql::LIST_USERS)
            .bind(page.limit)
            .bind(page.offset)
            .fetch_all(&mut *self)
            .await?;
        let count = sqlx::query(sql::COUNT_USERS).fetch_one(self).await?;
        Ok(UserPage {
            items: rows.iter().map(user).collect::<Result<_, _>>()?,
            limit: page.limit,
            offset: page.offset,
            total: count.try_get(0)?,
        })
    }

    fn is_lost(&self) -> bool {
        false
    }

    /// Sends a `Sync` and reads everything up to its answer.
    async fn probe(&mut self) -> Result<(), sqlx::Error> {
        self.ping().await
    }
}

/// The columns stand in the same order in both statements.
fn user(row: &PgRow) -> Result<User, sqlx::Error> {
    Ok(User {
        id: row.try_get(0)?,
        email: row.try_get(1)?,
        full_name: row.try_get(2)?,
        age: row.try_get(3)?,
        country_code: row.try_get(4)?,
        is_active: row.try_get(5)?,
        created_at: row.try_get(6)?,
    })
}
