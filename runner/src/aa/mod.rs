//! `bench aa`: one target under two labels, in blocks as in any run. What is called different here is a false alarm;
//! with an injected delay it is a detection. Method: STATISTICS 12, docs/METHODOLOGY.md.

pub mod blind;
pub mod course;
pub mod forward;
pub mod judge;
pub mod plan;
pub mod proxy;
pub mod text;

#[cfg(test)]
mod judge_tests;
