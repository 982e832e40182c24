//! Work on cgroup folders that v1 and v2 share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::kernel::Kernel;
use crate::{Error, Result, cpulist, procs};

/// Length of a quota period, microseconds: the kernel's own default, and systemd's.
pub(crate) const PERIOD_US: u64 = 100_000;
/// How long processes get to die.
pub(crate) const KILL_LIMIT: Duration = Duration::from_secs(10);
/// Pause between two looks at something that needs time.
pub(crate) const LOOK: Duration = Duration::from_millis(5);

pub(crate) fn write(kernel: &dyn Kernel, folder: &Path, file: &str, text: &str) -> Result<()> {
    let path = folder.join(file);
    kernel
        .write(&path, text)
        .map_err(|e| Error::file(format!("write {text:?} to"), &path, e))
}

pub(crate) fn read(kernel: &dyn Kernel, folder: &Path, file: &str) -> Result<String> {
    let path = folder.join(file);
    kernel
        .read_text(&path)
        .map(|t| t.trim().to_owned())
        .map_err(|e| Error::file("read", &path, e))
}

/// Content of a file that older kernels do not have.
pub(crate) fn read_if_there(
    kernel: &dyn Kernel,
    folder: &Path,
    file: &str,
) -> Result<Option<String>> {
    match read(kernel, folder, file) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.is_not_found() => Ok(None),
        Err(e) => Err(e),
    }
}

pub(crate) fn number(kernel: &dyn Kernel, folder: &Path, file: &str) -> Result<u64> {
    let text = read(kernel, folder, file)?;
    text.parse()
        .map_err(|_| Error::parse(&folder.join(file), &text, "a number"))
}

pub(crate) fn cpus(kernel: &dyn Kernel, folder: &Path, file: &str) -> Result<Vec<usize>> {
    let text = read(kernel, folder, file)?;
    cpulist::parse(&text).ok_or_else(|| Error::parse(&folder.join(file), &text, "a list of CPUs"))
}

/// A field of a flat file like `cpu.stat`.
pub(crate) fn field(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        line.strip_prefix(key)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    })
}

/// A quota in CPUs as microseconds per period.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
pub(crate) fn quota_us(cpus: f64) -> u64 {
    (cpus * PERIOD_US as f64).round() as u64
}

/// The tightest of the quotas of a folder and its ancestors up to `top`, and whether it is an ancestor's.
pub(crate) fn tightest_quota(
    folder: &Path,
    top: &Path,
    read: impl Fn(&Path) -> Result<Option<f64>>,
) -> Result<(Option<f64>, bool)> {
    let mut best = read(folder)?;
    let mut from_ancestor = false;
    let mut at = folder;
    while at != top
        && let Some(parent) = at.parent()
        && parent.starts_with(top)
    {
        if let Some(quota) = read(parent)?
            && best.is_none_or(|b| quota < b)
        {
            best = Some(quota);
            from_ancestor = true;
        }
        at = parent;
    }
    Ok((best, from_ancestor))
}

/// Makes a folder; true if it is new.
pub(crate) fn ensure(kernel: &dyn Kernel, folder: &Path) -> Result<bool> {
    match kernel.mkdir(folder) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(Error::file("make", folder, e)),
    }
}

/// A folder and all below it, children before parents. Folders that vanish meanwhile are left out.
pub(crate) fn children_first(kernel: &dyn Kernel, folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in kernel.list(folder).unwrap_or_default() {
        if entry.is_dir {
            out.extend(children_first(kernel, &folder.join(entry.name)));
        }
    }
    if kernel.exists(folder) {
        out.push(folder.to_owned());
    }
    out
}

/// Processes in these folders and below.
pub(crate) fn members(kernel: &dyn Kernel, folders: &[PathBuf]) -> Result<BTreeSet<u32>> {
    let mut out = BTreeSet::new();
    for folder in folders.iter().flat_map(|f| children_first(kernel, f)) {
        let path = folder.join("cgroup.procs");
        match kernel.read_text(&path) {
            Ok(text) => out.extend(text.lines().filter_map(|l| l.trim().parse::<u32>().ok())),
            // The folder went away meanwhile, or holds threads of a process that another folder lists.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) if e.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error()) => {}
            Err(e) if e.raw_os_error() == Some(rustix::io::Errno::OPNOTSUPP.raw_os_error()) => {}
            Err(e) => return Err(Error::file("read", &path, e)),
        }
    }
    out.retain(|&pid| pid != 0);
    Ok(out)
}

