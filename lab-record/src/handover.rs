//! Collects the lines of all users and checks that nothing is missing.

use std::collections::BTreeMap;

use crate::line::{End, Line, Part};
use crate::names::Names;
use crate::rows::{Times, decode};

/// One request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) times: Times,
    pub(crate) vu: u32,
    pub(crate) status: u16,
    /// Number in [`Record::endpoints`].
    pub(crate) endpoint: u8,
    /// Number in [`Record::phases`].
    pub(crate) phase: u8,
}

/// What one user of the load has handed over so far.
#[derive(Debug, Default)]
struct User {
    parts: u32,
    rows: u64,
    ended: bool,
}

/// What has been handed over so far.
#[derive(Debug, Default)]
pub(crate) struct Handover {
    users: BTreeMap<u32, User>,
    rows: Vec<Row>,
    phases: Names,
    endpoints: Names,
    /// The first user that ended, and how many users it says there are.
    first: Option<(u32, u32)>,
    dropped: u64,
}

/// A complete hand-over.
#[derive(Debug)]
pub(crate) struct Record {
    /// In order of start; requests of the same millisecond by user.
    pub(crate) rows: Vec<Row>,
    pub(crate) dropped: u64,
    pub(crate) vus: u32,
    pub(crate) phases: Names,
    pub(crate) endpoints: Names,
}

impl Handover {
    pub(crate) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Takes the next line.
    pub(crate) fn take(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Part(part) => self.take_part(&part),
            Line::End(end) => self.take_end(&end),
        }
    }

    fn take_part(&mut self, part: &Part) -> Result<(), String> {
        let vu = part.vu;
        let user = self.users.entry(vu).or_default();
        if user.ended {
            return Err(format!("user {vu} hands over again after its end"));
        }
        if part.number != user.parts {
            return Err(format!(
                "user {vu} hands over part {}, part {} is next",
                part.number, user.parts
            ));
        }
        let phase = self.phases.number(&part.phase)?;
        let endpoint = self.endpoints.number(&part.endpoint)?;
        let times = decode(&part.bytes)?;
        user.parts += 1;
        user.rows += times.len() as u64;
        self.rows.extend(times.into_iter().map(|times| Row {
            times,
            vu,
            status: part.status,
            endpoint,
            phase,
        }));
        Ok(())
    }

    fn take_end(&mut self, end: &End) -> Result<(), String> {
        let vu = end.vu;
        let (first, vus) = *self.first.get_or_insert((vu, end.vus));
        if end.vus != vus {
            return Err(format!(
                "user {vu} knows of {} users, user {first} of {vus}",
                end.vus
            ));
        }
        let user = self.users.entry(vu).or_default();
        if user.ended {
            return Err(format!("user {vu} ends twice"));
        }
        if (user.parts, user.rows) != (end.parts, end.rows) {
            return Err(format!(
                "user {vu} counts {} rows in {} parts, here are {} in {}",
                end.rows, end.parts, user.rows, user.parts
            ));
        }
        user.ended = true;
        self.dropped = self.dropped.saturating_add(end.dropped);
        Ok(())
    }

    /// Everything, in order; or what is missing.
    pub(crate) fn finish(mut self) -> Result<Record, String> {
        let silent: Vec<_> = self
            .users
            .iter()
            .filter(|(_, user)| !user.ended)
            .map(|(vu, _)| vu.to_string())
            .collect();
        if !silent.is_empty() {
            return Err(format!("no end from user {}", silent.join(", ")));
        }
        let (_, vus) = self.first.ok_or("no user handed over")?;
        if self.users.len() as u64 != u64::from(vus) {
            return Err(format!("{} users handed over, of {vus}", self.users.len()));
        }
        self.rows.sort_by_key(|row| (row.times.started_at, row.vu));
        Ok(Record {
            rows: self.rows,
            dropped: self.dropped,
            vus,
            phases: self.phases,
            endpoints: self.endpoints,
        })
    }
}
