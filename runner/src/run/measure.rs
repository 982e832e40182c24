//! One repetition: start, check, load, observe, stop, judge, store.

use std::path::Path;
use std::time::{Duration, Instant};

use api_contract::{Oracle, Subject, Suite};
use jiff::Timestamp;
use lab_limits::{CpuPlan, Group, GroupSpec};
use lab_model::config::Mode;
use lab_model::results::{
    Cell, Evidence, K6Figures, Manifest, Reason, Repetition, RunDir, SCHEMA_VERSION, Traffic,
};
use miette::IntoDiagnostic as _;

use super::load::{self, Load, LoadFiles};
use super::observe::{Looks, Observer, Subjects};
use super::statements::{self, Queries};
use super::{capacity, containment, figures, freshness, observe, order, receipt};
use crate::aa::proxy::Proxy;
use crate::cluster::{Cluster, free_port};
use crate::context::Context;
use crate::error::LabError;
use crate::interrupt::Interrupt;
use crate::service::Service;
use crate::session::Session;

/// What all repetitions of a run share.
#[derive(Debug)]
pub struct Lab<'a> {
    /// lab.toml and inventory.
    pub context: &'a Context,
    /// Limits, runtime folder.
    pub session: &'a Session,
    /// The database.
    pub cluster: &'a mut Cluster,
    /// Right answers.
    pub oracle: &'a Oracle,
    /// File with the exact lengths of all answers.
    pub expected: &'a Path,
    /// The lab's SQL.
    pub queries: &'a Queries,
    /// CPU sets.
    pub cpus: &'a CpuPlan,
    /// The plan.
    pub manifest: &'a Manifest,
    /// Where results go.
    pub run: &'a RunDir,
    /// Signals.
    pub interrupt: &'a Interrupt,
    /// Somebody watches a terminal.
    pub watched: bool,
    /// Delay of a proxy between load and service (`bench aa --slowdown`); `None`: no proxy.
    pub delay: Option<Duration>,
}

/// On CPUs that all share, the generator goes first: its waits would be counted as the service's.
const GENERATOR_WEIGHT: u64 = 1000;

/// Connections to the database that a repetition makes itself: one to ask, and one of the observer.
const OWN_CONNECTIONS: u64 = 2;

/// What a service may take to collect its processes after its main one has ended.
const BURIAL_LIMIT: Duration = Duration::from_secs(1);

/// What happened, before it is judged.
#[derive(Debug, Default)]
struct Outcome {
    reasons: Vec<Reason>,
    evidence: Evidence,
    k6: Option<K6Figures>,
    looks: Looks,
    /// Connections that the service made in its whole life.
    connections_made: Option<u64>,
    limit_differences: Vec<String>,
    clock_step_ms: f64,
}

impl Outcome {
    fn fail(&mut self, code: &str, message: impl std::fmt::Display) {
        self.reasons.push(Reason {
            code: code.to_owned(),
            message: message.to_string(),
        });
    }
}

