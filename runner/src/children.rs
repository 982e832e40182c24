//! Starting programs: in their group, tied to this process, with an environment that is the same on every host.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use lab_limits::{ExecSpec, Group, UserIds};
use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use rustix::process::{Pid, Signal, kill_process};

use crate::error::LabError;
use crate::interrupt::Interrupt;

/// How a program is started.
#[derive(Debug)]
pub struct Start<'a> {
    /// The program; names without a slash are looked up in PATH.
    pub program: &'a Path,
    /// Its arguments.
    pub args: Vec<String>,
    /// Working folder.
    pub dir: &'a Path,
    /// Environment, on top of the fixed one.
    pub env: BTreeMap<String, String>,
    /// The group it joins.
    pub group: &'a dyn Group,
    /// Another user.
    pub user: Option<UserIds>,
    /// Where its output goes (appended).
    pub log: &'a Path,
}

/// A started program. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: PathBuf,
}

/// Environment that every child gets: PATH from here, nothing else of the caller's. The size and content of the
/// environment can shift timings (Mytkowicz et al. 2009), so it must not depend on who started the lab.
fn fixed_environment() -> [(&'static str, String); 4] {
    [
        (
            "PATH",
            std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ),
        ("LANG", "C.UTF-8".to_owned()),
        ("TZ", "UTC".to_owned()),
        ("HOME", "/nonexistent".to_owned()),
    ]
}

impl Start<'_> {
    /// Starts it. Call from a thread that lives as long as the child should.
    ///
    /// # Errors
    /// The log cannot be opened, or this program cannot be started again (`bench __exec`).
    pub fn spawn(&self) -> miette::Result<Running> {
        let log = fs_err::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log)
            .into_diagnostic()?;
        let spec = ExecSpec {
            join: self.group.join(),
            user: self.user,
            die_with: Some(std::process::id()),
        };
        let child = Command::new("/proc/self/exe")
            .arg("__exec")
            .arg("--spec")
            .arg(serde_json::to_string(&spec).into_diagnostic()?)
            .arg("--")
            .arg(self.program)
            .args(&self.args)
            .current_dir(self.dir)
            .env_clear()
            .envs(fixed_environment())
            .envs(&self.env)
            .envs(&spec.join.env)
            // Ctrl-C in the terminal goes to the runner alone; it then ends its children in order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.file().try_clone().into_diagnostic()?)
            .stderr(log.into_file())
            .spawn()
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot start {}", self.program.display()))?;
        Ok(Running {
            child,
            log: self.log.to_owned(),
        })
    }

    /// Starts it and waits for its end.
    ///
    /// # Errors
    /// It cannot be started, ends with a failure, takes longer than `limit`, or a signal arrives.
    pub fn run(&self, limit: Duration, interrupt: &Interrupt) -> miette::Result<()> {
        let mut running = self.spawn()?;
        let status = running.wait(Some(limit), interrupt)?;
        if status.success() {
            return Ok(());
        }
        Err(miette!(
            help = format!("its output is in {}", self.log.display()),
            "{} failed ({status}): {}",
            self.program
                .file_name()
                .unwrap_or(OsStr::new("program"))
                .display(),
            running.last_words()
        ))
    }
}

impl Running {
    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Has it ended?
    ///
    /// # Errors
    /// The kernel cannot be asked.
    pub fn ended(&mut self) -> miette::Result<Option<ExitStatus>> {
        self.child.try_wait().into_diagnostic()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// The limit passes, or a signal arrives; the program still runs then.
    pub fn wait(
        &mut self,
        limit: Option<Duration>,
        interrupt: &Interrupt,
    ) -> miette::Result<ExitStatus> {
        let end = limit.map(|l| Instant::now() + l);
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if end.is_some_and(|e| Instant::now() > e) {
                return Err(miette!("process {} did not end in time", self.pid()));
            }
            interrupt
                .sleep(Duration::from_millis(5))
                .map_err(miette::Report::from)?;
        }
    }

    /// Sends a signal to the process itself.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.pid()).ok().and_then(Pid::from_raw) {
            // It may have ended: then there is nobody to tell.
            let _ = kill_process(pid, signal);
        }
    }

    /// Asks it to end by `signal`, waits, and kills it if it does not. True if it ended by itself.
    pub fn stop(&mut self, signal: Signal, patience: Duration) -> bool {
        self.signal(signal);
        let end = Instant::now() + patience;
        while Instant::now() < end {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        false
    }

    /// The last line of its log that says something, for messages.
    pub fn last_words(&self) -> String {
        last_line(&self.log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The last line of a log that says something; at most 300 characters of it.
pub fn last_line(log: &Path) -> String {
    let text = fs_err::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text
        .lines()
        .rev()
        .find(|l| !l.trim().is_empty())
        .unwrap_or("it said nothing");
    line.chars().take(300).collect()
}

/// Fails early when a signal has arrived.
///
/// # Errors
/// [`LabError::Interrupted`] as a report.
pub fn check(interrupt: &Interrupt) -> miette::Result<()> {
    interrupt.check().map_err(|e: LabError| e.into())
}
