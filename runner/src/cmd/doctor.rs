//! `bench doctor`: what this host can enforce, what would spoil a run, and the fix for each.

use std::time::Duration;

use lab_limits::{Noise, Wanted, plan_cpus};
use miette::IntoDiagnostic as _;
use serde::Serialize;

use crate::cli::DoctorArgs;
use crate::context::Context;
use crate::error::Exit;
use crate::ui;

/// State of one finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// As it should be.
    Ok,
    /// Results will be marked, or may be noisy.
    Mark,
    /// A run would be refused or invalid.
    Bad,
}

/// One line.
#[derive(Debug, Clone, Serialize)]
struct Finding {
    /// For programs.
    code: String,
    state: State,
    /// What was found.
    found: String,
    /// What to do; empty when there is nothing to do.
    fix: String,
}

fn finding(code: &str, state: State, found: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding {
        code: code.to_owned(),
        state,
        found: found.into(),
        fix: fix.into(),
    }
}

/// How long the host is watched for noise.
const WATCH: Duration = Duration::from_secs(2);

/// Prints the findings; exit 3 when no mode can run here, 1 when something is bad, 0 otherwise.
///
/// # Errors
/// /proc cannot be read.
pub fn run(context: &Context, args: &DoctorArgs) -> miette::Result<Exit> {
    let kernel = lab_limits::real();
    let probe = lab_limits::probe(&kernel).into_diagnostic()?;
    let mut all = vec![host(&probe.host)];
    for c in &probe.candidates {
        let chosen = c.kind == probe.chosen;
        let state = if c.usable { State::Ok } else { State::Mark };
        let head = format!(
            "limits by {}: {}{}",
            c.kind,
            c.reason,
            if chosen { " (chosen)" } else { "" }
        );
        // What is not needed needs no fix.
        let fix = if c.usable || probe.chosen.has_quota() {
            String::new()
        } else {
            c.fix.clone()
        };
        all.push(finding("limits", state, head, fix));
    }
    if !probe.chosen.has_quota() {
        all.push(finding(
            "quota",
            State::Bad,
            "no CPU quota can be enforced: a run is refused",
            "one of the fixes above, or --allow-affinity-only (results are marked)",
        ));
    }
    let modes: Vec<&String> = context
        .lab
        .modes
        .keys()
        .filter(|m| args.mode.as_ref().is_none_or(|a| a == *m))
        .collect();
    if let Some(mode) = &args.mode {
        context.lab.mode(mode)?;
    }
    let mut fits = 0;
    for name in modes {
        let mode = context.lab.mode(name)?;
        let wanted = Wanted {
            service: mode.cpus as usize,
            postgres: mode.postgres_cpus as usize,
            load: mode.load_cpus as usize,
        };
        all.push(match plan_cpus(&probe.host, wanted, false) {
            Ok(plan) => {
                fits += 1;
                let state = if plan.shared_cpus || plan.shared_cores {
                    State::Mark
                } else {
                    State::Ok
                };
                let fix = if plan.shared_cpus {
                    "a larger host gives each its own CPUs; here results are marked shared_cpus"
                } else {
                    ""
                };
                finding("mode", state, format!("mode {name}: {}", plan.text), fix)
            }
            Err(e) => finding("mode", State::Mark, format!("mode {name}: {e}"), ""),
        });
    }
    all.extend(noise(&kernel)?);
    all.extend(frequency(&probe.host));
    all.extend(programs(context));
    all.extend(targets(context));
    if args.json {
        ui::say(&serde_json::to_string_pretty(&all).into_diagnostic()?);
    } else {
        for f in &all {
            let mark = match f.state {
                State::Ok => "ok  ",
                State::Mark => "mark",
                State::Bad => "BAD ",
            };
            ui::say(&format!("{mark} {}", f.found));
            if !f.fix.is_empty() {
                ui::say(&format!("       fix: {}", f.fix));
            }
        }
    }
    let bad = all.iter().any(|f| f.state == State::Bad);
    Ok(if fits == 0 || !probe.chosen.has_quota() {
        Exit::Limits
    } else if bad {
        Exit::SomeInvalid
    } else {
        Exit::Ok
    })
}

fn host(host: &lab_limits::Host) -> Finding {
    let kind = if host.virtual_machine {
        "virtual machine"
    } else {
        "bare metal"
    };
    let quota = host
        .quota
        .map(|q| format!(", quota from outside {q} CPUs"))
        .unwrap_or_default();
    let text = format!(
        "host: {}, {} CPUs on {} cores{quota}, {:.1} GiB, Linux {}, {kind}",
        host.model,
        host.allowed.len(),
        host.cores.len(),
        host.memory_bytes as f64 / f64::from(1u32 << 30),
        host.kernel,
    );
    finding("host", State::Ok, text, "")
}

/// Watches the host for a moment: a busy neighbour hides throttling and moves every percentile.
fn noise(kernel: &std::sync::Arc<dyn lab_limits::Kernel>) -> miette::Result<Vec<Finding>> {
    let before = Noise::read(&**kernel).into_diagnostic()?;
    std::thread::sleep(WATCH);
    let seen = Noise::read(&**kernel).into_diagnostic()?.since(&before);
    let (steal, busy) = (seen.steal_share(), seen.busy_share());
    let state = |bad: bool| if bad { State::Mark } else { State::Ok };
    Ok(vec![
        finding(
            "steal",
            state(steal > 0.02),
            format!(
                "CPU time stolen by the hypervisor in the last {} s: {:.1}%",
                WATCH.as_secs(),
                100.0 * steal
            ),
            if steal > 0.02 {
                "a host with its own CPUs; repetitions with too much of it are invalid"
            } else {
                ""
            },
        ),
        finding(
            "busy",
            state(busy > 0.10),
            format!(
                "CPUs busy in the last {} s: {:.1}%, load average {:.2}",
                WATCH.as_secs(),
                100.0 * busy,
                seen.load1
            ),
            if busy > 0.10 {
                "end other programs before a run"
            } else {
                ""
            },
        ),
    ])
}

fn frequency(host: &lab_limits::Host) -> Option<Finding> {
    let governors = &host.governors;
    if governors.is_empty() {
        return Some(finding(
            "governor",
            State::Ok,
            "CPU frequency is not visible from here (usual in a VM)",
            "",
        ));
    }
    let steady = governors.iter().all(|g| g == "performance");
    let fix = if steady {
        ""
    } else {
        "cpupower frequency-set --governor performance"
    };
    Some(finding(
        "governor",
        if steady { State::Ok } else { State::Mark },
        format!("CPU governor: {}", governors.join(", ")),
        fix,
    ))
}

fn programs(context: &Context) -> Vec<Finding> {
    ["postgres", "initdb", "psql", "k6"]
        .into_iter()
        .map(|name| match context.inventory.program(name) {
            Ok(p) if p.path.exists() => {
                finding("program", State::Ok, format!("{name}: {}", p.version), "")
            }
            Ok(p) => finding(
                "program",
                State::Bad,
                format!("{name}: {} is gone", p.path.display()),
                "start through ./lab, which installs it again",
            ),
            Err(e) => finding(
                "program",
                State::Bad,
                e.to_string(),
                "start through ./lab, which installs it",
            ),
        })
        .collect()
}

fn targets(context: &Context) -> Vec<Finding> {
    context
        .lab
        .targets
        .keys()
        .map(|name| match context.version_of(name) {
            Ok(version) => finding("target", State::Ok, format!("{name}: {version}"), ""),
            Err(e) => finding(
                "target",
                State::Bad,
                format!("{name}: {e}"),
                format!("bench build {name}"),
            ),
        })
        .collect()
}
