//! `bench up`, `down`, `logs`: Postgres and services on their own ports, in the background, until `down`.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lab_limits::{Group, GroupSpec};
use lab_model::config::{Postgres, Setting};
use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use serde::{Deserialize, Serialize};

use crate::cli::{Cli, LogsArgs, UpArgs};
use crate::context::Context;
use crate::error::Exit;
use crate::interrupt::Interrupt;
use crate::run::engine::Ground;
use crate::service::Service;
use crate::ui;

/// What `up` left for `down` and `logs`.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    pid: u32,
    /// Start time of that process, so that a reused id is not signalled.
    start: u64,
    logs: BTreeMap<String, PathBuf>,
    services: BTreeMap<String, String>,
}

fn folder(context: &Context) -> PathBuf {
    context.root.join(".lab/up")
}

fn names(context: &Context, args: &UpArgs) -> miette::Result<Vec<String>> {
    let names: Vec<String> = if args.targets.is_empty() {
        context.lab.targets.keys().cloned().collect()
    } else {
        args.targets.clone()
    };
    for name in &names {
        context.lab.target(name)?;
    }
    Ok(names)
}

fn read_state(folder: &Path) -> Option<State> {
    let state: State =
        serde_json::from_slice(&fs_err::read(folder.join("state.json")).ok()?).ok()?;
    let kernel = lab_limits::real();
    let stat = lab_limits::procs::stat(&*kernel, state.pid).ok()?;
    (stat.start == state.start && !stat.ended()).then_some(state)
}

