//! The whole run: session, cluster, checks, blocks, verdict.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use api_contract::{Oracle, Subject, Suite};
use indexmap::IndexMap;
use jiff::Timestamp;
use lab_limits::{CpuPlan, GroupSpec, Kind, Wanted, plan_cpus};
use lab_model::digest;
use lab_model::results::{
    Cell, DataFacts, Environment, EnvironmentKind, Manifest, Repetition, RunDir, SCHEMA_VERSION,
    Versions,
};
use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use serde_json::json;

use super::load::LoadFiles;
use super::measure::Lab;
use super::plan::{OVERHEAD_S, Plan};
use super::progress::Progress;
use super::statements::Queries;
use super::verdict;
use crate::cli::LimitArgs;
use crate::cluster::{Cluster, free_port};
use crate::containers::Stack;
use crate::context::Context;
use crate::error::{Exit, LabError};
use crate::interrupt::Interrupt;
use crate::service::Service;
use crate::session::{LimitsWanted, Session};
use crate::ui;

/// Broken cases of the contract that a run shows before it stops; `bench contract` shows all.
const SHOWN_CASES: usize = 3;

/// Said after results of which some do not count.
const SOME_INVALID: &str =
    "Some repetitions do not count; what to do about each line: docs/TROUBLESHOOTING.md";

/// A session with its cluster: what a run, the contract suite and `up` start from.
#[derive(Debug)]
pub struct Ground {
    // Dropped in this order: the cluster stops before its folder and groups go.
    /// The database.
    pub cluster: Cluster,
    /// CPU sets.
    pub cpus: CpuPlan,
    /// Limits, lock, guard, folder.
    pub session: Session,
}

impl Ground {
    /// The CPU sets to set here.
    pub fn sets(&self) -> Option<&lab_limits::Sets> {
        self.cpus.sets_for(self.session.limiter.kind())
    }

    /// Opens a session in a mode and makes its database.
    ///
    /// # Errors
    /// Limits, a second runner, Postgres.
    pub fn open(
        context: &Context,
        id: &str,
        mode: &str,
        limits: &LimitArgs,
        interrupt: &Interrupt,
    ) -> miette::Result<Self> {
        let budget = context.lab.mode(mode)?;
        let sizes = Wanted {
            service: budget.cpus as usize,
            postgres: budget.postgres_cpus as usize,
            load: budget.load_cpus as usize,
        };
        if let Some(stack) = &context.stack {
            return Self::of_containers(context, stack, id, sizes, limits);
        }
        let wanted = LimitsWanted {
            kind: limits.limits.map(Into::into),
            allow_affinity_only: limits.allow_affinity_only,
        };
        let session = Session::open(id, wanted)?;
        let cpus = plan(&session, sizes, limits)?;
        let spec = GroupSpec {
            cpuset: cpus
                .sets_for(session.limiter.kind())
                .map(|s| s.postgres.clone()),
            ..GroupSpec::default()
        };
        let group = session.group("postgres", &spec)?;
        let cluster = Cluster::create(context, &session.dir, group, interrupt)?;
        Ok(Self {
            cluster,
            cpus,
            session,
        })
    }

    /// The same with containers: what is enforced is their engine's business, so this session makes no groups.
    fn of_containers(
        context: &Context,
        stack: &Stack,
        id: &str,
        sizes: Wanted,
        limits: &LimitArgs,
    ) -> miette::Result<Self> {
        let nothing = LimitsWanted {
            kind: Some(Kind::Affinity),
            allow_affinity_only: true,
        };
        let session = Session::open(id, nothing)?;
        let cpus = CpuPlan {
            // Compose knows quotas, and no sets.
            sets: None,
            overlapping: None,
            shared_cpus: true,
            ..plan(&session, sizes, limits)?
        };
        let group = stack.database().group(&session.kernel);
        let cluster = Cluster::in_container(context, stack, group)?;
        Ok(Self {
            cluster,
            cpus,
            session,
        })
    }
}

fn plan(session: &Session, sizes: Wanted, limits: &LimitArgs) -> miette::Result<CpuPlan> {
    let plan = plan_cpus(&session.host, sizes, limits.allow_oversubscribed);
    Ok(plan.map_err(|e| LabError::Limits {
        message: e.to_string(),
        help: "`bench doctor` shows which modes fit this host".to_owned(),
    })?)
}

