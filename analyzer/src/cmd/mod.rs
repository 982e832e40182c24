//! One file a subcommand.

pub mod calibrate;
pub mod compare;
pub mod generate;
pub mod import;
pub mod plan;
pub mod report;
pub mod sweep;
pub mod verify;
