//! Is every process of a service inside its limits, and is none left when it has ended?
//!
//! A service may start processes, and as root it can also move them to where no limit holds. So its processes are
//! looked for in three ways: in the group, by the mark that each inherits in its environment, and by descent.

use std::collections::BTreeSet;

use lab_limits::{Group, Join, Kernel, procs};
use rustix::process::{Pid, Signal, kill_process};

/// Processes of the group with their CPU time so far, in clock ticks.
pub fn working(kernel: &dyn Kernel, group: &dyn Group) -> Vec<(u32, u64)> {
    let members = group.members().unwrap_or_default();
    let ticks = |pid: u32| {
        let stat = procs::stat(kernel, pid).ok()?;
        Some((pid, stat.user_ticks + stat.system_ticks))
    };
    members.into_iter().filter_map(ticks).collect()
}

/// Living processes of the service that are outside of the group in any hierarchy, ascending.
pub fn strays(kernel: &dyn Kernel, group: &dyn Group, main: u32) -> Vec<u32> {
    let join = group.join();
    let mut all = marked(kernel, &join);
    all.extend(group.members().unwrap_or_default());
    all.extend(procs::with_descendants(kernel, &BTreeSet::from([main])).unwrap_or_default());
    for file in &join.procs {
        let inside: BTreeSet<u32> = kernel
            .read_text(file)
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.trim().parse().ok())
            .collect();
        if all.is_subset(&inside) {
            continue;
        }
        // Looked at again: a process that ended meanwhile is in no list.
        return all
            .difference(&inside)
            .copied()
            .filter(|pid| procs::stat(kernel, *pid).is_ok_and(|s| !s.ended()))
            .collect();
    }
    Vec::new()
}

/// Living processes of a service whose main process has ended, ascending.
pub fn survivors(kernel: &dyn Kernel, group: &dyn Group) -> BTreeSet<u32> {
    let mut all = marked(kernel, &group.join());
    all.extend(group.members().unwrap_or_default());
    all
}

/// SIGKILL to each; those that ended meanwhile need none.
pub fn kill(pids: &BTreeSet<u32>) {
    for pid in pids {
        if let Some(pid) = i32::try_from(*pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

fn marked(kernel: &dyn Kernel, join: &Join) -> BTreeSet<u32> {
    let has_all = |env: &std::collections::BTreeMap<String, String>| {
        join.env.iter().all(|(k, v)| env.get(k) == Some(v))
    };
    // Without a mark everything would match.
    if join.env.is_empty() {
        return BTreeSet::new();
    }
    procs::marked(kernel, has_all)
        .unwrap_or_default()
        .into_keys()
        .collect()
}