/// CPUs that any of the processes may run on.
pub(crate) fn processes_cpus(kernel: &dyn Kernel, pids: &BTreeSet<u32>) -> Option<Vec<usize>> {
    let all: BTreeSet<usize> = pids
        .iter()
        .filter_map(|&pid| procs::allowed_cpus(kernel, pid))
        .flatten()
        .collect();
    (!all.is_empty()).then(|| all.into_iter().collect())
}

/// Repeats `strike` on the processes that `look` finds, until `looks` looks in a row find none and those killed have
/// really ended: a dying process leaves its cgroup and loses its environment before it gives its ports back. Gives the
/// number of processes killed.
pub(crate) fn kill_until_none(
    kernel: &dyn Kernel,
    place: &str,
    looks: u32,
    look: impl Fn() -> Result<BTreeSet<u32>>,
    strike: impl Fn(&BTreeSet<u32>) -> Result<()>,
) -> Result<usize> {
    let spared = procs::untouchable(kernel);
    let begin = Instant::now();
    let mut killed: BTreeMap<u32, u64> = BTreeMap::new();
    let mut quiet = 0;
    loop {
        let found: BTreeSet<u32> = look()?.difference(&spared).copied().collect();
        for &pid in &found {
            if let Ok(stat) = procs::stat(kernel, pid) {
                killed.insert(pid, stat.start);
            }
        }
        let is_dying = |(&pid, &start): (&u32, &u64)| {
            procs::stat(kernel, pid)
                .is_ok_and(|stat| stat.start == start && !stat.ended())
                .then_some(pid)
        };
        let left: BTreeSet<u32> = killed
            .iter()
            .filter_map(is_dying)
            .chain(found.iter().copied())
            .collect();
        quiet = if left.is_empty() { quiet + 1 } else { 0 };
        if quiet >= looks {
            return Ok(killed.len());
        }
        if begin.elapsed() > KILL_LIMIT {
            let pids = left.into_iter().collect();
            return Err(Error::Survivors {
                place: place.to_owned(),
                waited_s: KILL_LIMIT.as_secs(),
                pids,
            });
        }
        if !found.is_empty() {
            strike(&found)?;
        }
        kernel.pause(LOOK);
    }
}

/// Looks in a row that must find no process of a cgroup.
pub(crate) const CGROUP_LOOKS: u32 = 1;
/// Looks in a row that must find no marked process: one that is executing a program has no environment for a moment.
pub(crate) const MARK_LOOKS: u32 = 3;

/// SIGKILL to each; one that is gone already is no error.
pub(crate) fn kill_each(kernel: &dyn Kernel, pids: &BTreeSet<u32>) -> Result<()> {
    for &pid in pids {
        match procs::stat(kernel, pid) {
            Ok(stat) => {
                let path = PathBuf::from(format!("/proc/{pid}"));
                kernel
                    .kill(pid, stat.start)
                    .map_err(|e| Error::file("kill", &path, e))?;
            }
            Err(e) if e.is_not_found() => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Removes a folder and all below it, children first. The kernel needs a moment after the last process ended.
pub(crate) fn remove(kernel: &dyn Kernel, folder: &Path) -> Result<()> {
    let begin = Instant::now();
    loop {
        let mut failed = None;
        for path in children_first(kernel, folder) {
            match kernel.rmdir(&path) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => failed = Some((path, e)),
            }
        }
        match failed {
            None => return Ok(()),
            Some((path, e)) => {
                if e.kind() != std::io::ErrorKind::ResourceBusy || begin.elapsed() > KILL_LIMIT {
                    return Err(Error::file("remove", &path, e));
                }
            }
        }
        kernel.pause(LOOK);
    }
}

/// Removes an empty folder if nothing is in it; leaves it otherwise.
pub(crate) fn remove_if_empty(kernel: &dyn Kernel, folder: &Path) {
    let empty = kernel
        .list(folder)
        .is_ok_and(|entries| entries.iter().all(|e| !e.is_dir));
    if empty {
        // Best effort: a session's folder that stays is removed by `close` and by the sweeper.
        drop(kernel.rmdir(folder));
    }
}
