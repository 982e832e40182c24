//! Processes as `/proc` shows them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::kernel::Kernel;
use crate::{Error, Result, cpulist};

/// The fields of `/proc/PID/stat` that are used here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// State letter; Z is a zombie.
    pub state: char,
    /// Parent process.
    pub parent: u32,
    /// CPU time in user mode, own and of reaped children, clock ticks.
    pub user_ticks: u64,
    /// CPU time in the kernel, own and of reaped children, clock ticks.
    pub system_ticks: u64,
    /// Threads.
    pub threads: u64,
    /// Start time, clock ticks since boot.
    pub start: u64,
}

impl Stat {
    /// Has it ended, so that nothing of it is left but the entry that its parent has not collected? (A main thread
    /// can be a zombie while other threads of the process still run.)
    pub fn ended(&self) -> bool {
        self.state == 'X' || (self.state == 'Z' && self.threads <= 1)
    }
}

fn proc_path(pid: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}

/// Reads `/proc/PID/stat`. Errors: the process is gone, or the file has another form.
pub fn stat(kernel: &dyn Kernel, pid: u32) -> Result<Stat> {
    let path = proc_path(pid, "stat");
    let text = kernel
        .read_text(&path)
        .map_err(|e| Error::file("read", &path, gone(e)))?;
    parse_stat(&text).ok_or_else(|| Error::parse(&path, &text, "the status of a process"))
}

/// A process that ends between open and read answers ESRCH: that is "not found", too.
fn gone(error: std::io::Error) -> std::io::Error {
    match error
        .raw_os_error()
        .map(rustix::io::Errno::from_raw_os_error)
    {
        Some(rustix::io::Errno::SRCH) => std::io::ErrorKind::NotFound.into(),
        _ => error,
    }
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The name stands in brackets and may itself hold spaces and brackets: the last one ends it.
    let fields: Vec<&str> = text[text.rfind(')')? + 1..]
        .split_ascii_whitespace()
        .collect();
    let number = |i: usize| fields.get(i)?.parse::<u64>().ok();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: u32::try_from(number(1)?).ok()?,
        user_ticks: number(11)? + number(13)?,
        system_ticks: number(12)? + number(14)?,
        threads: number(17)?,
        start: number(19)?,
    })
}

/// All process ids.
pub fn all(kernel: &dyn Kernel) -> Result<Vec<u32>> {
    let path = Path::new("/proc");
    let entries = kernel
        .list(path)
        .map_err(|e| Error::file("list", path, e))?;
    Ok(entries.iter().filter_map(|e| e.name.parse().ok()).collect())
}

/// The environment a process was started with; `None` if it is gone or not ours to read.
pub fn environment(kernel: &dyn Kernel, pid: u32) -> Option<BTreeMap<String, String>> {
    let bytes = kernel.read(&proc_path(pid, "environ")).ok()?;
    let pairs = bytes.split(|&b| b == 0).filter_map(|pair| {
        let text = String::from_utf8_lossy(pair);
        let (key, value) = text.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    });
    Some(pairs.collect())
}

/// CPUs the process may run on.
pub fn allowed_cpus(kernel: &dyn Kernel, pid: u32) -> Option<Vec<usize>> {
    let text = kernel.read_text(&proc_path(pid, "status")).ok()?;
    cpulist::parse(
        text.lines()
            .find_map(|l| l.strip_prefix("Cpus_allowed_list:"))?,
    )
}

/// This process and all its ancestors: never to be killed by this crate.
pub fn untouchable(kernel: &dyn Kernel) -> BTreeSet<u32> {
    let mut out = BTreeSet::from([0, 1]);
    let mut pid = kernel.pid();
    while out.insert(pid) {
        let Ok(stat) = stat(kernel, pid) else { break };
        pid = stat.parent;
    }
    out
}

/// The given processes and everything that descends from them.
pub fn with_descendants(kernel: &dyn Kernel, roots: &BTreeSet<u32>) -> Result<BTreeSet<u32>> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for pid in all(kernel)? {
        if let Ok(stat) = stat(kernel, pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut out = BTreeSet::new();
    let mut todo: Vec<u32> = roots.iter().copied().collect();
    while let Some(pid) = todo.pop() {
        if out.insert(pid) {
            todo.extend(children.get(&pid).into_iter().flatten());
        }
    }
    Ok(out)
}

/// Living processes (zombies left out) whose environment satisfies `wanted`, with their start times.
pub fn marked(
    kernel: &dyn Kernel,
    wanted: impl Fn(&BTreeMap<String, String>) -> bool,
) -> Result<BTreeMap<u32, u64>> {
    let mut out = BTreeMap::new();
    for pid in all(kernel)? {
        if environment(kernel, pid).is_some_and(|env| wanted(&env))
            && let Ok(stat) = stat(kernel, pid)
            && !stat.ended()
        {
            out.insert(pid, stat.start);
        }
    }
    Ok(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_do_not_confuse_the_status() {
        let text = "77 (a) R 1 (b) S 42 77 77 0 -1 4194560 105 0 0 0 7 3 20 10 20 0 1 0 9001 0 0";
        let want = Stat {
            state: 'S',
            parent: 42,
            user_ticks: 27,
            system_ticks: 13,
            threads: 1,
            start: 9001,
        };
        assert_eq!(parse_stat(text), Some(want));
        let ended = |text: &str| parse_stat(text).unwrap().ended();
        assert!(!ended(text));
        let zombie = text.replace(") S", ") Z");
        assert!(ended(&zombie));
        assert!(!ended(&zombie.replace(" 0 1 0 9001", " 0 2 0 9001")));
        assert_eq!(parse_stat("77 (x) S 1"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn this_process_is_found() {
        let kernel = crate::kernel::Real;
        let own = std::process::id();
        assert!(stat(&kernel, own).unwrap().start > 0);
        assert!(untouchable(&kernel).contains(&own));
        assert!(
            with_descendants(&kernel, &BTreeSet::from([own]))
                .unwrap()
                .contains(&own)
        );
        assert!(!allowed_cpus(&kernel, own).unwrap().is_empty());
    }
}
