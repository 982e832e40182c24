//! The programs of one installation: `./lab` writes it from its tools, Nix from its store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Paths and versions of everything that `bench` starts but does not build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// 1.
    pub schema_version: u32,
    /// Who wrote it: "lab", "nix" or "container".
    pub kind: String,
    /// Folder with lab.toml, db/, loadtest/, api-contract/.
    pub root: PathBuf,
    /// By name: k6, initdb, pg_ctl, postgres, psql.
    pub programs: BTreeMap<String, Program>,
    /// Ready-built targets; they replace `build` and `command` of lab.toml.
    #[serde(default)]
    pub targets: BTreeMap<String, BuiltTarget>,
    /// Cargo's target folder, for `{cargo_target}`.
    #[serde(default)]
    pub cargo_target: Option<PathBuf>,
}

/// One program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// What it says of itself.
    pub version: String,
}

/// A target that somebody else built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuiltTarget {
    /// Program and arguments; placeholders allowed.
    pub command: Vec<String>,
    /// Its version.
    pub version: String,
}

/// The inventory cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum InventoryError {
    /// No such file, or unreadable.
    #[error("cannot read the inventory {path}")]
    #[diagnostic(help(
        "start through `./lab bench-single` or `nix run .#bench-single`; they write it"
    ))]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not the expected form.
    #[error("{path} is no inventory: {source}")]
    #[diagnostic(help("remove it and start through ./lab again"))]
    Form {
        /// The file.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A program is missing.
    #[error("the inventory has no program named `{0}`")]
    #[diagnostic(help("start through `./lab`, which installs what is pinned in tools/"))]
    Missing(String),
    /// A program was taken away.
    #[error("{name} is not where the inventory says: no {path}")]
    #[diagnostic(help("start through `./lab`, which installs what is pinned in tools/"))]
    Gone {
        /// The program.
        name: String,
        /// Where it was.
        path: String,
    },
}

impl Inventory {
    /// Reads a file.
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn load(path: &Path) -> Result<Self, InventoryError> {
        let name = path.display().to_string();
        let text = fs_err::read(path).map_err(|source| InventoryError::Read {
            path: name.clone(),
            source,
        })?;
        serde_json::from_slice(&text).map_err(|source| InventoryError::Form { path: name, source })
    }

    /// A program by name.
    ///
    /// # Errors
    /// [`InventoryError::Missing`] and [`InventoryError::Gone`].
    pub fn program(&self, name: &str) -> Result<&Program, InventoryError> {
        let program = self
            .programs
            .get(name)
            .ok_or_else(|| InventoryError::Missing(name.to_owned()))?;
        if !program.path.is_file() {
            return Err(InventoryError::Gone {
                name: name.to_owned(),
                path: program.path.display().to_string(),
            });
        }
        Ok(program)
    }
}
