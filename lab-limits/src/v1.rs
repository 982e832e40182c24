//! cgroup v1: one hierarchy per controller (or several on one), as root.
//!
//! In every hierarchy of interest stands `OWN CGROUP/benchfw.SESSION…/GROUP`. Below the own cgroup, because a child
//! must not leave the limits that a container set for this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::kernel::Kernel;
use crate::limiter::check_spec;
use crate::mounts::{Hierarchies, Hierarchy};
use crate::{
    Error, Group, GroupSpec, InForce, Join, Kind, Limiter, Result, Session, Usage, names, sweep,
    tree,
};

/// Hierarchies this backend uses where they are there, in the order in which a child joins them: the freezer first,
/// so that a group can be killed as a whole from the first moment.
const USED: &[&str] = &["freezer", "memory", "cpuset", "cpu", "cpuacct"];

/// v1 values that mean "no limit" are larger than any machine.
const NO_MEMORY_LIMIT: u64 = 1 << 60;

/// The backend.
#[derive(Debug)]
pub struct CgroupV1 {
    kernel: Arc<dyn Kernel>,
    session: Session,
    hierarchies: Vec<Hierarchy>,
}

/// Why v1 cannot be used here, and the fix; `Ok` if it can.
pub(crate) fn usable(
    kernel: &dyn Kernel,
    found: &Hierarchies,
) -> std::result::Result<(), (String, String)> {
    for controller in ["cpu", "cpuacct"] {
        let Some(hierarchy) = found.v1_of(controller) else {
            return Err((
                format!("no v1 hierarchy with the {controller} controller is mounted"),
                "nothing to do where cgroup v2 or systemd works".into(),
            ));
        };
        if !kernel.writable(&hierarchy.own) {
            return Err((
                format!("{} is not writable for this user", hierarchy.own.display()),
                "run as root (sudo), in a container as privileged".into(),
            ));
        }
        let quota = hierarchy.own.join("cpu.cfs_quota_us");
        // The root of a hierarchy has no quota file of its own in some kernels, but all its children do.
        if controller == "cpu" && hierarchy.own != hierarchy.mount && !kernel.exists(&quota) {
            return Err((
                format!(
                    "{} is missing: this kernel has no CPU bandwidth control",
                    quota.display()
                ),
                "use a kernel with CONFIG_CFS_BANDWIDTH".into(),
            ));
        }
    }
    Ok(())
}

impl CgroupV1 {
    /// Opens the backend for a session. Errors: v1 is not usable here.
    pub fn open(kernel: &Arc<dyn Kernel>, session: Session) -> Result<Self> {
        let found = Hierarchies::read(&**kernel)?;
        usable(&**kernel, &found).map_err(|(reason, fix)| Error::Unavailable {
            kind: Kind::CgroupV1,
            reason,
            fix,
        })?;
        let mut hierarchies: Vec<Hierarchy> = Vec::new();
        for controller in USED {
            if let Some(hierarchy) = found.v1_of(controller)
                && !hierarchies.contains(hierarchy)
                && kernel.writable(&hierarchy.own)
            {
                hierarchies.push(hierarchy.clone());
            }
        }
        Ok(Self {
            kernel: Arc::clone(kernel),
            session,
            hierarchies,
        })
    }

    /// Makes the session's folder in one hierarchy. A cpuset is empty at birth and must be filled before its children.
    fn ensure_session(&self, hierarchy: &Hierarchy) -> Result<PathBuf> {
        let folder = hierarchy.own.join(self.session.folder());
        let kernel = &*self.kernel;
        if tree::ensure(kernel, &folder)? && hierarchy.controllers.contains("cpuset") {
            tree::write(
                kernel,
                &folder,
                "cpuset.mems",
                &effective(kernel, &hierarchy.own, "mems")?,
            )?;
            tree::write(
                kernel,
                &folder,
                "cpuset.cpus",
                &effective(kernel, &hierarchy.own, "cpus")?,
            )?;
        }
        Ok(folder)
    }

