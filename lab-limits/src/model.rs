//! What a group may use, what it used, and what is in force. Plain data, serialisable.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The ways to hold a group of processes to a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The unified hierarchy, as root or in a delegated subtree.
    CgroupV2,
    /// The unified hierarchy inside a transient scope that systemd delegated to this process.
    Systemd,
    /// One hierarchy per controller, as root.
    CgroupV1,
    /// `sched_setaffinity` only: caps cores, cannot throttle, has no counters of its own.
    Affinity,
}

impl Kind {
    /// Can this kind enforce a CPU quota?
    pub fn has_quota(self) -> bool {
        self != Self::Affinity
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CgroupV2 => "cgroup v2",
            Self::Systemd => "systemd",
            Self::CgroupV1 => "cgroup v1",
            Self::Affinity => "affinity only",
        })
    }
}

/// The budget of one group. `None` sets no limit of that sort.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupSpec {
    /// CPU time per wall time, in CPUs (1.5 is one and a half CPUs), enforced per period of 100 ms.
    pub cpu_quota: Option<f64>,
    /// CPUs the group may run on, by number.
    pub cpuset: Option<Vec<usize>>,
    /// Share under contention, 1 to 10000, 100 is normal (scale of cgroup v2).
    pub weight: Option<u64>,
    /// Memory limit in bytes.
    pub memory_max: Option<u64>,
}

/// How a child puts itself into a group before it executes its program. Part of [`crate::ExecSpec`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// `cgroup.procs` files the child writes its own process id to, in this order.
    pub procs: Vec<PathBuf>,
    /// CPUs for `sched_setaffinity`, where no cpuset controller does the job.
    pub cpus: Option<Vec<usize>>,
    /// Environment that marks the process and all that descend from it (for the sweeper).
    pub env: BTreeMap<String, String>,
}

/// What a group has used since it was made. `None`: this kind or this kernel does not tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time, ns, user and system.
    pub cpu_usage_ns: Option<u64>,
    /// CPU time in user mode, ns.
    pub user_ns: Option<u64>,
    /// CPU time in the kernel, ns.
    pub system_ns: Option<u64>,
    /// Time in which threads were kept waiting by the quota, ns, summed over CPUs.
    pub throttled_ns: Option<u64>,
    /// Quota periods in which the group was runnable.
    pub nr_periods: Option<u64>,
    /// Of these, periods in which it was throttled.
    pub nr_throttled: Option<u64>,
    /// Highest memory charged to the group, bytes.
    pub memory_peak_bytes: Option<u64>,
    /// CPU pressure of the group.
    pub psi: Option<Psi>,
}

impl Usage {
    /// The use between an earlier reading and this one: counters subtracted, peak memory as it is now.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let sub = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then?));
        Self {
            cpu_usage_ns: sub(self.cpu_usage_ns, earlier.cpu_usage_ns),
            user_ns: sub(self.user_ns, earlier.user_ns),
            system_ns: sub(self.system_ns, earlier.system_ns),
            throttled_ns: sub(self.throttled_ns, earlier.throttled_ns),
            nr_periods: sub(self.nr_periods, earlier.nr_periods),
            nr_throttled: sub(self.nr_throttled, earlier.nr_throttled),
            memory_peak_bytes: self.memory_peak_bytes,
            psi: match (&self.psi, &earlier.psi) {
                (Some(now), Some(then)) => Some(now.since(then)),
                _ => None,
            },
        }
    }
}

/// Pressure stall information: time in which tasks waited for a resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Psi {
    /// Some task waited: total, microseconds.
    pub some_us: u64,
    /// All non-idle tasks waited at once: total, microseconds (0 where the kernel does not tell).
    pub full_us: u64,
    /// Share of the last 10 s in which some task waited, percent.
    pub some_avg10: f64,
}

impl Psi {
    /// Totals since an earlier reading; the average stays the current one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            some_us: self.some_us.saturating_sub(earlier.some_us),
            full_us: self.full_us.saturating_sub(earlier.full_us),
            some_avg10: self.some_avg10,
        }
    }

    /// Parses the text of a pressure file. `None` if it is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut psi = Self::default();
        let mut seen = false;
        for line in text.lines() {
            let (head, rest) = line.split_once(' ')?;
            let value = |key: &str| {
                rest.split(' ')
                    .find_map(|f| f.strip_prefix(key)?.strip_prefix('='))
            };
            let total: u64 = value("total")?.parse().ok()?;
            match head {
                "some" => {
                    psi.some_us = total;
                    psi.some_avg10 = value("avg10")?.parse().ok()?;
                    seen = true;
                }
                "full" => psi.full_us = total,
                _ => {}
            }
        }
        seen.then_some(psi)
    }
}

/// What the kernel says is really in force for a group, read back and not remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InForce {
    /// The kind that enforces it.
    pub kind: Kind,
    /// Tightest CPU quota of the group and its visible ancestors, in CPUs; `None` is unlimited.
    pub cpu_quota: Option<f64>,
    /// Is the tightest quota one of an ancestor (a container or a slice), not of this lab?
    pub quota_from_ancestor: bool,
    /// Effective CPU set, by the cpuset controller or the affinity mask set by the child.
    pub cpuset: Option<Vec<usize>>,
    /// Weight on the scale of cgroup v2.
    pub weight: Option<u64>,
    /// Memory limit, bytes; `None` is unlimited.
    pub memory_max: Option<u64>,
    /// Processes in the group now.
    pub processes: usize,
    /// CPUs that any of these processes may run on (`Cpus_allowed_list`), `None` without processes.
    pub processes_cpus: Option<Vec<usize>>,
}

impl InForce {
    /// Differences between what was asked for and what is in force, one sentence each; empty if all is kept.
    pub fn differences(&self, asked: &GroupSpec) -> Vec<String> {
        let mut out = Vec::new();
        if let Some(want) = asked.cpu_quota {
            match self.cpu_quota {
                Some(have) if (have - want).abs() <= want * 0.001 => {}
                Some(have) => out.push(format!(
                    "CPU quota: asked for {want} CPUs, in force are {have}"
                )),
                None => out.push(format!(
                    "CPU quota: asked for {want} CPUs, none is in force"
                )),
            }
        }
        if let Some(want) = &asked.cpuset {
            let text = crate::cpulist::format(want);
            for (what, have) in [
                ("CPU set", &self.cpuset),
                ("CPUs of the processes", &self.processes_cpus),
            ] {
                if let Some(have) = have
                    && crate::cpulist::format(have) != text
                {
                    let have = crate::cpulist::format(have);
                    out.push(format!("{what}: asked for {text}, in force is {have}"));
                }
            }
            if self.cpuset.is_none() && self.processes_cpus.is_none() {
                out.push(format!(
                    "CPU set: asked for {text}, nothing shows that it is in force"
                ));
            }
        }
        if let Some(want) = asked.memory_max
            && self.memory_max.is_none_or(|have| have > want)
        {
            out.push(format!(
                "memory limit: asked for {want} bytes, in force is {:?}",
                self.memory_max
            ));
        }
        out
    }
}
