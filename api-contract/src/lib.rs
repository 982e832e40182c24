//! The HTTP contract of the services (`openapi.yaml`) and the black-box suite that checks it, byte for byte.
//!
//! Requests go over raw TCP, right answers are computed from the rows in the database, and neither side knows a
//! service from within. Cases are data in `cases/`; what needs control over the database or the process is in
//! [`behaviour`].
//!
//! ```no_run
//! use api_contract::{Oracle, Subject, Suite, run};
//!
//! let oracle = Oracle::connect("postgres://owner:secret@127.0.0.1:5432/bench")?;
//! let subject = Subject::new("go", "127.0.0.1:8080".parse()?);
//! let report = run(&Suite::standard(), &subject, &oracle)?;
//! assert!(report.passed(), "{}", report.render());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod behaviour;
pub mod case;
pub mod difference;
pub mod http;
pub mod judge;
pub mod oracle;
pub mod report;
mod run;
mod suite;
mod template;

pub use behaviour::{BehaviourSuite, run_behaviour};
pub use case::CaseError;
pub use oracle::{ExpectedLengths, Lengths, Oracle, OracleError, User};
pub use report::{CaseResult, Failure, Report};
pub use run::{Subject, run};
pub use suite::Suite;
pub use template::{Template, TemplateError};

/// The contract as OpenAPI 3.1, for programs that want to show or serve it.
pub const OPENAPI: &str = include_str!("../openapi.yaml");