    fn configure(
        &self,
        hierarchy: &Hierarchy,
        session: &Path,
        folder: &Path,
        spec: &GroupSpec,
    ) -> Result<()> {
        let kernel = &*self.kernel;
        let write = |file: &str, text: String| tree::write(kernel, folder, file, &text);
        if hierarchy.controllers.contains("cpuset") {
            // mems first: with no memory node the group could not take a process, whatever its CPUs.
            write("cpuset.mems", effective(kernel, session, "mems")?)?;
            let cpus = match &spec.cpuset {
                Some(cpus) => crate::cpulist::format(cpus),
                None => effective(kernel, session, "cpus")?,
            };
            write("cpuset.cpus", cpus)?;
        }
        if hierarchy.controllers.contains("cpu") {
            if let Some(quota) = spec.cpu_quota {
                write("cpu.cfs_period_us", tree::PERIOD_US.to_string())?;
                write("cpu.cfs_quota_us", tree::quota_us(quota).to_string())?;
            }
            if let Some(weight) = spec.weight {
                // 100 of v2 is 1024 of v1; the kernel's smallest is 2.
                write("cpu.shares", (weight * 1024 / 100).max(2).to_string())?;
            }
        }
        if hierarchy.controllers.contains("memory")
            && let Some(bytes) = spec.memory_max
        {
            write("memory.limit_in_bytes", bytes.to_string())?;
        }
        Ok(())
    }
}

/// Effective CPUs or memory nodes of a cpuset; older kernels have only the configured ones.
fn effective(kernel: &dyn Kernel, folder: &Path, what: &str) -> Result<String> {
    match tree::read_if_there(kernel, folder, &format!("cpuset.effective_{what}"))? {
        Some(text) => Ok(text),
        None => tree::read(kernel, folder, &format!("cpuset.{what}")),
    }
}

impl Limiter for CgroupV1 {
    fn kind(&self) -> Kind {
        Kind::CgroupV1
    }

    fn session(&self) -> &Session {
        &self.session
    }

    fn create(&self, group: &str, spec: &GroupSpec) -> Result<Box<dyn Group>> {
        names::check("group", group)?;
        check_spec(spec)?;
        let has = |controller: &str| {
            self.hierarchies
                .iter()
                .any(|h| h.controllers.contains(controller))
        };
        if spec.memory_max.is_some() && !has("memory") {
            return Err(Error::Unavailable {
                kind: Kind::CgroupV1,
                reason: "no writable v1 hierarchy has the memory controller".into(),
                fix: "leave the memory limit out".into(),
            });
        }
        let mut made = GroupV1 {
            name: group.to_owned(),
            session: self.session.clone(),
            spec: spec.clone(),
            folders: Folders::new(&self.kernel),
        };
        for hierarchy in &self.hierarchies {
            let step = || -> Result<()> {
                let session = self.ensure_session(hierarchy)?;
                let folder = session.join(group);
                if !tree::ensure(&*self.kernel, &folder)? {
                    return Err(Error::Exists(folder));
                }
                made.folders.all.push((hierarchy.clone(), folder.clone()));
                self.configure(hierarchy, &session, &folder, spec)
            };
            let mut step = step;
            if let Err(e) = step() {
                // Only folders made here are taken back: one that existed belongs to somebody else.
                drop(Box::new(made).remove());
                return Err(e);
            }
        }
        Ok(Box::new(made))
    }

    fn close(&self) -> Result<()> {
        sweep::sweep(&self.kernel, &self.session).map(drop)
    }
}

/// The folders of one group, by hierarchy: what can be read of it, whoever made it.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    kernel: Arc<dyn Kernel>,
    all: Vec<(Hierarchy, PathBuf)>,
}

impl Folders {
    fn new(kernel: &Arc<dyn Kernel>) -> Self {
        Self {
            kernel: Arc::clone(kernel),
            all: Vec::new(),
        }
    }

