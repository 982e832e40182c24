//! What SQL the service really ran, by pg_stat_statements.

use lab_model::results::Statement;
use miette::{IntoDiagnostic as _, WrapErr as _};
use postgres::Client;

use crate::context::Context;

/// The lab's queries by name, as the services must send them.
#[derive(Debug, Clone)]
pub struct Queries(Vec<(String, String)>);

impl Queries {
    /// Reads db/queries.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn load(context: &Context) -> miette::Result<Self> {
        let mut all = Vec::new();
        for entry in fs_err::read_dir(context.asset("db/queries")).into_diagnostic()? {
            let path = entry.into_diagnostic()?.path();
            if path.extension().is_some_and(|e| e == "sql") {
                let name = path
                    .file_stem()
                    .map(|s| s.to_string_lossy().into_owned())
                    .unwrap_or_default();
                all.push((
                    name,
                    fs_err::read_to_string(&path)
                        .into_diagnostic()?
                        .trim_end()
                        .to_owned(),
                ));
            }
        }
        all.sort();
        Ok(Self(all))
    }

    /// pg_stat_statements replaces constants by parameters: `SELECT 1` is shown as `SELECT $1`.
    fn name_of(&self, query: &str) -> Option<String> {
        let same = |text: &str| text == query || (text == "SELECT 1" && query == "SELECT $1");
        self.0
            .iter()
            .find(|(_, text)| same(text))
            .map(|(name, _)| name.clone())
    }
}

/// Forgets what was counted so far.
///
/// # Errors
/// Postgres does not answer.
pub fn reset(client: &mut Client) -> miette::Result<()> {
    client
        .batch_execute("SELECT pg_stat_statements_reset()")
        .into_diagnostic()
}

/// What was counted for a role since the reset, most calls first.
///
/// # Errors
/// Postgres does not answer.
pub fn read(client: &mut Client, role: &str, queries: &Queries) -> miette::Result<Vec<Statement>> {
    let rows = client
        .query(
            "SELECT s.queryid::text, s.query, s.calls, s.rows, s.mean_exec_time
             FROM pg_stat_statements AS s JOIN pg_roles AS r ON r.oid = s.userid
             WHERE r.rolname = $1 ORDER BY s.calls DESC, s.query",
            &[&role],
        )
        .into_diagnostic()
        .wrap_err("cannot read pg_stat_statements")?;
    Ok(rows
        .iter()
        .map(|row| {
            let query: String = row.get(1);
            Statement {
                query_id: row.get::<_, Option<String>>(0).unwrap_or_default(),
                name: queries.name_of(&query),
                query,
                calls: row.get::<_, i64>(2).unsigned_abs(),
                rows: row.get::<_, i64>(3).unsigned_abs(),
                mean_ms: row.get(4),
            }
        })
        .collect())
}
