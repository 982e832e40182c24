use super::{FOLDER, session, short};
use crate::fake::{Fake, OWN};
use crate::v2::CgroupV2;
use crate::{GroupSpec, Kind, Limiter, probe};

fn spec() -> GroupSpec {
    GroupSpec {
        cpu_quota: Some(1.5),
        cpuset: Some(vec![2, 3]),
        weight: Some(50),
        memory_max: Some(1 << 30),
    }
}

const ENABLED: [&str; 3] = [
    "S/cgroup.subtree_control = +cpu",
    "S/cgroup.subtree_control = +cpuset",
    "S/cgroup.subtree_control = +memory",
];

#[test]
fn in_the_root_nobody_moves() {
    let (fake, kernel) = Fake::unified("/").arc();
    let limiter = CgroupV2::open(&kernel, session()).unwrap();
    let group = limiter.create("web", &spec()).unwrap();
    let mut want = vec!["mkdir S"];
    want.extend(ENABLED);
    want.extend([
        "mkdir S/web",
        "S/web/cpuset.cpus = 2-3",
        "S/web/cpu.max = 150000 100000",
        "S/web/cpu.weight = 50",
        "S/web/memory.max = 1073741824",
    ]);
    assert_eq!(short(&fake), want);
    assert_eq!(
        group.read_back().unwrap().differences(&spec()),
        Vec::<String>::new()
    );
    assert_eq!(
        group.join().procs,
        [format!("/sys/fs/cgroup/{FOLDER}/web/cgroup.procs").as_ref() as &std::path::Path]
    );
    // cgroup.kill takes all at once.
    fake.process(601, 500, "");
    fake.put(601, &format!("/sys/fs/cgroup/{FOLDER}/web"));
    group.remove().unwrap();
    assert_eq!(
        short(&fake),
        ["S/web/cgroup.kill = 1", "rmdir S/web", "rmdir S"]
    );
    assert!(!fake.alive(601));
}

#[test]
fn in_a_delegated_cgroup_this_process_moves_into_a_leaf_first() {
    let mut fake = Fake::unified("/svc");
    fake.file("/run/systemd/system/x", "");
    fake.delegated = vec!["/sys/fs/cgroup/svc".into()];
    let (fake, kernel) = fake.arc();
    assert_eq!(probe(&kernel).unwrap().chosen, Kind::CgroupV2);
    let asked = |line: &String| line.contains("busctl") && line.contains("get-property");
    assert!(short(&fake).iter().all(asked), "a probe changes nothing");
    let limiter = CgroupV2::open(&kernel, session()).unwrap();
    limiter.create("web", &GroupSpec::default()).unwrap();
    let mut want = vec![
        "mkdir svc/bench-runner".to_owned(),
        format!("svc/bench-runner/cgroup.procs = {OWN}"),
    ];
    want.extend(["cpu", "cpuset", "memory"].map(|c| format!("svc/cgroup.subtree_control = +{c}")));
    want.push("mkdir svc/S".into());
    want.extend(ENABLED.map(|line| format!("svc/{line}")));
    want.push("mkdir svc/S/web".into());
    assert_eq!(short(&fake), want);

    // Opened again from inside the leaf, the place is the same and nothing moves.
    fake.file("/proc/self/cgroup", "0::/svc/bench-runner\n");
    let again = CgroupV2::open(&kernel, session()).unwrap();
    again.create("db", &GroupSpec::default()).unwrap();
    assert_eq!(short(&fake), ["mkdir svc/S/db"]);
}

#[test]
fn root_does_not_write_where_systemd_manages() {
    let fake = Fake::unified("/user.slice/session-1.scope");
    fake.file("/run/systemd/system/x", "");
    let (_, kernel) = fake.arc();
    let found = probe(&kernel).unwrap();
    assert_eq!(found.chosen, Kind::Affinity);
    assert!(
        found.candidates[0].reason.contains("has not delegated"),
        "{:?}",
        found.candidates[0]
    );
    assert!(
        found.candidates[1].reason.contains("busctl"),
        "{:?}",
        found.candidates[1]
    );
}

