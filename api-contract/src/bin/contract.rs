//! Checks a running service against the contract, or takes one through the rough behaviours.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use api_contract::behaviour::local::{CommandService, LocalCluster};
use api_contract::behaviour::{Promises, Stage};
use api_contract::{Oracle, Report, Subject, Suite, run, run_behaviour};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Check a service against the contract, byte for byte.
///
/// Exit status: 0 the contract is kept, 1 it is not, 2 the check could not be made.
#[derive(Debug, Parser)]
#[command(
    name = "contract",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Action>,
    #[command(flatten)]
    check: Option<CheckArgs>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start a service and stop, pause and lock its database: outages, pool, round trips, shutdown.
    Behaviour(Box<BehaviourArgs>),
    /// Print the OpenAPI document.
    Openapi,
    /// Print the body length of every user and page as JSON, for a load script.
    Lengths {
        /// URL of the database's owner: postgres://owner:password@host:port/database
        #[arg(long, env = "CONTRACT_DATABASE_URL", hide_env_values = true)]
        database_url: String,
    },
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// The service: http://host:port
    #[arg(long)]
    url: String,
    /// URL of the database's owner, who says what is right: postgres://owner:password@host:port/database
    #[arg(long, env = "CONTRACT_DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// How much to ask.
    #[arg(long, value_enum, default_value_t = Extent::Standard)]
    suite: Extent,
    /// Seconds to wait for one answer.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
    /// Only rules whose name contains TEXT.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Print names and requests, send nothing.
    #[arg(long)]
    list: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Extent {
    /// A few requests.
    Quick,
    /// Every rule and every trap.
    Standard,
    /// The standard suite and every row of the table.
    Thorough,
}

#[derive(Debug, Args)]
struct BehaviourArgs {
    /// URL of the database's owner (a superuser).
    #[arg(long, env = "CONTRACT_DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// URL that the service logs in with; it becomes DATABASE_URL.
    #[arg(long, env = "CONTRACT_SERVICE_URL", hide_env_values = true)]
    service_url: String,
    /// Data directory of the running cluster. It will be stopped, frozen and started again.
    #[arg(long)]
    pgdata: PathBuf,
    /// The pg_ctl that belongs to the cluster.
    #[arg(long, default_value = "pg_ctl")]
    pg_ctl: PathBuf,
    /// Connections of the service, all processes together.
    #[arg(long)]
    connections: usize,
    /// application_name that its connections must have.
    #[arg(long)]
    application_name: Option<String>,
    /// The service's limit for acquire plus query, in milliseconds; it becomes DB_TIMEOUT_MS.
    #[arg(long, default_value_t = 2000)]
    db_timeout_ms: u64,
    /// Directory to start the service in.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// A variable of the service beyond HOST, PORT, DATABASE_URL and DB_TIMEOUT_MS; repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    /// File for the service's stderr.
    #[arg(long, default_value = "contract-service.log")]
    log: PathBuf,
    /// Only rules whose name contains TEXT.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Print names and requests, send nothing.
    #[arg(long)]
    list: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// The service's command.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected NAME=VALUE".to_owned())
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match (cli.command, cli.check) {
        (Some(Action::Behaviour(args)), _) => behaviour(*args),
        (Some(Action::Openapi), _) => out(api_contract::OPENAPI).map(|()| true),
        (Some(Action::Lengths { database_url }), _) => lengths(&database_url),
        (None, Some(args)) => check(args),
        (None, None) => Err(anyhow!("nothing to do; see --help")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "contract: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn check(args: CheckArgs) -> Result<bool> {
    let mut suite = match args.suite {
        Extent::Quick => Suite::quick(),
        Extent::Standard => Suite::standard(),
        Extent::Thorough => Suite::thorough(),
    };
    if let Some(text) = &args.only {
        suite = suite.only(text);
    }
    let oracle = Oracle::connect(&args.database_url)?;
    if args.list {
        for case in suite.cases(&oracle)? {
            out(&format!("{} / {}\n", case.rule, case.name))?;
            for exchange in case.exchanges.iter().take(10) {
                let request = &exchange.request;
                let shown: String = request.target.chars().take(100).collect();
                out(&format!(
                    "    {} {shown} -> {}\n",
                    request.method, exchange.expect.status
                ))?;
            }
        }
        return Ok(true);
    }
    let subject = Subject {
        name: "service".to_owned(),
        address: address(&args.url)?,
        timeout: Duration::from_secs(args.timeout),
    };
    let report = run(&suite, &subject, &oracle)?;
    if report.cases.is_empty() {
        bail!(
            "no rule has {:?} in its name",
            args.only.unwrap_or_default()
        );
    }
    finish(&report, args.json)
}

fn behaviour(args: BehaviourArgs) -> Result<bool> {
    let mut suite = Suite::behaviour();
    if let Some(text) = &args.only {
        suite = suite.only(text);
    }
    if suite.behaviours().is_empty() {
        bail!(
            "no behaviour has {:?} in its name",
            args.only.unwrap_or_default()
        );
    }
    if args.list {
        for behaviour in suite.behaviours() {
            out(&format!("{}\n    {}\n", behaviour.name, behaviour.why))?;
        }
        return Ok(true);
    }
    let oracle = Oracle::connect(&args.database_url)?;
    let mut environment = BTreeMap::from([
        ("HOST".to_owned(), "127.0.0.1".to_owned()),
        ("PORT".to_owned(), "{port}".to_owned()),
        ("DATABASE_URL".to_owned(), args.service_url.clone()),
        ("DB_TIMEOUT_MS".to_owned(), args.db_timeout_ms.to_string()),
    ]);
    environment.extend(args.env);
    let mut service = CommandService::new(args.command, args.dir, environment, args.log);
    let mut database = LocalCluster::new(
        args.pgdata,
        args.pg_ctl,
        args.database_url,
        args.service_url,
    );
    let mut promises = Promises::new(args.connections);
    promises.db_timeout = Duration::from_millis(args.db_timeout_ms);
    promises.application_name = args.application_name;
    let mut stage = Stage {
        name: "service".to_owned(),
        service: &mut service,
        database: &mut database,
        oracle: &oracle,
        promises,
    };
    let report = run_behaviour(&suite, &mut stage, &mut |name| {
        let _ = writeln!(std::io::stderr(), "{name}");
    })?;
    finish(&report, args.json)
}

fn lengths(database_url: &str) -> Result<bool> {
    let lengths = Oracle::connect(database_url)?.expected_lengths();
    out(&format!("{}\n", serde_json::to_string(&lengths)?))?;
    Ok(true)
}

fn finish(report: &Report, json: bool) -> Result<bool> {
    if json {
        out(&format!("{}\n", serde_json::to_string_pretty(report)?))?;
    } else {
        out(&report.render())?;
    }
    Ok(report.passed())
}

fn address(url: &str) -> Result<SocketAddr> {
    let authority = url
        .strip_prefix("http://")
        .with_context(|| format!("{url:?} does not start with http://"))?
        .trim_end_matches('/');
    if authority.contains('/') {
        bail!("{url:?} has a path; the contract begins at the root");
    }
    let authority = if authority.contains(':') {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    authority
        .to_socket_addrs()
        .with_context(|| format!("cannot resolve {authority:?}"))?
        .next()
        .with_context(|| format!("{authority:?} has no address"))
}

/// A reader that closes the pipe early, like `head`, is no error worth a message.
fn out(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
