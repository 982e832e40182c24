//! Where the cgroup hierarchies are mounted, and where this process stands in them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::kernel::Kernel;
use crate::{Error, Result};

/// One mounted hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// Folder of the hierarchy's visible root.
    pub mount: PathBuf,
    /// Folder of the cgroup this process is in.
    pub own: PathBuf,
    /// Controllers of a v1 hierarchy; empty for v2 and for named ones.
    pub controllers: BTreeSet<String>,
    /// Is it the unified hierarchy?
    pub v2: bool,
}

/// All hierarchies of this system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hierarchies {
    /// v1 hierarchies with at least one controller.
    pub v1: Vec<Hierarchy>,
    /// The unified hierarchy.
    pub v2: Option<Hierarchy>,
}

impl Hierarchies {
    /// Reads `/proc/self/mountinfo` and `/proc/self/cgroup`. Errors: one of them cannot be read.
    pub fn read(kernel: &dyn Kernel) -> Result<Self> {
        Self::read_of(kernel, "self")
    }

    /// The same with the place of another process: [`Hierarchy::own`] is its cgroup.
    pub(crate) fn of_process(kernel: &dyn Kernel, pid: u32) -> Result<Self> {
        Self::read_of(kernel, &pid.to_string())
    }

    fn read_of(kernel: &dyn Kernel, process: &str) -> Result<Self> {
        let text = |path: &str| {
            let path = Path::new(path);
            kernel
                .read_text(path)
                .map_err(|e| Error::file("read", path, e))
        };
        Ok(Self::parse(
            &text("/proc/self/mountinfo")?,
            &text(&format!("/proc/{process}/cgroup"))?,
        ))
    }

    fn parse(mountinfo: &str, own: &str) -> Self {
        let mut out = Self::default();
        for line in mountinfo.lines() {
            let Some(mount) = Mount::parse(line) else {
                continue;
            };
            let Some(path) = own_path(own, &mount) else {
                continue;
            };
            let hierarchy = Hierarchy {
                own: below(&mount, &path),
                mount: mount.point,
                v2: mount.v2,
                controllers: mount.controllers,
            };
            // A hierarchy can be mounted more than once: the first mount is as good as the others.
            if hierarchy.v2 {
                out.v2.get_or_insert(hierarchy);
            } else if !hierarchy.controllers.is_empty()
                && !out
                    .v1
                    .iter()
                    .any(|h| h.controllers == hierarchy.controllers)
            {
                out.v1.push(hierarchy);
            }
        }
        out
    }

    /// The v1 hierarchy of a controller.
    pub fn v1_of(&self, controller: &str) -> Option<&Hierarchy> {
        self.v1.iter().find(|h| h.controllers.contains(controller))
    }
}

struct Mount {
    root: String,
    point: PathBuf,
    v2: bool,
    controllers: BTreeSet<String>,
}

/// Everything of the kernel that is not an option of the mount but a controller.
const CONTROLLERS: &[&str] = &[
    "cpu",
    "cpuacct",
    "cpuset",
    "memory",
    "devices",
    "freezer",
    "blkio",
    "pids",
    "net_cls",
    "net_prio",
    "perf_event",
    "hugetlb",
    "rdma",
    "misc",
];

impl Mount {
    fn parse(line: &str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let left: Vec<&str> = left.split(' ').collect();
        let right: Vec<&str> = right.split(' ').collect();
        let v2 = match *right.first()? {
            "cgroup2" => true,
            "cgroup" => false,
            _ => return None,
        };
        let options = if v2 { "" } else { right.get(2)? };
        Some(Self {
            root: unescape(left.get(3)?),
            point: PathBuf::from(unescape(left.get(4)?)),
            v2,
            controllers: options
                .split(',')
                .filter(|o| CONTROLLERS.contains(o))
                .map(str::to_owned)
                .collect(),
        })
    }
}

/// Spaces and the like are written as octal numbers in mountinfo.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let octal = (bytes[i] == b'\\')
            .then(|| {
                text.get(i + 1..i + 4)
                    .and_then(|d| u8::from_str_radix(d, 8).ok())
            })
            .flatten();
        out.push(octal.unwrap_or(bytes[i]));
        i += if octal.is_some() { 4 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The path of this process in the hierarchy, from `/proc/self/cgroup`.
fn own_path(own: &str, mount: &Mount) -> Option<String> {
    own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let hit = if mount.v2 {
            id == "0" && controllers.is_empty()
        } else {
            // Every controller is in one hierarchy only, so one in common is enough.
            controllers
                .split(',')
                .any(|c| mount.controllers.contains(c))
        };
        hit.then(|| path.to_owned())
    })
}

/// The folder of a cgroup path below a mount that may itself show only a part of the hierarchy.
fn below(mount: &Mount, path: &str) -> PathBuf {
    // A container without a cgroup namespace sees the host's paths, and its mount starts at its own cgroup.
    let inside = if mount.root == "/" {
        path
    } else {
        path.strip_prefix(mount.root.as_str()).unwrap_or("")
    };
    // "/.." is a cgroup above the namespace's root: nothing of it is visible, so the mount's root is the best there is.
    let inside = if inside.starts_with("/..") {
        ""
    } else {
        inside.trim_start_matches('/')
    };
    if inside.is_empty() {
        mount.point.clone()
    } else {
        mount.point.join(inside)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn hybrid_with_one_hierarchy_per_controller() {
        let mounts = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
";
        let own = "9:name=systemd:/\n4:memory:/a/b\n1:cpu:/\n0::/\n";
        let found = Hierarchies::parse(mounts, own);
        assert_eq!(found.v1.len(), 2);
        assert_eq!(
            found.v1_of("cpu").unwrap().own,
            Path::new("/sys/fs/cgroup/cpu")
        );
        assert_eq!(
            found.v1_of("memory").unwrap().own,
            Path::new("/sys/fs/cgroup/memory/a/b")
        );
        assert_eq!(found.v2.unwrap().own, Path::new("/sys/fs/cgroup/unified"));
    }

    #[test]
    fn co_mounted_controllers_and_a_mount_of_a_part() {
        let mounts = "\
32 31 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct
33 31 0:29 /docker/abc /mnt/with\\040space ro - cgroup cgroup rw,cpu,cpuacct
";
        let found = Hierarchies::parse(mounts, "3:cpuacct,cpu:/docker/abc/inner\n");
        assert_eq!(found.v1.len(), 1);
        let cpu = found.v1_of("cpuacct").unwrap();
        assert_eq!(cpu.own, Path::new("/sys/fs/cgroup/cpu,cpuacct/inner"));
        assert_eq!(cpu.mount, Path::new("/sys/fs/cgroup/cpu,cpuacct"));
        assert_eq!(unescape("/mnt/with\\040space"), "/mnt/with space");
    }

    #[test]
    fn pure_v2_and_a_place_above_the_namespace() {
        let mounts =
            "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let found = Hierarchies::parse(mounts, "0::/user.slice/user-1000.slice/session-3.scope\n");
        let v2 = found.v2.unwrap();
        assert_eq!(
            v2.own,
            Path::new("/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope")
        );
        assert!(found.v1.is_empty());
        let found = Hierarchies::parse(mounts, "0::/../../x\n");
        assert_eq!(found.v2.unwrap().own, Path::new("/sys/fs/cgroup"));
    }
}