    /// Of a cgroup that exists, found by a process in it.
    pub(crate) fn of_process(kernel: &Arc<dyn Kernel>, found: &Hierarchies) -> Self {
        let mut folders = Self::new(kernel);
        for hierarchy in USED.iter().filter_map(|c| found.v1_of(c)) {
            if !folders.all.iter().any(|(h, _)| h == hierarchy) {
                folders.all.push((hierarchy.clone(), hierarchy.own.clone()));
            }
        }
        folders
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.all.iter().map(|(_, folder)| folder.clone()).collect()
    }

    fn of(&self, controller: &str) -> Option<&(Hierarchy, PathBuf)> {
        self.all
            .iter()
            .find(|(h, _)| h.controllers.contains(controller))
    }

    pub(crate) fn place(&self) -> String {
        let folder = self.of("cpu").map(|(_, f)| f.clone()).unwrap_or_default();
        format!("cgroup v1 {}", folder.display())
    }

    pub(crate) fn members(&self) -> Result<Vec<u32>> {
        Ok(tree::members(&*self.kernel, &self.paths())?
            .into_iter()
            .collect())
    }

    pub(crate) fn usage(&self) -> Result<Usage> {
        let kernel = &*self.kernel;
        let mut usage = Usage::default();
        if let Some((_, folder)) = self.of("cpuacct") {
            usage.cpu_usage_ns = Some(tree::number(kernel, folder, "cpuacct.usage")?);
            let ns = |file: &str| -> Result<Option<u64>> {
                Ok(tree::read_if_there(kernel, folder, file)?.and_then(|t| t.parse().ok()))
            };
            (usage.user_ns, usage.system_ns) = split(
                usage.cpu_usage_ns,
                ns("cpuacct.usage_user")?,
                ns("cpuacct.usage_sys")?,
            );
        }
        if let Some((_, folder)) = self.of("cpu") {
            let text = tree::read(kernel, folder, "cpu.stat")?;
            usage.nr_periods = tree::field(&text, "nr_periods");
            usage.nr_throttled = tree::field(&text, "nr_throttled");
            usage.throttled_ns = tree::field(&text, "throttled_time");
        }
        if let Some((_, folder)) = self.of("memory") {
            usage.memory_peak_bytes =
                Some(tree::number(kernel, folder, "memory.max_usage_in_bytes")?);
        }
        Ok(usage)
    }

    /// `affinity`: CPUs that the children set for themselves, where no cpuset controller does the job.
    pub(crate) fn read_back(&self, affinity: Option<Vec<usize>>) -> Result<InForce> {
        let kernel = &*self.kernel;
        let pids = tree::members(kernel, &self.paths())?;
        let mut out = InForce {
            kind: Kind::CgroupV1,
            cpu_quota: None,
            quota_from_ancestor: false,
            cpuset: affinity,
            weight: None,
            memory_max: None,
            processes: pids.len(),
            processes_cpus: tree::processes_cpus(kernel, &pids),
        };
        if let Some((hierarchy, folder)) = self.of("cpu") {
            (out.cpu_quota, out.quota_from_ancestor) =
                tree::tightest_quota(folder, &hierarchy.mount, |f| quota(kernel, f))?;
            let shares = tree::number(kernel, folder, "cpu.shares")?;
            out.weight = Some((shares * 100).div_ceil(1024));
        }
        if let Some((_, folder)) = self.of("cpuset") {
            let text = effective(kernel, folder, "cpus")?;
            out.cpuset = crate::cpulist::parse(&text);
        }
        if let Some((_, folder)) = self.of("memory") {
            let bytes = tree::number(kernel, folder, "memory.limit_in_bytes")?;
            out.memory_max = (bytes < NO_MEMORY_LIMIT).then_some(bytes);
        }
        Ok(out)
    }
}

/// A group in v1.
#[derive(Debug)]
struct GroupV1 {
    name: String,
    session: Session,
    spec: GroupSpec,
    folders: Folders,
}

impl Group for GroupV1 {
    fn name(&self) -> &str {
        &self.name
    }

    fn place(&self) -> String {
        self.folders.place()
    }

