//! Looks at everything at a fixed pace while the load runs, so that the measured phase can be cut out afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lab_limits::{Group, Kernel, Noise, Usage};
use lab_model::results::{Connections, CpuUse, HostUse, Processes};
use postgres::Client;

use super::containment;

/// Pace of the looks: fine enough for a phase of seconds, coarse enough to cost nothing.
const PACE: Duration = Duration::from_millis(100);

/// Ticks a second of /proc/stat and /proc/<pid>/stat: fixed in the kernel's interface to user space.
const TICKS: f64 = 100.0;

/// Processes outside of their group are looked for in all of /proc, which costs more: at every n-th look.
const SEARCH_EVERY: usize = 20;

/// A process that works uses at least this share of its service's CPU time; one that only watches others does not.
const WORKING_SHARE: f64 = 0.05;

/// Connections of a role, those that run a query, and all connections that were ever made to this database.
const CONNECTIONS: &str = "SELECT count(*)::int4, (count(*) FILTER (WHERE state = 'active'))::int4,
    (SELECT sessions FROM pg_stat_database WHERE datname = current_database())
    FROM pg_stat_activity WHERE usename = $1";

/// One look.
#[derive(Debug, Clone)]
struct Look {
    /// Wall clock, ns since the Unix epoch, as in samples.parquet.
    at_ns: i64,
    /// By group: service, postgres, k6.
    usage: [Usage; 3],
    noise: Noise,
    /// CPU ticks of this process.
    own_ticks: u64,
    /// Connections of the services' role, and how many of them run a query.
    connections: Option<(u32, u32)>,
    /// Connections ever made to the database.
    sessions: Option<i64>,
    /// Processes of the service with their CPU ticks so far.
    processes: Vec<(u32, u64)>,
    /// Processes of the service outside of its group, where they were looked for.
    strays: Vec<u32>,
}

/// All looks of one repetition.
#[derive(Debug, Clone, Default)]
pub struct Looks(Vec<Look>);

/// Names of the groups in the order of [`Look::usage`].
pub const GROUPS: [&str; 3] = ["service", "postgres", "k6"];

/// The observer thread. It starts no processes.
#[derive(Debug)]
pub struct Observer<'scope> {
    stop: Arc<AtomicBool>,
    thread: ScopedJoinHandle<'scope, Looks>,
}

/// What the observer looks at.
pub struct Subjects<'a> {
    /// In the order of [`GROUPS`].
    pub groups: [&'a dyn Group; 3],
    /// Main process of the service.
    pub service: u32,
    /// The system.
    pub kernel: &'a dyn Kernel,
    /// A connection as the owner.
    pub client: Client,
    /// The services' role.
    pub role: &'a str,
}

