//! Affinity only: what is left without any right to cgroups. It caps the number of cores, cannot throttle, and counts
//! CPU time only as far as `/proc` shows it. A group is the processes that carry its mark, and their descendants.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::kernel::Kernel;
use crate::limiter::check_spec;
use crate::names::{ENV_GROUP, ENV_SESSION};
use crate::{
    Error, Group, GroupSpec, InForce, Join, Kind, Limiter, Result, Session, Usage, names, procs,
    sweep, tree,
};

/// The backend.
#[derive(Debug)]
pub struct Affinity {
    kernel: Arc<dyn Kernel>,
    session: Session,
}

impl Affinity {
    /// Opens the backend for a session: always possible.
    pub fn open(kernel: &Arc<dyn Kernel>, session: Session) -> Self {
        Self {
            kernel: Arc::clone(kernel),
            session,
        }
    }
}

impl Limiter for Affinity {
    fn kind(&self) -> Kind {
        Kind::Affinity
    }

    fn session(&self) -> &Session {
        &self.session
    }

    /// Sets a mask and nothing else: a quota, a weight or a memory limit in `spec` is *not* enforced, and
    /// [`Group::read_back`] says so.
    fn create(&self, group: &str, spec: &GroupSpec) -> Result<Box<dyn Group>> {
        names::check("group", group)?;
        check_spec(spec)?;
        if let Some(cpus) = &spec.cpuset {
            let path = std::path::Path::new("the affinity mask");
            let have = self
                .kernel
                .affinity()
                .map_err(|e| Error::file("read", path, e))?;
            if let Some(cpu) = cpus.iter().find(|cpu| !have.contains(cpu)) {
                let have = crate::cpulist::format(&have);
                return Err(Error::Value(format!(
                    "CPU {cpu} cannot be used by this process, which has {have}"
                )));
            }
        }
        let made = GroupAffinity {
            kernel: Arc::clone(&self.kernel),
            session: self.session.clone(),
            name: group.to_owned(),
            spec: spec.clone(),
        };
        if !made.pids()?.is_empty() {
            return Err(Error::Exists(group.into()));
        }
        Ok(Box::new(made))
    }

    fn close(&self) -> Result<()> {
        sweep::sweep(&self.kernel, &self.session).map(drop)
    }
}

#[derive(Debug)]
struct GroupAffinity {
    kernel: Arc<dyn Kernel>,
    session: Session,
    name: String,
    spec: GroupSpec,
}

impl GroupAffinity {
    fn pids(&self) -> Result<BTreeSet<u32>> {
        let kernel = &*self.kernel;
        let mark = self.join().env;
        let roots = procs::marked(kernel, |env| {
            mark.iter().all(|(key, value)| env.get(key) == Some(value))
        })?;
        let all = procs::with_descendants(kernel, &roots.into_keys().collect())?;
        Ok(all
            .into_iter()
            .filter(|&pid| procs::stat(kernel, pid).is_ok_and(|s| !s.ended()))
            .collect())
    }
}

impl Group for GroupAffinity {
    fn name(&self) -> &str {
        &self.name
    }

    fn place(&self) -> String {
        format!(
            "processes with {ENV_SESSION}={} {ENV_GROUP}={}",
            self.session.id, self.name
        )
    }

    fn join(&self) -> Join {
        let mut env = self.session.env();
        env.insert(ENV_GROUP.into(), self.name.clone());
        Join {
            procs: Vec::new(),
            cpus: self.spec.cpuset.clone(),
            env,
        }
    }

    fn members(&self) -> Result<Vec<u32>> {
        Ok(self.pids()?.into_iter().collect())
    }

    fn usage(&self) -> Result<Usage> {
        let tick_ns = 1_000_000_000 / rustix::param::clock_ticks_per_second();
        let (mut user, mut system) = (0, 0);
        for pid in self.pids()? {
            // One that ended meanwhile is counted by the parent that reaped it.
            if let Ok(stat) = procs::stat(&*self.kernel, pid) {
                user += stat.user_ticks * tick_ns;
                system += stat.system_ticks * tick_ns;
            }
        }
        Ok(Usage {
            cpu_usage_ns: Some(user + system),
            user_ns: Some(user),
            system_ns: Some(system),
            ..Usage::default()
        })
    }

    fn read_back(&self) -> Result<InForce> {
        let pids = self.pids()?;
        Ok(InForce {
            kind: Kind::Affinity,
            cpu_quota: None,
            quota_from_ancestor: false,
            cpuset: None,
            weight: None,
            memory_max: None,
            processes: pids.len(),
            processes_cpus: tree::processes_cpus(&*self.kernel, &pids),
        })
    }

    fn kill_all(&self) -> Result<usize> {
        let kernel = &*self.kernel;
        tree::kill_until_none(
            kernel,
            &self.place(),
            tree::MARK_LOOKS,
            || self.pids(),
            |found| tree::kill_each(kernel, found),
        )
    }

    fn remove(self: Box<Self>) -> Result<()> {
        self.kill_all().map(drop)
    }
}
