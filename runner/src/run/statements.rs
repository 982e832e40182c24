//! What SQL the service really ran, by pg_stat_statements.

use std::time::Duration;

use lab_model::results::{Statement, Traffic};
use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use postgres::{Client, SimpleQueryMessage};

use crate::context::Context;

/// The lab's queries, as the services must send them.
#[derive(Debug, Clone)]
pub struct Queries(Vec<Query>);

#[derive(Debug, Clone)]
struct Query {
    name: String,
    text: String,
    /// Postgres' id of it, with its parameters as parameters.
    id: i64,
}

impl Queries {
    /// Reads db/queries, and asks Postgres for their ids.
    ///
    /// # Errors
    /// A file cannot be read, or Postgres does not know what to do with it.
    pub fn load(context: &Context, client: &mut Client) -> miette::Result<Self> {
        let mut all = Vec::new();
        for entry in fs_err::read_dir(context.asset("db/queries")).into_diagnostic()? {
            let path = entry.into_diagnostic()?.path();
            if path.extension().is_some_and(|e| e == "sql") {
                let name = path
                    .file_stem()
                    .map(|s| s.to_string_lossy().into_owned())
                    .unwrap_or_default();
                let text = fs_err::read_to_string(&path)
                    .into_diagnostic()?
                    .trim_end()
                    .to_owned();
                let id = id_of(client, &text).wrap_err_with(|| format!("db/queries/{name}.sql"))?;
                all.push(Query { name, text, id });
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self(all))
    }

    /// The text alone does not tell: pg_stat_statements replaces constants by parameters, so a query with the id of a
    /// user written into it is shown as if it had a parameter. Its query id is another one.
    fn name_of(&self, query: &str, id: i64) -> Option<String> {
        let same = |text: &str| text == query || (text == "SELECT 1" && query == "SELECT $1");
        self.0
            .iter()
            .find(|q| same(&q.text) && q.id == id)
            .map(|q| q.name.clone())
    }
}

/// Postgres' id of a query that is not run.
fn id_of(client: &mut Client, query: &str) -> miette::Result<i64> {
    let messages = client
        .simple_query(&format!(
            "EXPLAIN (VERBOSE, GENERIC_PLAN, FORMAT JSON) {query}"
        ))
        .into_diagnostic()?;
    let text: String = messages
        .iter()
        .filter_map(|m| match m {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    let plan: serde_json::Value = serde_json::from_str(&text).into_diagnostic()?;
    plan.pointer("/0/Query Identifier")
        .and_then(serde_json::Value::as_i64)
        .ok_or_else(|| miette!("Postgres gives queries no ids: compute_query_id must be on"))
}

/// Transactions in the database so far, by anybody.
///
/// # Errors
/// Postgres does not answer.
pub fn transactions(client: &mut Client) -> miette::Result<u64> {
    let row = client
        .query_one(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()",
            &[],
        )
        .into_diagnostic()?;
    Ok(row.get::<_, i64>(0).unsigned_abs())
}

/// Connections that were ever made to the database, by anybody. One that is open may not have told of itself yet.
///
/// # Errors
/// Postgres does not answer.
pub fn sessions(client: &mut Client) -> miette::Result<u64> {
    let row = client
        .query_one(
            "SELECT sessions FROM pg_stat_database WHERE datname = current_database()",
            &[],
        )
        .into_diagnostic()?;
    Ok(row.get::<_, i64>(0).unsigned_abs())
}

/// Transactions so far and statements since the reset, by anybody. A connection tells of its last second only when it
/// ends, so this waits until the role has none.
///
/// # Errors
/// Postgres does not answer.
pub fn traffic(client: &mut Client, role: &str) -> miette::Result<Traffic> {
    for _ in 0..100 {
        let open: i64 = client
            .query_one(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = $1",
                &[&role],
            )
            .into_diagnostic()?
            .get(0);
        if open == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let row = client
        .query_one(
            "SELECT xact_commit + xact_rollback,
                (SELECT coalesce(sum(calls), 0)::int8 FROM pg_stat_statements AS s WHERE s.dbid = d.datid)
             FROM pg_stat_database AS d WHERE datname = current_database()",
            &[],
        )
        .into_diagnostic()?;
    Ok(Traffic {
        transactions: row.get::<_, i64>(0).unsigned_abs(),
        statements: row.get::<_, i64>(1).unsigned_abs(),
    })
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
            "SELECT s.queryid, s.query, s.calls, s.rows, s.mean_exec_time
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
            let id = row.get::<_, Option<i64>>(0).unwrap_or_default();
            Statement {
                query_id: id.to_string(),
                name: queries.name_of(&query, id),
                query,
                calls: row.get::<_, i64>(2).unsigned_abs(),
                rows: row.get::<_, i64>(3).unsigned_abs(),
                mean_ms: row.get(4),
            }
        })
        .collect())
}
