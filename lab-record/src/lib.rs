//! The record of requests of one repetition.
//!
//! The load script keeps a row per request and hands the rows over at its end, as lines in the file that k6 was given
//! with `--console-output` (`loadtest/README.md` describes them). [`convert`] checks that the hand-over is complete and
//! writes `samples.parquet`; [`Samples::read`] reads such a file.
//!
//! Times are in nanoseconds. Start times come from a clock that ticks every [`CLOCK_RESOLUTION_NS`].

mod convert;
mod error;
mod handover;
mod line;
mod live;
mod names;
mod rows;
mod samples;
mod write;

pub use convert::{Converted, convert, messages};
pub use error::RecordError;
pub use live::live_latencies;
pub use samples::Samples;

/// The tick of the clock of `started_at`, in ns: JavaScript's `Date.now()` tells whole milliseconds.
pub const CLOCK_RESOLUTION_NS: i64 = 1_000_000;

/// Form of `samples.parquet`, in its metadata as `bench.schema_version`.
pub const SCHEMA_VERSION: u32 = 1;

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, RecordError>;
