//! JSON Schemas of the files, made from the types; the committed copies in `schema/` are tested against them.

use serde_json::Value;

/// File name and schema of each documented file.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        (
            "lab.schema.json",
            schemars::schema_for!(crate::config::Lab).to_value(),
        ),
        (
            "inventory.schema.json",
            schemars::schema_for!(crate::inventory::Inventory).to_value(),
        ),
        (
            "manifest.schema.json",
            schemars::schema_for!(crate::results::Manifest).to_value(),
        ),
        (
            "repetition.schema.json",
            schemars::schema_for!(crate::results::Repetition).to_value(),
        ),
        (
            "sweep.schema.json",
            schemars::schema_for!(crate::results::Sweep).to_value(),
        ),
        (
            "aa.schema.json",
            schemars::schema_for!(crate::results::aa::AaReport).to_value(),
        ),
    ]
}
