//! The store over tokio-postgres. The driver sets `TCP_NODELAY` itself.

use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, RecyclingMethod};
use tokio_postgres::{Config, Error, NoTls, Row, config::SslMode};
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

/// Users from tokio-postgres.
pub type TokioPostgresStore = Pooled<Manager>;

impl TokioPostgresStore {
    /// Starts to connect to the database at `url`, and does not wait for it.
    ///
    /// # Errors
    /// [`ConfigError::DatabaseUrl`] when tokio-postgres cannot read `url`, or when it asks for TLS.
    pub fn connect(url: &DatabaseUrl, settings: PoolSettings) -> Result<Self, ConfigError> {
        let mut config = url
            .expose()
            .parse::<Config>()
            .map_err(|_| ConfigError::DatabaseUrl)?;
        if config.get_ssl_mode() == SslMode::Require {
            return Err(ConfigError::DatabaseUrl);
        }
        config.application_name(APPLICATION_NAME);
        let manager = Manager::from_config(
            config,
            NoTls,
            ManagerConfig {
                // The driver notices a closed socket by itself: no query is needed to find out.
                recycling_method: RecyclingMethod::Fast,
            },
        );
        Ok(Self::start(manager, settings))
    }
}

/// Statements are prepared when first used, and kept for the connection's life.
impl Session for ClientWrapper {
    type Error = Error;

    async fn ready(&mut self) -> Result<(), Error> {
        let statement = self.prepare_cached(sql::READY).await?;
        self.query_one(&statement, &[]).await?;
        Ok(())
    }

    async fn user(&mut self, id: Uuid) -> Result<Option<User>, Error> {
        let statement = self.prepare_cached(sql::GET_USER).await?;
        let row = self.query_opt(&statement, &[&id]).await?;
        row.as_ref().map(user).transpose()
    }

    async fn users(&mut self, page: Page) -> Result<UserPage, Error> {
        let list = self.prepare_cached(sql::LIST_USERS).await?;
        let rows = self.query(&list, &[&page.limit, &page.offset]).await?;
        let count = self.prepare_cached(sql::COUNT_USERS).await?;
        let total = self.query_one(&count, &[]).await?.try_get(0)?;
        Ok(UserPage {
            items: rows.iter().map(user).collect::<Result<_, _>>()?,
            limit: page.limit,
            offset: page.offset,
            total,
        })
    }

    fn is_lost(&self) -> bool {
        self.is_closed()
    }

    /// The driver's own task reads from the socket all the time, so there is nothing more to find out.
    async fn probe(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// The columns stand in the same order in both statements.
fn user(row: &Row) -> Result<User, Error> {
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
