//! A cluster and a command on this machine (Linux), for checks by hand and for callers without means of their own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::control::{ControlError, Database, EnvChange, Exit, Service};

const POLL: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(30);

/// A PostgreSQL data directory with its server. Run by root, the server is started as the directory's owner.
#[derive(Debug)]
pub struct LocalCluster {
    data: PathBuf,
    pg_ctl: PathBuf,
    owner_url: String,
    service_url: String,
    /// Wakes what was frozen when its stdin ends: at our word, or when we are killed.
    waker: Option<Child>,
}

impl LocalCluster {
    /// `data` is the data directory of a running server, `pg_ctl` the program that starts it.
    pub fn new(
        data: impl Into<PathBuf>,
        pg_ctl: impl Into<PathBuf>,
        owner_url: impl Into<String>,
        service_url: impl Into<String>,
    ) -> Self {
        Self {
            data: data.into(),
            pg_ctl: pg_ctl.into(),
            owner_url: owner_url.into(),
            service_url: service_url.into(),
            waker: None,
        }
    }

    fn postmaster(&self) -> Result<Pid, ControlError> {
        let file = self.data.join("postmaster.pid");
        let text = fs::read_to_string(&file)
            .map_err(|error| ControlError::new(format!("{}: {error}", file.display())))?;
        text.lines()
            .next()
            .and_then(|line| line.trim().parse().ok())
            .and_then(Pid::from_raw)
            .ok_or_else(|| ControlError::new(format!("{}: no process id", file.display())))
    }
}

impl Database for LocalCluster {
    fn owner_url(&self) -> String {
        self.owner_url.clone()
    }

    fn service_url(&self) -> String {
        self.service_url.clone()
    }

