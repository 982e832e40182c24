//! Tests of the whole judgement: from repetitions to verdict texts and JSON.
#![allow(clippy::unwrap_used, missing_docs)]

mod edge_cases;
mod gate;
mod json;
mod properties;
mod support;
mod verdict_texts;
