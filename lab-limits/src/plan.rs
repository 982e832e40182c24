//! Which CPUs the service, Postgres and the load generator get. Pure: facts in, plan out.

use serde::{Deserialize, Serialize};

use crate::host::Host;
use crate::{Error, Kind, Result};

/// CPUs wanted by each of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// CPUs of the service (`cpus` of the mode).
    pub service: usize,
    /// CPUs of Postgres (`postgres_cpus`).
    pub postgres: usize,
    /// CPUs of k6 (`load_cpus`).
    pub load: usize,
}

/// CPU sets of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuPlan {
    /// The sets; `None` if there are too few CPUs: then quotas alone keep the budgets, and the run is marked.
    pub sets: Option<Sets>,
    /// Sets of the right sizes that overlap, there if `sets` is not: they cap the cores where no quota can.
    pub overlapping: Option<Sets>,
    /// Do the three compete for the same CPUs?
    pub shared_cpus: bool,
    /// Do two of the three have CPUs on the same physical core?
    pub shared_cores: bool,
    /// Does the service want more CPUs than there are?
    pub oversubscribed: bool,
    /// The plan in words, for `bench doctor` and the receipt.
    pub text: String,
}

impl CpuPlan {
    /// The sets to set: the disjoint ones; without them, overlapping ones if this kind of limits has no quota (its
    /// mask is then all that holds the service to its budget).
    pub fn sets_for(&self, kind: Kind) -> Option<&Sets> {
        self.sets.as_ref().or(if kind.has_quota() {
            None
        } else {
            self.overlapping.as_ref()
        })
    }
}

/// CPU sets of the three.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sets {
    /// The service's.
    pub service: Vec<usize>,
    /// Postgres's.
    pub postgres: Vec<usize>,
    /// k6's.
    pub load: Vec<usize>,
}

/// Makes the plan.
///
/// # Errors
/// A wish of no CPUs; or the service wants more CPUs than the host has, and that was not allowed.
pub fn plan_cpus(host: &Host, wanted: Wanted, allow_oversubscribed: bool) -> Result<CpuPlan> {
    if wanted.service == 0 || wanted.postgres == 0 || wanted.load == 0 {
        return Err(Error::Value(
            "service, postgres and load need at least one CPU each".into(),
        ));
    }
    let capacity = host.capacity();
    let oversubscribed = wanted.service > capacity;
    if oversubscribed && !allow_oversubscribed {
        let quota = host
            .quota
            .map(|q| format!(" (a quota from outside allows {q})"))
            .unwrap_or_default();
        return Err(Error::Value(format!(
            "the mode gives the service {} CPUs, but this process has {capacity}{quota}: use a smaller mode or a \
             larger machine, or --allow-oversubscribed for results that are marked",
            wanted.service
        )));
    }
    let sum = wanted.service + wanted.postgres + wanted.load;
    if sum > capacity {
        return Ok(CpuPlan {
            sets: None,
            overlapping: Some(overlapping(&host.allowed, wanted)),
            shared_cpus: true,
            shared_cores: host.cores.iter().any(|core| core.len() > 1),
            oversubscribed,
            text: format!(
                "{sum} CPUs wanted, {capacity} there: shared, kept apart by quotas alone"
            ),
        });
    }
    let (sets, shared_cores) = disjoint(&host.cores, wanted);
    let list = crate::cpulist::format;
    let text = format!(
        "service on CPUs {}, postgres on {}, load on {}{}",
        list(&sets.service),
        list(&sets.postgres),
        list(&sets.load),
        if shared_cores {
            "; some share a physical core"
        } else {
            ""
        }
    );
    Ok(CpuPlan {
        sets: Some(sets),
        overlapping: None,
        shared_cpus: false,
        shared_cores,
        oversubscribed,
        text,
    })
}

/// Best first: a physical core for each CPU; whole cores for each of the three; CPUs in the order of cores.
///
/// The load generator takes the lowest CPUs, where the kernel likes to handle interrupts; what is left over is left
/// to the system.
fn disjoint(cores: &[Vec<usize>], wanted: Wanted) -> (Sets, bool) {
    let sizes = [wanted.load, wanted.postgres, wanted.service];
    let sum: usize = sizes.iter().sum();
    let [load, postgres, service] = if sum <= cores.len() {
        let firsts: Vec<usize> = cores
            .iter()
            .filter_map(|core| core.first().copied())
            .collect();
        cut(&firsts, sizes)
    } else if let Some(sets) = whole_cores(cores, sizes) {
        sets
    } else {
        let all: Vec<usize> = cores.iter().flatten().copied().collect();
        cut(&all, sizes)
    };
    let owners = |core: &Vec<usize>| {
        [&load, &postgres, &service]
            .iter()
            .filter(|set| core.iter().any(|cpu| set.contains(cpu)))
            .count()
    };
    let shared = cores.iter().any(|core| owners(core) > 1);
    (
        Sets {
            service,
            postgres,
            load,
        },
        shared,
    )
}

/// The service takes the last CPUs; the other two share what it leaves, or all if it leaves none.
fn overlapping(allowed: &[usize], wanted: Wanted) -> Sets {
    let (rest, service) = allowed.split_at(allowed.len().saturating_sub(wanted.service));
    let rest = if rest.is_empty() { allowed } else { rest };
    let mut round = rest.iter().copied().cycle();
    let mut take = |size: usize| {
        let mut set: Vec<usize> = round.by_ref().take(size.min(rest.len())).collect();
        set.sort_unstable();
        set
    };
    Sets {
        load: take(wanted.load),
        postgres: take(wanted.postgres),
        service: service.to_vec(),
    }
}

fn cut(cpus: &[usize], sizes: [usize; 3]) -> [Vec<usize>; 3] {
    let mut rest = cpus.iter().copied();
    sizes.map(|size| {
        let mut set: Vec<usize> = rest.by_ref().take(size).collect();
        set.sort_unstable();
        set
    })
}

fn whole_cores(cores: &[Vec<usize>], sizes: [usize; 3]) -> Option<[Vec<usize>; 3]> {
    let mut rest = cores.iter();
    let mut out = [const { Vec::new() }; 3];
    for (set, size) in out.iter_mut().zip(sizes) {
        while set.len() < size {
            set.extend_from_slice(rest.next()?);
        }
        set.truncate(size);
        set.sort_unstable();
    }
    Some(out)
}
