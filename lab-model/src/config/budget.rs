//! Budgets derived from `lab.toml`: the same totals for every target, split over its processes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::nearest;
use super::{ConfigError, Lab, Mode, Postgres, Profile, Setting, Target, WorkerKind};

/// What one target gets in one mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Budget {
    /// CPU time, in CPUs.
    pub cpus: u32,
    /// Worker threads or processes.
    pub workers: u32,
    /// Processes that hold a pool.
    pub processes: u32,
    /// Connections in all.
    pub db_connections: u32,
    /// Connections of each process: `db_connections / processes`.
    pub pool_size: u32,
}

/// Values for the placeholders in a target's `command` and `env`.
#[derive(Debug, Clone)]
pub struct Placeholders<'a> {
    /// The budget.
    pub budget: &'a Budget,
    /// `{db_timeout_ms}`.
    pub db_timeout_ms: u64,
    /// `{host}`.
    pub host: &'a str,
    /// `{port}`.
    pub port: u16,
    /// `{database_url}`; a secret.
    pub database_url: &'a str,
    /// `{cargo_target}`: Cargo's target folder.
    pub cargo_target: &'a str,
}

/// Names that may stand in braces.
pub(crate) const PLACEHOLDERS: [&str; 8] = [
    "cpus",
    "workers",
    "pool_size",
    "db_timeout_ms",
    "host",
    "port",
    "database_url",
    "cargo_target",
];

impl Placeholders<'_> {
    /// Fills every `{name}` of a text; unknown names were refused when the file was read.
    pub fn fill(&self, text: &str) -> String {
        let values = BTreeMap::from([
            ("cpus", self.budget.cpus.to_string()),
            ("workers", self.budget.workers.to_string()),
            ("pool_size", self.budget.pool_size.to_string()),
            ("db_timeout_ms", self.db_timeout_ms.to_string()),
            ("host", self.host.to_owned()),
            ("port", self.port.to_string()),
            ("database_url", self.database_url.to_owned()),
            ("cargo_target", self.cargo_target.to_owned()),
        ]);
        values.iter().fold(text.to_owned(), |t, (name, value)| {
            t.replace(&format!("{{{name}}}"), value)
        })
    }
}

impl Postgres {
    /// Head room for the lab's own connections (observer, contract suite, superuser reserve).
    pub const RESERVE: u32 = 10;

    /// The sentence for more connections than the server has room for.
    pub(crate) fn too_many(&self, db_connections: u32) -> Option<String> {
        let Some(Setting::Integer(max)) = self.settings.get("max_connections") else {
            return None;
        };
        let wanted = i64::from(db_connections) + i64::from(Self::RESERVE);
        (wanted > *max).then(|| {
            format!(
                "{db_connections} connections and {} for the lab itself do not fit max_connections = {max}",
                Self::RESERVE
            )
        })
    }
}

impl Lab {
    /// The budget of a target in a mode.
    ///
    /// # Errors
    /// Unknown names, or a pool that does not divide.
    pub fn budget(&self, mode: &str, target: &str) -> Result<Budget, ConfigError> {
        let m = self.mode(mode)?;
        let processes = match self.target(target)?.workers {
            WorkerKind::Threads => 1,
            WorkerKind::Processes => m.workers,
        };
        if m.db_connections % processes != 0 {
            return Err(ConfigError::PoolDoesNotDivide {
                mode: mode.to_owned(),
                db_connections: m.db_connections,
                processes,
            });
        }
        Ok(Budget {
            cpus: m.cpus,
            workers: m.workers,
            processes,
            db_connections: m.db_connections,
            pool_size: m.db_connections / processes,
        })
    }

    /// The same lab with another number of connections in one mode; every other budget stays.
    ///
    /// # Errors
    /// An unknown mode, no connection at all, or more than Postgres has room for. Whether they divide over the
    /// processes of a target is said by [`Lab::budget`].
    pub fn with_connections(&self, mode: &str, db_connections: u32) -> Result<Self, ConfigError> {
        let mut lab = self.clone();
        self.mode(mode)?;
        if db_connections == 0 {
            return Err(ConfigError::Connections {
                mode: mode.to_owned(),
                message: "db_connections must be at least 1".to_owned(),
                hint: "a service cannot run on nothing".to_owned(),
            });
        }
        if let Some(message) = lab.postgres.too_many(db_connections) {
            return Err(ConfigError::Connections {
                mode: mode.to_owned(),
                message,
                hint: "raise postgres.settings.max_connections".to_owned(),
            });
        }
        if let Some(mode) = lab.modes.get_mut(mode) {
            mode.db_connections = db_connections;
        }
        Ok(lab)
    }

    /// A mode by name.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] with the names there are.
    pub fn mode(&self, name: &str) -> Result<&Mode, ConfigError> {
        self.modes
            .get(name)
            .ok_or_else(|| unknown("mode", name, self.modes.keys()))
    }

    /// A target by name.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] with the names there are.
    pub fn target(&self, name: &str) -> Result<&Target, ConfigError> {
        self.targets
            .get(name)
            .ok_or_else(|| unknown("target", name, self.targets.keys()))
    }

    /// A profile by name.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] with the names there are.
    pub fn profile(&self, name: &str) -> Result<&Profile, ConfigError> {
        self.profiles
            .get(name)
            .ok_or_else(|| unknown("profile", name, self.profiles.keys()))
    }
}

fn unknown<'a>(
    kind: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a String> + Clone,
) -> ConfigError {
    let all: Vec<&str> = known.map(String::as_str).collect();
    let hint = match nearest(name, all.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? There are: {}", all.join(", ")),
        None => format!("there are: {}", all.join(", ")),
    };
    ConfigError::Unknown {
        kind,
        name: name.to_owned(),
        hint,
    }
}
