//! The suite is tried on a service that is right, and on many that are each wrong in one way.
#![allow(clippy::unwrap_used, missing_docs)]

mod behaviours;
mod fake;
mod mutants;
mod openapi;
mod rendering;
mod service;
mod users;
