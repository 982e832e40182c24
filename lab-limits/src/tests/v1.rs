use super::{FOLDER, session, short};
use crate::fake::Fake;
use crate::v1::CgroupV1;
use crate::{Error, GroupSpec, Limiter, probe};

fn spec() -> GroupSpec {
    GroupSpec {
        cpu_quota: Some(1.5),
        cpuset: Some(vec![2, 3]),
        weight: Some(50),
        memory_max: Some(1 << 30),
    }
}

#[test]
fn limits_are_written_in_the_right_order() {
    let (fake, kernel) = Fake::hybrid().arc();
    let limiter = CgroupV1::open(&kernel, session()).unwrap();
    let group = limiter.create("web", &spec()).unwrap();
    assert_eq!(
        short(&fake),
        [
            "mkdir freezer/S",
            "mkdir freezer/S/web",
            // Below the own cgroup of this process: a limit of a container around it stays in force.
            "mkdir memory/in/S",
            "mkdir memory/in/S/web",
            "memory/in/S/web/memory.limit_in_bytes = 1073741824",
            // Memory nodes before CPUs, in the session's folder before the group's.
            "mkdir cpuset/S",
            "cpuset/S/cpuset.mems = 0-1",
            "cpuset/S/cpuset.cpus = 0-3",
            "mkdir cpuset/S/web",
            "cpuset/S/web/cpuset.mems = 0-1",
            "cpuset/S/web/cpuset.cpus = 2-3",
            "mkdir cpu/S",
            "mkdir cpu/S/web",
            "cpu/S/web/cpu.cfs_period_us = 100000",
            "cpu/S/web/cpu.cfs_quota_us = 150000",
            "cpu/S/web/cpu.shares = 512",
            "mkdir cpuacct/S",
            "mkdir cpuacct/S/web",
        ]
    );
    let in_force = group.read_back().unwrap();
    assert_eq!(in_force.differences(&spec()), Vec::<String>::new());
    assert_eq!(in_force.weight, Some(50));

    let join = group.join();
    assert_eq!(join.cpus, None);
    let procs: Vec<_> = join
        .procs
        .iter()
        .map(|p| p.display().to_string().replace(FOLDER, "S"))
        .collect();
    let at = |h: &str| format!("/sys/fs/cgroup/{h}/S/web/cgroup.procs");
    assert_eq!(
        procs,
        [
            at("freezer"),
            at("memory/in"),
            at("cpuset"),
            at("cpu"),
            at("cpuacct")
        ]
    );

    // A second group does not touch the session's folders again.
    limiter
        .create("db", &GroupSpec::default())
        .unwrap()
        .remove()
        .unwrap();
    assert!(
        short(&fake)
            .iter()
            .all(|line| !line.contains("/S/cpuset") && !line.ends_with("/S"))
    );
    group.remove().unwrap();
    let last = short(&fake);
    assert_eq!(last[..2], ["rmdir freezer/S/web", "rmdir freezer/S"]);
    assert_eq!(last.len(), 10);
}

#[test]
fn frozen_before_killed_and_thawed_after() {
    let (fake, kernel) = Fake::hybrid().arc();
    let group = CgroupV1::open(&kernel, session())
        .unwrap()
        .create("web", &GroupSpec::default())
        .unwrap();
    for pid in [601, 602] {
        fake.process(pid, 500, "");
    }
    let folder = |h: &str| format!("/sys/fs/cgroup/{h}/{FOLDER}/web");
    fake.put(601, &folder("freezer"));
    // This one has joined the cpu hierarchy, but not the freezer: it must be found all the same.
    fake.put(602, &folder("cpu"));
    fake.log();
    assert_eq!(group.kill_all().unwrap(), 2);
    assert_eq!(
        short(&fake),
        [
            "freezer/S/web/freezer.state = FROZEN",
            "kill 601",
            "kill 602",
            "freezer/S/web/freezer.state = THAWED"
        ]
    );
    assert_eq!(group.kill_all().unwrap(), 0);
    assert!(short(&fake).is_empty());
}

#[test]
fn this_process_and_its_ancestors_are_never_killed_nor_frozen() {
    let (fake, kernel) = Fake::hybrid().arc();
    let group = CgroupV1::open(&kernel, session())
        .unwrap()
        .create("web", &GroupSpec::default())
        .unwrap();
    fake.process(601, 500, "");
    for pid in [400, 500, 601] {
        fake.put(pid, &format!("/sys/fs/cgroup/freezer/{FOLDER}/web"));
    }
    fake.log();
    assert_eq!(group.kill_all().unwrap(), 1);
    let log = short(&fake);
    assert_eq!(log, ["kill 601"]);
    assert!(fake.alive(400) && fake.alive(500));
}

