//! k6 with our load script: how it is started, what it recorded, and what its summary says.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_limits::Group;
use lab_model::config::Profile;
use lab_model::results::{K6Figures, Latency};
use miette::{IntoDiagnostic as _, WrapErr as _};
use serde_json::Value;

use crate::children::{Running, Start};
use crate::containers::Stack;
use crate::context::Context;

/// Files of one repetition.
#[derive(Debug, Clone)]
pub struct LoadFiles {
    /// What the load script prints: the record of requests, and its messages.
    pub console: PathBuf,
    /// Raw record.
    pub samples: PathBuf,
    /// k6's summary.
    pub summary: PathBuf,
    /// k6's output.
    pub log: PathBuf,
}

impl LoadFiles {
    /// The files in a repetition's folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            console: folder.join("k6-console.log"),
            samples: folder.join("samples.parquet"),
            summary: folder.join("k6-summary.json"),
            log: folder.join("k6.log"),
        }
    }
}

/// In k6's container, whose only writable folder is /tmp.
const EXPECTED: &str = "/tmp/expected.json";
const CONSOLE: &str = "/tmp/k6-console.log";
const SUMMARY: &str = "/tmp/k6-summary.json";

/// What differs between k6 here and k6 in a container.
struct Places {
    base_url: String,
    script: String,
    expected: String,
    console: String,
    summary: String,
}

/// One load on one service.
#[derive(Debug)]
pub struct Load<'a> {
    /// Inventory and scripts.
    pub context: &'a Context,
    /// The load.
    pub profile: &'a Profile,
    /// The target.
    pub target: &'a str,
    /// Where it listens.
    pub address: SocketAddr,
    /// Seed of the requests.
    pub seed: u32,
    /// Exact lengths of all answers.
    pub expected: &'a Path,
    /// CPUs of the generator.
    pub cpus: u32,
    /// Its group.
    pub group: &'a dyn Group,
    /// Where it writes.
    pub files: &'a LoadFiles,
    /// Somebody watches: users of the load tell how it goes.
    pub watched: bool,
}

impl Load<'_> {
    /// Starts k6.
    ///
    /// # Errors
    /// k6 is missing or cannot be started.
    pub fn start(&self) -> miette::Result<Running> {
        let text = |p: &Path| p.display().to_string();
        let places = match &self.context.stack {
            None => Places {
                base_url: format!("http://{}", self.address),
                script: text(&self.context.asset("loadtest/scripts/main.js")),
                expected: text(self.expected),
                console: text(&self.files.console),
                summary: text(&self.files.summary),
            },
            Some(stack) => self.prepare_container(stack)?,
        };
        let args = [
            "run",
            "--quiet",
            "--no-usage-report",
            "--no-color",
            "--address",
            "",
            "--log-format=raw",
            &format!("--console-output={}", places.console),
            &places.script,
        ]
        .map(str::to_owned)
        .to_vec();
        let env = BTreeMap::from([
            ("BENCH_BASE_URL".to_owned(), places.base_url),
            (
                "BENCH_PROFILE".to_owned(),
                serde_json::to_string(self.profile).into_diagnostic()?,
            ),
            (
                "BENCH_USERS".to_owned(),
                self.context.lab.postgres.users.to_string(),
            ),
            ("BENCH_SEED".to_owned(), self.seed.to_string()),
            ("BENCH_RECORD".to_owned(), "1".to_owned()),
            (
                "BENCH_LIVE".to_owned(),
                u8::from(self.watched && self.context.stack.is_none()).to_string(),
            ),
            ("BENCH_SUMMARY".to_owned(), places.summary),
            ("BENCH_EXPECTED".to_owned(), places.expected),
            // The generator's parallelism is part of the plan, not of the host.
            ("GOMAXPROCS".to_owned(), self.cpus.to_string()),
            // Collecting garbage takes the generator's CPU for tens of milliseconds, and would be measured as latency.
            ("GOGC".to_owned(), "off".to_owned()),
            (
                "GOMEMLIMIT".to_owned(),
                format!("{}MiB", self.context.lab.generator.memory_mib),
            ),
        ]);
        let (program, args, env) = match &self.context.stack {
            None => (
                self.context.inventory.program("k6")?.path.clone(),
                args,
                env,
            ),
            Some(stack) => {
                let command: Vec<String> = ["k6".to_owned()].into_iter().chain(args).collect();
                let mut words = stack.k6().exec_words(&env, &command);
                // The engine's own program is started as the user would start it.
                (
                    PathBuf::from(words.remove(0)),
                    words,
                    std::env::vars().collect(),
                )
            }
        };
        let dir = self.files.log.parent().unwrap_or(Path::new("/"));
        Start {
            program: &program,
            args,
            dir,
            env,
            group: self.group,
            user: None,
            log: &self.files.log,
        }
        .spawn()
    }

    /// Makes k6's container ready for one load: the right answers in, what an earlier load left out.
    fn prepare_container(&self, stack: &Stack) -> miette::Result<Places> {
        let service = stack.service(self.target)?;
        stack.wait_for_name(self.target)?;
        let k6 = stack.k6();
        k6.exec(&["rm", "-f", CONSOLE, SUMMARY], None)?;
        let expected = fs_err::read(self.expected).into_diagnostic()?;
        let write = format!("cat > {EXPECTED}");
        k6.exec(&["sh", "-c", &write], Some(&expected))?;
        Ok(Places {
            base_url: format!("http://{}:{}", service.service, service.port),
            script: "/lab/scripts/main.js".to_owned(),
            expected: EXPECTED.to_owned(),
            console: CONSOLE.to_owned(),
            summary: SUMMARY.to_owned(),
        })
    }

    /// Brings what k6 left in its container to where it would have left it without one.
    ///
    /// # Errors
    /// A file cannot be written. One that k6 did not leave is no error here.
    pub fn collect(&self) -> miette::Result<()> {
        let Some(stack) = &self.context.stack else {
            return Ok(());
        };
        for (from, to) in [
            (CONSOLE, &self.files.console),
            (SUMMARY, &self.files.summary),
        ] {
            if let Ok(bytes) = stack.k6().exec(&["cat", from], None) {
                fs_err::write(to, bytes).into_diagnostic()?;
            }
        }
        Ok(())
    }

    /// Longer than this k6 hangs.
    pub fn limit(&self) -> Duration {
        Duration::from_secs_f64(self.profile.warmup_s + self.profile.measure_s + 60.0)
    }
}

