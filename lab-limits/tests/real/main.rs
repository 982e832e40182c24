//! Tests on the running system: real cgroups, real processes. Also what the VM runs (tests/vm/run).
//!
//! The backend is the one that `probe` chooses; `BENCH_EXPECT_KIND=cgroup_v2|systemd|cgroup_v1|affinity` demands one,
//! so that a system that offers less than it should cannot pass by skipping.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit
)]

mod children;
mod group_tests;
mod life_tests;
mod quota_tests;
mod support;

use libtest_mimic::{Arguments, Trial};

use support::{Needs, kind};

fn main() {
    // The helpers first: exec_child wants a process with one thread.
    let args: Vec<_> = std::env::args_os().collect();
    if let Some(role) = args.get(1).and_then(|a| a.to_str())
        && role.starts_with("__")
    {
        children::run(role, &args[2..]);
    }
    let mut arguments = Arguments::from_args();
    // One at a time: they measure CPU time.
    arguments.test_threads = Some(1);
    let mut trials = Vec::new();
    let mut add = |name: &'static str, needs: Needs, test: fn()| {
        let lacking = needs.lacking();
        if let Some(why) = &lacking {
            eprintln!("SKIP: {name}: {why}");
        }
        let run = move || {
            test();
            Ok(())
        };
        trials.push(
            Trial::test(name, run)
                .with_ignored_flag(lacking.is_some())
                .with_kind(kind().to_string()),
        );
    };
    support::register(&mut add);
    quota_tests::register(&mut add);
    group_tests::register(&mut add);
    life_tests::register(&mut add);
    libtest_mimic::run(&arguments, trials).exit();
}
