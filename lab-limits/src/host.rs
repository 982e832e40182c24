//! Facts about the host that bear on a benchmark, and how noisy it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::kernel::Kernel;
use crate::model::Psi;
use crate::mounts::Hierarchies;
use crate::{Error, Result, cpulist, v1, v2};

/// What does not change during a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// CPUs that are switched on.
    pub online: Vec<usize>,
    /// CPUs that this process may use: online, in its affinity mask and in its cpuset.
    pub allowed: Vec<usize>,
    /// CPU quota on this process from outside (a container, a slice), in CPUs; `None` is unlimited.
    pub quota: Option<f64>,
    /// Groups of allowed CPUs that share a physical core, by core.
    pub cores: Vec<Vec<usize>>,
    /// CPU model name.
    pub model: String,
    /// Is this a virtual machine (the CPU flag `hypervisor`)?
    pub virtual_machine: bool,
    /// Frequency governors of the allowed CPUs; empty if the kernel does not tell.
    pub governors: Vec<String>,
    /// Kernel release.
    pub kernel: String,
    /// Memory, bytes.
    pub memory_bytes: u64,
}

impl Host {
    /// Reads the facts. Errors: `/proc` cannot be read.
    pub fn read(kernel: &dyn Kernel) -> Result<Self> {
        let text = |path: &str| kernel.read_text(Path::new(path)).unwrap_or_default();
        let affinity = kernel
            .affinity()
            .map_err(|e| Error::file("read", Path::new("the affinity mask"), e))?;
        let online = cpulist::parse(&text("/sys/devices/system/cpu/online"))
            .filter(|cpus| !cpus.is_empty())
            .unwrap_or_else(|| affinity.clone());
        let allowed: Vec<usize> = affinity
            .into_iter()
            .filter(|cpu| online.contains(cpu))
            .collect();
        let cpuinfo = text("/proc/cpuinfo");
        let cpu_field = |key: &str| {
            let line = cpuinfo
                .lines()
                .find(|l| l.split(':').next().is_some_and(|k| k.trim() == key))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let meminfo = text("/proc/meminfo");
        let total = meminfo
            .lines()
            .find_map(|l| l.strip_prefix("MemTotal:")?.trim().strip_suffix("kB"));
        let governors: BTreeSet<String> = allowed
            .iter()
            .map(|cpu| {
                text(&format!(
                    "/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor"
                ))
                .trim()
                .to_owned()
            })
            .filter(|governor| !governor.is_empty())
            .collect();
        Ok(Self {
            quota: own_quota(kernel)?,
            cores: cores(kernel, &allowed),
            model: cpu_field("model name").unwrap_or_default(),
            virtual_machine: cpu_field("flags")
                .is_some_and(|flags| flags.split(' ').any(|f| f == "hypervisor")),
            governors: governors.into_iter().collect(),
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            memory_bytes: total
                .and_then(|t| t.trim().parse::<u64>().ok())
                .unwrap_or(0)
                * 1024,
            online,
            allowed,
        })
    }

    /// Whole CPUs this process can count on: the allowed ones, or fewer where a quota from outside is smaller.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn capacity(&self) -> usize {
        let quota = self
            .quota
            .map_or(usize::MAX, |quota| quota.floor() as usize);
        self.allowed.len().min(quota)
    }
}

/// Allowed CPUs by physical core, each core by its first CPU. A CPU without topology is a core of its own.
fn cores(kernel: &dyn Kernel, allowed: &[usize]) -> Vec<Vec<usize>> {
    let mut cores: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &cpu in allowed {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        let siblings = kernel
            .read_text(Path::new(&path))
            .ok()
            .and_then(|text| cpulist::parse(&text));
        let first = siblings.and_then(|s| s.first().copied()).unwrap_or(cpu);
        cores.entry(first).or_default().push(cpu);
    }
    cores.into_values().collect()
}

/// The tightest quota on this process from outside.
fn own_quota(kernel: &dyn Kernel) -> Result<Option<f64>> {
    let found = Hierarchies::read(kernel)?;
    let mut quotas = Vec::new();
    if let Some(h) = &found.v2 {
        quotas.push(crate::tree::tightest_quota(&h.own, &h.mount, |f| v2::quota(kernel, f))?.0);
    }
    if let Some(h) = found.v1_of("cpu") {
        quotas.push(crate::tree::tightest_quota(&h.own, &h.mount, |f| v1::quota(kernel, f))?.0);
    }
    Ok(quotas.into_iter().flatten().reduce(f64::min))
}