    fn join(&self) -> Join {
        let mut env = self.session.env();
        env.insert(names::ENV_GROUP.into(), self.name.clone());
        Join {
            procs: self
                .folders
                .paths()
                .iter()
                .map(|f| f.join("cgroup.procs"))
                .collect(),
            cpus: if self.folders.of("cpuset").is_some() {
                None
            } else {
                self.spec.cpuset.clone()
            },
            env,
        }
    }

    fn members(&self) -> Result<Vec<u32>> {
        self.folders.members()
    }

    fn usage(&self) -> Result<Usage> {
        self.folders.usage()
    }

    fn read_back(&self) -> Result<InForce> {
        self.folders.read_back(self.join().cpus)
    }

    fn kill_all(&self) -> Result<usize> {
        kill(&*self.folders.kernel, &self.place(), &self.folders.paths())
    }

    fn remove(self: Box<Self>) -> Result<()> {
        self.kill_all()?;
        let kernel = &*self.folders.kernel;
        for folder in self.folders.paths() {
            tree::remove(kernel, &folder)?;
            if let Some(session) = folder.parent() {
                tree::remove_if_empty(kernel, session);
            }
        }
        Ok(())
    }
}

/// v1 samples user and system time by clock ticks, while the sum is exact: scaled to the sum, as v2 does itself.
fn split(sum: Option<u64>, user: Option<u64>, system: Option<u64>) -> (Option<u64>, Option<u64>) {
    let (Some(sum), Some(user), Some(system)) = (sum, user, system) else {
        return (None, None);
    };
    let sampled = u128::from(user) + u128::from(system);
    if sampled == 0 {
        // Too short for a tick: the kernel itself calls that user time.
        return (Some(sum), Some(0));
    }
    let user = u64::try_from(u128::from(sum) * u128::from(user) / sampled)
        .unwrap_or(sum)
        .min(sum);
    (Some(user), Some(sum - user))
}

/// Quota of one v1 cgroup in CPUs; `None` without one, or without the file (root of a hierarchy).
#[allow(clippy::cast_precision_loss)]
pub(crate) fn quota(kernel: &dyn Kernel, folder: &Path) -> Result<Option<f64>> {
    let Some(text) = tree::read_if_there(kernel, folder, "cpu.cfs_quota_us")? else {
        return Ok(None);
    };
    let quota: i64 = text
        .parse()
        .map_err(|_| Error::parse(&folder.join("cpu.cfs_quota_us"), &text, "a number"))?;
    if quota < 0 {
        return Ok(None);
    }
    let period = tree::number(kernel, folder, "cpu.cfs_period_us")?;
    Ok((period > 0).then(|| quota as f64 / period as f64))
}

/// Freeze, SIGKILL to each, thaw; until none is left. Frozen processes cannot fork while they are being counted.
pub(crate) fn kill(kernel: &dyn Kernel, place: &str, folders: &[PathBuf]) -> Result<usize> {
    let freezers: Vec<&PathBuf> = folders
        .iter()
        .filter(|f| kernel.exists(&f.join("freezer.state")))
        .collect();
    let look = || tree::members(kernel, folders);
    tree::kill_until_none(kernel, place, tree::CGROUP_LOOKS, look, |_| {
        let spared = crate::procs::untouchable(kernel);
        // Never freeze a group with this process in it: it could not thaw itself.
        let freeze = look()?.is_disjoint(&spared);
        let strike = || -> Result<()> {
            for folder in freezers.iter().filter(|_| freeze) {
                tree::write(kernel, folder, "freezer.state", "FROZEN")?;
                // A task in an uninterruptible wait delays the freeze; the kill does not depend on it.
                for _ in 0..20 {
                    if tree::read(kernel, folder, "freezer.state")? == "FROZEN" {
                        break;
                    }
                    kernel.pause(tree::LOOK);
                }
            }
            tree::kill_each(kernel, &look()?.difference(&spared).copied().collect())
        };
        let outcome = strike();
        for folder in freezers.iter().filter(|_| freeze) {
            // A frozen process does not die: thaw whatever happened before.
            tree::write(kernel, folder, "freezer.state", "THAWED")?;
        }
        outcome
    })
}