#[test]
fn a_refusal_takes_back_what_was_made() {
    let mut fake = Fake::hybrid();
    fake.read_only = vec![format!("/sys/fs/cgroup/cpu/{FOLDER}/web/cpu.cfs_quota_us").into()];
    let (fake, kernel) = fake.arc();
    let limiter = CgroupV1::open(&kernel, session()).unwrap();
    let error = limiter.create("web", &spec()).unwrap_err().to_string();
    assert!(
        error.contains("cpu.cfs_quota_us") && error.contains("not allowed for this user"),
        "{error}"
    );
    for hierarchy in ["freezer", "memory/in", "cpuset", "cpu", "cpuacct"] {
        let path = format!("/sys/fs/cgroup/{hierarchy}/{FOLDER}");
        assert!(!kernel.exists(path.as_ref()), "{path}");
    }
    drop(fake);
}

#[test]
fn an_older_group_of_the_name_is_left_alone() {
    let (fake, kernel) = Fake::hybrid().arc();
    let limiter = CgroupV1::open(&kernel, session()).unwrap();
    let first = limiter.create("web", &GroupSpec::default()).unwrap();
    fake.process(601, 500, "");
    fake.put(601, &format!("/sys/fs/cgroup/cpuacct/{FOLDER}/web"));
    assert!(matches!(
        limiter.create("web", &spec()),
        Err(Error::Exists(_))
    ));
    assert_eq!(first.members().unwrap(), [601]);
}

#[test]
fn counters_are_read() {
    let (fake, kernel) = Fake::hybrid().arc();
    let group = CgroupV1::open(&kernel, session())
        .unwrap()
        .create("web", &spec())
        .unwrap();
    let at = |file: &str| {
        format!(
            "/sys/fs/cgroup/{}",
            file.replace("S/", &format!("{FOLDER}/"))
        )
    };
    fake.file(&at("cpuacct/S/web/cpuacct.usage"), "2000000000\n");
    fake.file(&at("cpuacct/S/web/cpuacct.usage_user"), "3000000000\n");
    fake.file(&at("cpuacct/S/web/cpuacct.usage_sys"), "1000000000\n");
    fake.file(
        &at("cpu/S/web/cpu.stat"),
        "nr_periods 42\nnr_throttled 40\nthrottled_time 123\n",
    );
    let usage = group.usage().unwrap();
    // Ticks say 3 to 1, the exact sum is 2 s.
    assert_eq!(
        (usage.user_ns, usage.system_ns),
        (Some(1_500_000_000), Some(500_000_000))
    );
    assert_eq!(
        (usage.nr_periods, usage.nr_throttled, usage.throttled_ns),
        (Some(42), Some(40), Some(123))
    );
    assert_eq!(usage.memory_peak_bytes, Some(4096));
    fake.file(&at("cpu/S/web/cpu.cfs_quota_us"), "99000\n");
    let text = group.read_back().unwrap().differences(&spec());
    assert_eq!(text, ["CPU quota: asked for 1.5 CPUs, in force are 0.99"]);
}

#[test]
fn v1_is_chosen_on_a_hybrid_system_as_root_only() {
    let (_, kernel) = Fake::hybrid().arc();
    let found = probe(&kernel).unwrap();
    assert_eq!(found.chosen, crate::Kind::CgroupV1);
    assert!(
        found.candidates[0].reason.contains("bound to cgroup v1"),
        "{:?}",
        found.candidates[0]
    );

    let mut fake = Fake::hybrid();
    fake.euid = 1000;
    fake.read_only = vec!["/sys/fs/cgroup".into()];
    let (_, kernel) = fake.arc();
    let found = probe(&kernel).unwrap();
    assert_eq!(found.chosen, crate::Kind::Affinity);
    let v1 = found
        .candidates
        .iter()
        .find(|c| c.kind == crate::Kind::CgroupV1)
        .unwrap();
    assert_eq!(
        v1.reason,
        "/sys/fs/cgroup/cpu is not writable for this user"
    );
    assert!(v1.fix.contains("run as root"));
    assert!(matches!(
        CgroupV1::open(&kernel, session()),
        Err(Error::Unavailable { .. })
    ));
}
