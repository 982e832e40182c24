//! The results format (docs/FORMAT.md): a manifest per run, a folder per repetition.

pub mod aa;
mod check;
mod manifest;
mod receipt;
mod repetition;
mod store;
mod sweep;

pub use check::{differences, same_figure};
pub use manifest::{DataFacts, Environment, EnvironmentKind, Look, Manifest, PlanFacts, Versions};
pub use receipt::{
    Connections, CpuUse, Evidence, Freshness, HostUse, Processes, ReceiptLine, Statement, Traffic,
    unbalanced,
};
pub use repetition::{
    Bound, K6Figures, Latency, Reason, Repetition, SCHEMA_VERSION, StepFigures, Support,
};
pub use store::{Cell, RunDir, StoreError};
pub use sweep::{Sweep, SweepCell, SweepDir, SweepPart, SweepVariable};
