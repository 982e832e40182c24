//! One session on this machine: the lock, the limits, the runtime folder, and the guard that cleans up after a kill.

use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use lab_limits::{Group, GroupSpec, Host, Kernel, Kind, Limiter, Owner};
use miette::{IntoDiagnostic as _, WrapErr as _};
use rustix::fs::{FlockOperation, flock};

use crate::error::LabError;

/// Beginning of the names of runtime folders; the session's folder name follows.
const RUNTIME_PREFIX: &str = "bench-frameworks-";

/// Everything that must be gone when the session ends.
#[derive(Debug)]
pub struct Session {
    /// How limits are enforced.
    pub limiter: Box<dyn Limiter>,
    /// Facts about the host.
    pub host: Host,
    /// The system.
    pub kernel: Arc<dyn Kernel>,
    /// Folder for the cluster, logs and sockets; others may pass through it, because Postgres runs as another user.
    pub dir: PathBuf,
    guard: Child,
    lock: std::fs::File,
    closed: bool,
}

/// What kinds of limits the user accepts.
#[derive(Debug, Clone, Copy, Default)]
pub struct LimitsWanted {
    /// A backend by name; the best one otherwise.
    pub kind: Option<Kind>,
    /// No quota is acceptable.
    pub allow_affinity_only: bool,
}

impl Session {
    /// Takes the lock, sweeps what dead sessions left, chooses the limits, makes the folder and starts the guard.
    ///
    /// # Errors
    /// Another run is going on; no quota can be enforced and that was not allowed; the folder cannot be made.
    pub fn open(id: &str, wanted: LimitsWanted) -> miette::Result<Self> {
        let kernel = lab_limits::real();
        let lock = take_lock(id)?;
        sweep(&kernel)?;
        let probe = lab_limits::probe(&kernel).into_diagnostic()?;
        let kind = wanted.kind.unwrap_or(probe.chosen);
        if !kind.has_quota() && !wanted.allow_affinity_only {
            let why: Vec<String> = probe
                .candidates
                .iter()
                .filter(|c| !c.usable && c.kind.has_quota())
                .map(|c| format!("{}: {}", c.kind, c.reason))
                .collect();
            return Err(LabError::Limits {
                message: format!("no CPU quota can be enforced here ({})", why.join("; ")),
                help: "`bench doctor` shows the fix for each way; or run with --allow-affinity-only: cores are capped, \
                       nothing is throttled, and the results are marked"
                    .to_owned(),
            }
            .into());
        }
        let owner = Owner::current(&*kernel).into_diagnostic()?;
        let session = lab_limits::Session::new(id, owner).into_diagnostic()?;
        let limiter = lab_limits::open(&kernel, session, Some(kind))
            .into_diagnostic()
            .wrap_err("cannot set up limits")?;
        let dir = make_runtime_dir(limiter.session())?;
        let guard = start_guard(limiter.session(), &dir)?;
        Ok(Self {
            limiter,
            host: probe.host,
            kernel,
            dir,
            guard,
            lock,
            closed: false,
        })
    }

    /// Makes a group and checks that the limits really hold.
    ///
    /// # Errors
    /// The kernel refuses, or what is read back differs from what was asked.
    pub fn group(&self, name: &str, spec: &GroupSpec) -> miette::Result<Box<dyn Group>> {
        self.limiter
            .create(name, spec)
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot make the group of {name}"))
    }

    /// Ends the session: kills what is left, removes groups and folder.
    ///
    /// # Errors
    /// Something does not go away.
    pub fn close(mut self) -> miette::Result<()> {
        self.close_inner()
    }

    fn close_inner(&mut self) -> miette::Result<()> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        let outcome = self.limiter.close().into_diagnostic();
        remove_dir(&self.dir);
        // Closing its input ends the guard: it finds nothing left to do.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
        let _ = self.lock.set_len(0);
        outcome
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Err(e) = self.close_inner() {
            crate::ui::warn(&format!("not everything could be cleaned up: {e}"));
        }
    }
}

fn runtime_root() -> PathBuf {
    std::env::var_os("BENCH_RUNTIME").map_or_else(std::env::temp_dir, PathBuf::from)
}

