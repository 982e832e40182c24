//! One binary for all integration tests.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod compare;
mod files;
mod fuzz;
mod import;
mod made_up;
mod page;
mod program;
mod report;
mod sweep;
mod verify;
