//! The command line: which driver, or a question about the program itself.

use std::ffi::OsString;

use lexopt::{Arg, Parser, ValueExt};

/// What `--help` prints.
pub const HELP: &str = "\
rust-api: the users API (axum)

Usage: rust-api --store sqlx|tokio-postgres

Options:
  --store NAME   the PostgreSQL driver: sqlx or tokio-postgres
  --version      print name, version and compiler, and exit
  --help         print this, and exit

Environment, all of it required:
  HOST, PORT             where to listen
  DATABASE_URL           postgres://USER:PASSWORD@HOST:PORT/DATABASE
  DB_TIMEOUT_MS          time limit of one request's database work, waiting for a connection included
  DB_MAX_CONNS           most connections to the database
  DB_MIN_CONNS           connections that are opened at start and kept
  TOKIO_WORKER_THREADS   threads that do the work
";

/// What `--version` prints: name, version and the compiler that built it.
pub const VERSION: &str = concat!(
    env!("CARGO_PKG_NAME"),
    " ",
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("RUSTC_VERSION"),
    ")"
);

/// The drivers that the service can be started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// sqlx's PostgreSQL driver.
    Sqlx,
    /// tokio-postgres.
    TokioPostgres,
}

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Serve, with this driver.
    Serve(Driver),
    /// Print [`VERSION`].
    Version,
    /// Print [`HELP`].
    Help,
}

/// Reads the arguments that follow the program's name.
///
/// # Errors
/// One line for the user: an unknown argument or driver, or no driver at all.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut parser = Parser::from_args(arguments);
    let mut driver = None;
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Arg::Long("version") | Arg::Short('V') => return Ok(Command::Version),
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("store") => {
                let name = parser
                    .value()
                    .and_then(|value| value.string())
                    .map_err(|error| error.to_string())?;
                driver = Some(match name.as_str() {
                    "sqlx" => Driver::Sqlx,
                    "tokio-postgres" => Driver::TokioPostgres,
                    other => {
                        return Err(format!(
                            "unknown store {other:?}: use --store sqlx or --store tokio-postgres"
                        ));
                    }
                });
            }
            other => return Err(format!("{}; see rust-api --help", other.unexpected())),
        }
    }
    driver
        .map(Command::Serve)
        .ok_or_else(|| "no store chosen: use --store sqlx or --store tokio-postgres".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Command, String> {
        parse(words.iter().map(OsString::from))
    }

    #[test]
    fn both_drivers_in_both_spellings() {
        for (name, driver) in [
            ("sqlx", Driver::Sqlx),
            ("tokio-postgres", Driver::TokioPostgres),
        ] {
            assert_eq!(parse_words(&["--store", name]), Ok(Command::Serve(driver)));
            assert_eq!(
                parse_words(&[&format!("--store={name}")]),
                Ok(Command::Serve(driver))
            );
        }
    }

    #[test]
    fn questions_need_no_driver() {
        assert_eq!(parse_words(&["--version"]), Ok(Command::Version));
        assert_eq!(parse_words(&["--help"]), Ok(Command::Help));
    }

    #[test]
    fn mistakes_are_named() {
        for (words, part) in [
            (&[][..], "no store chosen"),
            (&["--store"], "--store"),
            (&["--store", "mysql"], "\"mysql\""),
            (&["--stor", "sqlx"], "--stor"),
            (&["sqlx"], "sqlx"),
        ] {
            let message = parse_words(words).expect_err("must be refused");
            assert!(message.contains(part), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn version_is_one_line_with_the_compiler() {
        assert!(VERSION.starts_with("rust-api "), "{VERSION}");
        assert!(VERSION.contains("rustc "), "{VERSION}");
        assert!(!VERSION.contains('\n'));
    }
}