/// One runner at a time on a machine: two would disturb each other's figures.
fn take_lock(id: &str) -> miette::Result<std::fs::File> {
    let path = runtime_root().join("bench-frameworks.lock");
    let mut file = open_lock(&path)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot open the lock {}", path.display()))?;
    let mut holder = String::new();
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        file.read_to_string(&mut holder).into_diagnostic()?;
        let pid = holder.split_whitespace().nth(1).unwrap_or("?").to_owned();
        return Err(LabError::Busy {
            holder: holder.trim().to_owned(),
            pid,
        }
        .into());
    }
    file.set_len(0).into_diagnostic()?;
    file.rewind().into_diagnostic()?;
    writeln!(
        file,
        "process {} with run {id} since {}",
        std::process::id(),
        jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    .into_diagnostic()?;
    Ok(file)
}

/// The lock is every user's: who comes second, whoever it is, must be able to take it and to say so in it.
fn open_lock(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true);
    let share = |file: &std::fs::File| {
        // Only its owner can; then it is done already.
        let _ = file.set_permissions(std::fs::Permissions::from_mode(0o666));
    };
    // Without O_CREAT first: Linux refuses it for another user's file in a sticky folder (fs.protected_regular).
    match options.open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        opened => return opened.inspect(share),
    }
    match options.create_new(true).open(path) {
        Ok(file) => {
            share(&file);
            Ok(file)
        }
        // Another runner was quicker.
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            options.create_new(false).open(path)
        }
        Err(e) => Err(e),
    }
}

/// Takes away what dead sessions left: processes, groups, runtime folders.
///
/// # Errors
/// Something cannot be removed.
pub fn sweep(kernel: &Arc<dyn Kernel>) -> miette::Result<()> {
    for (session, swept) in lab_limits::sweep_stale(kernel).into_diagnostic()? {
        crate::ui::note(&format!(
            "swept what an earlier run left ({}): {} processes, {} groups",
            session.id,
            swept.killed,
            swept.removed.len()
        ));
    }
    let Ok(entries) = fs_err::read_dir(runtime_root()) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix(RUNTIME_PREFIX) else {
            continue;
        };
        // NAME.PID.START: only folders of dead owners.
        let mut parts = rest.rsplitn(3, '.');
        let (Some(start), Some(pid)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (Ok(start), Ok(pid)) = (start.parse::<u64>(), pid.parse::<u32>()) else {
            continue;
        };
        let alive =
            lab_limits::procs::stat(&**kernel, pid).is_ok_and(|s| s.start == start && !s.ended());
        if !alive {
            remove_dir(&entry.path());
        }
    }
    Ok(())
}

fn make_runtime_dir(session: &lab_limits::Session) -> miette::Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let (pid, start) = session.owner.as_ref().map_or((0, 0), |o| (o.pid, o.start));
    let dir = runtime_root().join(format!("{RUNTIME_PREFIX}{}.{pid}.{start}", session.id));
    fs_err::create_dir(&dir).into_diagnostic()?;
    fs_err::set_permissions(&dir, std::fs::Permissions::from_mode(0o711)).into_diagnostic()?;
    Ok(dir)
}

fn remove_dir(dir: &Path) {
    // A file may vanish while its folder is being read: try again, then leave it to the next sweep.
    for _ in 0..3 {
        if fs_err::remove_dir_all(dir).is_ok() || !dir.exists() {
            return;
        }
    }
}

/// `bench __guard` waits for the end of its input, which comes with the end of this process, however it ends.
fn start_guard(session: &lab_limits::Session, dir: &Path) -> miette::Result<Child> {
    use std::os::unix::process::CommandExt as _;
    Command::new("/proc/self/exe")
        .arg("__guard")
        .arg(serde_json::to_string(session).into_diagnostic()?)
        .arg(dir)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .into_diagnostic()
        .wrap_err("cannot start the guard")
}

/// The body of `bench __guard`.
///
/// # Errors
/// Something does not go away.
pub fn guard(session: &lab_limits::Session, dir: &Path) -> miette::Result<()> {
    let _ = std::io::stdin().read(&mut [0; 1]);
    let kernel = lab_limits::real();
    // The runner may still be a dying process for a moment; a living one (it closed its end on purpose) has cleaned up.
    for _ in 0..200 {
        let gone = session
            .owner
            .as_ref()
            .is_none_or(|owner| owner.state(&*kernel) == lab_limits::OwnerState::Dead);
        if gone {
            lab_limits::sweep(&kernel, session).into_diagnostic()?;
            remove_dir(dir);
            return Ok(());
        }
        if !dir.exists() {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Ok(())
}
