//! `bench sweep`.

use crate::cli::SweepArgs;
use crate::context::Context;
use crate::error::Exit;
use crate::interrupt::Interrupt;
use crate::run::sweep::{self, Source, SweepPlan};
use crate::ui;

/// Runs a sweep, or lists it.
///
/// # Errors
/// See the exit codes.
pub fn run(context: &Context, args: &SweepArgs, interrupt: &Interrupt) -> miette::Result<Exit> {
    let plan = SweepPlan::new(context, args)?;
    if args.run.list {
        ui::say(&plan.text());
        for (block, cells) in (1..).zip(&plan.order) {
            let block: i32 = block;
            let cells: Vec<String> = cells
                .iter()
                .map(|c| format!("{} {}", c.target, c.value))
                .collect();
            ui::say(&format!("  block {block:>3}: {}", cells.join(", ")));
        }
        return Ok(Exit::Ok);
    }
    ui::note(&plan.text());
    let source = Source::New {
        plan: Box::new(plan),
        out: args.run.out.clone(),
        command: std::env::args().collect(),
    };
    sweep::run(
        context,
        source,
        &args.run.limits,
        args.run.k6_summary_dir.as_deref(),
        interrupt,
    )
}
