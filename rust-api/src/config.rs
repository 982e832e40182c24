//! The environment that the service runs in, read once and refused as a whole when something cannot be.

use std::{fmt, time::Duration};

/// Everything that comes from the environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address or name to listen on.
    pub host: String,
    /// TCP port to listen on.
    pub port: u16,
    /// Where the database is.
    pub database_url: DatabaseUrl,
    /// Time limit for one request's database work, waiting for a connection included.
    pub db_timeout: Duration,
    /// Most connections to the database.
    pub db_max_connections: usize,
    /// Connections that are opened at start and kept.
    pub db_min_connections: usize,
    /// Threads that do the work.
    pub worker_threads: usize,
}

/// A connection string. It holds the password, so it never prints itself.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The whole text, password included: for a driver's parser, never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DatabaseUrl(…)")
    }
}

/// A variable that is missing or cannot be right. The value of `DATABASE_URL` is never repeated.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The variable is not set, or empty.
    #[error("{name} is not set: {hint}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What to set it to.
        hint: &'static str,
    },
    /// The variable is not a whole number in its range.
    #[error("{name} is {value:?}: must be a whole number from {min} to {max}")]
    Number {
        /// The variable.
        name: &'static str,
        /// Its text.
        value: String,
        /// Smallest value that is accepted.
        min: u64,
        /// Largest value that is accepted.
        max: u64,
    },
    /// More connections to be kept than there may be.
    #[error("DB_MIN_CONNS is {min}, more than DB_MAX_CONNS ({max}): use the same number for both")]
    MinAboveMax {
        /// `DB_MIN_CONNS`.
        min: usize,
        /// `DB_MAX_CONNS`.
        max: usize,
    },
    /// The database's URL is of no use to the driver.
    #[error(
        "DATABASE_URL is not usable: must be postgres://USER:PASSWORD@HOST:PORT/DATABASE, without TLS \
         (its text is not repeated here, because it holds a password)"
    )]
    DatabaseUrl,
}

impl Config {
    /// Reads the configuration through `lookup`, which answers like [`std::env::var`] with `.ok()`.
    ///
    /// # Errors
    /// The first variable that is missing or impossible.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let text = |name, hint| {
            lookup(name)
                .filter(|value| !value.is_empty())
                .ok_or(ConfigError::Missing { name, hint })
        };
        let number = |name, hint, min, max| {
            let value = text(name, hint)?;
            value
                .parse::<u64>()
                .ok()
                // `parse` takes a leading plus; nobody means that.
                .filter(|number| (min..=max).contains(number) && !value.starts_with('+'))
                .ok_or(ConfigError::Number {
                    name,
                    value,
                    min,
                    max,
                })
        };
        let count = |name, hint, min, max| -> Result<usize, ConfigError> {
            // All upper limits below are small: the conversion cannot fail on any platform.
            Ok(usize::try_from(number(name, hint, min, max)?).unwrap_or(usize::MAX))
        };

        let host = text("HOST", "the address to listen on, for example 127.0.0.1")?;
        let port = number("PORT", "the TCP port to listen on", 1, u64::from(u16::MAX))?;
        let database_url = DatabaseUrl(text(
            "DATABASE_URL",
            "postgres://USER:PASSWORD@HOST:PORT/DATABASE",
        )?);
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| database_url.expose().starts_with(scheme))
        {
            return Err(ConfigError::DatabaseUrl);
        }
        let db_timeout_ms = number("DB_TIMEOUT_MS", "a time limit in milliseconds", 1, 600_000)?;
        let db_max_connections =
            count("DB_MAX_CONNS", "the size of the connection pool", 1, 10_000)?;
        let db_min_connections =
            count("DB_MIN_CONNS", "the same number as DB_MAX_CONNS", 1, 10_000)?;
        if db_min_connections > db_max_connections {
            return Err(ConfigError::MinAboveMax {
                min: db_min_connections,
                max: db_max_connections,
            });
        }
        let worker_threads = count(
            "TOKIO_WORKER_THREADS",
            "the number of worker threads",
            1,
            1024,
        )?;

        Ok(Self {
            host,
            port: u16::try_from(port).unwrap_or(u16::MAX),
            database_url,
            db_timeout: Duration::from_millis(db_timeout_ms),
            db_max_connections,
            db_min_connections,
            worker_threads,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 7] = [
        ("HOST", "127.0.0.1"),
        ("PORT", "8082"),
        (
            "DATABASE_URL",
            "postgres://bench_api:s3cret@127.0.0.1:5432/bench",
        ),
        ("DB_TIMEOUT_MS", "2000"),
        ("DB_MAX_CONNS", "30"),
        ("DB_MIN_CONNS", "30"),
        ("TOKIO_WORKER_THREADS", "1"),
    ];

    fn read_with(name: &str, value: Option<&str>) -> Result<Config, ConfigError> {
        Config::read(|wanted| {
            if wanted == name {
                return value.map(str::to_owned);
            }
            GOOD.iter()
                .find(|(key, _)| *key == wanted)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_complete_environment_is_read() {
        let config = read_with("", None).unwrap();
        assert_eq!((config.host.as_str(), config.port), ("127.0.0.1", 8082));
        assert_eq!(config.db_timeout, Duration::from_secs(2));
        assert_eq!(
            (config.db_min_connections, config.db_max_connections),
            (30, 30)
        );
        assert_eq!(config.worker_threads, 1);
    }

    #[test]
    fn every_variable_is_required_and_named_when_missing() {
        for (name, _) in GOOD {
            for value in [None, Some("")] {
                let message = read_with(name, value).unwrap_err().to_string();
                assert!(
                    message.starts_with(&format!("{name} is not set")),
                    "{message}"
                );
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for name in [
            "PORT",
            "DB_TIMEOUT_MS",
            "DB_MAX_CONNS",
            "DB_MIN_CONNS",
            "TOKIO_WORKER_THREADS",
        ] {
            for value in [
                "0",
                "-1",
                "+1",
                " 1",
                "1.5",
                "many",
                "99999999999999999999999",
            ] {
                let message = read_with(name, Some(value)).unwrap_err().to_string();
                assert!(
                    message.contains(name) && message.contains(value),
                    "{message}"
                );
                assert!(!message.contains('\n'), "{message}");
            }
        }
        assert!(read_with("PORT", Some("65536")).is_err());
        assert_eq!(
            read_with("DB_MIN_CONNS", Some("31")).unwrap_err(),
            ConfigError::MinAboveMax { min: 31, max: 30 }
        );
    }

    #[test]
    fn the_password_never_shows() {
        let config = read_with("", None).unwrap();
        assert!(!format!("{config:?}").contains("s3cret"));
        let error = read_with("DATABASE_URL", Some("bench_api:s3cret@nowhere")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}
