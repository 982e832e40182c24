//! Names of sessions and groups, and who owns them.
//!
//! The folder of a session is called `benchfw.SESSION.PID.START.PIDNS`: the process that owns it, when that process
//! started (clock ticks since boot, so that a reused process id is not taken for it) and its PID namespace (so that
//! a living runner in another container is not taken for a dead one).

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::kernel::Kernel;
use crate::procs;
use crate::{Error, Result};

/// Environment variable with the session's name, on every process that a session starts.
pub const ENV_SESSION: &str = "BENCH_SESSION";
/// Environment variable with the session's owner, see [`Owner`].
pub const ENV_OWNER: &str = "BENCH_OWNER";
/// Environment variable with the group's name.
pub const ENV_GROUP: &str = "BENCH_GROUP";

const PREFIX: &str = "benchfw";

/// The process a session belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// Process id.
    pub pid: u32,
    /// Start time, clock ticks since boot.
    pub start: u64,
    /// Inode of the PID namespace; 0 if it could not be read.
    pub pid_namespace: u64,
}

/// Is the owner of a session alive?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerState {
    /// It runs: nothing of the session may be touched.
    Alive,
    /// It is gone: what is left can be swept.
    Dead,
    /// It lives in another PID namespace, or cannot be judged: not touched.
    Foreign,
}

impl Owner {
    /// This process. Errors if `/proc/self` cannot be read.
    pub fn current(kernel: &dyn Kernel) -> Result<Self> {
        let pid = kernel.pid();
        let stat = procs::stat(kernel, pid)?;
        Ok(Self {
            pid,
            start: stat.start,
            pid_namespace: pid_namespace(kernel),
        })
    }

    /// Looks whether this owner is alive.
    pub fn state(&self, kernel: &dyn Kernel) -> OwnerState {
        if self.pid_namespace != pid_namespace(kernel) {
            return OwnerState::Foreign;
        }
        match procs::stat(kernel, self.pid) {
            // A zombie runner does nothing any more, but its parent has not noticed yet.
            Ok(stat) if stat.start == self.start && !stat.ended() => OwnerState::Alive,
            Ok(_) => OwnerState::Dead,
            Err(e) if e.is_not_found() => OwnerState::Dead,
            Err(_) => OwnerState::Foreign,
        }
    }

    fn text(&self) -> String {
        format!("{}.{}.{}", self.pid, self.start, self.pid_namespace)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let owner = Self {
            pid: parts.next()?.parse().ok()?,
            start: parts.next()?.parse().ok()?,
            pid_namespace: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(owner)
    }
}

fn pid_namespace(kernel: &dyn Kernel) -> u64 {
    let link = kernel
        .read_link(Path::new("/proc/self/ns/pid"))
        .unwrap_or_default();
    let digits: String = link
        .to_string_lossy()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap_or(0)
}

/// A session: its name and its owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Session {
    /// The id, as in `BENCH_SESSION`.
    pub id: String,
    /// Who owns it; `None` if a marked process carries no owner.
    pub owner: Option<Owner>,
}

impl Session {
    /// A session of this process. Errors: the id is not usable as a name.
    pub fn new(id: &str, owner: Owner) -> Result<Self> {
        check("session", id)?;
        Ok(Self {
            id: id.to_owned(),
            owner: Some(owner),
        })
    }

    /// The name of the session's folder in a cgroup hierarchy.
    pub(crate) fn folder(&self) -> String {
        let owner = self.owner.as_ref().map(Owner::text).unwrap_or_default();
        format!("{PREFIX}.{}.{owner}", self.id)
    }

    /// Reads the name of a folder; `None` if it is not one of ours.
    pub(crate) fn from_folder(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(PREFIX)?.strip_prefix('.')?;
        let (id, owner) = rest.split_once('.')?;
        check("session", id).ok()?;
        Some(Self {
            id: id.to_owned(),
            owner: Some(Owner::parse(owner)?),
        })
    }

    /// Reads the marks that a process carries in its environment; `None` if it carries none.
    pub(crate) fn from_env(env: &BTreeMap<String, String>) -> Option<Self> {
        let id = env.get(ENV_SESSION)?.clone();
        let owner = env.get(ENV_OWNER).and_then(|text| Owner::parse(text));
        Some(Self { id, owner })
    }

    /// Environment for every process of the session.
    pub fn env(&self) -> BTreeMap<String, String> {
        let mut env = BTreeMap::from([(ENV_SESSION.to_owned(), self.id.clone())]);
        if let Some(owner) = &self.owner {
            env.insert(ENV_OWNER.to_owned(), owner.text());
        }
        env
    }
}

/// Refuses names that could be read as paths or break the folder's form.
pub(crate) fn check(what: &'static str, name: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
        return Err(Error::Name {
            what,
            name: name.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn folders_carry_session_and_owner() {
        let owner = Owner {
            pid: 12,
            start: 3456,
            pid_namespace: 4_026_531_836,
        };
        let session = Session::new("2026-11-24_a", owner).unwrap();
        assert_eq!(session.folder(), "benchfw.2026-11-24_a.12.3456.4026531836");
        assert_eq!(
            Session::from_folder(&session.folder()),
            Some(session.clone())
        );
        assert_eq!(Session::from_env(&session.env()), Some(session));
        for other in [
            "benchfw",
            "benchfw.x",
            "benchfw.x.1.2",
            "benchfw.x.1.2.3.4",
            "benchfwx.a.1.2.3",
            "user.slice",
        ] {
            assert_eq!(Session::from_folder(other), None, "{other}");
        }
    }

    #[test]
    fn names_cannot_leave_their_folder() {
        for bad in ["", "..", "a/b", "a.b", "a b", &"x".repeat(65)] {
            assert!(check("group", bad).is_err(), "{bad}");
        }
        check("group", "service-0001_x").unwrap();
    }
}
