//! `bench contract [TARGET…]`: the conformance suite against targets over a real Postgres.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use api_contract::behaviour::{self, BehaviourSuite, ControlError, EnvChange, Promises, Stage};
use api_contract::{Oracle, Report, Subject, Suite, run_behaviour};
use lab_limits::{Group, GroupSpec};
use lab_model::config::Budget;
use miette::IntoDiagnostic as _;

use crate::cli::ContractArgs;
use crate::cluster::{Cluster, free_port};
use crate::context::Context;
use crate::error::Exit;
use crate::interrupt::Interrupt;
use crate::run::engine::Ground;
use crate::service::Service;
use crate::ui;

/// Runs the suites; exit 4 when a service differs.
///
/// # Errors
/// The ground cannot be made, or a service cannot be started.
pub fn run(context: &Context, args: &ContractArgs, interrupt: &Interrupt) -> miette::Result<Exit> {
    let names: Vec<String> = if args.targets.is_empty() {
        context.lab.targets.keys().cloned().collect()
    } else {
        args.targets.clone()
    };
    for name in &names {
        context.lab.target(name)?;
    }
    check_only(args)?;
    let id = format!("contract-{}", std::process::id());
    let mut ground = Ground::open(context, &id, &args.mode, &args.limits, interrupt)?;
    let oracle = Oracle::connect(&ground.cluster.owner_url()).into_diagnostic()?;
    let mut reports: Vec<Report> = Vec::new();
    for name in &names {
        // `--only` may leave one of the two with nothing to do.
        if has_rules(args) {
            let report = answers(
                context,
                &ground,
                name,
                &suite(args),
                &oracle,
                args,
                interrupt,
            )?;
            show(args, &report);
            reports.push(report);
        }
        interrupt.check().map_err(miette::Report::from)?;
        if has_behaviours(args) {
            let report = behaviours(context, &mut ground, name, &oracle, args, interrupt)?;
            show(args, &report);
            reports.push(report);
        }
    }
    if args.json {
        ui::say(&serde_json::to_string_pretty(&reports).into_diagnostic()?);
    }
    let Ground {
        cluster, session, ..
    } = ground;
    drop(cluster);
    session.close()?;
    Ok(if reports.iter().all(Report::passed) {
        Exit::Ok
    } else {
        Exit::Contract
    })
}

/// A filter that nothing passes would pass everything.
fn check_only(args: &ContractArgs) -> miette::Result<()> {
    let Some(text) = &args.only else {
        return Ok(());
    };
    if has_rules(args) || has_behaviours(args) {
        return Ok(());
    }
    Err(miette::miette!(
        help = "the names stand in api-contract/cases, those of the behaviours in api-contract/src/behaviour",
        "no rule{} of the contract has `{text}` in its name",
        if args.behaviour {
            " and no behaviour"
        } else {
            ""
        }
    ))
}

fn has_rules(args: &ContractArgs) -> bool {
    suite(args).rules().next().is_some()
}

fn has_behaviours(args: &ContractArgs) -> bool {
    args.behaviour && !behaviour_suite(args).behaviours().is_empty()
}

fn suite(args: &ContractArgs) -> Suite {
    let suite = if args.thorough {
        Suite::thorough()
    } else {
        Suite::standard()
    };
    match &args.only {
        Some(text) => suite.only(text.clone()),
        None => suite,
    }
}

fn behaviour_suite(args: &ContractArgs) -> BehaviourSuite {
    match &args.only {
        Some(text) => Suite::behaviour().only(text),
        None => Suite::behaviour(),
    }
}

fn show(args: &ContractArgs, report: &Report) {
    if !args.json {
        ui::say(&report.render());
    }
}

fn spec(ground: &Ground, budget: &Budget) -> GroupSpec {
    GroupSpec {
        cpu_quota: ground
            .session
            .limiter
            .kind()
            .has_quota()
            .then(|| f64::from(budget.cpus)),
        cpuset: ground.sets().map(|s| s.service.clone()),
        ..GroupSpec::default()
    }
}

fn answers(
    context: &Context,
    ground: &Ground,
    name: &str,
    suite: &Suite,
    oracle: &Oracle,
    args: &ContractArgs,
    interrupt: &Interrupt,
) -> miette::Result<Report> {
    let budget = context.lab.budget(&args.mode, name)?;
    let group = ground.session.group("contract", &spec(ground, &budget))?;
    let log = ground.session.dir.join(format!("contract-{name}.log"));
    let url = ground.cluster.service_url();
    let mut service = Service::start(context, name, &budget, free_port()?, &url, &*group, &log)?;
    service.wait_ready(
        Duration::from_millis(context.lab.contract.ready_timeout_ms),
        interrupt,
    )?;
    let report =
        api_contract::run(suite, &Subject::new(name, service.address), oracle).into_diagnostic()?;
    service.stop();
    group.remove().into_diagnostic()?;
    Ok(report)
}

