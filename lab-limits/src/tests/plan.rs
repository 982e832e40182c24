use crate::{CpuPlan, Host, Kind, Sets, Wanted, plan_cpus};

/// A host with so many cores of so many threads; CPU n and n + cores are siblings, as on most x86 machines.
fn host(cores: usize, threads: usize) -> Host {
    let core = |c: usize| (0..threads).map(|t| c + t * cores).collect::<Vec<_>>();
    Host {
        online: (0..cores * threads).collect(),
        allowed: (0..cores * threads).collect(),
        quota: None,
        cores: (0..cores).map(core).collect(),
        model: String::new(),
        virtual_machine: false,
        governors: vec![],
        kernel: String::new(),
        memory_bytes: 0,
    }
}

const SINGLE: Wanted = Wanted {
    service: 1,
    postgres: 1,
    load: 1,
};
const MULTI: Wanted = Wanted {
    service: 4,
    postgres: 2,
    load: 2,
};

fn sets(plan: &CpuPlan) -> &Sets {
    plan.sets.as_ref().unwrap()
}

#[test]
fn a_core_for_each_cpu_where_there_are_enough() {
    let plan = plan_cpus(&host(8, 2), MULTI, false).unwrap();
    assert!(!plan.shared_cpus && !plan.shared_cores && !plan.oversubscribed);
    let want = Sets {
        load: vec![0, 1],
        postgres: vec![2, 3],
        service: vec![4, 5, 6, 7],
    };
    assert_eq!(*sets(&plan), want);
    assert_eq!(
        plan.text,
        "service on CPUs 4-7, postgres on 2-3, load on 0-1"
    );
}

#[test]
fn whole_cores_where_threads_must_be_used() {
    let plan = plan_cpus(&host(4, 2), MULTI, false).unwrap();
    assert!(!plan.shared_cores);
    assert_eq!(
        *sets(&plan),
        Sets {
            load: vec![0, 4],
            postgres: vec![1, 5],
            service: vec![2, 3, 6, 7]
        }
    );
}

#[test]
fn shared_cores_are_marked() {
    let plan = plan_cpus(&host(2, 2), SINGLE, false).unwrap();
    assert!(!plan.shared_cpus && plan.shared_cores);
    assert_eq!(
        *sets(&plan),
        Sets {
            load: vec![0],
            postgres: vec![2],
            service: vec![1]
        }
    );
    assert!(plan.text.ends_with("some share a physical core"));
}

#[test]
fn too_few_cpus_are_shared_and_marked() {
    let plan = plan_cpus(&host(2, 1), SINGLE, false).unwrap();
    assert_eq!(
        (plan.sets.clone(), plan.shared_cpus, plan.oversubscribed),
        (None, true, false)
    );
    assert_eq!(
        plan.text,
        "3 CPUs wanted, 2 there: shared, kept apart by quotas alone"
    );
    // A quota from outside counts like missing CPUs.
    let mut boxed = host(16, 1);
    boxed.quota = Some(2.9);
    assert!(plan_cpus(&boxed, SINGLE, false).unwrap().shared_cpus);
}

#[test]
fn without_quota_the_cores_are_capped_all_the_same() {
    let plan = plan_cpus(&host(2, 1), SINGLE, false).unwrap();
    assert_eq!(plan.sets_for(Kind::CgroupV1), None);
    let want = Sets {
        load: vec![0],
        postgres: vec![0],
        service: vec![1],
    };
    assert_eq!(plan.sets_for(Kind::Affinity), Some(&want));
    let plan = plan_cpus(&host(4, 1), MULTI, false).unwrap();
    let want = Sets {
        load: vec![0, 1],
        postgres: vec![2, 3],
        service: vec![0, 1, 2, 3],
    };
    assert_eq!(plan.sets_for(Kind::Affinity), Some(&want));
    let plan = plan_cpus(&host(6, 1), MULTI, false).unwrap();
    let want = Sets {
        load: vec![0, 1],
        postgres: vec![0, 1],
        service: vec![2, 3, 4, 5],
    };
    assert_eq!(plan.sets_for(Kind::Affinity), Some(&want));
    let plan = plan_cpus(&host(1, 1), MULTI, true).unwrap();
    let want = Sets {
        load: vec![0],
        postgres: vec![0],
        service: vec![0],
    };
    assert_eq!(plan.sets_for(Kind::Affinity), Some(&want));
    let plan = plan_cpus(&host(8, 1), MULTI, false).unwrap();
    assert_eq!(plan.sets_for(Kind::Affinity), plan.sets.as_ref());
    assert_eq!(plan.sets_for(Kind::CgroupV2), plan.sets.as_ref());
}

#[test]
fn more_than_the_host_has_is_refused_unless_allowed() {
    let error = plan_cpus(&host(2, 1), MULTI, false)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("the mode gives the service 4 CPUs, but this process has 2:"),
        "{error}"
    );
    let plan = plan_cpus(&host(2, 1), MULTI, true).unwrap();
    assert!(plan.shared_cpus && plan.oversubscribed);
    assert!(
        plan_cpus(
            &host(2, 1),
            Wanted {
                service: 0,
                ..SINGLE
            },
            true
        )
        .is_err()
    );
}

/// For all small hosts and wishes: sets are disjoint, of the right size, and of allowed CPUs.
#[test]
fn plans_are_sound() {
    for (cores, threads) in [
        (1, 1),
        (2, 1),
        (3, 1),
        (2, 2),
        (3, 2),
        (4, 2),
        (8, 1),
        (8, 4),
    ] {
        let host = host(cores, threads);
        for service in 1..6 {
            for postgres in 1..4 {
                for load in 1..4 {
                    let wanted = Wanted {
                        service,
                        postgres,
                        load,
                    };
                    let plan = plan_cpus(&host, wanted, true).unwrap();
                    assert_eq!(
                        plan.sets.is_none(),
                        service + postgres + load > cores * threads
                    );
                    assert_eq!(plan.oversubscribed, service > cores * threads);
                    let Some(sets) = plan.sets else { continue };
                    assert_eq!(
                        (sets.service.len(), sets.postgres.len(), sets.load.len()),
                        (service, postgres, load)
                    );
                    let mut all = [sets.service, sets.postgres, sets.load].concat();
                    all.sort_unstable();
                    all.dedup();
                    assert_eq!(all.len(), service + postgres + load);
                    assert!(all.iter().all(|cpu| host.allowed.contains(cpu)));
                }
            }
        }
    }
}
