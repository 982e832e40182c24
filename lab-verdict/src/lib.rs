//! From stored repetitions to verdicts: the one step that `bench` and `analyze` share, so that the same run
//! always gets the same words.
//!
//! `bench` gives it `repetition.json` as it is; `analyze` first recomputes the figures from the raw samples.
//! What both programs show, and how, is in [`terminal`] and [`mod@generate`].
//! A receipt that does not balance stops the ranking of its target here (see [`fairness`]).

pub mod capacity;
pub mod fairness;
pub mod generate;
pub mod laboratory;
mod session;
pub mod sweep;
pub mod terminal;

pub use session::{Options, judge_run, plan, session};
