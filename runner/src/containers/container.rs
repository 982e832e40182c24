//! One container, asked and told through the engine's command line, which docker and podman share.

use std::io::Write as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lab_limits::{Error, Foreign, Group, InForce, Join, Kernel, Usage};
use miette::{IntoDiagnostic as _, WrapErr as _, miette};

/// Exit code of a container whose main process was killed.
const KILLED: i32 = 128 + 9;

/// A container by its name; it may run or not, or not be there yet.
#[derive(Debug, Clone)]
pub struct Container {
    engine: Vec<String>,
    name: String,
}

/// A program with its arguments. `words`: the program, and what always comes first.
fn command(words: &[String], args: &[&str]) -> miette::Result<Command> {
    let (program, first) = words
        .split_first()
        .ok_or_else(|| miette!("there is no word to call the container engine by"))?;
    let mut command = Command::new(program);
    command
        .args(first)
        .args(args)
        // Ctrl-C is the runner's to handle.
        .process_group(0)
        .stdin(Stdio::null());
    Ok(command)
}

/// Runs a program to its end; what it printed.
///
/// # Errors
/// It cannot be started, or fails: with its last words.
pub(super) fn run(
    words: &[String],
    args: &[&str],
    dir: Option<&Path>,
    input: Option<&[u8]>,
) -> miette::Result<Vec<u8>> {
    let mut command = command(words, args)?;
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    if let Some(dir) = dir {
        command.current_dir(dir);
    }
    let said = format!("{} {}", words.join(" "), args.join(" "));
    let mut child = command
        .spawn()
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot start `{said}`"))?;
    if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
        // One that does not read its input says why below.
        let _ = pipe.write_all(input);
    }
    let output = child.wait_with_output().into_diagnostic()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().rev().find(|l| !l.trim().is_empty());
    Err(miette!(
        "`{said}` failed ({}): {}",
        output.status,
        last.unwrap_or("it said nothing")
    ))
}

impl Container {
    pub(super) fn new(engine: &[String], name: &str) -> Self {
        Self {
            engine: engine.to_vec(),
            name: name.to_owned(),
        }
    }

    fn engine(&self, args: &[&str]) -> miette::Result<Vec<u8>> {
        run(&self.engine, args, None, None)
    }

    /// A field of the engine's `inspect`.
    fn field(&self, template: &str) -> miette::Result<String> {
        let said = self.engine(&["inspect", "--format", template, &self.name])?;
        Ok(String::from_utf8_lossy(&said).trim().to_owned())
    }

    /// Its main process, if it runs.
    pub fn pid(&self) -> Option<u32> {
        let pid = self.field("{{.State.Pid}}").ok()?.parse().ok()?;
        (pid != 0).then_some(pid)
    }

    /// How its main process has ended; `None` while it runs.
    ///
    /// # Errors
    /// The engine does not know it.
    pub fn ended(&self) -> miette::Result<Option<ExitStatus>> {
        let said = self.field("{{.State.Running}} {{.State.ExitCode}}")?;
        let (running, code) = said.split_once(' ').unwrap_or_default();
        // The second byte of a wait status is the exit code.
        let status = || ExitStatus::from_raw(code.parse().unwrap_or(1) << 8);
        Ok((running != "true").then(status))
    }

    /// Runs a program inside; what it printed.
    ///
    /// # Errors
    /// It fails, or the container does not run.
    pub fn exec(&self, command: &[&str], input: Option<&[u8]>) -> miette::Result<Vec<u8>> {
        let args: Vec<&str> = ["exec"]
            .into_iter()
            .chain(input.map(|_| "-i"))
            .chain([self.name.as_str()])
            .chain(command.iter().copied())
            .collect();
        run(&self.engine, &args, None, input)
    }

