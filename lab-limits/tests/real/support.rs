//! What the tests share.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use lab_limits::{ExecSpec, Group, Host, Kernel, Kind, Limiter, Owner, Session, UserIds};

/// What a test needs to be able to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// A backend with quota and counters.
    Quota,
    /// The same, and two CPUs.
    QuotaOnTwoCpus,
    Root,
}

impl Needs {
    pub fn lacking(self) -> Option<String> {
        match self {
            Self::Quota | Self::QuotaOnTwoCpus if !kind().has_quota() => {
                let probe = lab_limits::probe(&kernel()).unwrap();
                let reasons = probe.candidates.iter().filter(|c| !c.usable);
                let reasons: Vec<String> = reasons
                    .map(|c| format!("{}: {}", c.kind, c.reason))
                    .collect();
                Some(format!("no backend with a quota ({})", reasons.join("; ")))
            }
            Self::QuotaOnTwoCpus if Host::read(&*kernel()).unwrap().capacity() < 2 => {
                Some("one CPU only: a quota of one CPU cannot show".into())
            }
            Self::Root if kernel().euid() != 0 => Some("not root".into()),
            _ => None,
        }
    }
}

pub type Add<'a> = dyn FnMut(&'static str, Needs, fn()) + 'a;

pub fn register(add: &mut Add) {
    add(
        "the_expected_backend_is_chosen",
        Needs::Nothing,
        the_expected_backend_is_chosen,
    );
}

fn the_expected_backend_is_chosen() {
    let probe = lab_limits::probe(&kernel()).unwrap();
    let text = serde_json::to_string_pretty(&probe).unwrap();
    eprintln!("{text}");
    assert_eq!(
        serde_json::from_str::<lab_limits::Probe>(&text).unwrap(),
        probe
    );
    if let Ok(wanted) = std::env::var("BENCH_EXPECT_KIND") {
        assert_eq!(serde_json::to_value(probe.chosen).unwrap(), wanted);
    }
    let chosen = probe
        .candidates
        .iter()
        .find(|c| c.kind == probe.chosen)
        .unwrap();
    assert!(chosen.usable && chosen.fix.is_empty());
    for rejected in probe.candidates.iter().filter(|c| !c.usable) {
        assert!(
            !rejected.reason.is_empty() && !rejected.fix.is_empty(),
            "{rejected:?}"
        );
    }
}

pub fn kernel() -> Arc<dyn Kernel> {
    lab_limits::real()
}

/// The backend under test.
pub fn kind() -> Kind {
    static KIND: LazyLock<Kind> =
        LazyLock::new(|| lab_limits::probe(&lab_limits::real()).unwrap().chosen);
    *KIND
}

/// A session of its own for each test; swept at the end, also when the test fails.
pub struct Lab {
    pub limiter: Box<dyn Limiter>,
}

impl Lab {
    pub fn new() -> Self {
        Self::of_kind(kind())
    }

    pub fn of_kind(kind: Kind) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = format!("test-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let session = Session::new(&id, Owner::current(&*kernel()).unwrap()).unwrap();
        let limiter = lab_limits::open(&kernel(), session, Some(kind)).unwrap();
        assert_eq!(limiter.kind(), kind);
        Self { limiter }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let closed = self.limiter.close();
        if !std::thread::panicking() {
            closed.unwrap();
        }
    }
}

/// Starts a command in a group, the way the runner does.
pub fn start(group: &dyn Group, user: Option<UserIds>, command: &[&str]) -> Child {
    let spec = ExecSpec {
        join: group.join(),
        user,
        die_with: Some(std::process::id()),
    };
    helper(&spec, command).spawn().unwrap()
}

/// The command line of this program as the exec helper.
pub fn helper(spec: &ExecSpec, command: &[&str]) -> Command {
    let mut out = Command::new(std::env::current_exe().unwrap());
    out.arg("__exec")
        .arg(serde_json::to_string(spec).unwrap())
        .args(command);
    out.envs(&spec.join.env).stdin(Stdio::null());
    out
}

/// This program in another role, as an argument for `start`.
pub fn myself() -> String {
    std::env::current_exe()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

/// Waits until something holds; fails after 20 s.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "waited 20 s for: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a child has become its program (the command line is there last, after name and environment).
pub fn wait_for_program(pid: u32, name: &str) {
    wait_until(&format!("process {pid} becomes {name}"), || {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.starts_with(name.as_bytes()) && line.get(name.len()) == Some(&0)
    });
}

/// Is the process there, and not only as a zombie?
pub fn alive(pid: u32) -> bool {
    lab_limits::procs::stat(&*kernel(), pid).is_ok_and(|stat| !stat.ended())
}

/// A line of /proc/PID/status.
pub fn status(pid: u32, key: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text
        .lines()
        .find_map(|l| l.strip_prefix(key)?.strip_prefix(':'))
        .unwrap();
    line.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// All folders of sessions with this id that are left in any hierarchy.
pub fn folders_of(session: &Session) -> Vec<PathBuf> {
    let out = Command::new("find")
        .args([
            "/sys/fs/cgroup",
            "-type",
            "d",
            "-name",
            &format!("benchfw.{}.*", session.id),
        ])
        .output()
        .unwrap();
    let own = format!(".{}.", session.owner.as_ref().unwrap().pid);
    String::from_utf8(out.stdout)
        .unwrap()
        .lines()
        .filter(|l| l.contains(&own))
        .map(PathBuf::from)
        .collect()
}
