//! A run, step by step: plan, order, load, observation, receipt, storing, verdict.

pub mod capacity;
pub mod containment;
pub mod engine;
pub mod figures;
pub mod freshness;
pub mod live;
pub mod load;
pub mod measure;
pub mod observe;
pub mod order;
pub mod plan;
pub mod progress;
pub mod receipt;
pub mod statements;
pub mod sweep;
mod told;
mod verdict;

#[cfg(test)]
mod receipt_tests;
