//! systemd: asks the service manager for a transient scope with `Delegate=yes` around *this process*, and works inside
//! it as cgroup v2 does. Because the runner itself is in the scope, its children can move on into their groups also
//! without root (v2 wants a common ancestor that the user may write). The scope ends with its last process.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::kernel::Kernel;
use crate::mounts::Hierarchies;
use crate::v2::{self, CgroupV2, Movers, Place};
use crate::{Error, Kind, Result, Session, tree};

/// How long the service manager gets to start a scope.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Why systemd cannot be used here, and the fix; `Ok` if it can.
pub(crate) fn usable(
    kernel: &dyn Kernel,
    found: &Hierarchies,
) -> std::result::Result<(), (String, String)> {
    if !kernel.exists(Path::new("/run/systemd/system")) {
        return Err((
            "systemd does not run here".into(),
            "nothing to do where a cgroup backend works".into(),
        ));
    }
    v2::unified_with_cpu(kernel, found)?;
    let mut argv = busctl(kernel)
        .map_err(|reason| (reason, "log in through PAM, or run as root".to_owned()))?;
    argv.extend(["get-property", BUS, PATH, MANAGER, "Version"].map(str::to_owned));
    let fix = "install systemd's busctl and dbus; as a user also dbus-user-session, and `loginctl enable-linger`";
    match kernel.command(&argv) {
        Ok(done) if done.ok => Ok(()),
        Ok(done) => Err((
            format!("the service manager does not answer: {}", done.stderr),
            fix.into(),
        )),
        Err(e) => Err((format!("busctl cannot be run: {e}"), fix.into())),
    }
}

const BUS: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";

/// The start of the command line: root talks to the system's manager, a user to its own.
fn busctl(kernel: &dyn Kernel) -> std::result::Result<Vec<String>, String> {
    let uid = kernel.euid();
    if uid == 0 {
        return Ok(["busctl", "--system"].map(str::to_owned).to_vec());
    }
    let runtime = format!("/run/user/{uid}");
    if !kernel.exists(&PathBuf::from(&runtime).join("bus")) {
        return Err(format!(
            "this user has no service manager ({runtime}/bus is missing)"
        ));
    }
    // A shell by su or cron lacks the variables that busctl needs to find the user's bus.
    Ok(vec![
        "env".into(),
        format!("XDG_RUNTIME_DIR={runtime}"),
        format!("DBUS_SESSION_BUS_ADDRESS=unix:path={runtime}/bus"),
        "busctl".into(),
        "--user".into(),
    ])
}

fn unit(session: &Session, pid: u32) -> String {
    format!("bench-{}-{pid}.scope", session.id)
}

/// Is this the name of a scope that this backend has asked for?
pub(crate) fn is_our_scope(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with("bench-") && name.ends_with(".scope"))
}

fn start_scope(kernel: &dyn Kernel, session: &Session) -> Result<()> {
    let unavailable = |reason| Error::Unavailable {
        kind: Kind::Systemd,
        reason,
        fix: "see `bench doctor`".into(),
    };
    let mut argv = busctl(kernel).map_err(unavailable)?;
    let pid = kernel.pid().to_string();
    let unit = unit(session, kernel.pid());
    let description = format!("Bench Frameworks, session {}", session.id);
    let call = [
        "call",
        BUS,
        PATH,
        MANAGER,
        "StartTransientUnit",
        "ssa(sv)a(sa(sv))",
        &unit,
        "fail",
    ];
    let properties = [
        "4",
        "Description",
        "s",
        &description,
        "PIDs",
        "au",
        "1",
        &pid,
        "Delegate",
        "b",
        "true",
        "CollectMode",
        "s",
        "inactive-or-failed",
        "0",
    ];
    argv.extend(call.iter().chain(&properties).map(|s| (*s).to_owned()));
    let done = kernel.command(&argv);
    let fail = |message| Error::Command {
        command: argv.join(" "),
        message,
    };
    match done {
        Ok(done) if done.ok => Ok(()),
        Ok(done) => Err(fail(done.stderr)),
        Err(e) => Err(fail(e.to_string())),
    }
}

/// Opens the backend: moves this process into a delegated scope of its own. If it is in one already (a second call),
/// that one is used.
///
/// # Errors
/// systemd is not usable here, refuses, or does not answer within 20 s.
pub fn open(kernel: &Arc<dyn Kernel>, session: Session) -> Result<CgroupV2> {
    let system = &**kernel;
    let refuse = |(reason, fix)| Error::Unavailable {
        kind: Kind::Systemd,
        reason,
        fix,
    };
    let found = Hierarchies::read(system)?;
    if let Ok(place) = v2::find_place(system, &found)
        && system.exists(&place.folder)
    {
        return CgroupV2::at(kernel, session, Kind::Systemd, &place);
    }
    usable(system, &found).map_err(refuse)?;
    start_scope(system, &session)?;
    let unit = unit(&session, system.pid());
    // The call returns when the job is queued; the move shows in the own cgroup path.
    let own = wait_for(system, &unit)?;
    let mount = v2::unified_with_cpu(system, &found)
        .map_err(refuse)?
        .mount
        .clone();
    CgroupV2::at(
        kernel,
        session,
        Kind::Systemd,
        &Place {
            folder: own,
            mount,
            movers: Movers::Itself,
        },
    )
}

fn wait_for(kernel: &dyn Kernel, unit: &str) -> Result<PathBuf> {
    let tries = START_LIMIT.as_millis() / tree::LOOK.as_millis();
    for _ in 0..tries {
        let own = Hierarchies::read(kernel)?
            .v2
            .map(|h| h.own)
            .unwrap_or_default();
        if own.file_name().is_some_and(|name| name == unit)
            && kernel.exists(&own.join("cgroup.procs"))
        {
            return Ok(own);
        }
        kernel.pause(tree::LOOK);
    }
    Err(Error::Command {
        command: format!("start of {unit}"),
        message: format!(
            "this process was not moved into it within {} s",
            START_LIMIT.as_secs()
        ),
    })
}