/// Starts the background half and waits until everything answers.
///
/// # Errors
/// Something is up already, or does not come up; its output is shown.
pub fn up(cli: &Cli, context: &Context, args: &UpArgs) -> miette::Result<Exit> {
    let folder = folder(context);
    fs_err::create_dir_all(&folder).into_diagnostic()?;
    if read_state(&folder).is_some() {
        return Err(miette!(
            help = "`bench down` stops it",
            "the lab is up already"
        ));
    }
    let names = names(context, args)?;
    let _ = fs_err::remove_file(folder.join("state.json"));
    let log = fs_err::File::create(folder.join("up.log")).into_diagnostic()?;
    let mut command = Command::new(std::env::current_exe().into_diagnostic()?);
    for (flag, value) in [("--lab", &cli.lab), ("--inventory", &cli.inventory)] {
        if let Some(path) = value {
            command.arg(flag).arg(path);
        }
    }
    command
        .arg("__up")
        .args(["--mode", &args.mode])
        .args(&names);
    if args.limits.allow_affinity_only {
        command.arg("--allow-affinity-only");
    }
    if args.limits.allow_oversubscribed {
        command.arg("--allow-oversubscribed");
    }
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.file().try_clone().into_diagnostic()?)
        .stderr(log.into_file())
        .spawn()
        .into_diagnostic()?;
    ui::note("Starting Postgres and services …");
    let end = Instant::now() + Duration::from_secs(180);
    loop {
        if let Some(state) = read_state(&folder) {
            for (name, address) in &state.services {
                ui::say(&format!("{name:<20} http://{address}"));
            }
            ui::say("`bench logs TARGET` shows a log, `bench down` stops everything.");
            return Ok(Exit::Ok);
        }
        if let Some(status) = child.try_wait().into_diagnostic()? {
            // Its error is ours: said once, with its exit code.
            let text = fs_err::read_to_string(folder.join("up.log")).into_diagnostic()?;
            ui::note(text.trim_end());
            return match status.code() {
                Some(code) if code == Exit::Limits as i32 => Ok(Exit::Limits),
                Some(_) => Ok(Exit::Usage),
                None => Err(miette!("the background half of `up` was killed ({status})")),
            };
        }
        if Instant::now() > end {
            return Err(miette!(
                "the lab is not up after 3 minutes; see {}",
                folder.join("up.log").display()
            ));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// In a run one service at a time has the database; here all of them have their pools at once.
fn with_room_for_all(context: &Context, names: &[String], mode: &str) -> miette::Result<Context> {
    let mut context = context.clone();
    let mut wanted = i64::from(Postgres::RESERVE);
    for name in names {
        wanted += i64::from(context.lab.budget(mode, name)?.db_connections);
    }
    if let Some(Setting::Integer(most)) = context.lab.postgres.settings.get_mut("max_connections") {
        *most = wanted.max(*most);
    }
    Ok(context)
}

/// The background half: holds the session until SIGTERM.
///
/// # Errors
/// Something does not come up.
pub fn background(context: &Context, args: &UpArgs, interrupt: &Interrupt) -> miette::Result<Exit> {
    let folder = folder(context);
    let names = names(context, args)?;
    let context = &with_room_for_all(context, &names, &args.mode)?;
    let ground = Ground::open(
        context,
        &format!("up-{}", std::process::id()),
        &args.mode,
        &args.limits,
        interrupt,
    )?;
    let url = ground.cluster.service_url();
    let mut groups: Vec<Box<dyn Group>> = Vec::new();
    for name in &names {
        let budget = context.lab.budget(&args.mode, name)?;
        let spec = GroupSpec {
            cpu_quota: ground
                .session
                .limiter
                .kind()
                .has_quota()
                .then(|| f64::from(budget.cpus)),
            cpuset: ground.sets().map(|s| s.service.clone()),
            ..GroupSpec::default()
        };
        groups.push(ground.session.group(name, &spec)?);
    }
    let mut logs = BTreeMap::from([("postgres".to_owned(), ground.cluster.log())]);
    let mut running = Vec::new();
    let mut services = BTreeMap::new();
    for (name, group) in names.iter().zip(&groups) {
        let budget = context.lab.budget(&args.mode, name)?;
        let log = folder.join(format!("{name}.log"));
        let _ = fs_err::remove_file(&log);
        let port = context.lab.target(name)?.port;
        let mut service = Service::start(context, name, &budget, port, &url, &**group, &log)?;
        service
            .wait_ready(
                Duration::from_millis(context.lab.contract.ready_timeout_ms),
                interrupt,
            )
            .wrap_err_with(|| format!("{name} (port {port})"))?;
        logs.insert(name.clone(), log);
        services.insert(name.clone(), service.address.to_string());
        running.push(service);
    }
    let kernel = lab_limits::real();
    let start = lab_limits::procs::stat(&*kernel, std::process::id())
        .into_diagnostic()?
        .start;
    let state = State {
        pid: std::process::id(),
        start,
        logs,
        services,
    };
    lab_model::atomic::write_json(&folder.join("state.json"), &state).into_diagnostic()?;
    while !interrupt.is_set() {
        std::thread::sleep(Duration::from_millis(100));
    }
    let _ = fs_err::remove_file(folder.join("state.json"));
    for service in &running {
        service.terminate();
    }
    for service in &mut running {
        service.stop();
    }
    let Ground {
        cluster, session, ..
    } = ground;
    drop(cluster);
    session.close()?;
    Ok(Exit::Ok)
}

/// Stops what `up` started.
///
/// # Errors
/// It does not end.
pub fn down(context: &Context) -> miette::Result<Exit> {
    let Some(state) = read_state(&folder(context)) else {
        ui::note("nothing is up");
        return Ok(Exit::Ok);
    };
    let pid = i32::try_from(state.pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let pid = pid.ok_or_else(|| miette!("bad process id {}", state.pid))?;
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).into_diagnostic()?;
    let kernel = lab_limits::real();
    let end = Instant::now() + Duration::from_secs(40);
    while Instant::now() < end {
        let gone = lab_limits::procs::stat(&*kernel, state.pid)
            .map_or(true, |s| s.start != state.start || s.ended());
        if gone {
            ui::say("down");
            return Ok(Exit::Ok);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(miette!(
        "process {} does not end; `kill -9 {}` and the guard cleans up",
        state.pid,
        state.pid
    ))
}

/// Prints a log; follows it until Ctrl-C if asked.
///
/// # Errors
/// Nothing is up, or no such log.
pub fn logs(context: &Context, args: &LogsArgs, interrupt: &Interrupt) -> miette::Result<Exit> {
    let folder = folder(context);
    let path = match read_state(&folder) {
        Some(state) => state.logs.get(&args.target).cloned().ok_or_else(|| {
            let known: Vec<&String> = state.logs.keys().collect();
            miette!(
                help = format!("there are: {known:?}"),
                "no log of `{}`",
                args.target
            )
        })?,
        // The last log of a service outlives it.
        None => folder.join(format!("{}.log", args.target)),
    };
    if !path.exists() {
        return Err(miette!(
            help = "`bench up` starts the services",
            "no log of `{}`",
            args.target
        ));
    }
    let mut at = 0;
    loop {
        let mut file = fs_err::File::open(&path).into_diagnostic()?;
        file.seek(SeekFrom::Start(at)).into_diagnostic()?;
        let mut text = Vec::new();
        at += file.read_to_end(&mut text).into_diagnostic()? as u64;
        let text = String::from_utf8_lossy(&text);
        if !text.is_empty() {
            ui::say(text.trim_end_matches('\n'));
        }
        if !args.follow || interrupt.is_set() {
            return Ok(Exit::Ok);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}
