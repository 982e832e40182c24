//! `bench new-target NAME`: a table for one more service, and what the service must keep.

use std::path::Path;

use lab_model::config::{Contract, Lab, TARGET_NAME_HINT, is_target_name};
use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use toml_edit::{Array, DocumentMut, Item, value};

use crate::cli::{NewTargetArgs, Workers};
use crate::context::Context;
use crate::error::Exit;
use crate::ui;

/// Writes the table into lab.toml and prints the checklist. `lab_option` is `--lab` as given, for the next commands.
///
/// # Errors
/// The name is taken or ill-formed, the table would make lab.toml invalid, or the file cannot be written.
pub fn run(
    lab_option: Option<&Path>,
    context: &Context,
    args: &NewTargetArgs,
) -> miette::Result<Exit> {
    let path = &context.lab_path;
    let shown = path.display().to_string();
    let table = table(&context.lab, args)?;
    let text = with_table(&context.lab_text, &args.name, &table)?;
    // Nothing is written that the next command would refuse.
    let lab = Lab::parse(&shown, &text)?;
    if args.dry_run {
        ui::say(&format!("{}\n", table.trim()));
    } else {
        lab_model::atomic::write(path, text.as_bytes())
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot write {shown}"))?;
        ui::say(&format!("Added [targets.{}] to {shown}.\n", args.name));
    }
    ui::say(&checklist(
        &args.name,
        &lab.plan.baseline,
        &lab.contract,
        &bench(lab_option),
    ));
    Ok(Exit::Ok)
}

/// How the user calls this program.
fn bench(lab_option: Option<&Path>) -> String {
    let program = if std::env::var_os("BENCH_SETUP").is_some_and(|v| v == "lab") {
        "./lab exec bench"
    } else {
        "bench"
    };
    match lab_option {
        Some(path) => format!("{program} --lab {}", path.display()),
        None => program.to_owned(),
    }
}

/// The text of the table, with its comments.
fn table(lab: &Lab, args: &NewTargetArgs) -> miette::Result<String> {
    let name = &args.name;
    if !is_target_name(name) {
        return Err(miette!(
            help = TARGET_NAME_HINT,
            "`{name}` is no target name"
        ));
    }
    if lab.targets.contains_key(name) {
        return Err(miette!(
            help = "choose another name, or edit its table",
            "there is a target `{name}` already"
        ));
    }
    let dir = args.dir.clone().unwrap_or_else(|| name.clone());
    let command = args.command.clone().unwrap_or_else(|| format!("./{name}"));
    let version = args
        .version_command
        .clone()
        .unwrap_or_else(|| format!("{command} --version"));
    let port = match args.port {
        Some(port) => port,
        None => free_port(lab)?,
    };
    let build = args.build.as_ref().map_or_else(
        || line("# build = [\"make\"]", "nothing to build"),
        |b| format!("build = {}", words(b)),
    );
    let workers = match args.workers {
        Workers::Threads => line(
            "workers = \"threads\"",
            "one process, one pool; \"processes\": a pool each",
        ),
        Workers::Processes => line(
            "workers = \"processes\"",
            "every worker is a process with a pool of its own",
        ),
    };
    Ok(format!(
        r#"
[targets.{name}]
title = {title}
{dir}
{build}
command = {command}
version_command = {version}
{port}
{workers}
{env}
HOST = "{{host}}"
PORT = "{{port}}"
DATABASE_URL = "{{database_url}}"
DB_TIMEOUT_MS = "{{db_timeout_ms}}"
DB_POOL_SIZE = "{{pool_size}}"
WORKERS = "{{workers}}"
"#,
        title = value(args.title.as_ref().unwrap_or(name)),
        dir = line(
            &format!("dir = {}", value(dir)),
            "relative to this file; the commands run there"
        ),
        command = words(&command),
        version = words(&version),
        port = line(
            &format!("port = {port}"),
            "for playing (`bench up`) and containers; a benchmark takes a free port"
        ),
        env = line(
            &format!("[targets.{name}.env]"),
            "the names are the service's own, the values come from the budgets"
        ),
    ))
}

/// A line with its comment, in the column in which lab.toml has them.
fn line(text: &str, comment: &str) -> String {
    format!("{text:<24} # {comment}")
}

/// A list of words as TOML.
fn words(text: &str) -> Item {
    value(text.split_whitespace().collect::<Array>())
}

/// The port after the highest one in use.
fn free_port(lab: &Lab) -> miette::Result<u16> {
    let highest = lab.targets.values().map(|t| t.port).max().unwrap_or(8079);
    highest
        .checked_add(1)
        .ok_or_else(|| miette!(help = "name one with --port", "no port is left above 65535"))
}

