//! The service from outside: its answers over a store that is made up, its sockets, and both real stores.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod answers;
mod database;
mod fake;
mod outage;
mod sockets;
