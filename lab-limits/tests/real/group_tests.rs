//! Groups: what is in force, joining, killing, removing.

use lab_limits::{Error, GroupSpec};

use crate::support::{
    Add, Lab, Needs, alive, folders_of, kernel, myself, start, status, wait_for_program, wait_until,
};

pub fn register(add: &mut Add) {
    add(
        "the_budget_is_read_back",
        Needs::Quota,
        the_budget_is_read_back,
    );
    add(
        "a_cpuset_binds_the_processes",
        Needs::Nothing,
        a_cpuset_binds_the_processes,
    );
    add("kill_all_leaves_none", Needs::Nothing, kill_all_leaves_none);
    add(
        "memory_peak_is_counted",
        Needs::Quota,
        memory_peak_is_counted,
    );
    add(
        "a_group_cannot_be_made_twice",
        Needs::Quota,
        a_group_cannot_be_made_twice,
    );
    add(
        "a_refused_group_leaves_nothing",
        Needs::Quota,
        a_refused_group_leaves_nothing,
    );
    add(
        "close_removes_everything",
        Needs::Nothing,
        close_removes_everything,
    );
}

fn the_budget_is_read_back() {
    let lab = Lab::new();
    let asked = GroupSpec {
        cpu_quota: Some(0.75),
        weight: Some(50),
        ..GroupSpec::default()
    };
    let group = lab.limiter.create("service", &asked).unwrap();
    let in_force = group.read_back().unwrap();
    eprintln!("{in_force:?}");
    assert_eq!(in_force.differences(&asked), Vec::<String>::new());
    assert_eq!(
        (in_force.cpu_quota, in_force.quota_from_ancestor),
        (Some(0.75), false)
    );
    assert_eq!(in_force.weight, Some(50));
    assert_eq!(in_force.processes, 0);
    // And a lie would be noticed.
    let other = GroupSpec {
        cpu_quota: Some(1.0),
        ..GroupSpec::default()
    };
    assert_eq!(in_force.differences(&other).len(), 1);
    group.remove().unwrap();
}

fn a_cpuset_binds_the_processes() {
    let lab = Lab::new();
    let own = kernel().affinity().unwrap();
    let last = *own.last().unwrap();
    let asked = GroupSpec {
        cpuset: Some(vec![last]),
        ..GroupSpec::default()
    };
    let group = lab.limiter.create("service", &asked).unwrap();
    let mut child = start(&*group, None, &["sleep", "1000"]);
    wait_for_program(child.id(), "sleep");
    assert_eq!(status(child.id(), "Cpus_allowed_list"), last.to_string());
    let in_force = group.read_back().unwrap();
    assert_eq!(in_force.differences(&asked), Vec::<String>::new());
    assert_eq!(in_force.processes_cpus, Some(vec![last]));
    if own.len() > 1 {
        let other = GroupSpec {
            cpuset: Some(own),
            ..GroupSpec::default()
        };
        assert!(!in_force.differences(&other).is_empty());
    }
    group.remove().unwrap();
    child.wait().unwrap();
}

fn kill_all_leaves_none() {
    let lab = Lab::new();
    let group = lab
        .limiter
        .create("service", &GroupSpec::default())
        .unwrap();
    // Children, a grandchild in a session of its own, and one that ignores everything that can be ignored.
    let script =
        "sleep 1001 & setsid sleep 1002 & (trap '' TERM INT HUP; setsid setsid sleep 1003) & wait";
    let mut child = start(&*group, None, &["sh", "-c", script]);
    wait_until("six processes or so", || {
        let members = group.members().unwrap();
        let sleeps = members.iter().filter(|&&pid| {
            std::fs::read_to_string(format!("/proc/{pid}/comm"))
                .unwrap_or_default()
                .trim()
                == "sleep"
        });
        sleeps.count() == 3
    });
    let members = group.members().unwrap();
    assert!(members.contains(&child.id()));
    // The shells and the first `setsid` may still be ending: what is compared must not change meanwhile.
    wait_until("a count that is the same in both ways", || {
        let before = group.members().unwrap();
        let counted = group.read_back().unwrap().processes;
        before == group.members().unwrap() && counted == before.len()
    });
    assert!(group.kill_all().unwrap() >= 4);
    assert!(group.members().unwrap().is_empty());
    for pid in members {
        assert!(!alive(pid), "{pid}");
    }
    assert!(!child.wait().unwrap().success());
    assert_eq!(group.kill_all().unwrap(), 0);
    group.remove().unwrap();
}

