//! The users API in Rust: axum over sqlx or tokio-postgres, the same service with a choice of driver.
//!
//! [`http`] answers requests, [`store`] asks the database, [`server`] owns the sockets, [`config`] and [`cli`]
//! read what the process was started with, and [`telemetry`] writes the error log. `main` only wires them.

pub mod cli;
pub mod config;
pub mod http;
pub mod model;
pub mod server;
pub mod store;
pub mod telemetry;
