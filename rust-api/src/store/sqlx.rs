//! The store over sqlx's driver.
//!
//! sqlx sets no `TCP_NODELAY` and offers no way to. It does no harm here: a query is one write, and it is sent
//! only when the answer to the one before has come, so there is never unacknowledged data to wait for.

use deadpool::managed::{Manager, Metrics, RecycleResult};
use sqlx::{
    ConnectOptions, Connection as _, PgConnection, Row,
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
    type Type = Connection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Connection, sqlx::Error> {
        let raw = PgConnection::connect_with(&self.0).await?;
        Ok(Connection { raw, unread: false })
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        _: &Metrics,
    ) -> RecycleResult<sqlx::Error> {
        if connection.unread {
            connection.probe().await?;
        }
        Ok(())
    }
}

/// A connection to the database. sqlx prepares a statement when it first sees it, and keeps it for the
/// connection's life.
pub struct Connection {
    raw: PgConnection,
    /// A query was begun and not waited for: its answer has to be read before anything else can be.
    unread: bool,
}

impl Session for Connection {
    type Error = sqlx::Error;

    async fn ready(&mut self) -> Result<(), sqlx::Error> {
        self.unread = true;
        sqlx::query(sql::READY).fetch_one(&mut self.raw).await?;
        self.unread = false;
        Ok(())
    }

    async fn user(&mut self, id: Uuid) -> Result<Option<User>, sqlx::Error> {
        self.unread = true;
        let row = sqlx::query(sql::GET_USER)
            .bind(id)
            .fetch_optional(&mut self.raw)
            .await?;
        self.unread = false;
        row.as_ref().map(user).transpose()
    }

    async fn users(&mut self, page: Page) -> Result<UserPage, sqlx::Error> {
        self.unread = true;
        let rows = sqlx::query(sql::LIST_USERS)
            .bind(page.limit)
            .bind(page.offset)
            .fetch_all(&mut self.raw)
            .await?;
        let count = sqlx::query(sql::COUNT_USERS)
            .fetch_one(&mut self.raw)
            .await?;
        self.unread = false;
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
        self.raw.ping().await?;
        self.unread = false;
        Ok(())
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