/// What stands before the first repetition, and what all of them share.
pub(super) struct Stand<'a> {
    context: &'a Context,
    interrupt: &'a Interrupt,
    ground: Ground,
    oracle: Oracle,
    expected: PathBuf,
    queries: Queries,
}

impl<'a> Stand<'a> {
    /// Opens the ground and reads what repetitions are checked against.
    ///
    /// # Errors
    /// A program is missing, or as [`Ground::open`].
    pub fn open(
        context: &'a Context,
        id: &str,
        mode: &str,
        limits: &LimitArgs,
        interrupt: &'a Interrupt,
    ) -> miette::Result<Self> {
        // What is missing is said before anything is started.
        if context.stack.is_none() {
            for name in ["initdb", "postgres", "psql", "k6"] {
                context.inventory.program(name)?;
            }
            ui::note("Starting Postgres, seeding users …");
        }
        let ground = Ground::open(context, id, mode, limits, interrupt)?;
        let oracle = Oracle::connect(&ground.cluster.owner_url()).into_diagnostic()?;
        let expected = ground.session.dir.join("expected.json");
        write_expected(&oracle, &expected)?;
        let queries = Queries::load(context, &mut ground.cluster.connect()?)?;
        Ok(Self {
            context,
            interrupt,
            ground,
            oracle,
            expected,
            queries,
        })
    }

    /// What is recorded of it with results of these targets.
    ///
    /// # Errors
    /// A version cannot be asked, or a file cannot be read.
    pub fn facts(&self, targets: &[String]) -> miette::Result<Facts> {
        describe(self.context, &self.ground, targets)
    }

    /// The lab of one run.
    pub fn lab<'b>(&'b mut self, manifest: &'b Manifest, run: &'b RunDir) -> Lab<'b> {
        Lab {
            context: self.context,
            session: &self.ground.session,
            cluster: &mut self.ground.cluster,
            oracle: &self.oracle,
            expected: &self.expected,
            queries: &self.queries,
            cpus: &self.ground.cpus,
            manifest,
            run,
            interrupt: self.interrupt,
            watched: false,
            delay: None,
        }
    }

    /// Takes it all down.
    ///
    /// # Errors
    /// Something cannot be cleaned up.
    pub fn close(self) -> miette::Result<()> {
        drop(self.ground.cluster);
        self.ground.session.close()
    }
}

/// One repetition that is still to be made.
pub(super) struct Turn<'a> {
    /// Plan of its run.
    pub manifest: &'a Manifest,
    /// Where it is stored.
    pub run: &'a RunDir,
    /// Target and block.
    pub cell: Cell,
    /// Its place in the block, from 1.
    pub slot: u32,
    /// The value of a sweep, for people: "30 connections".
    pub value: Option<String>,
}

