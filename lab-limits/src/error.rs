//! One error type; every message says what failed, where, and what to do when that is known.

use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong while limits are probed, set, observed or taken away.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation on a control file or a folder of a cgroup failed.
    #[error("cannot {action} {}: {source}{hint}", path.display())]
    File {
        /// What was tried, as a verb ("write 100000 to").
        action: String,
        /// The path it was tried on.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
        /// What it usually means; empty, or starting with "; ".
        hint: String,
    },
    /// A name given by the caller cannot be used.
    #[error("{what} {name:?} cannot be a name here: use 1 to 64 of A-Z a-z 0-9 _ -")]
    Name {
        /// "session" or "group".
        what: &'static str,
        /// The name that was refused.
        name: String,
    },
    /// A value given by the caller makes no sense.
    #[error("{0}")]
    Value(String),
    /// The group is there already; counters of an old group must not be mixed into a new one.
    #[error("group {} exists already: remove it first, or choose another name", .0.display())]
    Exists(PathBuf),
    /// The wanted way to set limits is not to be had on this system.
    #[error("limits by {kind} are not possible here: {reason}; {fix}")]
    Unavailable {
        /// The way that was asked for.
        kind: crate::Kind,
        /// Why not.
        reason: String,
        /// What would change that.
        fix: String,
    },
    /// Processes did not die in time.
    #[error("{} of {place} still alive after {waited_s} s of SIGKILL: {pids:?}; look for state D in `ps`", pids.len())]
    Survivors {
        /// The group or session.
        place: String,
        /// Seconds waited.
        waited_s: u64,
        /// Process ids.
        pids: Vec<u32>,
    },
    /// An external program (busctl) failed.
    #[error("`{command}` failed: {message}")]
    Command {
        /// The command line.
        command: String,
        /// Its error output, or why it did not start.
        message: String,
    },
    /// A file had a content that this crate does not understand.
    #[error("{}: cannot read {text:?} as {wanted}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The text found.
        text: String,
        /// What was expected there.
        wanted: &'static str,
    },
}

/// Result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn file(action: impl Into<String>, path: &Path, source: io::Error) -> Self {
        let hint = hint(path, &source).to_owned();
        Self::File {
            action: action.into(),
            path: path.to_owned(),
            source,
            hint,
        }
    }

    pub(crate) fn parse(path: &Path, text: &str, wanted: &'static str) -> Self {
        Self::Parse {
            path: path.to_owned(),
            text: text.trim().to_owned(),
            wanted,
        }
    }

    /// Is this the answer "no such file" of the kernel?
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// The kernel's error numbers on cgroup files are terse; these are their usual meanings.
fn hint(path: &Path, error: &io::Error) -> &'static str {
    use rustix::io::Errno;
    let name = path
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default();
    let Some(number) = error.raw_os_error() else {
        return "";
    };
    match (name, Errno::from_raw_os_error(number)) {
        ("cgroup.subtree_control", Errno::BUSY) => {
            "; the cgroup itself holds processes, and v2 allows controllers only for children of an empty one"
        }
        ("cpu.cfs_quota_us", Errno::INVAL) => "; a parent cgroup has a smaller quota",
        ("cpuset.cpus", Errno::INVAL | Errno::ACCESS | Errno::RANGE) => {
            "; the host or a parent cgroup does not have all of these CPUs"
        }
        ("cgroup.procs", Errno::NOSPC) => "; cpuset.cpus or cpuset.mems of this group is empty",
        ("cgroup.procs", Errno::ACCESS) => {
            "; the process and the group have no common parent that this user may write"
        }
        (_, Errno::ROFS) => "; cgroups are mounted read-only here (a container?)",
        (_, Errno::ACCESS | Errno::PERM) => "; not allowed for this user",
        _ => "",
    }
}