fn memory_peak_is_counted() {
    let lab = Lab::new();
    let group = lab
        .limiter
        .create("service", &GroupSpec::default())
        .unwrap();
    let mut child = start(&*group, None, &[&myself(), "__busy", "1", "0.1"]);
    assert!(child.wait().unwrap().success());
    let usage = group.usage().unwrap();
    // Kernels before 5.19 have no peak in v2; where there is one, a process needs more than 100 kB.
    if let Some(peak) = usage.memory_peak_bytes {
        assert!(peak > 100_000, "{peak}");
    } else {
        eprintln!(
            "SKIP: memory_peak_is_counted: this kernel tells no peak for {}",
            group.place()
        );
    }
    group.remove().unwrap();
    let limit = 64 << 20;
    let asked = GroupSpec {
        memory_max: Some(limit),
        ..GroupSpec::default()
    };
    let group = lab.limiter.create("limited", &asked).unwrap();
    assert_eq!(group.read_back().unwrap().memory_max, Some(limit));
    group.remove().unwrap();
}

fn a_group_cannot_be_made_twice() {
    let lab = Lab::new();
    let group = lab
        .limiter
        .create("service", &GroupSpec::default())
        .unwrap();
    let mut child = start(&*group, None, &["sleep", "1000"]);
    wait_for_program(child.id(), "sleep");
    let error = lab
        .limiter
        .create("service", &GroupSpec::default())
        .unwrap_err();
    assert!(matches!(error, Error::Exists(_)), "{error}");
    // The first one is untouched by the refusal.
    assert_eq!(group.members().unwrap(), [child.id()]);
    group.remove().unwrap();
    child.wait().unwrap();
    // And the name is free again, with fresh counters.
    let group = lab
        .limiter
        .create("service", &GroupSpec::default())
        .unwrap();
    assert!(group.usage().unwrap().cpu_usage_ns.unwrap() < 1_000_000);
    group.remove().unwrap();
}

fn a_refused_group_leaves_nothing() {
    let lab = Lab::new();
    // No machine has this CPU.
    let asked = GroupSpec {
        cpu_quota: Some(1.0),
        cpuset: Some(vec![8191]),
        ..GroupSpec::default()
    };
    let joined = lab.limiter.create("service", &asked);
    match joined {
        Err(error) => eprintln!("refused as it should be: {error}"),
        // Without a cpuset controller the child's own call is refused.
        Ok(group) => {
            let status = start(&*group, None, &["true"]).wait().unwrap();
            assert_eq!(status.code(), Some(126));
            group.remove().unwrap();
        }
    }
    let left: Vec<_> = folders_of(lab.limiter.session());
    assert!(
        left.iter().all(|folder| !folder.join("service").exists()),
        "{left:?}"
    );
    for name in ["", "../x", "a/b", "a.b"] {
        assert!(matches!(
            lab.limiter.create(name, &GroupSpec::default()),
            Err(Error::Name { .. })
        ));
    }
    for quota in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let asked = GroupSpec {
            cpu_quota: Some(quota),
            ..GroupSpec::default()
        };
        assert!(matches!(
            lab.limiter.create("x", &asked),
            Err(Error::Value(_))
        ));
    }
}

fn close_removes_everything() {
    let lab = Lab::new();
    let session = lab.limiter.session().clone();
    let mut children = Vec::new();
    for name in ["service", "postgres", "load"] {
        let group = lab.limiter.create(name, &GroupSpec::default()).unwrap();
        children.push(start(&*group, None, &["sleep", "1000"]));
        wait_for_program(children.last().unwrap().id(), "sleep");
    }
    assert_eq!(
        folders_of(&session).is_empty(),
        !crate::support::kind().has_quota()
    );
    lab.limiter.close().unwrap();
    assert_eq!(folders_of(&session), Vec::<std::path::PathBuf>::new());
    for mut child in children {
        assert!(!child.wait().unwrap().success());
    }
}