/// Makes the repetitions in their order. They have the same load and differ in their budgets at most.
///
/// # Errors
/// What ends a run: see [`Lab::repetition`].
pub(super) fn take(
    turns: &[Turn<'_>],
    stand: &mut Stand<'_>,
    summary_dir: Option<&Path>,
    course: &mut dyn Course,
) -> miette::Result<()> {
    let Some(first) = turns.first() else {
        return Ok(());
    };
    let Manifest { profile, plan, .. } = first.manifest;
    let each = profile.warmup_s + profile.measure_s + plan.cooldown_s + OVERHEAD_S;
    let mut progress = Progress::new(turns.len(), each);
    let role = &stand.context.lab.postgres.role;
    progress.watch(role, &profile.mix, || stand.ground.cluster.connect())?;
    for turn in turns {
        let value = turn.value.as_deref();
        progress.doing(&format!(
            "block {}/{}: {}{}",
            turn.cell.block,
            turn.manifest.order.len(),
            turn.cell.target,
            value.map_or(String::new(), |value| format!(" with {value}")),
        ));
        let files = LoadFiles::in_folder(&turn.run.scratch_path(&turn.cell));
        let watched = progress.follow(&files.console);
        let mut lab = stand.lab(turn.manifest, turn.run);
        lab.watched = watched;
        lab.delay = course.delay(&lab, &turn.cell)?;
        let repetition = lab.repetition(&turn.cell, turn.slot, summary_dir)?;
        progress.stored(&format!(
            "{}{}",
            value.map_or(String::new(), |value| format!("{value}: ")),
            health(&repetition)
        ));
        let rest = Duration::from_secs_f64(plan.cooldown_s);
        stand.interrupt.sleep(rest).map_err(miette::Report::from)?;
    }
    progress.finish();
    Ok(())
}

/// Says how what was stopped by an error goes on.
pub(super) fn say_how_to_go_on(context: &Context, error: &miette::Report, path: &Path) {
    let why = match error.downcast_ref::<LabError>() {
        // Going on would meet the same service.
        Some(LabError::Contract { .. }) => return,
        Some(LabError::Interrupted) => "Interrupted",
        _ => "Stopped by an error",
    };
    let command = match &context.stack {
        Some(_) => "./lab containers resume",
        None => "bench resume",
    };
    ui::note(&format!(
        "{why}; nothing that was stored is lost. Go on with: {command} {}",
        path.display()
    ));
}

/// The last lines of what was measured to its end, and its exit code.
pub(super) fn ended(path: &Path, all_valid: bool) -> Exit {
    ui::say(&format!("Results: {}", path.display()));
    if all_valid {
        return Exit::Ok;
    }
    ui::note(SOME_INVALID);
    Exit::SomeInvalid
}

/// Where a run comes from.
pub enum Source {
    /// A new plan.
    New {
        /// The plan.
        plan: Box<Plan>,
        /// Folder of results.
        out: PathBuf,
        /// The command line, for the record.
        command: Vec<String>,
    },
    /// An interrupted run.
    Resume(RunDir),
}

/// What `bench run` and `bench aa` do differently around the same repetitions.
pub trait Course {
    /// The folder is there; nothing has been measured yet.
    ///
    /// # Errors
    /// Something cannot be stored, or what an interrupted run stored does not fit.
    fn opened(&mut self, _run: &RunDir, _manifest: &Manifest) -> miette::Result<()> {
        Ok(())
    }

    /// The delay of a proxy between load and service; `None`: no proxy.
    ///
    /// # Errors
    /// It does not follow from what was measured before.
    fn delay(&mut self, _lab: &Lab<'_>, _cell: &Cell) -> miette::Result<Option<Duration>> {
        Ok(None)
    }

    /// Everything is stored: prints what it says.
    ///
    /// # Errors
    /// Results cannot be read, judged or written.
    fn finish(&mut self, run: &RunDir, manifest: &Manifest) -> miette::Result<Exit>;
}

/// `bench run`: receipt and verdict.
pub(super) struct Comparison;

impl Course for Comparison {
    fn finish(&mut self, run: &RunDir, manifest: &Manifest) -> miette::Result<Exit> {
        let repetitions = verdict::print(run, manifest)?;
        Ok(ended(run.path(), repetitions.iter().all(|r| r.valid)))
    }
}

/// Runs to the end; gives the exit code.
///
/// # Errors
/// See exit codes 2, 3, 4 and 130.
pub fn run(
    context: &Context,
    source: Source,
    limits: &LimitArgs,
    summary_dir: Option<&Path>,
    interrupt: &Interrupt,
) -> miette::Result<Exit> {
    run_course(
        context,
        source,
        limits,
        summary_dir,
        &mut Comparison,
        interrupt,
    )
}

/// The same with another course.
///
/// # Errors
/// As [`run`].
pub fn run_course(
    context: &Context,
    source: Source,
    limits: &LimitArgs,
    summary_dir: Option<&Path>,
    course: &mut dyn Course,
    interrupt: &Interrupt,
) -> miette::Result<Exit> {
    let now = Timestamp::now();
    let (mode, id, targets) = match &source {
        Source::New { plan, .. } => (plan.mode.clone(), plan.run_id(now), names(&plan.targets)),
        Source::Resume(run) => {
            let manifest = run.manifest()?;
            let targets = names(&manifest.targets);
            (manifest.mode, manifest.run_id, targets)
        }
    };
    let mut stand = Stand::open(context, &id, &mode, limits, interrupt)?;
    let facts = stand.facts(&targets)?;
    let (manifest, run) = open_results(source, facts, &id, now)?;
    course.opened(&run, &manifest)?;
    let outcome = verify_contract(&stand.lab(&manifest, &run))
        .and_then(|()| take(&turns(&manifest, &run)?, &mut stand, summary_dir, course));
    stand.close()?;
    if let Err(error) = outcome {
        if matches!(error.downcast_ref(), Some(LabError::Interrupted)) {
            run.clear_scratch()?;
        }
        say_how_to_go_on(context, &error, run.path());
        return Err(error);
    }
    run.clear_scratch()?;
    course.finish(&run, &manifest)
}

/// Names of a plan's targets.
pub(super) fn names(targets: &IndexMap<String, String>) -> Vec<String> {
    targets.keys().cloned().collect()
}

/// What is not stored yet.
fn turns<'a>(manifest: &'a Manifest, run: &'a RunDir) -> miette::Result<Vec<Turn<'a>>> {
    let stored: Vec<Cell> = run
        .repetitions()?
        .into_iter()
        .map(|(_, r)| Cell {
            target: r.target,
            block: r.block,
        })
        .collect();
    let mut turns = Vec::new();
    for (block, order) in (1..).zip(&manifest.order) {
        for (slot, target) in (1..).zip(order) {
            let cell = Cell {
                target: target.clone(),
                block,
            };
            if !stored.contains(&cell) {
                turns.push(Turn {
                    manifest,
                    run,
                    cell,
                    slot,
                    value: None,
                });
            }
        }
    }
    Ok(turns)
}

/// Health of a repetition in one line: no latencies, so that nobody stops at a figure they like.
fn health(r: &Repetition) -> String {
    let cpu = |group: &str| {
        let used = r.evidence.cpu.get(group).and_then(|u| u.cpus);
        used.map_or("?".to_owned(), |v| format!("{v:.2}"))
    };
    let state = match r.reasons.first() {
        None => "valid".to_owned(),
        Some(reason) => format!("INVALID: {}", reason.message),
    };
    format!(
        "block {:>2}  {:<20} {:>7} requests, CPU service {} postgres {} k6 {}, {state}",
        r.block,
        r.target,
        r.requests,
        cpu("service"),
        cpu("postgres"),
        cpu("k6"),
    )
}

/// A benchmark is also a test: every target answers right before anything is timed.
pub(super) fn verify_contract(lab: &Lab<'_>) -> miette::Result<()> {
    for target in lab.manifest.targets.keys() {
        ui::note(&format!("Checking the contract of {target} …"));
        let log = lab.session.dir.join(format!("contract-{target}.log"));
        let group = lab.service_group("contract", target)?;
        let url = lab.cluster.service_url();
        let budget = &lab.manifest.budgets[target];
        let mut service = Service::start(
            lab.context,
            target,
            budget,
            free_port()?,
            &url,
            &*group,
            &log,
        )
        .wrap_err_with(|| format!("cannot start {target}"))?;
        let limit = Duration::from_millis(lab.context.lab.contract.ready_timeout_ms);
        service
            .wait_ready(limit, lab.interrupt)
            .wrap_err_with(|| format!("cannot start {target}"))?;
        let report = api_contract::run(
            &Suite::standard(),
            &Subject::new(target, service.address),
            lab.oracle,
        )
        .into_diagnostic()?;
        service.stop();
        group.remove().into_diagnostic()?;
        if !report.passed() {
            // Not in the error's own text, whose frame would break the curl lines.
            ui::note(&report.render_at_most(SHOWN_CASES));
            return Err(LabError::Contract {
                target: target.clone(),
            }
            .into());
        }
        lab.interrupt.check().map_err(miette::Report::from)?;
    }
    Ok(())
}

/// Exact lengths of all answers in bytes and the beginnings of their digests, for the load script's checks.
fn write_expected(oracle: &Oracle, path: &Path) -> miette::Result<()> {
    let lengths = oracle.expected_lengths();
    let short = |body: String| digest::of_bytes(body.as_bytes())[..DIGEST_DIGITS].to_owned();
    let users = (1..=oracle.total()).filter_map(|number| oracle.user_body(number));
    let pages = (0..lengths.pages.bytes.len() as u64)
        .map(|page| oracle.page_body(lengths.limit, page * lengths.limit));
    let value = json!({
        "user": lengths.users.bytes,
        "users": lengths.pages.bytes,
        "sha256": {
            "user": users.map(short).collect::<String>(),
            "users": pages.map(short).collect::<String>(),
        },
    });
    lab_model::atomic::write(path, value.to_string().as_bytes()).into_diagnostic()
}

/// Of each SHA-256, 64 bits: no cheat is that lucky. In loadtest/scripts/lib/expected.js, too.
const DIGEST_DIGITS: usize = 16;

/// What is only known once the ground stands.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    environment: Environment,
    versions: Versions,
    data: DataFacts,
    lab_toml: String,
    receipt_limits: lab_model::config::ReceiptLimits,
}