fn behaviours(
    context: &Context,
    ground: &mut Ground,
    name: &str,
    oracle: &Oracle,
    args: &ContractArgs,
    interrupt: &Interrupt,
) -> miette::Result<Report> {
    let budget = context.lab.budget(&args.mode, name)?;
    let group = ground.session.group("contract", &spec(ground, &budget))?;
    let promises = Promises {
        db_timeout: Duration::from_millis(context.lab.contract.db_timeout_ms),
        ready_timeout: Duration::from_millis(context.lab.contract.ready_timeout_ms),
        drain_timeout: Duration::from_millis(context.lab.contract.drain_timeout_ms),
        slack: Duration::from_secs(args.slack),
        ..Promises::new(budget.db_connections as usize)
    };
    let mut service = Lent {
        context,
        name,
        budget,
        url: ground.cluster.service_url(),
        group: &*group,
        dir: ground.session.dir.clone(),
        starts: 0,
        running: None,
        ended: None,
    };
    let mut database = LentCluster {
        context,
        cluster: &mut ground.cluster,
        interrupt,
    };
    let mut stage = Stage {
        name: name.to_owned(),
        service: &mut service,
        database: &mut database,
        oracle,
        promises,
    };
    let report = run_behaviour(&behaviour_suite(args), &mut stage, &mut |case| {
        ui::note(&format!("{name}: {case} …"))
    });
    drop(service);
    group.remove().into_diagnostic()?;
    report.into_diagnostic()
}

fn control(e: miette::Report) -> ControlError {
    ControlError::new(format!("{e:#}"))
}

/// The cluster, lent to the suite.
struct LentCluster<'a> {
    context: &'a Context,
    cluster: &'a mut Cluster,
    interrupt: &'a Interrupt,
}

impl behaviour::Database for LentCluster<'_> {
    fn owner_url(&self) -> String {
        self.cluster.owner_url()
    }

    fn service_url(&self) -> String {
        self.cluster.service_url()
    }

    fn stop(&mut self) -> Result<(), ControlError> {
        self.cluster.pause(false).map_err(control)?;
        self.cluster.stop(true);
        Ok(())
    }

    fn start(&mut self) -> Result<(), ControlError> {
        self.cluster
            .start(self.context, self.interrupt)
            .map_err(control)
    }

    fn pause(&mut self) -> Result<(), ControlError> {
        self.cluster.pause(true).map_err(control)
    }

    fn resume(&mut self) -> Result<(), ControlError> {
        self.cluster.pause(false).map_err(control)
    }
}

/// The service, lent to the suite.
struct Lent<'a> {
    context: &'a Context,
    name: &'a str,
    budget: Budget,
    url: String,
    group: &'a dyn Group,
    dir: PathBuf,
    starts: u32,
    running: Option<Service>,
    ended: Option<behaviour::Exit>,
}

impl Lent<'_> {
    fn log_path(&self) -> PathBuf {
        self.dir
            .join(format!("behaviour-{}-{}.log", self.name, self.starts))
    }
}

impl behaviour::Service for Lent<'_> {
    fn variables(&self) -> Vec<String> {
        self.context
            .lab
            .target(self.name)
            .map(|t| t.env.keys().cloned().collect())
            .unwrap_or_default()
    }

    fn start(&mut self, changes: &[EnvChange]) -> Result<(), ControlError> {
        self.starts += 1;
        self.ended = None;
        let changes: Vec<(String, Option<String>)> = changes
            .iter()
            .map(|c| (c.name.clone(), c.value.clone()))
            .collect();
        let port = free_port().map_err(control)?;
        let log = self.log_path();
        let started = Service::start_with(
            self.context,
            self.name,
            &self.budget,
            port,
            &self.url,
            self.group,
            &log,
            &changes,
        );
        self.running = Some(started.map_err(control)?);
        Ok(())
    }

    fn address(&self) -> SocketAddr {
        self.running
            .as_ref()
            .map_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)), |s| s.address)
    }

    fn terminate(&mut self) -> Result<(), ControlError> {
        match &self.running {
            Some(service) => {
                service.terminate();
                Ok(())
            }
            None => Err(ControlError::new("no process was started")),
        }
    }

    fn wait(&mut self, limit: Duration) -> Result<Option<behaviour::Exit>, ControlError> {
        if self.ended.is_some() {
            return Ok(self.ended);
        }
        let Some(service) = &mut self.running else {
            return Err(ControlError::new("no process was started"));
        };
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = service.ended().map_err(control)? {
                self.ended = Some(behaviour::Exit {
                    code: status.code(),
                });
                return Ok(self.ended);
            }
            if Instant::now() >= end {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn kill(&mut self) -> Result<(), ControlError> {
        self.group
            .kill_all()
            .map_err(|e| ControlError::new(e.to_string()))?;
        self.running = None;
        Ok(())
    }

    fn log(&mut self) -> Result<String, ControlError> {
        Ok(String::from_utf8_lossy(&fs_err::read(self.log_path())?).into_owned())
    }
}