/// Reads the summary that loadtest/scripts/lib/summary.js writes.
///
/// # Errors
/// No file, or not of that form.
pub fn read_summary(path: &Path, exit_code: Option<i32>) -> miette::Result<K6Figures> {
    let text = fs_err::read(path)
        .into_diagnostic()
        .wrap_err("k6 left no summary")?;
    let summary: Value = serde_json::from_slice(&text)
        .into_diagnostic()
        .wrap_err("k6's summary is no JSON")?;
    let number = |pointer: &str| summary.pointer(pointer).and_then(Value::as_f64);
    let count = |pointer: &str| number(pointer).map_or(0, |v| v.max(0.0).round() as u64);
    let requests = count("/measure/http_reqs");
    // k6 says 0 of an empty trend: that is no latency.
    let time =
        |name: &str| number(&format!("/measure/http_req_duration/{name}")).filter(|_| requests > 0);
    let endpoints = summary
        .pointer("/measure/endpoints")
        .and_then(Value::as_object);
    let by_endpoint = |field: &str| -> BTreeMap<String, u64> {
        let of = |v: &Value| v.get(field).and_then(Value::as_f64).unwrap_or(0.0).round() as u64;
        endpoints
            .map(|all| all.iter().map(|(name, v)| (name.clone(), of(v))).collect())
            .unwrap_or_default()
    };
    Ok(K6Figures {
        exit_code,
        requests,
        requests_total: count("/total/http_reqs"),
        requests_setup: count("/total/http_reqs")
            .saturating_sub(requests + count("/warmup/http_reqs")),
        latency_ms: Latency {
            mean: time("avg"),
            p50: time("p50"),
            p90: time("p90"),
            p95: time("p95"),
            p99: time("p99"),
            p999: time("p999"),
            max: time("max"),
        },
        requests_by_endpoint: by_endpoint("http_reqs"),
        body_bytes_by_endpoint: by_endpoint("body_bytes"),
        data_received: count("/total/data_received"),
        checks_failed: count("/measure/failed_checks") + count("/warmup/failed_checks"),
        dropped_iterations: count("/measure/dropped_iterations"),
        vus_max: count("/total/vus_max"),
    })
}

/// Turns the record that k6's console holds into `samples.parquet`, and moves the script's own messages to the log.
///
/// # Errors
/// No record, or an incomplete one.
pub fn keep_record(files: &LoadFiles, k6_version: &str) -> miette::Result<()> {
    let converted = lab_record::convert(&files.console, &files.samples, k6_version);
    let messages = match &converted {
        Ok(c) => c.messages.clone(),
        // A damaged record is no reason to lose what the script said.
        Err(_) => lab_record::messages(&files.console).unwrap_or_default(),
    };
    if !messages.is_empty() {
        let mut log = fs_err::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&files.log)
            .into_diagnostic()?;
        log.write_all(messages.as_bytes()).into_diagnostic()?;
    }
    if files.console.exists() {
        fs_err::remove_file(&files.console).into_diagnostic()?;
    }
    converted.into_diagnostic()?;
    Ok(())
}

/// What k6's exit code means, for people.
pub fn exit_meaning(code: Option<i32>) -> String {
    match code {
        Some(0) => "ended well".to_owned(),
        Some(99) => "a threshold failed (99)".to_owned(),
        Some(104) => "its options are wrong (104)".to_owned(),
        Some(107) => "the script failed (107)".to_owned(),
        Some(108) => "the script stopped the test (108)".to_owned(),
        Some(n) => format!("ended with code {n}"),
        None => "was killed".to_owned(),
    }
}
