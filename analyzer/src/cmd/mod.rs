//! One file a subcommand.

pub mod report;
