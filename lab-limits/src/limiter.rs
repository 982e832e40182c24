//! The two traits that the runner works with.

use std::fmt::Debug;

use crate::{GroupSpec, InForce, Join, Kind, Result, Session, Usage};

/// One way to hold groups of processes to their budgets, for one session.
pub trait Limiter: Send + Sync + Debug {
    /// The way.
    fn kind(&self) -> Kind;

    /// The session that its groups belong to.
    fn session(&self) -> &Session;

    /// Makes a new, empty group with fresh counters and sets its limits.
    ///
    /// # Errors
    /// The name is not usable or taken, a value makes no sense, or the kernel refuses. Nothing is left behind then.
    fn create(&self, group: &str, spec: &GroupSpec) -> Result<Box<dyn Group>>;

    /// Kills what is left of the session and removes all its groups.
    ///
    /// # Errors
    /// A process does not die, or a folder cannot be removed.
    fn close(&self) -> Result<()>;
}

/// A group of processes under one budget. Dropping it leaves it in place: [`Group::remove`] or [`Limiter::close`]
/// takes it away, and what a killed runner left is swept at the next start.
pub trait Group: Send + Sync + Debug {
    /// The name it was made with.
    fn name(&self) -> &str;

    /// Where it is, for people.
    fn place(&self) -> String;

    /// What a child has to do to put itself into the group, for [`crate::ExecSpec`].
    fn join(&self) -> Join;

    /// Processes in the group now (zombies left out).
    ///
    /// # Errors
    /// The kernel's files cannot be read.
    fn members(&self) -> Result<Vec<u32>>;

    /// What the group has used since it was made, also by processes that have ended
    /// (affinity only: by those that live, and by their reaped children).
    ///
    /// # Errors
    /// The kernel's files cannot be read.
    fn usage(&self) -> Result<Usage>;

    /// What is really in force, read from the kernel now.
    ///
    /// # Errors
    /// The kernel's files cannot be read.
    fn read_back(&self) -> Result<InForce>;

    /// Kills every process of the group with SIGKILL and waits until none is left; gives the number killed.
    /// This process and its ancestors are never killed, wherever they are.
    ///
    /// # Errors
    /// A process is still there after 10 s.
    fn kill_all(&self) -> Result<usize>;

    /// Kills what is left and takes the group away.
    ///
    /// # Errors
    /// A process does not die, or the kernel refuses.
    fn remove(self: Box<Self>) -> Result<()>;
}

/// Refuses budgets that make no sense, before anything is written.
pub(crate) fn check_spec(spec: &GroupSpec) -> Result<()> {
    let bad = |text: String| Err(crate::Error::Value(text));
    if let Some(quota) = spec.cpu_quota
        && !(quota.is_finite() && (0.01..=65_536.0).contains(&quota))
    {
        // The kernel's smallest quota is 1 ms of a period of 100 ms.
        return bad(format!(
            "a CPU quota of {quota} CPUs is not possible: use 0.01 to 65536"
        ));
    }
    if spec.cpuset.as_ref().is_some_and(Vec::is_empty) {
        return bad("an empty CPU set would let nothing run: leave it out, or name CPUs".into());
    }
    if let Some(weight) = spec.weight
        && !(1..=10_000).contains(&weight)
    {
        return bad(format!(
            "a weight of {weight} is not possible: use 1 to 10000"
        ));
    }
    if spec.memory_max == Some(0) {
        return bad(
            "a memory limit of 0 bytes would kill everything: leave it out, or use more".into(),
        );
    }
    Ok(())
}
