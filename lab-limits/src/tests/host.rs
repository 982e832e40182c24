use crate::fake::Fake;
use crate::{Host, Noise};

fn machine() -> Fake {
    let fake = Fake::unified("/box");
    fake.file("/sys/devices/system/cpu/online", "0-7\n");
    for cpu in 0..8 {
        let at = |file: &str| format!("/sys/devices/system/cpu/cpu{cpu}/{file}");
        fake.file(
            &at("topology/thread_siblings_list"),
            &format!("{},{}\n", cpu % 4, cpu % 4 + 4),
        );
        fake.file(&at("cpufreq/scaling_governor"), "powersave\n");
        fake.file(
            &at("cpufreq/scaling_cur_freq"),
            &format!("{}\n", 1_000_000 + cpu),
        );
    }
    fake.file(
        "/proc/cpuinfo",
        "processor : 0\nmodel name : Test CPU: v2\nflags : fpu hypervisor sse\n",
    );
    fake.file("/proc/meminfo", "MemTotal:       2048 kB\n");
    fake.file("/proc/sys/kernel/osrelease", "6.1.0\n");
    fake.file("/sys/fs/cgroup/box/cpu.max", "250000 100000\n");
    fake
}

#[test]
fn facts_respect_affinity_and_quota() {
    let mut fake = machine();
    fake.affinity = vec![0, 1, 4];
    let host = Host::read(&fake).unwrap();
    assert_eq!(host.online.len(), 8);
    assert_eq!(host.allowed, [0, 1, 4]);
    assert_eq!(host.cores, [vec![0, 4], vec![1]]);
    assert_eq!(host.quota, Some(2.5));
    assert_eq!(host.capacity(), 2);
    assert_eq!(host.model, "Test CPU: v2");
    assert!(host.virtual_machine);
    assert_eq!(host.governors, ["powersave"]);
    assert_eq!(
        (host.kernel.as_str(), host.memory_bytes),
        ("6.1.0", 2_097_152)
    );
}

#[test]
fn noise_is_a_difference() {
    let fake = machine();
    fake.file(
        "/proc/stat",
        "cpu  100 0 50 800 20 5 5 20 7 0\ncpu0 1 2 3\n",
    );
    fake.file("/proc/loadavg", "1.25 0.5 0.1 1/100 5\n");
    fake.file(
        "/proc/pressure/cpu",
        "some avg10=2.00 avg60=1.00 avg300=0.40 total=1000\n",
    );
    let before = Noise::read(&fake).unwrap();
    assert_eq!(
        (before.total_ticks, before.busy_ticks, before.steal_ticks),
        (1000, 180, 20)
    );
    assert_eq!(
        (before.load1, before.frequency_khz),
        (1.25, Some((1_000_000, 1_000_003)))
    );
    assert_eq!(before.memory, None);
    fake.file("/proc/stat", "cpu  130 0 50 860 20 5 5 30 7 0\n");
    fake.file(
        "/proc/pressure/cpu",
        "some avg10=3.00 avg60=1.00 avg300=0.40 total=1500\n",
    );
    let noise = Noise::read(&fake).unwrap().since(&before);
    assert_eq!(
        (noise.total_ticks, noise.busy_ticks, noise.steal_ticks),
        (100, 40, 10)
    );
    assert!((noise.steal_share() - 0.1).abs() < 1e-12 && (noise.busy_share() - 0.4).abs() < 1e-12);
    assert_eq!(noise.cpu.unwrap().some_us, 500);
    fake.file("/proc/stat", "cpu  1 2\n");
    assert!(Noise::read(&fake).is_err());
}

#[test]
fn the_real_host_can_be_read() {
    let kernel = crate::Real;
    let host = Host::read(&kernel).unwrap();
    assert!(host.capacity() >= 1 && host.memory_bytes > 0 && !host.kernel.is_empty());
    let in_cores: usize = host.cores.iter().map(Vec::len).sum();
    assert_eq!(in_cores, host.allowed.len());
    assert!(Noise::read(&kernel).unwrap().total_ticks > 0);
}