    fn stop(&mut self) -> Result<(), ControlError> {
        let postmaster = self.postmaster()?;
        // SIGQUIT is PostgreSQL's immediate shutdown.
        kill_process(postmaster, Signal::QUIT).map_err(ControlError::new)?;
        let start = Instant::now();
        while runs(postmaster) {
            if start.elapsed() > PATIENCE {
                return Err(ControlError::new("PostgreSQL did not stop"));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn start(&mut self) -> Result<(), ControlError> {
        let mut command = Command::new(&self.pg_ctl);
        command
            .arg("-D")
            .arg(&self.data)
            .arg("-l")
            .arg(self.data.join("contract.log"))
            .args(["-w", "-t", "30", "-s", "start"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if rustix::process::getuid().is_root() {
            let owner = fs::metadata(&self.data)?;
            command.uid(owner.uid()).gid(owner.gid());
        }
        let status = command
            .status()
            .map_err(|error| ControlError::new(format!("{}: {error}", self.pg_ctl.display())))?;
        if status.success() {
            Ok(())
        } else {
            Err(ControlError::new(format!(
                "pg_ctl start: {status}; see {}",
                self.data.join("contract.log").display()
            )))
        }
    }

    fn pause(&mut self) -> Result<(), ControlError> {
        let postmaster = self.postmaster()?;
        // The parent first: it can then start no further child.
        kill_process(postmaster, Signal::STOP).map_err(ControlError::new)?;
        let mut frozen = vec![postmaster];
        frozen.extend(children(postmaster)?);
        let ids: Vec<String> = frozen
            .iter()
            .map(|pid| pid.as_raw_nonzero().to_string())
            .collect();
        self.waker = Some(
            Command::new("sh")
                .arg("-c")
                .arg(format!("read _; kill -CONT {}", ids.join(" ")))
                // A Ctrl-C for us is not for it.
                .process_group(0)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?,
        );
        for child in frozen.into_iter().skip(1) {
            // One that has ended meanwhile needs no freezing.
            let _ = kill_process(child, Signal::STOP);
        }
        Ok(())
    }

    fn resume(&mut self) -> Result<(), ControlError> {
        if let Some(mut waker) = self.waker.take() {
            drop(waker.stdin.take());
            waker.wait()?;
        }
        Ok(())
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        let _ = self.resume();
    }
}

fn children(parent: Pid) -> Result<Vec<Pid>, ControlError> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw)
        else {
            continue;
        };
        if stat(pid).is_some_and(|(_, of)| of == parent.as_raw_nonzero().get()) {
            found.push(pid);
        }
    }
    Ok(found)
}

/// State and parent of a process.
fn stat(pid: Pid) -> Option<(char, i32)> {
    let text = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The command's name stands in parentheses and may contain anything.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}

fn runs(pid: Pid) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z')
}

/// A command whose environment carries its budget; `{port}` in a value becomes a free port at every start.
#[derive(Debug)]
pub struct CommandService {
    command: Vec<String>,
    directory: PathBuf,
    environment: BTreeMap<String, String>,
    log: PathBuf,
    address: SocketAddr,
    running: Option<Child>,
    ended: Option<ExitStatus>,
}

impl CommandService {
    /// `command` is run in `directory` with `environment` and little else; its stderr goes to the file `log`.
    pub fn new(
        command: Vec<String>,
        directory: impl AsRef<Path>,
        environment: BTreeMap<String, String>,
        log: impl Into<PathBuf>,
    ) -> Self {
        Self {
            command,
            directory: directory.as_ref().to_path_buf(),
            environment,
            log: log.into(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            running: None,
            ended: None,
        }
    }

    fn child(&mut self) -> Result<&mut Child, ControlError> {
        self.running
            .as_mut()
            .ok_or_else(|| ControlError::new("the service has not been started"))
    }

    fn pid(&mut self) -> Result<Pid, ControlError> {
        let id = self.child()?.id();
        i32::try_from(id)
            .ok()
            .and_then(Pid::from_raw)
            .ok_or_else(|| ControlError::new(format!("{id} is no process id")))
    }
}

impl Service for CommandService {
    fn variables(&self) -> Vec<String> {
        self.environment.keys().cloned().collect()
    }

    fn start(&mut self, changes: &[EnvChange]) -> Result<(), ControlError> {
        self.kill()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        self.address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (program, arguments) = self
            .command
            .split_first()
            .ok_or_else(|| ControlError::new("the service's command is empty"))?;
        // A relative program is meant relative to the directory it runs in.
        let in_directory = self.directory.join(program);
        let program = if program.contains('/') && in_directory.exists() {
            fs::canonicalize(&self.directory)?.join(program)
        } else {
            PathBuf::from(program)
        };
        let mut command = Command::new(&program);
        command
            .args(arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(
                std::env::vars_os()
                    .filter(|(name, _)| name == "PATH" || name == "HOME" || name == "LANG"),
            )
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&self.log)?);
        for (name, value) in &self.environment {
            command.env(name, value.replace("{port}", &port.to_string()));
        }
        for change in changes {
            match &change.value {
                Some(value) => command.env(&change.name, value),
                None => command.env_remove(&change.name),
            };
        }
        self.ended = None;
        self.running = Some(
            command
                .spawn()
                .map_err(|error| ControlError::new(format!("{}: {error}", program.display())))?,
        );
        Ok(())
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn terminate(&mut self) -> Result<(), ControlError> {
        let pid = self.pid()?;
        kill_process(pid, Signal::TERM).map_err(ControlError::new)
    }

    fn wait(&mut self, limit: Duration) -> Result<Option<Exit>, ControlError> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended {
                return Ok(Some(Exit {
                    code: status.code(),
                }));
            }
            self.ended = self.child()?.try_wait()?;
            if self.ended.is_none() && start.elapsed() >= limit {
                return Ok(None);
            }
            if self.ended.is_none() {
                thread::sleep(POLL);
            }
        }
    }

    fn kill(&mut self) -> Result<(), ControlError> {
        if self.running.is_none() {
            return Ok(());
        }
        // The whole group: workers outlive a first process that was killed.
        let group = self.pid()?;
        let _ = kill_process_group(group, Signal::KILL);
        if let Some(mut child) = self.running.take() {
            self.ended = Some(child.wait()?);
        }
        Ok(())
    }

    fn log(&mut self) -> Result<String, ControlError> {
        match fs::read(&self.log) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for CommandService {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
