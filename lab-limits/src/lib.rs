//! Holds groups of processes to CPU and memory budgets, shows that the budgets were kept, and leaves nothing behind.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use lab_limits::{ExecSpec, GroupSpec, Owner, Session, Wanted, plan_cpus};
//!
//! let kernel = lab_limits::real();
//! lab_limits::sweep_stale(&kernel)?;                       // what a kill -9 of an earlier run left
//! let probe = lab_limits::probe(&kernel)?;                 // for `bench doctor`: chosen backend, others and why not
//! let plan = plan_cpus(&probe.host, Wanted { service: 1, postgres: 1, load: 1 }, false)?;
//!
//! let session = Session::new("2026-11-24T10-00-00Z", Owner::current(&*kernel)?)?;
//! let limiter = lab_limits::open(&kernel, session, None)?; // best backend; call it before other processes start
//! let group = limiter.create("service-1", &GroupSpec {
//!     cpu_quota: Some(1.0),
//!     cpuset: plan.sets.map(|sets| sets.service),
//!     ..GroupSpec::default()
//! })?;
//!
//! // The child: `bench __exec --spec JSON -- PROGRAM ARGS`, which calls `exec_child(&spec, &command)`.
//! let spec = ExecSpec { join: group.join(), user: None, die_with: Some(std::process::id()) };
//! let child = std::process::Command::new("/proc/self/exe")
//!     .args(["__exec", "--spec", &serde_json::to_string(&spec)?, "--", "sleep", "10"])
//!     .envs(&spec.join.env)
//!     .spawn()?;
//!
//! let before = group.usage()?;
//! // … measure …
//! let used = group.usage()?.since(&before);
//! let in_force = group.read_back()?;                       // for the receipt; `differences(&asked)` is empty if kept
//! group.remove()?;                                         // kills what is left
//! limiter.close()?;                                        // the session's other groups and stray processes
//! # drop((child, used, in_force)); Ok(()) }
//! ```
//!
//! **The parent-death signal follows the thread that spawned the child, not the process.** Spawn from a thread that
//! lives as long as the children should (the main thread), never from a short-lived worker.
//!
//! Backends: cgroup v2, systemd (a delegated scope around this process, then as v2), cgroup v1, affinity only. All
//! read the system through [`Kernel`], so tests can put a tree of their own in its place.

pub mod affinity;
pub mod cpulist;
mod error;
mod exec;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod fake;
mod foreign;
mod host;
mod kernel;
mod limiter;
mod model;
mod mounts;
mod names;
mod plan;
mod probe;
pub mod procs;
mod sweep;
pub mod systemd;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod tree;
pub mod v1;
pub mod v2;

use std::sync::Arc;

pub use error::{Error, Result};
pub use exec::{ExecError, ExecSpec, UserIds, exec_child};
pub use foreign::Foreign;
pub use host::{Host, Noise};
pub use kernel::{Entry, Finished, Kernel, Real};
pub use limiter::{Group, Limiter};
pub use model::{GroupSpec, InForce, Join, Kind, Psi, Usage};
pub use names::{ENV_GROUP, ENV_OWNER, ENV_SESSION, Owner, OwnerState, Session};
pub use plan::{CpuPlan, Sets, Wanted, plan_cpus};
pub use probe::{Candidate, Probe, open, probe};
pub use sweep::{Swept, live_sessions, stale_sessions, sweep, sweep_stale};

/// The running system.
pub fn real() -> Arc<dyn Kernel> {
    Arc::new(Real)
}
