//! Life and death: the exec helper, the parent-death signal, the sweeper.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use lab_limits::{ExecSpec, GroupSpec, Session, UserIds};

use crate::support::{
    Add, Lab, Needs, alive, folders_of, helper, kernel, myself, start, status, wait_for_program,
    wait_until,
};

/// "nobody", and a group that is not the same number.
const NOBODY: UserIds = UserIds {
    uid: 65_534,
    gid: 65_533,
};

pub fn register(add: &mut Add) {
    add(
        "a_child_dies_with_its_parent",
        Needs::Nothing,
        a_child_dies_with_its_parent,
    );
    add(
        "a_child_of_another_user_dies_too",
        Needs::Root,
        a_child_of_another_user_dies_too,
    );
    add(
        "the_helper_may_live_in_a_closed_folder",
        Needs::Root,
        the_helper_may_live_in_a_closed_folder,
    );
    add(
        "signals_are_as_at_birth",
        Needs::Nothing,
        signals_are_as_at_birth,
    );
    add(
        "a_wrong_parent_is_noticed",
        Needs::Nothing,
        a_wrong_parent_is_noticed,
    );
    add(
        "failures_have_exit_codes",
        Needs::Nothing,
        failures_have_exit_codes,
    );
    add(
        "a_stray_grandchild_is_swept",
        Needs::Nothing,
        a_stray_grandchild_is_swept,
    );
    add(
        "a_dead_runner_is_swept_a_living_one_is_not",
        Needs::Nothing,
        a_dead_runner_is_swept,
    );
}

/// Starts this program in a role and reads the process id that it prints.
fn role(args: &[&str]) -> (Child, u32) {
    role_from(&myself(), args)
}

fn role_from(program: &str, args: &[&str]) -> (Child, u32) {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (child, line.trim().parse().unwrap())
}

fn dies_with_its_parent(program: &str, user: Option<UserIds>) {
    let spec = serde_json::to_string(&ExecSpec {
        user,
        ..ExecSpec::default()
    })
    .unwrap();
    let (mut parent, child) = role_from(program, &["__parent", &spec, "sleep", "1000"]);
    wait_for_program(child, "sleep");
    if let Some(user) = user {
        let four = |id: u32| {
            [
                id.to_string(),
                id.to_string(),
                id.to_string(),
                id.to_string(),
            ]
            .join(" ")
        };
        assert_eq!(status(child, "Uid"), four(user.uid));
        assert_eq!(status(child, "Gid"), four(user.gid));
        assert_eq!(status(child, "Groups"), "");
        assert_eq!(status(child, "CapEff"), "0000000000000000");
    }
    parent.kill().unwrap();
    parent.wait().unwrap();
    wait_until("the child dies with its parent", || !alive(child));
}

fn a_child_dies_with_its_parent() {
    dies_with_its_parent(&myself(), None);
}

fn a_child_of_another_user_dies_too() {
    dies_with_its_parent(&myself(), Some(NOBODY));
}

fn the_helper_may_live_in_a_closed_folder() {
    // tempfile makes folders that only their owner may enter.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("helper");
    std::fs::copy(myself(), &program).unwrap();
    dies_with_its_parent(program.to_str().unwrap(), Some(NOBODY));
}

fn signals_are_as_at_birth() {
    let lab = Lab::new();
    let group = lab
        .limiter
        .create("service", &GroupSpec::default())
        .unwrap();
    let mut child = start(&*group, None, &["sleep", "1000"]);
    wait_for_program(child.id(), "sleep");
    // A Rust program ignores SIGPIPE; its child must not inherit that.
    let bit = 1_u64 << 12;
    let ignored = |pid| u64::from_str_radix(&status(pid, "SigIgn"), 16).unwrap();
    assert_ne!(ignored(std::process::id()) & bit, 0);
    assert_eq!(ignored(child.id()) & bit, 0);
    assert_eq!(
        u64::from_str_radix(&status(child.id(), "SigBlk"), 16).unwrap(),
        0
    );
    // The marks are there for the sweeper.
    let env = || lab_limits::procs::environment(&*kernel(), child.id()).unwrap();
    for (key, value) in group.join().env {
        wait_until(&format!("{key}={value} in the environment"), || {
            env().get(&key) == Some(&value)
        });
    }
    group.remove().unwrap();
    child.wait().unwrap();
}

fn a_wrong_parent_is_noticed() {
    let spec = ExecSpec {
        die_with: Some(1),
        ..ExecSpec::default()
    };
    let out = helper(&spec, &["echo", "executed"]).output().unwrap();
    assert_eq!(out.status.code(), Some(126));
    assert!(out.stdout.is_empty());
    let text = String::from_utf8(out.stderr).unwrap();
    assert!(text.starts_with("the runner, process 1, is gone"), "{text}");
}

