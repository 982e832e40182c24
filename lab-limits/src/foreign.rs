//! Cgroups that somebody else has made, a container engine for one: read, never changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::kernel::Kernel;
use crate::mounts::Hierarchies;
use crate::{Error, InForce, Kind, Result, Usage, v1, v2};

/// The cgroup of a process, whoever made it.
#[derive(Clone, Debug)]
pub struct Foreign(Inner);

#[derive(Clone, Debug)]
enum Inner {
    V1(v1::Folders),
    V2(v2::Folder),
}

impl Foreign {
    /// The cgroup that a process is in now.
    ///
    /// # Errors
    /// The process is gone, or no hierarchy with CPU counters can be seen from here.
    pub fn of_process(kernel: &Arc<dyn Kernel>, pid: u32) -> Result<Self> {
        let found = Hierarchies::of_process(&**kernel, pid)?;
        if found.v1_of("cpu").is_some() {
            return Ok(Self(Inner::V1(v1::Folders::of_process(kernel, &found))));
        }
        let v2 = found.v2.ok_or_else(|| Error::Unavailable {
            kind: Kind::CgroupV2,
            reason: format!("the cgroup of process {pid} cannot be seen from here"),
            fix: "run this on the machine that the processes run on, outside of containers".into(),
        })?;
        let path = with_quota(&**kernel, &v2.own, &v2.mount)?;
        let folder = v2::Folder::new(kernel, Kind::CgroupV2, &v2.mount, path);
        Ok(Self(Inner::V2(folder)))
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        match &self.0 {
            Inner::V1(folders) => folders.place(),
            Inner::V2(folder) => folder.place(),
        }
    }

    /// Processes in it now.
    ///
    /// # Errors
    /// The kernel's files cannot be read.
    pub fn members(&self) -> Result<Vec<u32>> {
        match &self.0 {
            Inner::V1(folders) => folders.members(),
            Inner::V2(folder) => folder.members(),
        }
    }

    /// What it has used since it was made.
    ///
    /// # Errors
    /// The kernel's files cannot be read; it may be gone.
    pub fn usage(&self) -> Result<Usage> {
        match &self.0 {
            Inner::V1(folders) => folders.usage(),
            Inner::V2(folder) => folder.usage(),
        }
    }

    /// What is in force for it.
    ///
    /// # Errors
    /// The kernel's files cannot be read; it may be gone.
    pub fn read_back(&self) -> Result<InForce> {
        match &self.0 {
            Inner::V1(folders) => folders.read_back(None),
            Inner::V2(folder) => folder.read_back(None),
        }
    }
}

/// The nearest cgroup with a quota of its own, upwards: some engines set it one level above the processes, and what
/// was throttled is counted there. Without any, the cgroup itself.
fn with_quota(kernel: &dyn Kernel, own: &Path, mount: &Path) -> Result<PathBuf> {
    for folder in own.ancestors().take_while(|f| f.starts_with(mount)) {
        if v2::quota(kernel, folder)?.is_some() {
            return Ok(folder.to_owned());
        }
    }
    Ok(own.to_owned())
}
