//! One file a subcommand.

pub mod aa;
pub mod build;
pub mod contract;
pub mod doctor;
pub mod generate;
pub mod internal;
pub mod list;
pub mod new_target;
pub mod play;
pub mod resume;
pub mod run;
pub mod sweep;
pub mod validate;