impl Lab<'_> {
    /// Is there a quota, whoever enforces it?
    fn has_quota(&self) -> bool {
        self.context.stack.is_some() || self.session.limiter.kind().has_quota()
    }

    fn sets(&self) -> Option<&lab_limits::Sets> {
        self.cpus.sets_for(self.session.limiter.kind())
    }

    /// The limits of a service in this run.
    pub fn service_spec(&self, target: &str) -> GroupSpec {
        let budget = &self.manifest.budgets[target];
        GroupSpec {
            cpu_quota: self.has_quota().then(|| f64::from(budget.cpus)),
            cpuset: self.sets().map(|s| s.service.clone()),
            ..GroupSpec::default()
        }
    }

    /// The limits of the generator.
    fn load_spec(&self, mode: &Mode) -> GroupSpec {
        if self.context.stack.is_some() {
            return quota(mode.load_cpus);
        }
        GroupSpec {
            cpuset: self.sets().map(|s| s.load.clone()),
            weight: (self.cpus.shared_cpus && self.has_quota()).then_some(GENERATOR_WEIGHT),
            ..GroupSpec::default()
        }
    }

    /// The limits of the database, which was started with them.
    fn postgres_spec(&self, mode: &Mode) -> GroupSpec {
        if self.context.stack.is_some() {
            return quota(mode.postgres_cpus);
        }
        GroupSpec {
            cpuset: self.sets().map(|s| s.postgres.clone()),
            ..GroupSpec::default()
        }
    }

    /// A group for a target's processes.
    ///
    /// # Errors
    /// The kernel refuses its limits, or the target has no container.
    pub fn service_group(&self, name: &str, target: &str) -> miette::Result<Box<dyn Group>> {
        match &self.context.stack {
            None => self.session.group(name, &self.service_spec(target)),
            Some(stack) => Ok(stack.container_of(target)?.group(&self.session.kernel)),
        }
    }

    fn load_group(&self) -> miette::Result<Box<dyn Group>> {
        let mode = self.context.lab.mode(&self.manifest.mode)?;
        match &self.context.stack {
            None => self.session.group("k6", &self.load_spec(mode)),
            Some(stack) => Ok(stack.k6().group(&self.session.kernel)),
        }
    }

    /// Runs and stores one repetition. A failure of the service or of k6 is a stored repetition with its reason.
    ///
    /// # Errors
    /// Only what ends the run: a signal, Postgres gone, results that cannot be written.
    pub fn repetition(
        &mut self,
        cell: &Cell,
        slot: u32,
        summary_dir: Option<&Path>,
    ) -> miette::Result<Repetition> {
        let scratch = self.run.scratch(cell)?;
        let files = LoadFiles::in_folder(&scratch);
        let started_at = Timestamp::now();
        let clocks = (observe::wall_ns(), Instant::now());
        let service_group = self.service_group("service", &cell.target)?;
        let load_group = self.load_group()?;
        let mut outcome = Outcome::default();
        let attempt = self.attempt(
            cell,
            &files,
            &scratch,
            &*service_group,
            &*load_group,
            &mut outcome,
        );
        // Whatever happened, nothing of this repetition may run during the next one.
        service_group.remove().into_diagnostic()?;
        load_group.remove().into_diagnostic()?;
        if let Err(report) = attempt {
            if report.downcast_ref::<LabError>().is_some() {
                return Err(report);
            }
            self.cluster.check_alive()?;
            outcome.fail("failed", format!("{report}"));
        }
        let wall_ms = (observe::wall_ns() - clocks.0) as f64 / 1e6;
        outcome.clock_step_ms = wall_ms - clocks.1.elapsed().as_secs_f64() * 1e3;
        let finished_at = Timestamp::now();
        let mut repetition = self.judge(cell, slot, started_at, finished_at, &files, outcome);
        for entry in fs_err::read_dir(&scratch).into_diagnostic()? {
            let path = entry.into_diagnostic()?.path();
            let name = path
                .file_name()
                .map(|n| n.to_string_lossy().into_owned())
                .unwrap_or_default();
            repetition
                .files
                .insert(name, lab_model::digest::of_file(&path).into_diagnostic()?);
        }
        if let Some(dir) = summary_dir.filter(|_| files.summary.exists()) {
            fs_err::create_dir_all(dir).into_diagnostic()?;
            let name = format!(
                "{}-{}.json",
                cell.target,
                started_at.strftime("%Y%m%dT%H%M%SZ")
            );
            let bytes = fs_err::read(&files.summary).into_diagnostic()?;
            lab_model::atomic::write(&dir.join(name), &bytes).into_diagnostic()?;
        }
        self.run.commit(self.manifest, &scratch, &repetition)?;
        Ok(repetition)
    }

    fn attempt(
        &self,
        cell: &Cell,
        files: &LoadFiles,
        scratch: &Path,
        service_group: &dyn Group,
        load_group: &dyn Group,
        outcome: &mut Outcome,
    ) -> miette::Result<()> {
        let budget = &self.manifest.budgets[&cell.target];
        let url = self.cluster.service_url();
        let log = scratch.join("service.log");
        let mut client = self.cluster.connect()?;
        let sessions = statements::sessions(&mut client)?;
        let mut service = Service::start(
            self.context,
            &cell.target,
            budget,
            free_port()?,
            &url,
            service_group,
            &log,
        )?;
        service.wait_ready(
            Duration::from_millis(self.context.lab.contract.ready_timeout_ms),
            self.interrupt,
        )?;
        outcome.evidence.ready_ms = service.ready.map(|d| d.as_secs_f64() * 1e3);

        let checked = api_contract::run(
            &Suite::quick(),
            &Subject::new(&cell.target, service.address),
            self.oracle,
        )
        .into_diagnostic()?;
        outcome.evidence.contract_cases = u32::try_from(checked.cases.len()).unwrap_or(u32::MAX);
        if let Some(difference) = checked.first_difference() {
            outcome.fail(
                "contract",
                format!("an answer before the load was wrong: {difference}"),
            );
            service.stop();
            return Ok(());
        }

        statements::reset(&mut client)?;
        let role = &self.context.lab.postgres.role;
        let before = statements::transactions(&mut client)?;
        outcome.limit_differences =
            self.read_back(&cell.target, service_group, load_group, outcome)?;
        let proxy = self
            .delay
            .map(|delay| Proxy::start(delay, service.address, load_group, scratch, self.interrupt))
            .transpose()?;
        let load = Load {
            context: self.context,
            profile: &self.manifest.profile,
            target: &cell.target,
            address: proxy.as_ref().map_or(service.address, |p| p.address),
            seed: order::request_seed(self.manifest.seed, cell.block),
            expected: self.expected,
            cpus: self.context.lab.mode(&self.manifest.mode)?.load_cpus,
            group: load_group,
            files,
            watched: self.watched,
        };
        let k6_status = std::thread::scope(|scope| {
            let observer = Observer::start(
                scope,
                Subjects {
                    groups: [service_group, &*self.cluster.group, load_group],
                    service: service.pid(),
                    kernel: &*self.session.kernel,
                    client: self.cluster.connect()?,
                    role,
                },
            );
            // Children are spawned by this thread, never by the observer: they die with the thread that made them.
            let ended = load
                .start()
                .and_then(|mut k6| k6.wait(Some(load.limit()), self.interrupt));
            outcome.looks = observer.finish();
            ended
        })?;
        drop(proxy);
        load.collect()?;
        outcome.evidence.statements = statements::read(&mut client, role, self.queries)?;
        // A service that could raise its own limits would do so after the first look.
        for difference in self.read_back(&cell.target, service_group, load_group, outcome)? {
            if !outcome.limit_differences.contains(&difference) {
                outcome.limit_differences.push(difference);
            }
        }
        // First: a record that is missing is mostly what follows from it.
        if !k6_status.success() {
            let words = crate::children::last_line(&files.log);
            outcome.fail(
                "k6",
                format!("k6 {}: {words}", load::exit_meaning(k6_status.code())),
            );
        }
        if let Err(e) = load::keep_record(files, &self.manifest.versions.programs["k6"]) {
            outcome.fail("no_record", e);
        }
        match load::read_summary(&files.summary, k6_status.code()) {
            Ok(figures) => outcome.k6 = Some(figures),
            Err(e) => outcome.fail(
                "no_summary",
                format!("{e}: {}", crate::children::last_line(&files.log)),
            ),
        }
        if let Some(status) = service.ended()? {
            let words = service.last_words();
            outcome.fail(
                "service_ended",
                format!("the service ended under load ({status}): {words}"),
            );
        } else {
            self.after_load(&mut client, &mut service, cell, outcome)?;
            if !service.stop() {
                outcome.fail(
                    "drain",
                    "the service did not end within its drain time after SIGTERM",
                );
            } else {
                self.bury(service_group, outcome);
            }
        }
        let after = statements::traffic(&mut client, role)?;
        outcome.evidence.traffic = Some(Traffic {
            transactions: after.transactions.saturating_sub(before),
            ..after
        });
        // Exact now that the service is gone: a connection that ends tells of itself.
        let made = statements::sessions(&mut client)?.saturating_sub(sessions + OWN_CONNECTIONS);
        outcome.connections_made = Some(made);
        Ok(())
    }

    /// What is only asked once nothing is measured any more: does it still answer right, and from the database?
    fn after_load(
        &self,
        client: &mut postgres::Client,
        service: &mut Service,
        cell: &Cell,
        outcome: &mut Outcome,
    ) -> miette::Result<()> {
        let subject = Subject::new(&cell.target, service.address);
        let checked =
            api_contract::run(&Suite::quick(), &subject, self.oracle).into_diagnostic()?;
        if let Some(difference) = checked.first_difference() {
            outcome.fail(
                "contract",
                format!("an answer after the load was wrong: {difference}"),
            );
            return Ok(());
        }
        let pick = order::request_seed(self.manifest.seed, cell.block);
        let fresh = freshness::check(client, service.address, self.oracle, pick)?;
        outcome.evidence.freshness = Some(fresh);
        Ok(())
    }

    /// A service that has ended leaves nothing running.
    fn bury(&self, group: &dyn Group, outcome: &mut Outcome) {
        let end = Instant::now() + BURIAL_LIMIT;
        loop {
            let left = containment::survivors(&*self.session.kernel, group);
            if left.is_empty() {
                return;
            }
            if Instant::now() > end {
                let ids: Vec<String> = left.iter().map(u32::to_string).collect();
                outcome.fail(
                    "left_behind",
                    format!(
                        "the service ended and left processes behind: {}",
                        ids.join(", ")
                    ),
                );
                containment::kill(&left);
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What is really in force, and how it differs from what was asked.
    fn read_back(
        &self,
        target: &str,
        service: &dyn Group,
        load: &dyn Group,
        outcome: &mut Outcome,
    ) -> miette::Result<Vec<String>> {
        let mode = self.context.lab.mode(&self.manifest.mode)?;
        let mut differences = Vec::new();
        for (name, group, spec) in [
            ("service", service, self.service_spec(target)),
            ("k6", load, self.load_spec(mode)),
            ("postgres", &*self.cluster.group, self.postgres_spec(mode)),
        ] {
            let in_force = group.read_back().into_diagnostic()?;
            differences.extend(
                in_force
                    .differences(&spec)
                    .into_iter()
                    .map(|d| format!("{name}: {d}")),
            );
            outcome.evidence.limits_in_force.insert(
                name.to_owned(),
                serde_json::to_value(&in_force).into_diagnostic()?,
            );
        }
        Ok(differences)
    }

    /// Figures, receipt, flags, validity.
    fn judge(
        &self,
        cell: &Cell,
        slot: u32,
        started_at: Timestamp,
        finished_at: Timestamp,
        files: &LoadFiles,
        mut outcome: Outcome,
    ) -> Repetition {
        let budget = &self.manifest.budgets[&cell.target];
        let environment = &self.manifest.environment;
        let mut repetition = Repetition {
            schema_version: SCHEMA_VERSION,
            run_id: self.manifest.run_id.clone(),
            mode: self.manifest.mode.clone(),
            profile: self.manifest.profile_name.clone(),
            target: cell.target.clone(),
            block: cell.block,
            slot,
            started_at,
            finished_at,
            valid: false,
            reasons: Vec::new(),
            flags: flags(environment, self.has_quota()),
            metrics: Default::default(),
            support: Default::default(),
            requests: 0,
            rows_dropped: 0,
            k6: None,
            evidence: Evidence::default(),
            receipt: Vec::new(),
            files: Default::default(),
            steps: Vec::new(),
            bounds: Default::default(),
        };
        let record = if files.samples.exists() {
            figures::read(&files.samples)
        } else {
            Err(miette::miette!("there is no record of requests"))
        };
        match record {
            Err(e) => {
                // A failure that was already told needs no second reason.
                if outcome.reasons.is_empty() {
                    outcome.fail("no_record", e);
                }
            }
            Ok((samples, figures)) => {
                let quota = self.service_spec(&cell.target).cpu_quota;
                let (from, to) = (figures.from_ns, figures.to_ns);
                outcome.evidence.cpu = outcome
                    .looks
                    .cpu(from, to, [quota, None, None])
                    .into_iter()
                    .collect();
                outcome.evidence.connections =
                    outcome
                        .looks
                        .connections(from, to, outcome.connections_made);
                outcome.evidence.processes = outcome.looks.processes(from, to);
                outcome.evidence.host = outcome.looks.host(from, to, outcome.clock_step_ms);
                outcome.evidence.recorded_by_endpoint = samples.count_by_endpoint();
                repetition.metrics = figures.metrics.clone();
                let per_request = outcome
                    .evidence
                    .cpu
                    .get("service")
                    .and_then(|u| u.cpus)
                    .zip(figures.metrics.get("throughput").copied().flatten())
                    .map(|(cpus, throughput)| cpus / throughput * 1e6);
                repetition.metrics.insert(
                    "cpu_per_request".to_owned(),
                    per_request.filter(|v| v.is_finite() && *v > 0.0),
                );
                let load_cpus = self
                    .context
                    .lab
                    .mode(&self.manifest.mode)
                    .map_or(1, |m| m.load_cpus);
                let k6 = outcome.k6.as_ref();
                repetition.steps =
                    capacity::steps(self.manifest, &samples, k6, &outcome.looks, load_cpus);
                if !repetition.steps.is_empty() {
                    let found = lab_verdict::capacity::figure(&repetition.steps);
                    let name = lab_verdict::capacity::METRIC.to_owned();
                    repetition.metrics.insert(name.clone(), found.map(|f| f.0));
                    repetition
                        .bounds
                        .extend(found.and_then(|f| f.1).map(|bound| (name, bound)));
                    if found.is_none() {
                        outcome.fail("capacity", "the host or the load generator was at its limit in the first step already");
                    }
                }
                repetition.support = figures.support.clone();
                repetition.requests = figures.requests;
                repetition.rows_dropped = samples.rows_dropped;
                repetition.receipt = receipt::lines(&receipt::Claim {
                    budget,
                    load_cpus,
                    profile: &self.manifest.profile,
                    limits: &self.manifest.receipt_limits,
                    has_quota: self.has_quota(),
                    evidence: &outcome.evidence,
                    k6: outcome.k6.as_ref(),
                    recorded: samples.started_at.len() as u64,
                    measured: figures.requests,
                    failed: figures.failed,
                    rows_dropped: samples.rows_dropped,
                    steps: &repetition.steps,
                    limit_differences: &outcome.limit_differences,
                    clock_step_ms: outcome.clock_step_ms,
                });
                outcome
                    .reasons
                    .extend(receipt::reasons(&repetition.receipt));
            }
        }
        repetition.k6 = outcome.k6;
        repetition.evidence = outcome.evidence;
        repetition.valid = outcome.reasons.is_empty();
        repetition.reasons = outcome.reasons;
        repetition
    }
}

fn quota(cpus: u32) -> GroupSpec {
    GroupSpec {
        cpu_quota: Some(f64::from(cpus)),
        ..GroupSpec::default()
    }
}

fn flags(environment: &lab_model::results::Environment, has_quota: bool) -> Vec<String> {
    [
        ("shared_cpus", environment.shared_cpus),
        ("oversubscribed", environment.oversubscribed),
        ("affinity_only", !has_quota),
    ]
    .into_iter()
    .filter(|(_, set)| *set)
    .map(|(name, _)| name.to_owned())
    .collect()
}
