//! `bench`: starts the lab, runs the plan, observes, stores, and prints the verdict.
//!
//! `cmd/` has a file for each subcommand; `run/` one for each step of a repetition.

pub mod aa;
pub mod children;
pub mod cli;
pub mod cluster;
pub mod cmd;
pub mod containers;
pub mod context;
pub mod error;
pub mod interrupt;
pub mod run;
pub mod service;
pub mod session;
pub mod ui;