#[test]
fn a_user_with_neighbours_in_the_cgroup_is_told() {
    let mut fake = Fake::unified("/mine");
    fake.euid = 1000;
    let (fake, kernel) = fake.arc();
    assert_eq!(probe(&kernel).unwrap().chosen, Kind::CgroupV2);
    fake.process(400, 1, "");
    fake.put(400, "/sys/fs/cgroup/mine");
    let found = probe(&kernel).unwrap();
    assert_eq!(found.chosen, Kind::Affinity);
    assert!(
        found.candidates[0].reason.starts_with("1 other processes"),
        "{:?}",
        found.candidates[0]
    );
}

#[test]
fn in_a_container_everybody_moves() {
    let fake = Fake::unified("/");
    // The root of a cgroup namespace has a type, the real root has none.
    fake.file("/sys/fs/cgroup/cgroup.type", "domain");
    fake.file("/sys/fs/cgroup/cgroup.subtree_control", "");
    fake.file("/sys/fs/cgroup/cgroup.procs", "400\n500\n");
    let (fake, kernel) = fake.arc();
    CgroupV2::open(&kernel, session()).unwrap();
    let log = short(&fake);
    assert_eq!(
        log[..3],
        [
            "mkdir bench-runner",
            "bench-runner/cgroup.procs = 400",
            "bench-runner/cgroup.procs = 500"
        ]
    );
    assert_eq!(log[3], "cgroup.subtree_control = +cpu");
}

#[test]
fn without_cpuset_the_child_sets_its_mask() {
    let mut fake = Fake::unified("/mine");
    fake.euid = 1000;
    fake.file("/sys/fs/cgroup/mine/cgroup.controllers", "cpu memory pids");
    let (fake, kernel) = fake.arc();
    let limiter = CgroupV2::open(&kernel, session()).unwrap();
    let group = limiter.create("web", &spec()).unwrap();
    assert_eq!(group.join().cpus, Some(vec![2, 3]));
    assert!(short(&fake).iter().all(|line| !line.contains("cpuset")));
}

#[test]
fn a_tighter_quota_of_an_ancestor_is_noticed() {
    let mut fake = Fake::unified("/mine");
    fake.euid = 1000;
    fake.file("/sys/fs/cgroup/mine/cpu.max", "50000 100000");
    let (_, kernel) = fake.arc();
    let group = CgroupV2::open(&kernel, session())
        .unwrap()
        .create("web", &spec())
        .unwrap();
    let in_force = group.read_back().unwrap();
    assert_eq!(
        (in_force.cpu_quota, in_force.quota_from_ancestor),
        (Some(0.5), true)
    );
    assert_eq!(
        in_force.differences(&spec()),
        ["CPU quota: asked for 1.5 CPUs, in force are 0.5"]
    );
    assert_eq!(probe(&kernel).unwrap().host.quota, Some(0.5));
}

#[test]
fn counters_and_pressure_are_read() {
    let (fake, kernel) = Fake::unified("/").arc();
    let group = CgroupV2::open(&kernel, session())
        .unwrap()
        .create("web", &spec())
        .unwrap();
    let at = |file: &str| format!("/sys/fs/cgroup/{FOLDER}/web/{file}");
    let stat = "usage_usec 10\nuser_usec 7\nsystem_usec 3\nnr_periods 5\nnr_throttled 2\nthrottled_usec 9\n";
    fake.file(&at("cpu.stat"), stat);
    let pressure = "some avg10=1.50 avg60=0.00 avg300=0.00 total=77\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n";
    fake.file(&at("cpu.pressure"), pressure);
    let usage = group.usage().unwrap();
    assert_eq!(
        (usage.cpu_usage_ns, usage.user_ns, usage.system_ns),
        (Some(10_000), Some(7_000), Some(3_000))
    );
    assert_eq!(
        (usage.nr_periods, usage.nr_throttled, usage.throttled_ns),
        (Some(5), Some(2), Some(9_000))
    );
    let psi = usage.psi.clone().unwrap();
    assert_eq!((psi.some_us, psi.full_us, psi.some_avg10), (77, 5, 1.5));
    fake.file(
        &at("cpu.stat"),
        &stat.replace("usage_usec 10", "usage_usec 25"),
    );
    assert_eq!(
        group.usage().unwrap().since(&usage).cpu_usage_ns,
        Some(15_000)
    );
}
