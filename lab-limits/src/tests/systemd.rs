use super::{FOLDER, session, short};
use crate::fake::{Fake, OWN};
use crate::kernel::Finished;
use crate::{GroupSpec, Kind, Limiter, open, probe, systemd};

/// A system with systemd, whose manager moves the process into the scope it asks for.
fn with_manager(uid: u32) -> Fake {
    let mut fake = Fake::unified("/user.slice/session-1.scope");
    let (slice, controllers) = (
        "/manager.slice",
        if uid == 0 {
            "cpu memory cpuset"
        } else {
            "cpu memory"
        },
    );
    fake.file(
        "/sys/fs/cgroup/manager.slice/cgroup.controllers",
        controllers,
    );
    fake.file(
        "/sys/fs/cgroup/manager.slice/cgroup.subtree_control",
        controllers,
    );
    if uid == 0 {
        fake.delegated = vec!["/sys/fs/cgroup/manager.slice/bench-s1-500.scope".into()];
    } else {
        fake.file("/run/user/1000/bus", "");
        fake.read_only = vec!["/sys/fs/cgroup/user.slice".into()];
    }
    fake.file("/run/systemd/system/x", "");
    fake.euid = uid;
    fake.command = Some(Box::new(move |fake, argv| {
        let ok = |stdout: &str| {
            Ok(Finished {
                ok: true,
                stdout: stdout.into(),
                stderr: String::new(),
            })
        };
        let Some(at) = argv.iter().position(|a| a == "StartTransientUnit") else {
            return ok("s \"252\"");
        };
        let own = format!("{slice}/{}", argv[at + 2]);
        let folder = format!("/sys/fs/cgroup{own}");
        crate::kernel::Kernel::mkdir(fake, folder.as_ref()).unwrap();
        fake.file(&format!("{folder}/cgroup.procs"), &format!("{OWN}\n"));
        fake.file("/proc/self/cgroup", &format!("0::{own}\n"));
        ok("o \"/job/1\"")
    }));
    fake
}

#[test]
fn root_gets_a_delegated_scope_from_the_system_manager() {
    let (fake, kernel) = with_manager(0).arc();
    assert_eq!(probe(&kernel).unwrap().chosen, Kind::Systemd);
    fake.log();
    let limiter = open(&kernel, session(), None).unwrap();
    assert_eq!(limiter.kind(), Kind::Systemd);
    limiter
        .create(
            "web",
            &GroupSpec {
                cpu_quota: Some(1.0),
                ..GroupSpec::default()
            },
        )
        .unwrap();
    let log: Vec<String> = short(&fake)
        .into_iter()
        .filter(|line| !line.contains("get-property"))
        .collect();
    let call = "run busctl --system call org.freedesktop.systemd1 /org/freedesktop/systemd1 \
                org.freedesktop.systemd1.Manager StartTransientUnit ssa(sv)a(sa(sv)) bench-s1-500.scope fail 4 \
                Description s Bench Frameworks, session s1 PIDs au 1 500 Delegate b true CollectMode s \
                inactive-or-failed 0";
    let scope = "manager.slice/bench-s1-500.scope";
    assert_eq!(log[0], call);
    assert_eq!(
        log[1..5],
        [
            format!("mkdir {scope}"),
            format!("mkdir {scope}/bench-runner"),
            format!("{scope}/bench-runner/cgroup.procs = 500"),
            format!("{scope}/cgroup.subtree_control = +cpu"),
        ]
    );
    assert_eq!(
        log.last().unwrap(),
        &format!("{scope}/S/web/cpu.max = 100000 100000")
    );

    // From inside the scope the judgement is the same, and a second session asks for nothing.
    fake.file("/proc/self/cgroup", &format!("0::/{scope}/bench-runner\n"));
    assert_eq!(probe(&kernel).unwrap().chosen, Kind::Systemd);
    assert_eq!(
        open(&kernel, session(), None).unwrap().kind(),
        Kind::Systemd
    );
    assert!(
        short(&fake)
            .iter()
            .all(|line| line.contains("get-property"))
    );
}

#[test]
fn a_user_gets_one_from_their_own_manager_without_cpuset() {
    let (fake, kernel) = with_manager(1000).arc();
    let limiter = systemd::open(&kernel, session()).unwrap();
    let group = limiter
        .create(
            "web",
            &GroupSpec {
                cpuset: Some(vec![1]),
                ..GroupSpec::default()
            },
        )
        .unwrap();
    assert_eq!(group.join().cpus, Some(vec![1]));
    let log = short(&fake);
    let user = "run env XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus busctl \
                --user call ";
    assert!(log.iter().any(|line| line.starts_with(user)), "{log:?}");
    let group = format!("/sys/fs/cgroup/manager.slice/bench-s1-500.scope/{FOLDER}/web");
    assert!(kernel.exists(group.as_ref()));
}

#[test]
fn a_manager_that_says_no_is_quoted() {
    let mut fake = with_manager(0);
    fake.command = Some(Box::new(|_, argv| {
        let ok = argv.iter().all(|a| a != "StartTransientUnit");
        Ok(Finished {
            ok,
            stdout: String::new(),
            stderr: "Call failed: Access denied".into(),
        })
    }));
    let (_, kernel) = fake.arc();
    let error = systemd::open(&kernel, session()).unwrap_err().to_string();
    assert!(
        error.ends_with("failed: Call failed: Access denied"),
        "{error}"
    );
}

#[test]
fn what_is_missing_is_said() {
    let judged = |fake: Fake| {
        let (_, kernel) = fake.arc();
        let found = probe(&kernel).unwrap();
        assert_eq!(found.chosen, Kind::Affinity);
        let systemd = found
            .candidates
            .into_iter()
            .find(|c| c.kind == Kind::Systemd)
            .unwrap();
        (systemd.reason, systemd.fix)
    };
    let mut fake = with_manager(0);
    fake.command = None;
    let (reason, fix) = judged(fake);
    assert!(
        reason.starts_with("busctl cannot be run") && fix.contains("install"),
        "{reason}; {fix}"
    );

    let mut fake = with_manager(1000);
    fake.euid = 1001;
    fake.read_only = vec!["/sys/fs/cgroup".into()];
    let (reason, fix) = judged(fake);
    assert_eq!(
        reason,
        "this user has no service manager (/run/user/1001/bus is missing)"
    );
    assert!(fix.contains("PAM"), "{fix}");
}
