//! cgroup v2: `PLACE/benchfw.SESSION…/GROUP`, in a cgroup that this process may manage.
//!
//! v2 lets controllers work only for the children of a cgroup that holds no processes itself. So the session's folder
//! holds none, each group is a leaf, and where the place is the cgroup of this very process, the process moves into
//! a leaf of its own ([`LEAF`]) first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::kernel::Kernel;
use crate::limiter::check_spec;
use crate::model::Psi;
use crate::mounts::{Hierarchies, Hierarchy};
use crate::{
    Error, Group, GroupSpec, InForce, Join, Kind, Limiter, Result, Session, Usage, names, sweep,
    tree,
};

/// Name of the leaf that the runner moves itself into.
pub(crate) const LEAF: &str = "bench-runner";

/// Controllers that are switched on; `cpu` is a must.
const USED: &[&str] = &["cpu", "cpuset", "memory"];

/// Where sessions can be made, and who has to leave first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Folder below which sessions are made.
    pub(crate) folder: PathBuf,
    /// Root of the visible hierarchy.
    pub(crate) mount: PathBuf,
    /// Processes that must move from `folder` into its leaf before controllers can be switched on.
    pub(crate) movers: Movers,
}

/// Who has to leave a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Movers {
    /// Nobody: the place holds no processes, or is the root, which may.
    Nobody,
    /// This process, which is alone there.
    Itself,
    /// Everything in the container: the place is the root of a cgroup namespace.
    All,
}

/// The backend; also the engine of the systemd one.
#[derive(Debug)]
pub struct CgroupV2 {
    kernel: Arc<dyn Kernel>,
    kind: Kind,
    session: Session,
    mount: PathBuf,
    folder: PathBuf,
    controllers: BTreeSet<String>,
}

type Refusal = (String, String);

/// Looks for a cgroup that this process may manage. The error is reason and fix.
pub(crate) fn find_place(
    kernel: &dyn Kernel,
    found: &Hierarchies,
) -> std::result::Result<Place, Refusal> {
    let v2 = unified_with_cpu(kernel, found)?;
    let systemd = kernel.exists(Path::new("/run/systemd/system"));
    let own = &v2.own;
    let place = |folder: &Path, movers| Place {
        folder: folder.to_owned(),
        mount: v2.mount.clone(),
        movers,
    };

    // The parent of a leaf that was made for this process (by us, or by DelegateSubgroup= of a unit).
    if own != &v2.mount
        && let Some(parent) = own.parent()
        && delegated(kernel, parent, systemd)
        && manageable(kernel, parent).is_ok()
        && direct_members(kernel, parent).is_empty()
    {
        return Ok(place(parent, Movers::Nobody));
    }
    if !delegated(kernel, own, systemd) {
        return Err((
            format!(
                "systemd manages {} and has not delegated it to this process",
                own.display()
            ),
            "nothing to do: the systemd backend asks for a scope of its own".into(),
        ));
    }
    manageable(kernel, own)?;
    // Only the real root has no type, and only the real root may hold processes beside children with controllers.
    if !kernel.exists(&own.join("cgroup.type")) {
        return Ok(place(own, Movers::Nobody));
    }
    let members = direct_members(kernel, own);
    let others = members.iter().filter(|&&pid| pid != kernel.pid()).count();
    if others == 0 {
        Ok(place(own, Movers::Itself))
    } else if own == &v2.mount && kernel.euid() == 0 && !systemd {
        Ok(place(own, Movers::All))
    } else {
        Err((
            format!("{} other processes are in the cgroup of this process, {}", others, own.display()),
            "start it in a cgroup of its own: `systemd-run --user --scope -p Delegate=yes -- ./lab …`".into(),
        ))
    }
}

/// The unified hierarchy, if it has the cpu controller.
pub(crate) fn unified_with_cpu<'a>(
    kernel: &dyn Kernel,
    found: &'a Hierarchies,
) -> std::result::Result<&'a Hierarchy, Refusal> {
    let Some(v2) = &found.v2 else {
        return Err((
            "no cgroup v2 hierarchy is mounted".into(),
            "boot with a unified hierarchy, or use v1".into(),
        ));
    };
    let has = |folder: &Path| controllers(kernel, folder, "cgroup.controllers").contains("cpu");
    if !has(&v2.mount) {
        let why = if found.v1_of("cpu").is_some() {
            " (it is bound to cgroup v1)"
        } else {
            ""
        };
        return Err((
            format!(
                "the cpu controller is not in {}{why}",
                v2.mount.join("cgroup.controllers").display()
            ),
            "boot with systemd.unified_cgroup_hierarchy=1, or use v1".into(),
        ));
    }
    Ok(v2)
}

