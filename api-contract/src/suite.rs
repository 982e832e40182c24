//! The suites: which cases of which rules.

use std::sync::LazyLock;

use crate::behaviour::BehaviourSuite;
use crate::case::{Case, CaseError, CaseFile, Level, Rule};
use crate::oracle::Oracle;

const FILES: [(&str, &str); 6] = [
    ("health.toml", include_str!("../cases/health.toml")),
    ("user.toml", include_str!("../cases/user.toml")),
    ("users.toml", include_str!("../cases/users.toml")),
    ("paths.toml", include_str!("../cases/paths.toml")),
    ("methods.toml", include_str!("../cases/methods.toml")),
    ("connection.toml", include_str!("../cases/connection.toml")),
];

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    FILES
        .iter()
        .flat_map(|(name, text)| {
            // Embedded at build time and read by this crate's tests: a mistake cannot reach a user.
            let file: CaseFile = toml::from_str(text)
                .unwrap_or_else(|error| panic!("api-contract/cases/{name}: {error}"));
            file.rules
        })
        .collect()
});

/// A selection of cases about requests and answers. What happens when the database or the process comes and
/// goes is a [`BehaviourSuite`].
#[derive(Debug, Clone)]
pub struct Suite {
    name: &'static str,
    level: Level,
    only: Option<String>,
}

impl Suite {
    /// A few requests, for the check before every repetition: milliseconds.
    pub fn quick() -> Self {
        Self::of("quick", Level::Quick)
    }

    /// Every rule and every trap: about a second.
    pub fn standard() -> Self {
        Self::of("standard", Level::Standard)
    }

    /// The standard suite and every row of the table.
    pub fn thorough() -> Self {
        Self::of("thorough", Level::Thorough)
    }

    /// What needs control over the database and the service.
    pub fn behaviour() -> BehaviourSuite {
        BehaviourSuite::all()
    }

    /// Only rules whose name contains `text`.
    #[must_use]
    pub fn only(mut self, text: impl Into<String>) -> Self {
        self.only = Some(text.into());
        self
    }

    /// Name, as it stands in reports.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The rules it draws its cases from.
    pub fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        RULES.iter().filter(|rule| {
            self.only
                .as_ref()
                .is_none_or(|text| rule.name.contains(text))
        })
    }

    /// All cases, filled in from `oracle`.
    ///
    /// # Errors
    /// When a case asks for a row that the table doesn't have.
    pub fn cases(&self, oracle: &Oracle) -> Result<Vec<Case>, CaseError> {
        let mut cases = Vec::new();
        for rule in self.rules() {
            cases.extend(rule.cases(self.level, oracle)?);
        }
        Ok(cases)
    }

    fn of(name: &'static str, level: Level) -> Self {
        Self {
            name,
            level,
            only: None,
        }
    }
}
