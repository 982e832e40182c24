//! Collects the lines of all users and checks that nothing is missing.

use std::collections::BTreeMap;

use crate::line::{End, Line};
use crate::names;
use crate::rows::{Row, decode};

/// Rows of one user of the load, and its last word.
#[derive(Debug, Default)]
struct User {
    rows: Vec<Row>,
    chunks: u32,
    end: Option<End>,
}

/// What has been handed over so far.
#[derive(Debug, Default)]
pub(crate) struct Handover {
    users: BTreeMap<u32, User>,
    /// The end line that all others are compared to.
    first_end: Option<End>,
}

/// A complete hand-over.
#[derive(Debug)]
pub(crate) struct Record {
    /// In order of start; requests of the same tick by user, then in the user's order. Starts are ns since the epoch.
    pub(crate) rows: Vec<(i64, Row)>,
    pub(crate) dropped: u64,
    pub(crate) vus: u32,
    pub(crate) phases: Vec<String>,
    pub(crate) endpoints: Vec<String>,
}

impl Handover {
    pub(crate) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Takes the next line.
    pub(crate) fn take(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Chunk { vu, chunk, bytes } => self.take_chunk(vu, chunk, &bytes),
            Line::End(end) => self.take_end(end),
        }
    }

    fn take_chunk(&mut self, vu: u32, chunk: u32, bytes: &[u8]) -> Result<(), String> {
        let user = self.users.entry(vu).or_default();
        if user.end.is_some() {
            return Err(format!("user {vu} hands over again after its end"));
        }
        if chunk != user.chunks {
            return Err(format!(
                "user {vu} hands over part {chunk}, part {} is next",
                user.chunks
            ));
        }
        user.rows.extend(decode(bytes)?);
        user.chunks += 1;
        Ok(())
    }

    fn take_end(&mut self, end: End) -> Result<(), String> {
        let vu = end.vu;
        names::check("phases", &end.phases)?;
        names::check("endpoints", &end.endpoints)?;
        if end.base_ms > i64::MAX as u64 / 2_000_000 {
            return Err(format!("base_ms {} is no time", end.base_ms));
        }
        let first = self.first_end.get_or_insert_with(|| end.clone());
        if (&end.phases, &end.endpoints, end.vus) != (&first.phases, &first.endpoints, first.vus) {
            return Err(format!(
                "user {vu} was told another load than user {}",
                first.vu
            ));
        }
        let user = self.users.entry(vu).or_default();
        if user.end.is_some() {
            return Err(format!("user {vu} ends twice"));
        }
        if (user.chunks, user.rows.len() as u64) != (end.chunks, end.rows) {
            return Err(format!(
                "user {vu} counts {} rows in {} parts, here are {} in {}",
                end.rows,
                end.chunks,
                user.rows.len(),
                user.chunks
            ));
        }
        let known = |row: &Row| {
            usize::from(row.endpoint) < end.endpoints.len()
                && usize::from(row.phase) < end.phases.len()
        };
        if let Some(row) = user.rows.iter().find(|row| !known(row)) {
            return Err(format!(
                "user {vu} has a row of endpoint {}, phase {}, which have no names",
                row.endpoint, row.phase
            ));
        }
        user.end = Some(end);
        Ok(())
    }

    /// Everything, in order; or what is missing.
    pub(crate) fn finish(self) -> Result<Record, String> {
        let silent: Vec<_> = self
            .users
            .iter()
            .filter(|(_, user)| user.end.is_none())
            .map(|(vu, _)| vu.to_string())
            .collect();
        if !silent.is_empty() {
            return Err(format!("no end from user {}", silent.join(", ")));
        }
        let Some(first) = self.first_end else {
            return Err("no user handed over".to_owned());
        };
        if self.users.len() as u64 != u64::from(first.vus) {
            return Err(format!(
                "{} users handed over, of {}",
                self.users.len(),
                first.vus
            ));
        }
        let mut dropped: u64 = 0;
        let count = self.users.values().map(|user| user.rows.len()).sum();
        let mut rows = Vec::with_capacity(count);
        for user in self.users.into_values() {
            let Some(end) = user.end else { continue };
            dropped = dropped.saturating_add(end.dropped);
            let start = |row: &Row| {
                (end.base_ms.saturating_add(row.start_ms) as i64).saturating_mul(1_000_000)
            };
            rows.extend(user.rows.iter().map(|row| (start(row), *row)));
        }
        // Stable: see the order promised above.
        rows.sort_by_key(|(started_at, _)| *started_at);
        Ok(Record {
            rows,
            dropped,
            vus: first.vus,
            phases: first.phases,
            endpoints: first.endpoints,
        })
    }
}