impl<'scope> Observer<'scope> {
    /// Starts looking.
    pub fn start<'env>(scope: &'scope Scope<'scope, 'env>, subjects: Subjects<'env>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let thread = scope.spawn(move || watch(subjects, &flag));
        Self { stop, thread }
    }

    /// Stops looking and gives what was seen.
    pub fn finish(self) -> Looks {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

fn watch(mut subjects: Subjects<'_>, stop: &AtomicBool) -> Looks {
    let statement = subjects.client.prepare(CONNECTIONS).ok();
    let mut looks = Vec::new();
    loop {
        let last = stop.load(Ordering::Relaxed);
        let row = statement
            .as_ref()
            .and_then(|s| subjects.client.query_one(s, &[&subjects.role]).ok());
        let connections = row.as_ref().map(|row| {
            (
                row.get::<_, i32>(0).unsigned_abs(),
                row.get::<_, i32>(1).unsigned_abs(),
            )
        });
        let service = subjects.groups[0];
        let strays = if last || looks.len() % SEARCH_EVERY == 0 {
            containment::strays(subjects.kernel, service, subjects.service)
        } else {
            Vec::new()
        };
        let own = lab_limits::procs::stat(subjects.kernel, std::process::id());
        looks.push(Look {
            at_ns: wall_ns(),
            usage: subjects.groups.map(|g| g.usage().unwrap_or_default()),
            noise: Noise::read(subjects.kernel).unwrap_or_default(),
            own_ticks: own.map_or(0, |s| s.user_ticks + s.system_ticks),
            connections,
            sessions: row.and_then(|row| row.get(2)),
            processes: containment::working(subjects.kernel, service),
            strays,
        });
        if last {
            return Looks(looks);
        }
        std::thread::sleep(PACE);
    }
}

/// Wall clock in ns since the Unix epoch.
pub fn wall_ns() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

impl Looks {
    /// The looks nearest to the ends of a window (at or inside it where there are any).
    fn cut(&self, from_ns: i64, to_ns: i64) -> Option<(&Look, &Look)> {
        let first = self.0.iter().find(|l| l.at_ns >= from_ns)?;
        let last = self.0.iter().rev().find(|l| l.at_ns <= to_ns)?;
        (first.at_ns < last.at_ns).then_some((first, last))
    }

    /// CPU of each group between two looks within the window: a phase of seconds loses at most 0.2 s at its ends,
    /// and the figures are of the same stretch of time as `wall_s`.
    pub fn cpu(&self, from_ns: i64, to_ns: i64, quotas: [Option<f64>; 3]) -> Vec<(String, CpuUse)> {
        let Some((first, last)) = self.cut(from_ns, to_ns) else {
            return Vec::new();
        };
        let wall_s = (last.at_ns - first.at_ns) as f64 / 1e9;
        let group = |i: usize| {
            let used = last.usage[i].since(&first.usage[i]);
            let used_s = used.cpu_usage_ns.map(|ns| ns as f64 / 1e9);
            CpuUse {
                wall_s,
                used_s,
                cpus: used_s.map(|s| s / wall_s),
                quota_cpus: quotas[i],
                throttled_s: used.throttled_ns.map(|ns| ns as f64 / 1e9),
                periods: used.nr_periods,
                throttled_periods: used.nr_throttled,
                memory_peak_bytes: used.memory_peak_bytes,
            }
        };
        GROUPS
            .iter()
            .enumerate()
            .map(|(i, name)| ((*name).to_owned(), group(i)))
            .collect()
    }

    /// Connections over all looks from the first at which the load was running. `made`: by the service, in its life.
    pub fn connections(&self, from_ns: i64, to_ns: i64, made: Option<u64>) -> Option<Connections> {
        let seen: Vec<(u32, u32)> = self
            .0
            .iter()
            .filter(|l| l.at_ns >= from_ns && l.at_ns <= to_ns)
            .filter_map(|l| l.connections)
            .collect();
        // The peak is over everything that was seen, also before and after the load.
        let peak = self
            .0
            .iter()
            .filter_map(|l| l.connections)
            .map(|c| c.0)
            .max()?;
        let n = seen.len();
        let low = seen.iter().map(|c| c.0).min().unwrap_or(0);
        // A connection tells of itself late, perhaps a while after it was made: what is counted in the window is no
        // more than what was made beside those that were open all the time.
        let beside = made.map_or(u64::MAX, |made| made.saturating_sub(u64::from(low)));
        (n > 0).then(|| Connections {
            samples: n as u64,
            peak,
            low,
            busy_peak: seen.iter().map(|c| c.1).max().unwrap_or(0),
            busy_mean: seen.iter().map(|c| f64::from(c.1)).sum::<f64>() / n as f64,
            all_busy_samples: seen.iter().filter(|c| c.0 > 0 && c.1 >= c.0).count() as u64,
            opened: self.opened(from_ns, to_ns).map(|n| n.min(beside)),
        })
    }

    /// Connections to the database that were made in the window, also those too short for any look. The lab makes
    /// none of its own in it.
    fn opened(&self, from_ns: i64, to_ns: i64) -> Option<u64> {
        let (first, last) = self.cut(from_ns, to_ns)?;
        u64::try_from(last.sessions? - first.sessions?).ok()
    }

    /// The service's processes: how many worked in the window, and which were ever outside of their group.
    pub fn processes(&self, from_ns: i64, to_ns: i64) -> Option<Processes> {
        let mut first_and_last: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        let inside = |l: &&Look| l.at_ns >= from_ns && l.at_ns <= to_ns;
        for (pid, ticks) in self.0.iter().filter(inside).flat_map(|l| &l.processes) {
            first_and_last.entry(*pid).or_insert((*ticks, *ticks)).1 = *ticks;
        }
        let used: Vec<u64> = first_and_last
            .values()
            .map(|(first, last)| last.saturating_sub(*first))
            .collect();
        let all: u64 = used.iter().sum();
        let works = |ticks: &u64| *ticks > 1 && *ticks as f64 >= WORKING_SHARE * all as f64;
        let strays: BTreeSet<u32> = self.0.iter().flat_map(|l| l.strays.clone()).collect();
        (!used.is_empty() || !strays.is_empty()).then(|| Processes {
            seen: u32::try_from(used.len()).unwrap_or(u32::MAX),
            working: u32::try_from(used.iter().filter(|t| works(t)).count()).unwrap_or(u32::MAX),
            strays: strays.into_iter().collect(),
        })
    }

    /// Longest time without a look in the window, in milliseconds.
    fn longest_gap_ms(&self, from_ns: i64, to_ns: i64) -> f64 {
        // The look before and the one after belong to it: a stall may lie across an end.
        let before = self.0.iter().rposition(|l| l.at_ns < from_ns).unwrap_or(0);
        let after = self.0.iter().position(|l| l.at_ns > to_ns);
        let looks = &self.0[before..after.map_or(self.0.len(), |i| i + 1)];
        let gaps = looks
            .windows(2)
            .map(|w| (w[1].at_ns - w[0].at_ns) as f64 / 1e6);
        gaps.fold(0.0, f64::max)
    }

    /// The host in the window.
    pub fn host(&self, from_ns: i64, to_ns: i64, clock_step_ms: f64) -> Option<HostUse> {
        let (first, last) = self.cut(from_ns, to_ns)?;
        let noise = last.noise.since(&first.noise);
        let total_s = noise.total_ticks as f64 / TICKS;
        let lab_s: Option<f64> = (0..GROUPS.len())
            .map(|i| Some(last.usage[i].since(&first.usage[i]).cpu_usage_ns? as f64 / 1e9))
            .sum();
        let own_s = last.own_ticks.saturating_sub(first.own_ticks) as f64 / TICKS;
        let busy_s = noise.busy_ticks.saturating_sub(noise.steal_ticks) as f64 / TICKS;
        let wall_us = (last.at_ns - first.at_ns) as f64 / 1e3;
        let psi = [
            ("cpu", &noise.cpu),
            ("memory", &noise.memory),
            ("io", &noise.io),
        ];
        Some(HostUse {
            steal_share: (total_s > 0.0).then(|| noise.steal_share()),
            idle_share: (total_s > 0.0).then(|| 1.0 - noise.busy_share()),
            foreign_share: lab_s
                .filter(|_| total_s > 0.0)
                .map(|lab| ((busy_s - lab - own_s) / total_s).max(0.0)),
            load_1m: Some(last.noise.load1),
            psi_some: psi
                .iter()
                .filter_map(|(name, p)| {
                    Some(((*name).to_owned(), p.as_ref()?.some_us as f64 / wall_us))
                })
                .collect(),
            mhz: last
                .noise
                .frequency_khz
                .map(|(low, high)| (low + high) as f64 / 2000.0),
            clock_step_ms,
            longest_gap_ms: Some(self.longest_gap_ms(from_ns, to_ns)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(at_ns: i64, sessions: i64) -> Look {
        Look {
            at_ns,
            usage: Default::default(),
            noise: Noise::default(),
            own_ticks: 0,
            connections: Some((30, 2)),
            sessions: Some(sessions),
            processes: Vec::new(),
            strays: Vec::new(),
        }
    }

    #[test]
    fn a_connection_that_tells_of_itself_late_is_not_one_that_was_made_late() {
        let looks = Looks(vec![look(0, 130), look(10, 131)]);
        let opened = |made| looks.connections(0, 10, made).unwrap().opened;
        assert_eq!(
            opened(Some(30)),
            Some(0),
            "all that were made are open all the time"
        );
        assert_eq!(opened(Some(31)), Some(1));
        assert_eq!(
            opened(Some(99)),
            Some(1),
            "the rest was made before or after the load"
        );
        assert_eq!(opened(None), Some(1));
    }
}
