//! The roles this program plays as a child of its own tests.

use std::ffi::OsString;
use std::io::Read;
use std::process::exit;
use std::time::{Duration, Instant};

use lab_limits::{ExecSpec, GroupSpec, Owner, Session, exec_child};

use crate::support;

pub fn run(role: &str, args: &[OsString]) -> ! {
    let text = |i: usize| args[i].to_str().unwrap();
    match role {
        "__exec" => {
            let spec: ExecSpec = serde_json::from_str(text(0)).unwrap();
            let Err(error) = exec_child(&spec, &args[1..]);
            eprintln!("{error}");
            exit(i32::from(error.exit_code()));
        }
        "__busy" => busy(text(0).parse().unwrap(), text(1).parse().unwrap()),
        "__owner" => owner(text(0)),
        "__parent" => parent(args),
        _ => {
            eprintln!("no such role: {role}");
            exit(2);
        }
    }
}

/// Keeps N threads busy for some seconds.
fn busy(threads: usize, seconds: f64) -> ! {
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let spin = move || {
        let mut x = 1_u64;
        while Instant::now() < end {
            for _ in 0..1000 {
                x = std::hint::black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
            }
        }
    };
    let threads: Vec<_> = (0..threads).map(|_| std::thread::spawn(spin)).collect();
    for thread in threads {
        thread.join().unwrap();
    }
    exit(0);
}

/// A runner: makes a session with a group and a child that outlives it, says so, and waits for its end on stdin.
fn owner(id: &str) -> ! {
    let kernel = support::kernel();
    let session = Session::new(id, Owner::current(&*kernel).unwrap()).unwrap();
    let limiter = lab_limits::open(&kernel, session, Some(support::kind())).unwrap();
    let group = limiter.create("service", &GroupSpec::default()).unwrap();
    let spec = ExecSpec {
        join: group.join(),
        user: None,
        die_with: None,
    };
    let child = support::helper(&spec, &["sleep", "1000"]).spawn().unwrap();
    support::wait_for_program(child.id(), "sleep");
    println!("{}", child.id());
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
    limiter.close().unwrap();
    exit(0);
}

/// A process that starts a child by the spec in its arguments, prints the child's id and waits.
fn parent(args: &[OsString]) -> ! {
    let mut spec: ExecSpec = serde_json::from_str(args[0].to_str().unwrap()).unwrap();
    spec.die_with = Some(std::process::id());
    let command: Vec<&str> = args[1..].iter().map(|a| a.to_str().unwrap()).collect();
    let child = support::helper(&spec, &command).spawn().unwrap();
    println!("{}", child.id());
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
    exit(0);
}
