//! What the parts of the lab agree on: `lab.toml`, the inventory of programs, and the results format.
//!
//! No IO but reading and writing those files. Everything else (processes, statistics) lives elsewhere.
//!
//! ```no_run
//! let lab = lab_model::config::Lab::load(std::path::Path::new("lab.toml"))?;
//! let budget = lab.budget("multi", "python")?;
//! assert_eq!((budget.processes, budget.pool_size), (4, 10));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod atomic;
pub mod config;
pub mod digest;
pub mod inventory;
pub mod results;
pub mod schema;
