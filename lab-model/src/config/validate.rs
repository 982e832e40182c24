//! What types cannot say: values that would make a run unfair, impossible or meaningless.

use super::budget::PLACEHOLDERS;
use super::error::{nearest, pool_message};
use super::{Lab, Profile, Target, WorkerKind};

/// A problem and the keys that lead to it.
pub(super) struct Problem {
    pub at: Vec<String>,
    pub message: String,
    pub hint: String,
}

/// Metrics that a plan may name.
pub const METRICS: [&str; 10] = [
    "p50",
    "p90",
    "p95",
    "p99",
    "p999",
    "mean",
    "max",
    "throughput",
    "cpu_per_request",
    "error_rate",
];

fn fail(at: &[&str], message: impl Into<String>, hint: impl Into<String>) -> Result<(), Problem> {
    Err(Problem {
        at: at.iter().map(|s| (*s).to_owned()).collect(),
        message: message.into(),
        hint: hint.into(),
    })
}

pub(super) fn check(lab: &Lab) -> Result<(), Problem> {
    if lab.schema_version != 1 {
        return fail(
            &["schema_version"],
            "this program reads schema_version 1",
            "use the matching version of the lab",
        );
    }
    postgres(lab)?;
    modes(lab)?;
    generator(lab)?;
    for (name, target) in &lab.targets {
        self::target(name, target)?;
    }
    ports(lab)?;
    for (name, profile) in &lab.profiles {
        self::profile(name, profile)?;
    }
    plan(lab)?;
    receipt(lab)
}

fn generator(lab: &Lab) -> Result<(), Problem> {
    // Below what k6 holds for its users and their record it would do nothing but collect garbage.
    if lab.generator.memory_mib < 256 {
        return fail(
            &["generator", "memory_mib"],
            "memory_mib must be at least 256",
            "2048 is enough for the default repetition without a collection",
        );
    }
    Ok(())
}

fn postgres(lab: &Lab) -> Result<(), Problem> {
    let p = &lab.postgres;
    if p.users == 0 {
        return fail(
            &["postgres", "users"],
            "users must be at least 1",
            "10000 is the lab's default",
        );
    }
    for (key, name) in [("database", &p.database), ("role", &p.role)] {
        let plain = name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if name.is_empty() || !plain || name.starts_with(|c: char| c.is_ascii_digit()) {
            return fail(
                &["postgres", key],
                format!("`{name}` is no plain name"),
                "use lower-case letters, digits and _",
            );
        }
    }
    let Some(super::Setting::Integer(_)) = p.settings.get("max_connections") else {
        return fail(
            &["postgres", "settings"],
            "max_connections must be set to a number",
            "the budgets are checked against it",
        );
    };
    for (name, mode) in &lab.modes {
        if let Some(message) = p.too_many(mode.db_connections) {
            return fail(
                &["modes", name, "db_connections"],
                message,
                "raise postgres.settings.max_connections",
            );
        }
    }
    Ok(())
}

fn modes(lab: &Lab) -> Result<(), Problem> {
    if lab.modes.is_empty() {
        return fail(&["modes"], "no mode", "add a table [modes.single]");
    }
    for (name, mode) in &lab.modes {
        for (key, value) in [
            ("cpus", mode.cpus),
            ("workers", mode.workers),
            ("db_connections", mode.db_connections),
            ("postgres_cpus", mode.postgres_cpus),
            ("load_cpus", mode.load_cpus),
        ] {
            if value == 0 {
                return fail(
                    &["modes", name, key],
                    format!("{key} must be at least 1"),
                    "a service cannot run on nothing",
                );
            }
        }
        let split = lab
            .targets
            .values()
            .any(|t| t.workers == WorkerKind::Processes);
        if split && mode.db_connections % mode.workers != 0 {
            return fail(
                &["modes", name, "db_connections"],
                pool_message(name, mode.db_connections, mode.workers),
                "choose db_connections as a multiple of workers; it is never rounded, because then the budgets would differ",
            );
        }
    }
    Ok(())
}

/// What a target may be called: its name is also the name of folders and groups.
pub const TARGET_NAME_HINT: &str = "use lower-case letters, digits and -: it names folders";

