//! The proxy as a child of the runner, on the load's side: in k6's group, out of the service's budget.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lab_limits::Group;
use miette::miette;
use rustix::process::Signal;

use super::forward::Waited;
use crate::children::{Running, Start};
use crate::cluster::free_port;
use crate::interrupt::Interrupt;

/// It needs milliseconds to listen.
const LISTEN_LIMIT: Duration = Duration::from_secs(10);

/// A running proxy; dropping it ends it.
#[derive(Debug)]
pub struct Proxy {
    process: Running,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Proxy {
    /// Starts it in a group and waits until it listens.
    ///
    /// # Errors
    /// It does not listen.
    pub fn start(
        delay: Duration,
        service: SocketAddr,
        group: &dyn Group,
        folder: &Path,
        interrupt: &Interrupt,
    ) -> miette::Result<Self> {
        let port = free_port()?;
        let log = log(folder);
        let process = Start {
            program: Path::new("/proc/self/exe"),
            args: vec![
                "__proxy".to_owned(),
                format!("--port={port}"),
                format!("--to={service}"),
                format!("--delay-ns={}", delay.as_nanos()),
            ],
            dir: folder,
            env: BTreeMap::new(),
            group,
            user: None,
            log: &log,
        }
        .spawn()?;
        let mut proxy = Self {
            process,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        };
        let end = Instant::now() + LISTEN_LIMIT;
        while TcpStream::connect(proxy.address).is_err() {
            if proxy.process.ended()?.is_some() || Instant::now() > end {
                return Err(miette!(
                    "the proxy does not listen: {}",
                    proxy.process.last_words()
                ));
            }
            interrupt
                .sleep(Duration::from_millis(2))
                .map_err(miette::Report::from)?;
        }
        Ok(proxy)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.process.stop(Signal::TERM, Duration::from_secs(2));
    }
}

fn log(folder: &Path) -> PathBuf {
    folder.join("proxy.log")
}

/// What the proxy of a stored repetition said at its end; `None` where there was none or it was killed.
pub fn waited(folder: &Path) -> Option<Waited> {
    serde_json::from_str(&crate::children::last_line(&log(folder))).ok()
}
