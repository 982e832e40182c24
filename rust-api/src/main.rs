//! Wires the service: arguments, environment, runtime, pool, server.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use rust_api::{
    cli::{self, Command, Driver},
    config::{Config, ConfigError},
    http, server,
    store::{PoolSettings, SqlxStore, TokioPostgresStore},
    telemetry,
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

/// Wrong usage: arguments or environment.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let driver = match cli::parse(env::args_os().skip(1)) {
        Ok(Command::Serve(driver)) => driver,
        Ok(Command::Version) => return print(cli::VERSION),
        Ok(Command::Help) => return print(cli::HELP.trim_end()),
        Err(message) => return fail(USAGE, &message),
    };
    let config = match Config::read(|name| env::var(name).ok()) {
        Ok(config) => config,
        Err(error) => return fail(USAGE, &error.to_string()),
    };
    telemetry::init();
    let runtime = match runtime(config.worker_threads) {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, &format!("the runtime does not start: {error}")),
    };
    // Spawned, so that the work is done by the worker threads alone and not by this one too.
    match runtime.block_on(async { tokio::spawn(run(driver, config)).await }) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(Stop::Usage(message))) => fail(USAGE, &message),
        Ok(Err(Stop::Failure(message))) => fail(1, &message),
        Err(error) => fail(1, &format!("the server broke down: {error}")),
    }
}

/// One worker is this thread, with no other to share work with; more are a pool of threads.
fn runtime(worker_threads: usize) -> io::Result<Runtime> {
    match worker_threads {
        1 => Builder::new_current_thread().enable_all().build(),
        several => Builder::new_multi_thread()
            .worker_threads(several)
            .enable_all()
            .build(),
    }
}

/// Why the service ended before it was asked to.
enum Stop {
    Usage(String),
    Failure(String),
}

impl From<ConfigError> for Stop {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

async fn run(driver: Driver, config: Config) -> Result<(), Stop> {
    let stop = server::stop_signal()
        .map_err(|error| Stop::Failure(format!("signals cannot be handled: {error}")))?;
    let listener = TcpListener::bind((config.host.as_str(), config.port))
        .await
        .map_err(|error| {
            Stop::Failure(format!(
                "cannot listen on {}:{}: {error}; choose another HOST or PORT",
                config.host, config.port
            ))
        })?;
    let settings = PoolSettings {
        max: config.db_max_connections,
        min: config.db_min_connections,
        timeout: config.db_timeout,
    };
    let drained = match driver {
        Driver::Sqlx => {
            let store = SqlxStore::connect(&config.database_url, settings)?;
            let drained = server::serve(listener, http::app(store.clone()), stop).await;
            store.close();
            drained
        }
        Driver::TokioPostgres => {
            let store = TokioPostgresStore::connect(&config.database_url, settings)?;
            let drained = server::serve(listener, http::app(store.clone()), stop).await;
            store.close();
            drained
        }
    };
    if !drained {
        tracing::warn!("stopped with requests still in flight");
    }
    Ok(())
}

fn print(text: &str) -> ExitCode {
    match writeln!(io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn fail(code: u8, message: &str) -> ExitCode {
    // If even standard error is closed, the exit code has to say it all.
    let _ = writeln!(io::stderr(), "rust-api: {message}");
    ExitCode::from(code)
}