/// [`Environment::limits`] where a container engine enforces them.
pub const BY_ENGINE: &str = "container_engine";

/// The lab's own VM says so, because a VM cannot see which VM it is.
pub fn environment_kind() -> EnvironmentKind {
    match std::env::var("BENCH_ENVIRONMENT").as_deref() {
        Ok("vm") => EnvironmentKind::Vm,
        Ok("container") => EnvironmentKind::Container,
        _ => EnvironmentKind::Native,
    }
}

fn describe(context: &Context, ground: &Ground, targets: &[String]) -> miette::Result<Facts> {
    let sets = ground.sets().map(|s| {
        BTreeMap::from([
            ("service".to_owned(), s.service.clone()),
            ("postgres".to_owned(), s.postgres.clone()),
            ("k6".to_owned(), s.load.clone()),
        ])
    });
    let kind = match &context.stack {
        Some(_) => EnvironmentKind::Container,
        None => environment_kind(),
    };
    let limits = match &context.stack {
        Some(_) => json!(BY_ENGINE),
        None => serde_json::to_value(ground.session.limiter.kind()).into_diagnostic()?,
    };
    let environment = Environment {
        kind,
        accel: std::env::var("BENCH_ACCEL").ok(),
        limits: limits.as_str().unwrap_or_default().to_owned(),
        shared_cpus: ground.cpus.shared_cpus,
        oversubscribed: ground.cpus.oversubscribed,
        recording: "lab".to_owned(),
        cpu_sets: sets.unwrap_or_default(),
        host: serde_json::to_value(&ground.session.host).into_diagnostic()?,
    };
    let mut versions = Versions {
        revision: revision(context),
        ..Versions::default()
    };
    versions
        .programs
        .insert("bench".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    versions
        .programs
        .insert("postgres".to_owned(), ground.cluster.version.clone());
    match &context.stack {
        Some(stack) => add_images(&mut versions, stack, targets)?,
        None => add_programs(&mut versions, context, targets)?,
    }
    versions.sha256.insert(
        "lab.toml".to_owned(),
        digest::of_bytes(context.lab_text.as_bytes()),
    );
    for folder in [
        "db/migrations",
        "db/queries",
        "db/seed",
        "loadtest/scripts",
        "loadtest/scripts/lib",
    ] {
        for entry in fs_err::read_dir(context.asset(folder)).into_diagnostic()? {
            let path = entry.into_diagnostic()?.path();
            if path.is_file() {
                let name = path
                    .file_name()
                    .map(|n| n.to_string_lossy().into_owned())
                    .unwrap_or_default();
                versions.sha256.insert(
                    format!("{folder}/{name}"),
                    digest::of_file(&path).into_diagnostic()?,
                );
            }
        }
    }
    let p = &context.lab.postgres;
    Ok(Facts {
        environment,
        versions,
        data: DataFacts {
            users: p.users,
            seed: p.seed.clone(),
            checksum: ground.cluster.checksum.clone(),
        },
        lab_toml: context.lab_text.clone(),
        receipt_limits: context.lab.receipt.clone(),
    })
}

/// k6 and the targets as programs of the inventory.
fn add_programs(
    versions: &mut Versions,
    context: &Context,
    targets: &[String],
) -> miette::Result<()> {
    let k6 = context.inventory.program("k6")?;
    versions
        .programs
        .insert("k6".to_owned(), k6.version.clone());
    versions.sha256.insert(
        "k6".to_owned(),
        digest::of_file(&k6.path).into_diagnostic()?,
    );
    for name in targets {
        versions
            .programs
            .insert(name.clone(), context.version_of(name)?);
        let target = context.lab.target(name)?;
        let program = context
            .command_of(name, target)
            .first()
            .map(|w| context.fill_build(w))
            .unwrap_or_default();
        let path = context.resolve(target, &program);
        if path.is_file() {
            versions.sha256.insert(
                format!("{name} program"),
                digest::of_file(&path).into_diagnostic()?,
            );
        }
    }
    Ok(())
}

/// k6 and the targets as images.
fn add_images(versions: &mut Versions, stack: &Stack, targets: &[String]) -> miette::Result<()> {
    for (what, image) in stack.images(targets)? {
        let id = image.id.trim_start_matches("sha256:").to_owned();
        versions.sha256.insert(format!("{what} image"), id);
        versions.programs.entry(what).or_insert(image.name);
    }
    let k6 = stack.k6_version()?;
    versions.programs.insert("k6".to_owned(), k6);
    Ok(())
}

/// Commit of the lab, when its folder is a checkout.
fn revision(context: &Context) -> Option<String> {
    if let Ok(revision) = std::env::var("BENCH_REVISION") {
        return Some(revision);
    }
    let git = |args: &[&str]| {
        let output = std::process::Command::new("git")
            .arg("-C")
            .arg(&context.root)
            .args(args)
            .output()
            .ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let head = git(&["rev-parse", "HEAD"])?;
    let dirty = git(&["status", "--porcelain"]).is_some_and(|s| !s.is_empty());
    Some(if dirty { format!("{head}-dirty") } else { head })
}

/// Everything that is fixed before the first request.
pub(super) fn manifest(
    plan: Plan,
    facts: Facts,
    id: &str,
    now: Timestamp,
    command: Vec<String>,
) -> Manifest {
    Manifest {
        schema_version: SCHEMA_VERSION,
        run_id: id.to_owned(),
        created_at: now,
        command,
        mode: plan.mode,
        profile_name: plan.profile_name,
        profile: plan.profile,
        plan: plan.facts,
        targets: plan.targets,
        seed: plan.seed,
        order: plan.order,
        budgets: plan.budgets,
        receipt_limits: facts.receipt_limits,
        lab_toml: facts.lab_toml,
        environment: facts.environment,
        versions: facts.versions,
        data: facts.data,
        sweep: None,
        aa: plan.aa,
    }
}

fn open_results(
    source: Source,
    facts: Facts,
    id: &str,
    now: Timestamp,
) -> miette::Result<(Manifest, RunDir)> {
    match source {
        Source::New { plan, out, command } => {
            // k6 runs in the folder of its repetition: paths must not depend on the working folder.
            let run = RunDir::new(std::path::absolute(out.join(id)).into_diagnostic()?);
            let manifest = manifest(*plan, facts, id, now, command);
            run.create(&manifest)?;
            Ok((manifest, run))
        }
        Source::Resume(run) => {
            let manifest = run.manifest()?;
            same_lab(&manifest, &facts)?;
            Ok((manifest, run))
        }
    }
}

/// A run is one experiment: its second half must run what its first half ran.
pub(super) fn same_lab(manifest: &Manifest, facts: &Facts) -> miette::Result<()> {
    let mut changed = Vec::new();
    for (name, old) in &manifest.versions.sha256 {
        if facts.versions.sha256.get(name) != Some(old) {
            changed.push(name.clone());
        }
    }
    if facts.data.checksum != manifest.data.checksum {
        changed.push("the data".to_owned());
    }
    if facts.environment != manifest.environment {
        changed.push("the environment (host, limits or CPU sets)".to_owned());
    }
    if changed.is_empty() {
        return Ok(());
    }
    Err(miette!(
        help = "results of different programs are no one experiment: start a new run",
        "cannot go on with {}: changed since are {}",
        manifest.run_id,
        changed.join(", ")
    ))
}
