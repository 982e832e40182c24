//! Passes the compiler's version on, for `rust-api --version`.
#![allow(
    clippy::print_stdout,
    reason = "cargo reads build scripts' standard output"
)]

use std::{env, process::Command};

fn main() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        // "rustc 1.95.0 (abc 2026-01-01)": name and number are enough.
        .map(|text| text.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .unwrap_or_else(|| "rustc unknown".to_owned());
    println!("cargo::rustc-env=RUSTC_VERSION={}", version.trim());
    println!("cargo::rerun-if-changed=build.rs");
}