/// Whether a target may be called so.
pub fn is_target_name(name: &str) -> bool {
    let plain = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    !name.is_empty() && plain && !name.starts_with('-')
}

fn target(name: &str, t: &Target) -> Result<(), Problem> {
    if !is_target_name(name) {
        return fail(
            &["targets", name],
            format!("`{name}` is no target name"),
            TARGET_NAME_HINT,
        );
    }
    if t.command.first().is_none_or(String::is_empty) {
        return fail(
            &["targets", name, "command"],
            "the command is empty",
            "give the program and its arguments as a list",
        );
    }
    if t.port == 0 {
        return fail(
            &["targets", name, "port"],
            "port must be between 1 and 65535",
            "8080 and up are free by habit",
        );
    }
    for (key, texts) in [
        ("command", &t.command),
        ("build", t.build.as_ref().unwrap_or(&Vec::new())),
    ] {
        for text in texts {
            placeholders(&["targets", name, key], text)?;
        }
    }
    for (key, text) in &t.env {
        placeholders(&["targets", name, "env", key], text)?;
    }
    let told = |what: &str| t.env.values().chain(&t.command).any(|v| v.contains(what));
    for (what, why) in [
        ("{port}", "the runner chooses a free port"),
        ("{database_url}", "the database is made anew for each run"),
        (
            "{pool_size}",
            "without it the service cannot keep the connection budget",
        ),
    ] {
        if !told(what) {
            return fail(
                &["targets", name, "env"],
                format!("target `{name}` is never told {what}"),
                format!("pass it in env or command: {why}"),
            );
        }
    }
    Ok(())
}

fn placeholders(at: &[&str], text: &str) -> Result<(), Problem> {
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}') else {
            return fail(
                at,
                format!("`{text}` has an open brace"),
                "placeholders look like {port}",
            );
        };
        let name = &rest[open + 1..open + close];
        if !PLACEHOLDERS.contains(&name) {
            let hint = match nearest(name, PLACEHOLDERS) {
                Some(near) => format!("did you mean {{{near}}}?"),
                None => format!(
                    "known: {}",
                    PLACEHOLDERS.map(|p| format!("{{{p}}}")).join(" ")
                ),
            };
            return fail(at, format!("unknown placeholder {{{name}}}"), hint);
        }
        rest = &rest[open + close + 1..];
    }
    Ok(())
}

fn ports(lab: &Lab) -> Result<(), Problem> {
    for (i, (name, t)) in lab.targets.iter().enumerate() {
        if let Some((other, _)) = lab.targets.iter().take(i).find(|(_, o)| o.port == t.port) {
            return fail(
                &["targets", name, "port"],
                format!("port {} is `{other}`'s", t.port),
                "each target needs a port of its own",
            );
        }
    }
    Ok(())
}

fn profile(name: &str, p: &Profile) -> Result<(), Problem> {
    // k6 takes no arrival rate for less than a second.
    let shortest = if p.executor.is_open() { 1.0 } else { 0.1 };
    for (key, value, least) in [
        ("warmup_s", p.warmup_s, shortest),
        ("measure_s", p.measure_s, 1.0),
    ] {
        if !value.is_finite() || value < least || value > 86_400.0 {
            return fail(
                &["profiles", name, key],
                format!("{key} must be between {least} and 86400 seconds"),
                "10 is the default of a measured phase",
            );
        }
    }
    if p.vus == 0 {
        return fail(
            &["profiles", name, "vus"],
            "vus must be at least 1",
            "16 saturates one service CPU here",
        );
    }
    if p.mix.user + p.mix.users == 0 {
        return fail(
            &["profiles", name, "mix"],
            "the mix has no request",
            "give at least one weight above 0",
        );
    }
    if p.executor.is_open() != p.rate.is_some() {
        let (message, hint) = if p.executor.is_open() {
            (
                "an open loop needs `rate`",
                "add rate = requests per second",
            )
        } else {
            (
                "a closed loop has no `rate`",
                "remove it, or choose executor = \"constant-arrival-rate\"",
            )
        };
        return fail(
            &[
                "profiles",
                name,
                if p.rate.is_some() { "rate" } else { "executor" },
            ],
            message,
            hint,
        );
    }
    if p.rate == Some(0) || p.steps == Some(0) {
        return fail(
            &["profiles", name, "rate"],
            "rate and steps must be at least 1",
            "requests per second",
        );
    }
    Ok(())
}

