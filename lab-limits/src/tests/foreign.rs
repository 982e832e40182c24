use crate::fake::Fake;
use crate::kernel::Kernel as _;
use crate::{Foreign, GroupSpec, Kind};
use std::path::Path;

const ONE_CPU: GroupSpec = GroupSpec {
    cpu_quota: Some(1.0),
    cpuset: None,
    weight: None,
    memory_max: None,
};

#[test]
fn a_container_in_v1() {
    let (fake, kernel) = Fake::hybrid().arc();
    for hierarchy in ["cpu", "cpuacct", "memory"] {
        let folder = format!("/sys/fs/cgroup/{hierarchy}/engine");
        fake.mkdir(Path::new(&folder)).unwrap();
        fake.mkdir(&Path::new(&folder).join("abc")).unwrap();
    }
    fake.file("/sys/fs/cgroup/cpu/engine/abc/cpu.cfs_quota_us", "100000");
    fake.file("/sys/fs/cgroup/cpuacct/engine/abc/cpuacct.usage", "7000");
    fake.process(77, 1, "");
    fake.put(77, "/sys/fs/cgroup/cpu/engine/abc");
    let text = "4:memory:/engine/abc\n2:cpuacct:/engine/abc\n1:cpu:/engine/abc\n0::/\n";
    fake.file("/proc/77/cgroup", text);
    fake.log();

    let group = Foreign::of_process(&kernel, 77).unwrap();
    assert_eq!(group.place(), "cgroup v1 /sys/fs/cgroup/cpu/engine/abc");
    assert_eq!(group.members().unwrap(), [77]);
    assert_eq!(group.usage().unwrap().cpu_usage_ns, Some(7000));
    let in_force = group.read_back().unwrap();
    assert_eq!(
        (in_force.kind, in_force.cpu_quota),
        (Kind::CgroupV1, Some(1.0))
    );
    assert_eq!(in_force.differences(&ONE_CPU), Vec::<String>::new());
    assert_eq!(fake.log(), Vec::<String>::new(), "nothing is written");
}

#[test]
fn in_v2_the_quota_may_stand_one_level_above_the_processes() {
    let (fake, kernel) = Fake::unified("/").arc();
    let scope = "/sys/fs/cgroup/engine.scope";
    fake.mkdir(Path::new(scope)).unwrap();
    fake.file(&format!("{scope}/cgroup.subtree_control"), "cpu memory");
    fake.mkdir(&Path::new(scope).join("container")).unwrap();
    fake.file(&format!("{scope}/cpu.max"), "100000 100000");
    let stat = "usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods 3\nnr_throttled 2\nthrottled_usec 6\n";
    fake.file(&format!("{scope}/cpu.stat"), stat);
    fake.process(77, 1, "");
    fake.put(77, &format!("{scope}/container"));
    fake.file("/proc/77/cgroup", "0::/engine.scope/container\n");

    let group = Foreign::of_process(&kernel, 77).unwrap();
    assert_eq!(group.place(), format!("cgroup v2 {scope}"));
    assert_eq!(group.members().unwrap(), [77]);
    let usage = group.usage().unwrap();
    assert_eq!(
        (usage.cpu_usage_ns, usage.nr_throttled),
        (Some(9000), Some(2))
    );
    let in_force = group.read_back().unwrap();
    assert_eq!(in_force.differences(&ONE_CPU), Vec::<String>::new());
    assert!(!in_force.quota_from_ancestor);
}

#[test]
fn without_a_quota_it_is_the_cgroup_itself() {
    let (fake, kernel) = Fake::unified("/").arc();
    fake.mkdir(Path::new("/sys/fs/cgroup/plain")).unwrap();
    fake.file("/proc/77/cgroup", "0::/plain\n");
    let group = Foreign::of_process(&kernel, 77).unwrap();
    assert_eq!(group.place(), "cgroup v2 /sys/fs/cgroup/plain");
    let missing = group.read_back().unwrap().differences(&ONE_CPU);
    assert_eq!(missing, ["CPU quota: asked for 1 CPUs, none is in force"]);
}

#[test]
fn a_process_that_is_gone_is_an_error() {
    let (_, kernel) = Fake::unified("/").arc();
    assert!(
        Foreign::of_process(&kernel, 4321)
            .unwrap_err()
            .is_not_found()
    );
}
