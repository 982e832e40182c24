//! One long table: a row a figure, for spreadsheets and data frames.

use miette::{IntoDiagnostic as _, miette};

use crate::doc::Document;

const HEADER: [&str; 16] = [
    "kind",
    "metric",
    "unit",
    "role",
    "target",
    "baseline",
    "block",
    "endpoint",
    "value",
    "low",
    "high",
    "repetitions",
    "pooled",
    "p_adjusted",
    "verdict",
    "text",
];

/// The table; missing values are empty.
///
/// # Errors
/// Out of memory only.
pub fn render(doc: &Document) -> miette::Result<String> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(HEADER).into_diagnostic()?;
    let number = |v: Option<f64>| v.map(|v| v.to_string()).unwrap_or_default();
    let low = |ci: Option<[f64; 2]>| number(ci.map(|ci| ci[0]));
    let high = |ci: Option<[f64; 2]>| number(ci.map(|ci| ci[1]));
    for m in &doc.report.metrics {
        let role = word(&m.role);
        for t in &m.targets {
            let row = [
                "target",
                &m.metric,
                &m.unit,
                &role,
                &t.target,
                "",
                "",
                "",
                &number(t.estimate),
                &low(t.ci),
                &high(t.ci),
                &t.repetitions.to_string(),
                &number(t.pooled),
                "",
                "",
                super::support(t.support),
            ];
            out.write_record(row).into_diagnostic()?;
        }
        for t in &m.targets {
            for v in &t.values {
                let block = v.block.map(|b| b.to_string()).unwrap_or_default();
                let row = [
                    "repetition",
                    &m.metric,
                    &m.unit,
                    &role,
                    &t.target,
                    "",
                    &block,
                    "",
                    &v.value.to_string(),
                    "",
                    "",
                    "",
                    "",
                    "",
                    "",
                    "",
                ];
                out.write_record(row).into_diagnostic()?;
            }
        }
        for c in &m.comparisons {
            let row = [
                "comparison",
                &m.metric,
                "ratio",
                &role,
                &c.a,
                &c.b,
                "",
                "",
                &number(c.ratio),
                &low(c.ci),
                &high(c.ci),
                &c.repetitions.to_string(),
                "",
                &number(c.p_adjusted),
                &word(&c.verdict),
                &c.text,
            ];
            out.write_record(row).into_diagnostic()?;
        }
    }
    for e in &doc.endpoints {
        let row = [
            "endpoint",
            &e.metric,
            "ms",
            "exploratory",
            &e.target,
            "",
            "",
            &e.endpoint,
            &number(e.estimate),
            &low(e.ci),
            &high(e.ci),
            "",
            "",
            &number(e.p_bh),
            "",
            super::support(e.support),
        ];
        out.write_record(row).into_diagnostic()?;
    }
    for f in &doc.report.flags {
        let block = f.block.map(|b| b.to_string()).unwrap_or_default();
        let row = [
            "flag",
            f.metric.as_deref().unwrap_or(""),
            "",
            "",
            f.target.as_deref().unwrap_or(""),
            "",
            &block,
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            &f.kind,
            &f.text,
        ];
        out.write_record(row).into_diagnostic()?;
    }
    let bytes = out.into_inner().map_err(|e| miette!("{e}"))?;
    String::from_utf8(bytes)
        .into_diagnostic()
        .map(|t| t.trim_end().to_owned())
}

/// The name that JSON has for it.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