fn failures_have_exit_codes() {
    let run = |spec: &ExecSpec, command: &[&str]| {
        let out = helper(spec, command).output().unwrap();
        (out.status.code(), String::from_utf8(out.stderr).unwrap())
    };
    let (code, text) = run(&ExecSpec::default(), &["/nowhere/program"]);
    assert_eq!(code, Some(127));
    assert!(
        text.starts_with("cannot execute /nowhere/program"),
        "{text}"
    );
    assert_eq!(run(&ExecSpec::default(), &["/etc/passwd"]).0, Some(126));
    assert_eq!(run(&ExecSpec::default(), &[]).0, Some(126));
    let mut spec = ExecSpec::default();
    spec.join.procs = vec!["/nowhere/cgroup.procs".into()];
    let (code, text) = run(&spec, &["true"]);
    assert_eq!(code, Some(126));
    assert!(
        text.starts_with("cannot join /nowhere/cgroup.procs"),
        "{text}"
    );
    spec.join.procs.clear();
    spec.join.cpus = Some(vec![0, 99_999]);
    assert_eq!(run(&spec, &["true"]).0, Some(126));
}

fn a_stray_grandchild_is_swept() {
    let lab = Lab::new();
    let group = lab
        .limiter
        .create("service", &GroupSpec::default())
        .unwrap();
    // One that left its session, in the group; and one that never joined it (as after a bug, or by hand).
    let mut inside = start(&*group, None, &["setsid", "-f", "sleep", "1004"]);
    assert!(inside.wait().unwrap().success());
    let outside = ExecSpec {
        die_with: None,
        ..ExecSpec::default()
    };
    let mut outside = helper(&outside, &["setsid", "-f", "sleep", "1005"]);
    assert!(
        outside
            .envs(lab.limiter.session().env())
            .status()
            .unwrap()
            .success()
    );
    let strays = || -> Vec<u32> {
        let all = lab_limits::procs::all(&*kernel()).unwrap();
        let is_stray = |pid: u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let marked = || lab_limits::procs::environment(&*kernel(), pid).unwrap_or_default();
            (line == b"sleep\x001004\0" || line == b"sleep\x001005\0")
                && marked().get(lab_limits::ENV_SESSION) == Some(&lab.limiter.session().id)
                && alive(pid)
        };
        all.into_iter().filter(|&pid| is_stray(pid)).collect()
    };
    wait_until("two strays", || strays().len() == 2);
    assert!(
        lab_limits::live_sessions(&kernel())
            .unwrap()
            .contains(lab.limiter.session())
    );
    let swept = lab_limits::sweep(&kernel(), lab.limiter.session()).unwrap();
    assert!(swept.killed >= 2, "{swept:?}");
    assert!(strays().is_empty());
    assert!(folders_of(lab.limiter.session()).is_empty());
    let again = lab_limits::sweep(&kernel(), lab.limiter.session()).unwrap();
    assert_eq!((again.killed, again.removed.len()), (0, 0));
}

fn a_dead_runner_is_swept() {
    let id = |name: &str| format!("test-{name}-{}", std::process::id());
    let (mut dead, orphan) = role(&["__owner", &id("dead")]);
    let (mut living, child) = role(&["__owner", &id("living")]);
    dead.kill().unwrap();
    // Not reaped yet: a zombie runner counts as dead.
    wait_until("the runner is a zombie", || !alive(dead.id()));
    assert!(alive(orphan));
    let ids = |sessions: Vec<Session>| sessions.into_iter().map(|s| s.id).collect::<Vec<_>>();
    let stale = ids(lab_limits::stale_sessions(&kernel()).unwrap());
    assert!(
        stale.contains(&id("dead")) && !stale.contains(&id("living")),
        "{stale:?}"
    );
    let live = ids(lab_limits::live_sessions(&kernel()).unwrap());
    assert!(
        !live.contains(&id("dead")) && live.contains(&id("living")),
        "{live:?}"
    );
    // Asked for the living one by name, the sweeper refuses.
    let sessions = lab_limits::live_sessions(&kernel()).unwrap();
    let session = sessions.into_iter().find(|s| s.id == id("living")).unwrap();
    assert!(lab_limits::sweep(&kernel(), &session).is_err());

    let swept = lab_limits::sweep_stale(&kernel()).unwrap();
    let (session, what) = swept.iter().find(|(s, _)| s.id == id("dead")).unwrap();
    assert!(what.killed >= 1);
    assert!(!alive(orphan));
    assert!(folders_of(session).is_empty());
    assert!(alive(living.id()) && alive(child));
    assert!(!ids(lab_limits::stale_sessions(&kernel()).unwrap()).contains(&id("dead")));
    dead.wait().unwrap();

    // The living one ends in good order.
    drop(living.stdin.take());
    assert!(living.wait().unwrap().success());
    assert!(!alive(child));
}