/// How busy and disturbed the host is: read before and after a repetition, and subtract with [`Noise::since`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// CPU time of all CPUs, idle included, clock ticks.
    pub total_ticks: u64,
    /// Of these, ticks in which a CPU was not idle (waiting for IO counts as idle).
    pub busy_ticks: u64,
    /// Ticks that the hypervisor gave to somebody else.
    pub steal_ticks: u64,
    /// CPU pressure of the whole host; `None` if the kernel has none.
    pub cpu: Option<Psi>,
    /// Memory pressure.
    pub memory: Option<Psi>,
    /// IO pressure.
    pub io: Option<Psi>,
    /// Load average over 1 minute.
    pub load1: f64,
    /// Current frequencies of the allowed CPUs: lowest and highest, kHz; `None` if the kernel does not tell.
    pub frequency_khz: Option<(u64, u64)>,
}

impl Noise {
    /// Reads the counters. Errors: `/proc/stat` cannot be read.
    pub fn read(kernel: &dyn Kernel) -> Result<Self> {
        let path = Path::new("/proc/stat");
        let stat = kernel
            .read_text(path)
            .map_err(|e| Error::file("read", path, e))?;
        // user nice system idle iowait irq softirq steal; guest time is part of user time.
        let ticks: Vec<u64> = stat
            .lines()
            .next()
            .unwrap_or_default()
            .split_ascii_whitespace()
            .skip(1)
            .take(8)
            .filter_map(|n| n.parse().ok())
            .collect();
        let [user, nice, system, idle, iowait, irq, softirq, steal] = ticks[..] else {
            return Err(Error::parse(
                path,
                stat.lines().next().unwrap_or_default(),
                "CPU times",
            ));
        };
        let pressure = |what: &str| {
            Psi::parse(
                &kernel
                    .read_text(&PathBuf::from("/proc/pressure").join(what))
                    .ok()?,
            )
        };
        let load = kernel
            .read_text(Path::new("/proc/loadavg"))
            .unwrap_or_default();
        let busy_ticks = user + nice + system + irq + softirq + steal;
        Ok(Self {
            total_ticks: busy_ticks + idle + iowait,
            busy_ticks,
            steal_ticks: steal,
            cpu: pressure("cpu"),
            memory: pressure("memory"),
            io: pressure("io"),
            load1: load
                .split(' ')
                .next()
                .and_then(|t| t.parse().ok())
                .unwrap_or(0.0),
            frequency_khz: frequency(kernel),
        })
    }

    /// What happened since an earlier reading: counters subtracted; load and frequency as they are now.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let psi = |now: &Option<Psi>, then: &Option<Psi>| Some(now.as_ref()?.since(then.as_ref()?));
        Self {
            total_ticks: self.total_ticks.saturating_sub(earlier.total_ticks),
            busy_ticks: self.busy_ticks.saturating_sub(earlier.busy_ticks),
            // Some hypervisors correct steal time downwards.
            steal_ticks: self.steal_ticks.saturating_sub(earlier.steal_ticks),
            cpu: psi(&self.cpu, &earlier.cpu),
            memory: psi(&self.memory, &earlier.memory),
            io: psi(&self.io, &earlier.io),
            load1: self.load1,
            frequency_khz: self.frequency_khz,
        }
    }

    /// Share of CPU time that was stolen, 0 to 1.
    #[allow(clippy::cast_precision_loss)]
    pub fn steal_share(&self) -> f64 {
        if self.total_ticks == 0 {
            0.0
        } else {
            self.steal_ticks as f64 / self.total_ticks as f64
        }
    }

    /// Share of CPU time that was used, stolen time included, 0 to 1.
    #[allow(clippy::cast_precision_loss)]
    pub fn busy_share(&self) -> f64 {
        if self.total_ticks == 0 {
            0.0
        } else {
            self.busy_ticks as f64 / self.total_ticks as f64
        }
    }
}

fn frequency(kernel: &dyn Kernel) -> Option<(u64, u64)> {
    let now: Vec<u64> = kernel
        .affinity()
        .ok()?
        .into_iter()
        .filter_map(|cpu| {
            let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq");
            kernel.read_text(Path::new(&path)).ok()?.trim().parse().ok()
        })
        .collect();
    Some((*now.iter().min()?, *now.iter().max()?))
}