fn plan(lab: &Lab) -> Result<(), Problem> {
    let p = &lab.plan;
    for (at, name) in [
        (vec!["plan", "profile"], &p.profile),
        (vec!["plan", "quick", "profile"], &p.quick.profile),
    ] {
        if lab.profile(name).is_err() {
            let known = lab.profiles.keys().cloned().collect::<Vec<_>>().join(", ");
            return fail(
                &at,
                format!("no profile named `{name}`"),
                format!("there are: {known}"),
            );
        }
    }
    if lab.target(&p.baseline).is_err() {
        let known = lab.targets.keys().cloned().collect::<Vec<_>>().join(", ");
        return fail(
            &["plan", "baseline"],
            format!("no target named `{}`", p.baseline),
            format!("there are: {known}"),
        );
    }
    if p.repetitions == 0 || p.quick.repetitions == 0 || p.thorough.repetitions == 0 {
        return fail(
            &["plan", "repetitions"],
            "repetitions must be at least 1",
            "10 is the default; verdicts need 3 or more",
        );
    }
    if !(1..=3).contains(&p.looks) {
        return fail(
            &["plan", "looks"],
            "looks must be 1, 2 or 3",
            "STATISTICS section 8 has levels for these only",
        );
    }
    if !(p.margin > 0.0 && p.margin < 1.0) {
        return fail(
            &["plan", "margin"],
            "margin must be between 0 and 1",
            "0.05 means within a factor of 1.05",
        );
    }
    if !(p.alpha > 0.0 && p.alpha < 0.5) {
        return fail(
            &["plan", "alpha"],
            "alpha must be between 0 and 0.5",
            "0.05 is the default",
        );
    }
    if !(p.cooldown_s >= 0.0 && p.cooldown_s <= 3600.0) {
        return fail(
            &["plan", "cooldown_s"],
            "cooldown_s must be between 0 and 3600",
            "0.5 is the default",
        );
    }
    let mut seen = Vec::new();
    for (key, names) in [
        ("primary", &p.primary),
        ("secondary", &p.secondary),
        ("descriptive", &p.descriptive),
    ] {
        for name in names {
            if !METRICS.contains(&name.as_str()) {
                let hint = nearest(name, METRICS)
                    .map_or(format!("known: {}", METRICS.join(", ")), |n| {
                        format!("did you mean `{n}`?")
                    });
                return fail(&["plan", key], format!("unknown metric `{name}`"), hint);
            }
            if seen.contains(&name) {
                return fail(
                    &["plan", key],
                    format!("metric `{name}` has two roles"),
                    "a metric has one role, fixed before the run",
                );
            }
            seen.push(name);
        }
    }
    if p.primary.is_empty() {
        return fail(
            &["plan", "primary"],
            "no primary metric",
            "p99 is the default",
        );
    }
    Ok(())
}

fn receipt(lab: &Lab) -> Result<(), Problem> {
    let r = &lab.receipt;
    for (key, value) in [
        ("service_cpu_over", r.service_cpu_over),
        ("generator_cpu_share", r.generator_cpu_share),
        ("host_steal_share", r.host_steal_share),
        ("host_idle_share", r.host_idle_share),
        ("foreign_cpu_share", r.foreign_cpu_share),
        ("error_rate", r.error_rate),
        ("query_mismatch_share", r.query_mismatch_share),
        ("memory_pressure", r.memory_pressure.unwrap_or(0.0)),
        ("io_pressure", r.io_pressure.unwrap_or(0.0)),
    ] {
        if !(0.0..=1.0).contains(&value) {
            return fail(
                &["receipt", key],
                format!("{key} must be between 0 and 1"),
                "it is a share, not a percentage",
            );
        }
    }
    Ok(())
}