/// May this user manage the cgroup? Being owner of the three files is what the kernel calls delegation.
fn manageable(kernel: &dyn Kernel, folder: &Path) -> std::result::Result<(), Refusal> {
    for file in ["", "cgroup.procs", "cgroup.subtree_control"] {
        let path = if file.is_empty() {
            folder.to_owned()
        } else {
            folder.join(file)
        };
        if !kernel.writable(&path) {
            return Err((
                format!("{} is not writable for this user", path.display()),
                "run as root, or with a delegated cgroup (Delegate=yes)".into(),
            ));
        }
    }
    if !controllers(kernel, folder, "cgroup.controllers").contains("cpu") {
        return Err((
            format!("the cpu controller is not offered in {}", folder.display()),
            "delegate it: Delegate=cpu cpuset memory".into(),
        ));
    }
    Ok(())
}

/// On a system with systemd a cgroup belongs to systemd unless it says otherwise; root could write, but should not.
fn delegated(kernel: &dyn Kernel, folder: &Path, systemd: bool) -> bool {
    let marked = |name| {
        kernel
            .xattr(folder, name)
            .is_some_and(|value| value == b"1")
    };
    !systemd || kernel.euid() != 0 || marked("trusted.delegate") || marked("user.delegate")
}

fn direct_members(kernel: &dyn Kernel, folder: &Path) -> Vec<u32> {
    let text = kernel
        .read_text(&folder.join("cgroup.procs"))
        .unwrap_or_default();
    text.lines()
        .filter_map(|line| line.trim().parse().ok())
        .collect()
}

fn controllers(kernel: &dyn Kernel, folder: &Path, file: &str) -> BTreeSet<String> {
    let text = kernel.read_text(&folder.join(file)).unwrap_or_default();
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

/// Switches controllers on for the children of a folder, one by one: a refused one must not take the others along.
fn enable(kernel: &dyn Kernel, folder: &Path) -> Result<()> {
    let offered = controllers(kernel, folder, "cgroup.controllers");
    let on = controllers(kernel, folder, "cgroup.subtree_control");
    for controller in USED
        .iter()
        .filter(|c| offered.contains(**c) && !on.contains(**c))
    {
        let done = tree::write(
            kernel,
            folder,
            "cgroup.subtree_control",
            &format!("+{controller}"),
        );
        if *controller == "cpu" {
            done?;
        }
    }
    Ok(())
}

impl CgroupV2 {
    /// Opens the backend for a session. Moves this process into a leaf where that is needed.
    /// Errors: v2 is not usable here.
    pub fn open(kernel: &Arc<dyn Kernel>, session: Session) -> Result<Self> {
        let found = Hierarchies::read(&**kernel)?;
        let place = find_place(&**kernel, &found).map_err(|(reason, fix)| Error::Unavailable {
            kind: Kind::CgroupV2,
            reason,
            fix,
        })?;
        Self::at(kernel, session, Kind::CgroupV2, &place)
    }

    pub(crate) fn at(
        kernel: &Arc<dyn Kernel>,
        session: Session,
        kind: Kind,
        place: &Place,
    ) -> Result<Self> {
        let system = &**kernel;
        let leaf = place.folder.join(LEAF);
        match place.movers {
            Movers::Nobody => {}
            Movers::Itself => {
                tree::ensure(system, &leaf)?;
                tree::write(system, &leaf, "cgroup.procs", &system.pid().to_string())?;
            }
            Movers::All => {
                tree::ensure(system, &leaf)?;
                evacuate(system, &place.folder, &leaf)?;
            }
        }
        enable(system, &place.folder)?;
        let folder = place.folder.join(session.folder());
        let controllers = controllers(system, &place.folder, "cgroup.subtree_control");
        Ok(Self {
            kernel: Arc::clone(kernel),
            kind,
            session,
            mount: place.mount.clone(),
            folder,
            controllers,
        })
    }
}

/// Moves every process out of a cgroup. Processes may fork meanwhile, so it is repeated until none is left.
fn evacuate(kernel: &dyn Kernel, from: &Path, to: &Path) -> Result<()> {
    for _ in 0..100 {
        let pids = direct_members(kernel, from);
        if pids.is_empty() {
            return Ok(());
        }
        for pid in pids {
            match tree::write(kernel, to, "cgroup.procs", &pid.to_string()) {
                Ok(()) => {}
                // It ended in between.
                Err(Error::File { source, .. })
                    if source.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {}
                Err(e) => return Err(e),
            }
        }
    }
    Err(Error::Value(format!(
        "processes keep appearing in {}: controllers cannot be switched on",
        from.display()
    )))
}

impl Limiter for CgroupV2 {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn session(&self) -> &Session {
        &self.session
    }

    fn create(&self, group: &str, spec: &GroupSpec) -> Result<Box<dyn Group>> {
        names::check("group", group)?;
        check_spec(spec)?;
        let kernel = &*self.kernel;
        if spec.memory_max.is_some() && !self.controllers.contains("memory") {
            return Err(Error::Unavailable {
                kind: self.kind,
                reason: "the memory controller is not delegated here".into(),
                fix: "leave the memory limit out, or delegate it".into(),
            });
        }
        tree::ensure(kernel, &self.folder)?;
        enable(kernel, &self.folder)?;
        let folder = self.folder.join(group);
        if !tree::ensure(kernel, &folder)? {
            return Err(Error::Exists(folder));
        }
        let made = GroupV2 {
            session: self.session.clone(),
            name: group.to_owned(),
            spec: spec.clone(),
            folder: Folder::new(&self.kernel, self.kind, &self.mount, folder),
        };
        if let Err(e) = made.configure() {
            drop(Box::new(made).remove());
            return Err(e);
        }
        Ok(Box::new(made))
    }

    fn close(&self) -> Result<()> {
        sweep::sweep(&self.kernel, &self.session).map(drop)
    }
}

/// The folder of one group: what can be read of it, whoever made it.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    kernel: Arc<dyn Kernel>,
    kind: Kind,
    mount: PathBuf,
    path: PathBuf,
    has_cpuset: bool,
}

