//! `sweep.json`: one budget or load varied, a run of its own for each value, all interleaved.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RunDir;
use super::store::{StoreError, read_stored};
use crate::atomic;

/// What a sweep varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SweepVariable {
    /// Connections of the whole service.
    DbConnections,
    /// Users of a closed loop.
    Vus,
}

impl SweepVariable {
    /// The name in folders, options and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::DbConnections => "db_connections",
            Self::Vus => "vus",
        }
    }

    /// What is counted, for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::DbConnections => "connections",
            Self::Vus => "users",
        }
    }
}

/// The place of a run in its sweep; stands in the run's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepPart {
    /// Name of the sweep's folder.
    pub sweep_id: String,
    /// What is varied.
    pub variable: SweepVariable,
    /// The value of this run.
    pub value: u32,
    /// All values.
    pub values: Vec<u32>,
}

/// One repetition of a block: a target at a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepCell {
    /// The value.
    pub value: u32,
    /// The target.
    pub target: String,
}

/// Everything of a sweep that its runs do not say themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// 1.
    pub schema_version: u32,
    /// Name of the folder.
    pub sweep_id: String,
    /// Start, UTC.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// The command line.
    pub command: Vec<String>,
    /// What is varied.
    pub variable: SweepVariable,
    /// Its values, rising; each has a folder `<variable>-<value>` that is a run.
    pub values: Vec<u32>,
    /// Seed of the order.
    pub seed: u64,
    /// For each block, every target at every value, in the order in which they ran.
    pub order: Vec<Vec<SweepCell>>,
}

impl Sweep {
    /// For each block, the targets of one value in their order.
    pub fn order_at(&self, value: u32) -> Vec<Vec<String>> {
        let at = |block: &Vec<SweepCell>| -> Vec<String> {
            block
                .iter()
                .filter(|cell| cell.value == value)
                .map(|cell| cell.target.clone())
                .collect()
        };
        self.order.iter().map(at).collect()
    }
}

/// The folder of one sweep.
#[derive(Debug, Clone)]
pub struct SweepDir {
    root: PathBuf,
}

impl SweepDir {
    /// Names the folder; nothing is read or made.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Is there a sweep?
    pub fn is_one(path: &Path) -> bool {
        path.join("sweep.json").is_file()
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Makes the folder and stores the plan.
    ///
    /// # Errors
    /// IO; also when the folder exists already: results are never overwritten.
    pub fn create(&self, sweep: &Sweep) -> Result<(), StoreError> {
        if let Some(parent) = self.root.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::create_dir(&self.root)?;
        atomic::write_json(&self.root.join("sweep.json"), sweep)?;
        Ok(())
    }

    /// Reads the plan.
    ///
    /// # Errors
    /// IO or form.
    pub fn sweep(&self) -> Result<Sweep, StoreError> {
        read_stored(&self.root.join("sweep.json"), |s: &Sweep| s.schema_version)
    }

    /// Name of the folder of one value; they sort as the values do.
    pub fn run_name(variable: SweepVariable, value: u32) -> String {
        format!("{}-{value:04}", variable.name())
    }

    /// The run of one value.
    pub fn run(&self, variable: SweepVariable, value: u32) -> RunDir {
        RunDir::new(self.root.join(Self::run_name(variable, value)))
    }
}
