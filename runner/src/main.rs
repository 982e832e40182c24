//! `bench`: parse, dispatch, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use runner::cli::{Cli, Command};
use runner::context::Context;
use runner::error::{Exit, exit_of};
use runner::interrupt::Interrupt;
use runner::{cmd, ui};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Before anything else: this process is about to become another program.
    if let Command::Exec(args) = &cli.command {
        return ExitCode::from(cmd::internal::exec(args));
    }
    match dispatch(&cli) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(report) => {
            let exit = exit_of(&report);
            if exit != Exit::Interrupted {
                ui::report(&report);
            }
            if exit == Exit::Limits {
                ui::note("More symptoms, each with its remedy: docs/TROUBLESHOOTING.md");
            }
            ExitCode::from(exit as u8)
        }
    }
}

fn dispatch(cli: &Cli) -> miette::Result<Exit> {
    let context = || Context::load(cli.lab.as_deref(), cli.inventory.as_deref());
    match &cli.command {
        Command::Run(args) => cmd::run::run(&context()?, args, &Interrupt::install()?),
        Command::Sweep(args) => cmd::sweep::run(&context()?, args, &Interrupt::install()?),
        Command::Aa(args) => cmd::aa::run(&context, args, &Interrupt::install()?),
        Command::Resume(args) => cmd::resume::run(&context()?, args, &Interrupt::install()?),
        Command::List(args) => cmd::list::run(args),
        Command::Validate(args) => cmd::validate::run(args),
        Command::Doctor(args) => cmd::doctor::run(&context()?, args),
        Command::Build(args) => cmd::build::run(&context()?, args),
        Command::Contract(args) => cmd::contract::run(&context()?, args, &Interrupt::install()?),
        Command::NewTarget(args) => cmd::new_target::run(cli.lab.as_deref(), &context()?, args),
        Command::Up(args) => cmd::play::up(cli, &context()?, args),
        Command::UpBackground(args) => {
            cmd::play::background(&context()?, args, &Interrupt::install()?)
        }
        Command::Down => cmd::play::down(&context()?),
        Command::Logs(args) => cmd::play::logs(&context()?, args, &Interrupt::install()?),
        Command::Generate(args) => cmd::generate::run(args),
        Command::Exec(args) => Ok(if cmd::internal::exec(args) == 0 {
            Exit::Ok
        } else {
            Exit::Usage
        }),
        Command::Guard(args) => cmd::internal::guard(args),
        Command::Proxy(args) => runner::aa::forward::run(args, &Interrupt::install()?),
    }
}