impl Folder {
    pub(crate) fn new(kernel: &Arc<dyn Kernel>, kind: Kind, mount: &Path, path: PathBuf) -> Self {
        Self {
            kernel: Arc::clone(kernel),
            kind,
            mount: mount.to_owned(),
            has_cpuset: kernel.exists(&path.join("cpuset.cpus")),
            path,
        }
    }

    pub(crate) fn place(&self) -> String {
        format!("cgroup v2 {}", self.path.display())
    }

    pub(crate) fn members(&self) -> Result<Vec<u32>> {
        let folders = std::slice::from_ref(&self.path);
        Ok(tree::members(&*self.kernel, folders)?.into_iter().collect())
    }

    pub(crate) fn usage(&self) -> Result<Usage> {
        let kernel = &*self.kernel;
        let text = tree::read(kernel, &self.path, "cpu.stat")?;
        let ns = |key: &str| tree::field(&text, key).map(|us| us * 1000);
        let peak = tree::read_if_there(kernel, &self.path, "memory.peak")?;
        // Without PSI in the kernel the file is missing; switched off at boot, it cannot be read.
        let pressure = tree::read(kernel, &self.path, "cpu.pressure").ok();
        Ok(Usage {
            cpu_usage_ns: ns("usage_usec"),
            user_ns: ns("user_usec"),
            system_ns: ns("system_usec"),
            throttled_ns: ns("throttled_usec"),
            nr_periods: tree::field(&text, "nr_periods"),
            nr_throttled: tree::field(&text, "nr_throttled"),
            memory_peak_bytes: peak.and_then(|t| t.parse().ok()),
            psi: pressure.and_then(|t| Psi::parse(&t)),
        })
    }

    /// `affinity`: CPUs that the children set for themselves, where no cpuset controller does the job.
    pub(crate) fn read_back(&self, affinity: Option<Vec<usize>>) -> Result<InForce> {
        let kernel = &*self.kernel;
        let pids = tree::members(kernel, std::slice::from_ref(&self.path))?;
        let (cpu_quota, quota_from_ancestor) =
            tree::tightest_quota(&self.path, &self.mount, |f| quota(kernel, f))?;
        let read = |file: &str| tree::read_if_there(kernel, &self.path, file);
        Ok(InForce {
            kind: self.kind,
            cpu_quota,
            quota_from_ancestor,
            cpuset: if self.has_cpuset {
                Some(tree::cpus(kernel, &self.path, "cpuset.cpus.effective")?)
            } else {
                affinity
            },
            weight: read("cpu.weight")?.and_then(|t| t.parse().ok()),
            memory_max: read("memory.max")?.and_then(|t| t.parse().ok()),
            processes: pids.len(),
            processes_cpus: tree::processes_cpus(kernel, &pids),
        })
    }
}

