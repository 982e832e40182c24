//! One target as a running service.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use api_contract::http::USER_AGENT;
use lab_limits::Group;
use lab_model::config::Budget;
use miette::miette;
use rustix::process::Signal;

use crate::children::{Running, Start};
use crate::containers::{Container, Stack};
use crate::context::Context;
use crate::interrupt::Interrupt;

/// A started service.
#[derive(Debug)]
pub struct Service {
    body: Body,
    /// Where it listens.
    pub address: SocketAddr,
    /// From start to the first 200 of /readyz.
    pub ready: Option<Duration>,
    started: Instant,
    drain: Duration,
}

/// What is started.
#[derive(Debug)]
enum Body {
    /// A program of ours.
    Process(Running),
    /// A container.
    Container(Contained),
}

/// A container of its own for one start. Dropping it takes it away.
#[derive(Debug)]
struct Contained {
    container: Container,
    pid: u32,
    log: PathBuf,
}

impl Contained {
    fn last_words(&self) -> String {
        let _ = self.container.keep_log(&self.log);
        crate::children::last_line(&self.log)
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        let _ = self.container.keep_log(&self.log);
        self.container.remove();
    }
}

impl Body {
    fn ended(&mut self) -> miette::Result<Option<ExitStatus>> {
        match self {
            Self::Process(process) => process.ended(),
            Self::Container(body) => body.container.ended(),
        }
    }

    fn last_words(&self) -> String {
        match self {
            Self::Process(process) => process.last_words(),
            Self::Container(body) => body.last_words(),
        }
    }
}

impl Service {
    /// Starts a target on a port with its budget; does not wait.
    ///
    /// # Errors
    /// Unknown target, or the program cannot be started.
    pub fn start(
        context: &Context,
        name: &str,
        budget: &Budget,
        port: u16,
        database_url: &str,
        group: &dyn Group,
        log: &Path,
    ) -> miette::Result<Self> {
        Self::start_with(context, name, budget, port, database_url, group, log, &[])
    }

    /// Like [`Service::start`], with changes to its environment (`None` removes a variable).
    ///
    /// # Errors
    /// As [`Service::start`].
    #[allow(
        clippy::too_many_arguments,
        reason = "all of them differ from start to start"
    )]
    pub fn start_with(
        context: &Context,
        name: &str,
        budget: &Budget,
        port: u16,
        database_url: &str,
        group: &dyn Group,
        log: &Path,
        changes: &[(String, Option<String>)],
    ) -> miette::Result<Self> {
        if let Some(stack) = &context.stack {
            return Self::start_container(context, stack, name, log);
        }
        let target = context.lab.target(name)?;
        let cargo_target = context.cargo_target();
        let placeholders = context.placeholders(budget, port, database_url, &cargo_target);
        let command: Vec<String> = context
            .command_of(name, target)
            .iter()
            .map(|w| placeholders.fill(w))
            .collect();
        let mut env: BTreeMap<String, String> = target
            .env
            .iter()
            .map(|(k, v)| (k.clone(), placeholders.fill(v)))
            .collect();
        for (name, value) in changes {
            match value {
                Some(value) => env.insert(name.clone(), value.clone()),
                None => env.remove(name),
            };
        }
        let (program, args) = command
            .split_first()
            .ok_or_else(|| miette!("target {name} has no command"))?;
        let program = context.resolve(target, program);
        if program.is_absolute() && !program.exists() {
            return Err(miette!(
                help = format!("run `bench build {name}`"),
                "{name} is not built: no {}",
                program.display()
            ));
        }
        let dir = context.dir_of(target);
        let started = Instant::now();
        let process = Start {
            program: &program,
            args: args.to_vec(),
            dir: &dir,
            env,
            group,
            user: None,
            log,
        }
        .spawn()?;
        Ok(Self {
            body: Body::Process(process),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            ready: None,
            started,
            drain: Duration::from_millis(context.lab.contract.drain_timeout_ms),
        })
    }

    /// Starts a target's container: compose has its budget and its environment.
    fn start_container(
        context: &Context,
        stack: &Stack,
        name: &str,
        log: &Path,
    ) -> miette::Result<Self> {
        let started = Instant::now();
        let container = stack.start(name, &context.root)?;
        let mut body = Contained {
            container,
            pid: 0,
            log: log.to_owned(),
        };
        body.pid = body
            .container
            .pid()
            .ok_or_else(|| miette!("the service ended at its start: {}", body.last_words()))?;
        Ok(Self {
            body: Body::Container(body),
            address: SocketAddr::from(([127, 0, 0, 1], stack.service(name)?.port)),
            ready: None,
            started,
            drain: Duration::from_millis(context.lab.contract.drain_timeout_ms),
        })
    }

    /// Waits for the first 200 of /readyz.
    ///
    /// # Errors
    /// It ends, or is not ready in time.
    pub fn wait_ready(&mut self, limit: Duration, interrupt: &Interrupt) -> miette::Result<()> {
        loop {
            if let Some(status) = self.body.ended()? {
                return Err(miette!(
                    "the service ended at its start ({status}): {}",
                    self.body.last_words()
                ));
            }
            if status_of(self.address, "/readyz") == Some(200) {
                self.ready = Some(self.started.elapsed());
                return Ok(());
            }
            if self.started.elapsed() > limit {
                return Err(miette!(
                    "the service is not ready after {:.0} s: {}",
                    limit.as_secs_f64(),
                    self.body.last_words()
                ));
            }
            interrupt
                .sleep(Duration::from_millis(10))
                .map_err(miette::Report::from)?;
        }
    }

    /// Has it ended?
    ///
    /// # Errors
    /// The kernel cannot be asked.
    pub fn ended(&mut self) -> miette::Result<Option<ExitStatus>> {
        self.body.ended()
    }

    /// The last line that it said, for messages.
    pub fn last_words(&self) -> String {
        self.body.last_words()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        match &self.body {
            Body::Process(process) => process.pid(),
            Body::Container(body) => body.pid,
        }
    }

    /// Sends SIGTERM without waiting.
    pub fn terminate(&self) {
        match &self.body {
            Body::Process(process) => process.signal(Signal::TERM),
            Body::Container(body) => body.container.terminate(),
        }
    }

    /// SIGTERM, then SIGKILL after the drain time. True if it ended by itself.
    pub fn stop(&mut self) -> bool {
        let patience = self.drain + Duration::from_secs(1);
        match &mut self.body {
            Body::Process(process) => process.stop(Signal::TERM, patience),
            Body::Container(body) => body.container.stop(patience),
        }
    }
}

/// Status of one GET on a new connection; `None` when there is no answer within 2 s.
pub fn status_of(address: SocketAddr, path: &str) -> Option<u16> {
    let limit = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, limit).ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    stream
        .write_all(
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: {USER_AGENT}\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        )
        .ok()?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()
}
