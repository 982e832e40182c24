//! What a child does between `fork` and its program: join its group, give up privileges, tie its life to its parent.
//!
//! `bench` starts every program as `bench __exec --spec JSON -- PROGRAM ARGS…` and calls [`exec_child`] there. The
//! process id stays the same all the way. Nothing here is unsafe, because it runs in a fresh single-threaded process
//! and not in a forked copy of the runner.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Pid, Signal};
use rustix::thread::CpuSet;
use serde::{Deserialize, Serialize};

use crate::Join;

/// How a child is to be started; travels as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecSpec {
    /// The group to join.
    #[serde(default)]
    pub join: Join,
    /// User and group to become, with no supplementary groups; `None` stays what it is.
    #[serde(default)]
    pub user: Option<UserIds>,
    /// Process id of the runner: when the runner's thread that spawned this child ends, the child gets SIGKILL.
    /// `None` lets it outlive the runner.
    #[serde(default)]
    pub die_with: Option<u32>,
}

/// A user to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserIds {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Why a child could not become its program.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// A step before the program failed.
    #[error("cannot {step}: {source}")]
    Step {
        /// What was tried.
        step: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The runner died before the child was tied to it.
    #[error("the runner, process {expected}, is gone (the parent is now process {found})")]
    Orphan {
        /// The parent that should be there.
        expected: u32,
        /// The one that is there.
        found: u32,
    },
    /// The program could not be executed.
    #[error("cannot execute {program}: {source}")]
    Program {
        /// The program.
        program: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// No program was named.
    #[error("no program was named")]
    NoProgram,
}

impl ExecError {
    /// Exit code as a shell would give: 127 for a program that is not there, 126 for all else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Program { source, .. } if source.kind() == io::ErrorKind::NotFound => 127,
            _ => 126,
        }
    }
}

fn step<T, E: Into<io::Error>>(
    what: impl Into<String>,
    outcome: Result<T, E>,
) -> Result<T, ExecError> {
    outcome.map_err(|e| ExecError::Step {
        step: what.into(),
        source: e.into(),
    })
}

/// Turns this process into `command` as `spec` says; returns only on failure. To be called early in `main`, before
/// any thread is started: user ids are set for the calling thread.
///
/// # Errors
/// The first step that failed; nothing was executed then.
pub fn exec_child(spec: &ExecSpec, command: &[OsString]) -> Result<Infallible, ExecError> {
    let (program, args) = command.split_first().ok_or(ExecError::NoProgram)?;
    // The own id is read as late as possible and written as a number: tests see it, "0" would say the same.
    let own = std::process::id().to_string();
    for path in &spec.join.procs {
        let joined = OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut f| f.write_all(own.as_bytes()));
        step(format!("join {}", path.display()), joined)?;
    }
    // After the cpuset, because joining one resets the affinity mask.
    if let Some(cpus) = &spec.join.cpus {
        step(
            format!("run on CPUs {}", crate::cpulist::format(cpus)),
            set_affinity(cpus),
        )?;
    }
    if let Some(user) = spec.user {
        become_user(user)?;
    }
    // After the user, because a change of credentials clears the signal. (Executing a set-user-ID program or one with
    // file capabilities clears it, too; no program of this lab is one.)
    if let Some(parent) = spec.die_with {
        let outcome = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
        step("set the parent-death signal", outcome)?;
        // The runner may have died before that line: then no signal ever comes.
        let found =
            rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs());
        if found != parent {
            return Err(ExecError::Orphan {
                expected: parent,
                found,
            });
        }
    }
    // exec() empties the signal mask and gives SIGPIPE its default action back.
    let source = Command::new(program).args(args).envs(&spec.join.env).exec();
    Err(ExecError::Program {
        program: program.to_string_lossy().into_owned(),
        source,
    })
}

/// Sets the affinity mask of this thread.
pub(crate) fn set_affinity(cpus: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for &cpu in cpus {
        if cpu >= CpuSet::MAX_CPU {
            return Err(io::Error::other(format!(
                "CPU {cpu} is more than this program can address"
            )));
        }
        set.set(cpu);
    }
    Ok(rustix::thread::sched_setaffinity(None::<Pid>, &set)?)
}

/// Groups first: after the user id is gone, nothing else may be changed.
fn become_user(user: UserIds) -> Result<(), ExecError> {
    let (uid, gid) = (
        rustix::process::Uid::from_raw(user.uid),
        rustix::process::Gid::from_raw(user.gid),
    );
    if rustix::process::geteuid() == uid && rustix::process::getegid() == gid {
        return Ok(());
    }
    step(
        "give up supplementary groups",
        rustix::thread::set_thread_groups(&[]),
    )?;
    step(
        format!("become group {}", user.gid),
        rustix::thread::set_thread_res_gid(gid, gid, gid),
    )?;
    step(
        format!("become user {}", user.uid),
        rustix::thread::set_thread_res_uid(uid, uid, uid),
    )
}