    /// The words of an `exec` that somebody else starts, with variables.
    pub fn exec_words<'a>(
        &self,
        env: impl IntoIterator<Item = (&'a String, &'a String)>,
        command: &[String],
    ) -> Vec<String> {
        let variables = env
            .into_iter()
            .flat_map(|(name, value)| ["-e".to_owned(), format!("{name}={value}")]);
        let mut words = self.engine.clone();
        words.push("exec".to_owned());
        words.extend(variables);
        words.push(self.name.clone());
        words.extend_from_slice(command);
        words
    }

    /// SIGTERM to its main process, without waiting.
    pub fn terminate(&self) {
        // It may have ended: then there is nobody to tell.
        let _ = self.engine(&["kill", "--signal", "TERM", &self.name]);
    }

    /// SIGTERM, then SIGKILL after `patience`. True if it ended by itself.
    pub fn stop(&self, patience: Duration) -> bool {
        let seconds = patience.as_secs().max(1).to_string();
        let stopped = self.engine(&["stop", "-t", &seconds, &self.name]);
        let status = self.ended().ok().flatten();
        stopped.is_ok() && status.is_some_and(|s| s.code() != Some(KILLED))
    }

    /// Writes what it has said to a file.
    ///
    /// # Errors
    /// The engine does not know it, or the file cannot be written.
    pub fn keep_log(&self, path: &Path) -> miette::Result<()> {
        let log = fs_err::File::create(path).into_diagnostic()?.into_file();
        command(&self.engine, &["logs", &self.name])?
            .stdout(log.try_clone().into_diagnostic()?)
            .stderr(log)
            .status()
            .into_diagnostic()?;
        Ok(())
    }

    /// How to read what it said.
    pub fn where_log(&self) -> String {
        format!("see `{} logs {}`", self.engine.join(" "), self.name)
    }

    /// Takes it away, running or not: the next one starts with fresh counters.
    pub fn remove(&self) {
        let _ = self.engine(&["rm", "-f", "-v", &self.name]);
    }

    /// Its cgroup.
    pub fn group(&self, kernel: &Arc<dyn Kernel>) -> Box<dyn Group> {
        Box::new(ContainerGroup {
            container: self.clone(),
            kernel: Arc::clone(kernel),
            found: OnceLock::new(),
        })
    }
}

/// The cgroup of a container, found at the first look: it is there once the container runs.
#[derive(Debug)]
struct ContainerGroup {
    container: Container,
    kernel: Arc<dyn Kernel>,
    found: OnceLock<Foreign>,
}

impl ContainerGroup {
    fn foreign(&self) -> lab_limits::Result<&Foreign> {
        if let Some(found) = self.found.get() {
            return Ok(found);
        }
        let pid = self.container.pid().ok_or_else(|| {
            Error::Value(format!("container {} does not run", self.container.name))
        })?;
        let found = Foreign::of_process(&self.kernel, pid)?;
        Ok(self.found.get_or_init(|| found))
    }
}

impl Group for ContainerGroup {
    fn name(&self) -> &str {
        &self.container.name
    }

    fn place(&self) -> String {
        self.foreign()
            .map_or_else(|e| e.to_string(), Foreign::place)
    }

    /// Nothing: the engine puts processes there.
    fn join(&self) -> Join {
        Join::default()
    }

    fn members(&self) -> lab_limits::Result<Vec<u32>> {
        self.foreign()?.members()
    }

    fn usage(&self) -> lab_limits::Result<Usage> {
        self.foreign()?.usage()
    }

    fn read_back(&self) -> lab_limits::Result<InForce> {
        self.foreign()?.read_back()
    }

    /// Whatever runs besides the main process goes: the container starts anew. One that is gone has nothing.
    fn kill_all(&self) -> lab_limits::Result<usize> {
        let more = self.members().map_or(0, |all| all.len().saturating_sub(1));
        if more > 0 {
            self.container
                .engine(&["restart", "-t", "0", &self.container.name])
                .map_err(|e| Error::Value(e.to_string()))?;
        }
        Ok(more)
    }

    fn remove(self: Box<Self>) -> lab_limits::Result<()> {
        self.kill_all().map(drop)
    }
}