/// lab.toml with the table behind the last target; everything else stays byte for byte.
fn with_table(lab_text: &str, name: &str, table: &str) -> miette::Result<String> {
    let mut document: DocumentMut = lab_text.parse().into_diagnostic()?;
    let mut fragment: DocumentMut = table.parse().into_diagnostic()?;
    let mut item = fragment["targets"]
        .as_table_mut()
        .and_then(|targets| targets.remove(name))
        .ok_or_else(|| miette!("the new table is no table"))?;
    unplaced(&mut item);
    document["targets"]
        .as_table_mut()
        .ok_or_else(|| {
            miette!(
                help = "write each target as a table [targets.NAME]",
                "[targets] is not made of tables"
            )
        })?
        .insert(name, item);
    Ok(document.to_string())
}

/// Without a place of its own, a table is printed behind the one before it.
fn unplaced(item: &mut Item) {
    if let Some(table) = item.as_table_mut() {
        table.set_position(None);
        for (_, inner) in table.iter_mut() {
            unplaced(inner);
        }
    }
}

/// What the service must keep, and how to see that it does.
fn checklist(name: &str, baseline: &str, limits: &Contract, bench: &str) -> String {
    format!(
        r#"What the service must keep (api-contract/openapi.yaml has every rule):
 [ ] GET and HEAD of /healthz, /readyz, /users/{{id}} and /users?limit&offset; any other path is 404, any other method 405
 [ ] Content-Type exactly application/json, Content-Length, keys in order, no spaces, only " \ and control characters escaped
 [ ] the SQL of db/queries, word for word, prepared once a connection: one round trip a user, two a page, nothing else
 [ ] the whole pool open from the start, kept, never more: no ping, no reset, no transaction
 [ ] database away, hung or busy: 503 within {db_timeout} ms, /healthz still 200, recovery by itself, also at the start
 [ ] a missing or impossible variable: one line on stderr that names it, exit 2
 [ ] errors as JSON lines on stderr, no access log, no secret in it
 [ ] ready within {ready} ms; SIGTERM: answer what is in flight and exit 0 within {drain} ms

Next:
  {bench} build {name}
  {bench} contract {name}                 each wrong answer, with the first byte that differs
  {bench} contract {name} --behaviour     the database goes, hangs and comes back; start and end
  {bench} run --mode single --quick -t {name} -t {baseline}"#,
        db_timeout = limits.db_timeout_ms,
        ready = limits.ready_timeout_ms,
        drain = limits.drain_timeout_ms,
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LAB: &str = include_str!("../../../lab.toml");

    fn args(name: &str) -> NewTargetArgs {
        NewTargetArgs {
            name: name.to_owned(),
            title: None,
            dir: None,
            build: None,
            command: None,
            version_command: None,
            workers: Workers::Threads,
            port: None,
            dry_run: false,
        }
    }

    fn lab() -> Lab {
        Lab::parse("lab.toml", LAB).unwrap()
    }

    fn added(args: &NewTargetArgs) -> String {
        let table = table(&lab(), args).unwrap();
        with_table(LAB, &args.name, &table).unwrap()
    }

    /// The lines that are new, and that all others are where they were.
    fn new_lines(text: &str) -> String {
        let at = LAB.find("\n# --- The load.").unwrap();
        let (before, after) = LAB.split_at(at);
        text.strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .unwrap()
            .to_owned()
    }

    #[test]
    fn the_table_stands_behind_the_last_target_and_nothing_else_changes() {
        insta::assert_snapshot!(new_lines(&added(&args("mine"))));
    }

    #[test]
    fn every_option_is_in_the_table() {
        let all = NewTargetArgs {
            title: Some("Say \"hi\"".to_owned()),
            dir: Some("../my service".to_owned()),
            build: Some("npm ci".to_owned()),
            command: Some("node  server.js".to_owned()),
            version_command: Some("node --version".to_owned()),
            workers: Workers::Processes,
            port: Some(9000),
            ..args("mine")
        };
        let text = added(&all);
        insta::assert_snapshot!(new_lines(&text));
        let lab = Lab::parse("lab.toml", &text).unwrap();
        let target = lab.target("mine").unwrap();
        assert_eq!(target.title, "Say \"hi\"");
        assert_eq!(target.command, ["node", "server.js"]);
        assert_eq!(lab.budget("multi", "mine").unwrap().pool_size, 10);
    }

    #[test]
    fn what_is_added_is_a_valid_lab_and_a_second_one_gets_another_port() {
        let text = added(&args("mine"));
        let lab = Lab::parse("lab.toml", &text).unwrap();
        assert_eq!(lab.targets.keys().next_back().unwrap(), "mine");
        let second = with_table(&text, "yours", &table(&lab, &args("yours")).unwrap()).unwrap();
        let lab = Lab::parse("lab.toml", &second).unwrap();
        assert_eq!(lab.targets["yours"].port, lab.targets["mine"].port + 1);
    }

    #[test]
    fn names_that_are_taken_or_ill_formed_are_refused() {
        for name in [
            "go",
            "",
            "-x",
            "Mine",
            "my_service",
            "a/b",
            "ä",
            "a b",
            "x.env",
        ] {
            assert!(table(&lab(), &args(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn a_port_that_another_target_has_makes_the_lab_invalid() {
        let text = added(&NewTargetArgs {
            port: Some(8080),
            ..args("mine")
        });
        assert!(Lab::parse("lab.toml", &text).is_err());
    }
}