/// A group in v2.
#[derive(Debug)]
struct GroupV2 {
    session: Session,
    name: String,
    spec: GroupSpec,
    folder: Folder,
}

impl GroupV2 {
    fn configure(&self) -> Result<()> {
        let folder = &self.folder;
        let kernel = &*folder.kernel;
        let write = |file: &str, text: String| tree::write(kernel, &folder.path, file, &text);
        if let Some(cpus) = &self.spec.cpuset
            && folder.has_cpuset
        {
            write("cpuset.cpus", crate::cpulist::format(cpus))?;
            // The kernel takes any list and uses what the parent has of it: a silent half would be unfair.
            let have = tree::cpus(kernel, &folder.path, "cpuset.cpus.effective")?;
            let (have, want) = (crate::cpulist::format(&have), crate::cpulist::format(cpus));
            if have != want {
                return Err(Error::Value(format!(
                    "asked for CPUs {want}, but only {have} can be used here"
                )));
            }
        }
        if let Some(quota) = self.spec.cpu_quota {
            write(
                "cpu.max",
                format!("{} {}", tree::quota_us(quota), tree::PERIOD_US),
            )?;
        }
        if let Some(weight) = self.spec.weight {
            write("cpu.weight", weight.to_string())?;
        }
        if let Some(bytes) = self.spec.memory_max {
            write("memory.max", bytes.to_string())?;
        }
        Ok(())
    }
}

impl Group for GroupV2 {
    fn name(&self) -> &str {
        &self.name
    }

    fn place(&self) -> String {
        self.folder.place()
    }

    fn join(&self) -> Join {
        let mut env = self.session.env();
        env.insert(names::ENV_GROUP.into(), self.name.clone());
        Join {
            procs: vec![self.folder.path.join("cgroup.procs")],
            cpus: if self.folder.has_cpuset {
                None
            } else {
                self.spec.cpuset.clone()
            },
            env,
        }
    }

    fn members(&self) -> Result<Vec<u32>> {
        self.folder.members()
    }

    fn usage(&self) -> Result<Usage> {
        self.folder.usage()
    }

    fn read_back(&self) -> Result<InForce> {
        self.folder.read_back(self.join().cpus)
    }

    fn kill_all(&self) -> Result<usize> {
        let Folder { kernel, path, .. } = &self.folder;
        kill(&**kernel, &self.place(), std::slice::from_ref(path))
    }

    fn remove(self: Box<Self>) -> Result<()> {
        self.kill_all()?;
        let Folder { kernel, path, .. } = &self.folder;
        tree::remove(&**kernel, path)?;
        if let Some(session) = path.parent() {
            tree::remove_if_empty(&**kernel, session);
        }
        Ok(())
    }
}

/// Quota of one v2 cgroup in CPUs; `None` without one, or without the file.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn quota(kernel: &dyn Kernel, folder: &Path) -> Result<Option<f64>> {
    let Some(text) = tree::read_if_there(kernel, folder, "cpu.max")? else {
        return Ok(None);
    };
    let bad = || Error::parse(&folder.join("cpu.max"), &text, "quota and period");
    let (quota, period) = text.split_once(' ').ok_or_else(bad)?;
    if quota == "max" {
        return Ok(None);
    }
    let (quota, period): (u64, u64) = (
        quota.parse().map_err(|_| bad())?,
        period.trim().parse().map_err(|_| bad())?,
    );
    Ok((period > 0).then(|| quota as f64 / period as f64))
}

/// `cgroup.kill` takes a whole subtree at once, forks included; kernels before 5.14 get SIGKILL for each process.
pub(crate) fn kill(kernel: &dyn Kernel, place: &str, folders: &[PathBuf]) -> Result<usize> {
    let look = || tree::members(kernel, folders);
    tree::kill_until_none(kernel, place, tree::CGROUP_LOOKS, look, |found| {
        let spared = crate::procs::untouchable(kernel);
        let whole = look()?.is_disjoint(&spared);
        let mut each = !whole;
        for folder in folders.iter().filter(|_| whole) {
            match tree::write(kernel, folder, "cgroup.kill", "1") {
                Ok(()) => {}
                Err(e) if e.is_not_found() => each = true,
                Err(e) => return Err(e),
            }
        }
        if each {
            tree::kill_each(kernel, found)
        } else {
            Ok(())
        }
    })
}
