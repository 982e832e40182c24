//! From the lines of the load script to `samples.parquet` and back.
#![allow(clippy::unwrap_used)]

mod hostile;
mod real;
mod round_trip;
mod script;
