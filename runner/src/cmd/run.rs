//! `bench run`.

use crate::cli::RunArgs;
use crate::context::Context;
use crate::error::Exit;
use crate::interrupt::Interrupt;
use crate::run::engine::{self, Source};
use crate::run::plan::Plan;
use crate::ui;

/// Runs a plan, or lists it.
///
/// # Errors
/// See the exit codes.
pub fn run(context: &Context, args: &RunArgs, interrupt: &Interrupt) -> miette::Result<Exit> {
    let plan = Plan::new(context, args)?;
    if args.list {
        ui::say(&plan.text());
        for (block, order) in (1..).zip(&plan.order) {
            let block: i32 = block;
            ui::say(&format!("  block {block:>3}: {}", order.join(", ")));
        }
        return Ok(Exit::Ok);
    }
    ui::note(&ui::folded(&plan.text()));
    let source = Source::New {
        plan: Box::new(plan),
        out: args.out.clone(),
        command: std::env::args().collect(),
    };
    engine::run(
        context,
        source,
        &args.limits,
        args.k6_summary_dir.as_deref(),
        interrupt,
    )
}
