//! The quota is really enforced, and shows in the counters.

use std::time::Instant;

use lab_limits::{Group, GroupSpec, Usage};

use crate::support::{Add, Lab, Needs, myself, start};

pub fn register(add: &mut Add) {
    add(
        "two_busy_threads_get_one_cpu",
        Needs::QuotaOnTwoCpus,
        two_busy_threads_get_one_cpu,
    );
    add(
        "half_a_cpu_is_half_a_cpu",
        Needs::Quota,
        half_a_cpu_is_half_a_cpu,
    );
    add(
        "no_quota_is_not_throttled",
        Needs::Quota,
        no_quota_is_not_throttled,
    );
    add(
        "affinity_alone_counts_and_says_it_has_no_quota",
        Needs::Nothing,
        affinity_alone,
    );
}

/// CPUs used by two busy threads for 2 s, and the counters.
fn two_threads(quota: Option<f64>) -> (f64, Usage) {
    let lab = Lab::new();
    let group = lab
        .limiter
        .create(
            "busy",
            &GroupSpec {
                cpu_quota: quota,
                ..GroupSpec::default()
            },
        )
        .unwrap();
    take_precedence(&*group);
    let begin = Instant::now();
    let mut child = start(&*group, None, &[&myself(), "__busy", "2", "2"]);
    assert!(child.wait().unwrap().success());
    let wall_ns = begin.elapsed().as_nanos();
    // The counters outlive the processes.
    assert!(group.members().unwrap().is_empty());
    let usage = group.usage().unwrap();
    let cpus = usage.cpu_usage_ns.unwrap() as f64 / wall_ns as f64;
    eprintln!(
        "quota {quota:?}: {cpus:.3} CPUs used in {:.2} s, {usage:?}",
        wall_ns as f64 / 1e9
    );
    group.remove().unwrap();
    (cpus, usage)
}

/// Gives the session's folder the largest weight, so that a busy host hides nothing: what limits the group then is its
/// own quota, and not the neighbours.
fn take_precedence(group: &dyn Group) {
    for procs in group.join().procs {
        let session = procs.parent().unwrap().parent().unwrap();
        for (file, text) in [("cpu.shares", "102400"), ("cpu.weight", "10000")] {
            if session.join(file).exists() {
                std::fs::write(session.join(file), text).unwrap();
            }
        }
    }
}

fn expect(quota: f64) {
    // A hypervisor can still take CPU time away (never give more): the upper bound must hold each time, the lower one
    // in one of five tries.
    for _ in 0..5 {
        let (cpus, usage) = two_threads(Some(quota));
        assert!(
            cpus <= quota * 1.15,
            "{cpus} CPUs used with a quota of {quota}"
        );
        let (periods, throttled) = (usage.nr_periods.unwrap(), usage.nr_throttled.unwrap());
        assert!(throttled <= periods);
        if cpus >= quota * 0.85 && throttled > 0 {
            assert!(usage.throttled_ns.unwrap() > 0);
            let parts = usage.user_ns.unwrap() + usage.system_ns.unwrap();
            assert!(parts.abs_diff(usage.cpu_usage_ns.unwrap()) <= 2_000);
            return;
        }
    }
    panic!(
        "in five tries the group never got 85% of its quota of {quota} CPUs, throttled: is the host busy?"
    );
}

fn two_busy_threads_get_one_cpu() {
    expect(1.0);
}

fn half_a_cpu_is_half_a_cpu() {
    expect(0.5);
}

fn no_quota_is_not_throttled() {
    let (_, usage) = two_threads(None);
    assert_eq!(usage.nr_throttled.unwrap_or(0), 0);
    assert_eq!(usage.throttled_ns.unwrap_or(0), 0);
}

fn affinity_alone() {
    let lab = Lab::of_kind(lab_limits::Kind::Affinity);
    let own = crate::support::kernel().affinity().unwrap();
    let asked = GroupSpec {
        cpu_quota: Some(1.0),
        cpuset: Some(vec![own[own.len() - 1]]),
        ..GroupSpec::default()
    };
    let group = lab.limiter.create("busy", &asked).unwrap();
    let mut child = start(&*group, None, &[&myself(), "__busy", "2", "30"]);
    crate::support::wait_until("0.3 s of CPU time", || {
        group.usage().unwrap().cpu_usage_ns.unwrap() > 300_000_000
    });
    let in_force = group.read_back().unwrap();
    assert_eq!(in_force.processes_cpus, asked.cpuset);
    assert_eq!(in_force.cpu_quota, None);
    let differences = in_force.differences(&asked);
    assert_eq!(
        differences,
        ["CPU quota: asked for 1 CPUs, none is in force"]
    );
    assert_eq!(group.members().unwrap(), [child.id()]);
    assert_eq!(group.kill_all().unwrap(), 1);
    assert!(!child.wait().unwrap().success());
    group.remove().unwrap();
}
