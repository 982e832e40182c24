//! Runs the program.

/// Runs `analyze`; exit code, standard output, standard error.
pub fn analyze(arguments: &[&str]) -> (i32, String, String) {
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_analyze"))
        .args(arguments)
        .env("COLUMNS", "120")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        out.status.code().unwrap(),
        text(out.stdout),
        text(out.stderr),
    )
}

/// A temporary folder that goes away.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}
