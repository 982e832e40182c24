use super::{FOLDER, session, short};
use crate::fake::{Fake, OWN};
use crate::v1::CgroupV1;
use crate::{
    GroupSpec, Limiter, OwnerState, Session, live_sessions, stale_sessions, sweep, sweep_stale,
};

/// A session of process 700, which is alive only if the test makes it so.
fn other() -> Session {
    Session {
        owner: Some(crate::Owner {
            pid: 700,
            start: 1700,
            pid_namespace: 77,
        }),
        id: "s2".into(),
    }
}

const OTHER: &str = "benchfw.s2.700.1700.77";

/// What a runner that is gone left in v1: groups with processes, and a process outside.
fn leftovers() -> Fake {
    let fake = Fake::hybrid();
    for hierarchy in ["freezer", "cpu", "cpuset"] {
        for group in ["", "/web", "/web/inner"] {
            let folder = format!("/sys/fs/cgroup/{hierarchy}/{OTHER}{group}");
            crate::kernel::Kernel::mkdir(&fake, folder.as_ref()).unwrap();
        }
    }
    for pid in [801, 802] {
        fake.process(pid, 1, "");
    }
    fake.put(801, &format!("/sys/fs/cgroup/freezer/{OTHER}/web"));
    fake.put(802, &format!("/sys/fs/cgroup/cpu/{OTHER}/web/inner"));
    let env = other().env();
    let env: Vec<String> = env.iter().map(|(k, v)| format!("{k}={v}")).collect();
    fake.process(803, 1, &env.join(" "));
    // A child that has overwritten its environment, as Postgres does.
    fake.process(804, 803, "postgres:");
    // Another session of the same name, and one without a mark.
    fake.process(805, 1, "BENCH_SESSION=s2 BENCH_OWNER=701.1701.77");
    fake.process(806, 1, "PATH=/bin");
    fake.log();
    fake
}

#[test]
fn a_dead_runners_leftovers_are_taken_away() {
    let (fake, kernel) = leftovers().arc();
    assert!(stale_sessions(&kernel).unwrap().contains(&other()));
    let swept = sweep(&kernel, &other()).unwrap();
    assert_eq!(swept.killed, 4);
    assert_eq!(swept.removed.len(), 3);
    for pid in [801, 802, 803, 804] {
        assert!(!fake.alive(pid), "{pid}");
    }
    for pid in [805, 806, OWN] {
        assert!(fake.alive(pid), "{pid}");
    }
    let log = short(&fake);
    let at = |line: &str| {
        log.iter()
            .position(|l| *l == line.replace('O', OTHER))
            .unwrap()
    };
    // Processes before folders, children before parents.
    assert!(at("kill 804") < at("rmdir cpu/O/web/inner"));
    assert!(at("rmdir cpu/O/web/inner") < at("rmdir cpu/O/web"));
    assert!(at("rmdir cpu/O/web") < at("rmdir cpu/O"));
    assert!(!stale_sessions(&kernel).unwrap().contains(&other()));
}

#[test]
fn a_living_runner_is_not_touched() {
    let (fake, kernel) = leftovers().arc();
    fake.process(700, 1, "");
    // The one with the other owner, 701, is dead all the same.
    let dead = sweep_stale(&kernel).unwrap();
    assert_eq!(
        dead.iter()
            .map(|(s, _)| s.owner.as_ref().unwrap().pid)
            .collect::<Vec<_>>(),
        [701]
    );
    assert_eq!(live_sessions(&kernel).unwrap(), [other()]);
    let error = sweep(&kernel, &other()).unwrap_err().to_string();
    assert_eq!(
        error,
        "session s2 is not swept: its owner, process 700, is alive"
    );
    for pid in [801, 802, 803, 804] {
        assert!(fake.alive(pid), "{pid}");
    }
    assert!(!fake.alive(805));
}

#[test]
fn a_reused_process_id_is_not_the_owner() {
    let (fake, kernel) = leftovers().arc();
    fake.process(700, 1, "");
    let stat = fake.text("/proc/700/stat").replace(" 1700 ", " 1701 ");
    fake.file("/proc/700/stat", &stat);
    assert!(stale_sessions(&kernel).unwrap().contains(&other()));
    // A zombie owner is dead, too.
    fake.file(
        "/proc/700/stat",
        &stat.replace(" 1701 ", " 1700 ").replace(") S", ") Z"),
    );
    assert_eq!(other().owner.unwrap().state(&*kernel), OwnerState::Dead);
}

#[test]
fn another_containers_session_is_not_touched() {
    let (fake, kernel) = leftovers().arc();
    let foreign = Session {
        owner: Some(crate::Owner {
            pid: 700,
            start: 1700,
            pid_namespace: 78,
        }),
        id: "s3".into(),
    };
    kernel
        .mkdir("/sys/fs/cgroup/cpu/benchfw.s3.700.1700.78".as_ref())
        .unwrap();
    assert!(!stale_sessions(&kernel).unwrap().contains(&foreign));
    assert!(!live_sessions(&kernel).unwrap().contains(&foreign));
    assert!(
        sweep(&kernel, &foreign)
            .unwrap_err()
            .to_string()
            .contains("another PID namespace")
    );
    let nobodys = Session {
        owner: None,
        id: "s3".into(),
    };
    assert!(
        sweep(&kernel, &nobodys)
            .unwrap_err()
            .to_string()
            .contains("no known owner")
    );
    assert!(!short(&fake).iter().any(|line| line.starts_with("kill")));
}

#[test]
fn the_own_session_can_be_closed() {
    let (fake, kernel) = Fake::hybrid().arc();
    let limiter = CgroupV1::open(&kernel, session()).unwrap();
    limiter.create("web", &GroupSpec::default()).unwrap();
    fake.process(601, OWN, "");
    fake.put(601, &format!("/sys/fs/cgroup/cpu/{FOLDER}/web"));
    // Marked, and an ancestor of this process (a shell inside an outer session of the same name): spared.
    fake.process(400, 1, "BENCH_SESSION=s1");
    limiter.close().unwrap();
    assert!(!fake.alive(601) && fake.alive(400) && fake.alive(OWN));
    assert!(!kernel.exists(format!("/sys/fs/cgroup/cpu/{FOLDER}").as_ref()));
}
