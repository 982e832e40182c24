//! The behaviours on a real PostgreSQL: a right service keeps every promise, and each mutant breaks the one that is
//! there for it. Run with `./lab test behaviours`, or with initdb and pg_ctl on PATH by
//! `cargo test --release -p api-contract -- --ignored`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use api_contract::behaviour::local::{CommandService, LocalCluster};
use api_contract::behaviour::{Database, Promises, Stage};
use api_contract::{Oracle, Report, Suite, run_behaviour};
use postgres::{Client, NoTls};

const CONNECTIONS: usize = 5;
const USERS: usize = 300;
/// PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

struct Ground {
    folder: PathBuf,
    cluster: LocalCluster,
    oracle: Oracle,
}

impl Ground {
    fn make(name: &str) -> Self {
        let programs = postgres_programs();
        let folder =
            std::env::temp_dir().join(format!("api-contract-{name}-{}", std::process::id()));
        let data = folder.join("data");
        fs::create_dir_all(&data).unwrap();
        fs::write(folder.join("password"), "owner-pw").unwrap();
        let root = runs_as_root();
        if root {
            for path in [&folder, &data, &folder.join("password")] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let mut initdb = Command::new(programs.join("initdb"));
        initdb
            .args([
                "-U",
                "owner",
                "-A",
                "scram-sha-256",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ])
            .arg("--pwfile")
            .arg(folder.join("password"))
            .arg("-D")
            .arg(&data)
            .stdout(Stdio::null());
        if root {
            initdb.uid(NOBODY).gid(NOBODY);
        }
        assert!(initdb.status().unwrap().success());
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let settings = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n\
             shared_preload_libraries = 'pg_stat_statements'\nTimeZone = 'UTC'\n"
        );
        let file = data.join("postgresql.conf");
        let text = fs::read_to_string(&file).unwrap() + &settings;
        fs::write(&file, text).unwrap();
        let url =
            |login: &str, database: &str| format!("postgres://{login}@127.0.0.1:{port}/{database}");
        let owner = url("owner:owner-pw", "bench");
        let mut cluster = LocalCluster::new(
            &data,
            programs.join("pg_ctl"),
            owner.clone(),
            url("bench_api:very-secret", "bench"),
        );
        cluster.start().unwrap();
        Client::connect(&url("owner:owner-pw", "postgres"), NoTls)
            .unwrap()
            .batch_execute("CREATE DATABASE bench")
            .unwrap();
        let mut client = Client::connect(&owner, NoTls).unwrap();
        for file in [
            "migrations/0001_users.sql",
            "migrations/0002_role.sql",
            "seed/users.sql",
        ] {
            for statement in statements(file) {
                client.batch_execute(&statement).unwrap();
            }
        }
        let oracle = Oracle::read(&mut client).unwrap();
        assert_eq!(oracle.total(), USERS);
        Self {
            folder,
            cluster,
            oracle,
        }
    }

    fn run(&mut self, mutant: &str, only: &str) -> Report {
        let program = std::env::current_exe().unwrap();
        let command = [
            program.to_str().unwrap(),
            "--exact",
            "service::main",
            "--ignored",
            "--nocapture",
            &format!("mutant={mutant}"),
        ];
        let environment = BTreeMap::from(
            [
                ("HOST", "127.0.0.1".to_owned()),
                ("PORT", "{port}".to_owned()),
                ("DATABASE_URL", self.cluster.service_url()),
                ("DB_TIMEOUT_MS", "1000".to_owned()),
                ("DB_MAX_CONNS", CONNECTIONS.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let mut service = CommandService::new(
            command.map(str::to_owned).to_vec(),
            ".",
            environment,
            self.folder.join("service.log"),
        );
        let mut promises = Promises::new(CONNECTIONS);
        promises.db_timeout = Duration::from_secs(1);
        promises.ready_timeout = Duration::from_secs(6);
        promises.drain_timeout = Duration::from_secs(4);
        promises.recovery = Duration::from_secs(5);
        promises.application_name = Some("fake".to_owned());
        let mut stage = Stage {
            name: mutant.to_owned(),
            service: &mut service,
            database: &mut self.cluster,
            oracle: &self.oracle,
            promises,
        };
        run_behaviour(&Suite::behaviour().only(only), &mut stage, &mut |_| {}).unwrap()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = self.cluster.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The folder on PATH that has initdb and pg_ctl.
fn postgres_programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
        .expect("no folder on PATH has PostgreSQL's initdb and pg_ctl")
}

fn runs_as_root() -> bool {
    rustix::process::getuid().is_root()
}

/// The statements of a file in `db/`, with psql's variables filled in.
fn statements(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../db")
        .join(file);
    let text = fs::read_to_string(path)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect::<Vec<_>>()
        .join("\n")
        .replace(":\"role\"", "bench_api")
        .replace(":\"database\"", "bench")
        .replace(":'password'", "'very-secret'")
        .replace(":'seed'", "'test'")
        .replace(":users", &USERS.to_string());
    text.split(";\n")
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Mutants, and the behaviour that is there for each of them.
const MUTANTS: [(&str, &str); 38] = [
    ("transaction", "requests.statements"),
    ("other-sql", "requests.statements"),
    ("health-asks", "requests.statements"),
    ("ping", "requests.round-trips"),
    ("prepares-again", "requests.round-trips"),
    ("lazy-pool", "pool.size"),
    ("one-more", "pool.size"),
    ("leaves-transaction", "pool.idle"),
    ("loses-abandoned", "pool.abandoned"),
    ("leaks", "pool.exhausted"),
    ("no-time-limit", "pool.exhausted"),
    ("status-500", "pool.exhausted"),
    ("few-clients", "clients.idle"),
    ("one-at-a-time", "clients.slow"),
    ("unlimited-head", "clients.oversize"),
    ("never-reconnects", "outage.connections-killed"),
    ("unwatched-pool", "outage.restarted-unnoticed"),
    ("status-500", "outage.refused"),
    ("status-500", "outage.stopped"),
    ("no-time-limit", "outage.paused"),
    ("health-asks", "outage.paused"),
    ("access-log", "log.structured"),
    ("plain-log", "log.structured"),
    ("shows-url", "log.structured"),
    ("silent", "log.structured"),
    ("exits-at-once", "process.drain"),
    ("keeps-accepting", "process.drain"),
    ("exits-at-once", "process.drain-under-load"),
    ("forgets-queue", "process.drain-under-load"),
    ("exit-1", "process.exit-when-idle"),
    ("needs-database", "process.start-without-database"),
    ("waits-for-database", "process.start-with-hanging-database"),
    ("defaults", "process.environment"),
    ("config-exit-1", "process.environment"),
    ("config-shows-url", "process.environment"),
    ("deaf", "process.exit-when-idle"),
    ("waits-for-clients", "process.exit-when-idle"),
    ("another-port", "process.port-taken"),
];

/// Most of the time goes into waiting for what never comes, so several are tried at once.
const AT_ONCE: usize = 6;

/// Each worker has a cluster of its own for all its mutants: making one takes longer than most behaviours.
#[test]
#[ignore = "needs PostgreSQL and a few minutes: ./lab test behaviours"]
fn a_right_service_passes_and_every_mutant_is_caught() {
    let jobs: VecDeque<(&str, &str)> = [("none", "")].into_iter().chain(MUTANTS).collect();
    let (jobs, wrong) = (Mutex::new(jobs), Mutex::new(Vec::new()));
    let next = || jobs.lock().unwrap().pop_front();
    let work = |number: usize| {
        let mut ground = Ground::make(&format!("behaviours-{number}"));
        while let Some((mutant, behaviour)) = next() {
            let report = ground.run(mutant, behaviour);
            if mutant == "none" {
                assert!(report.passed(), "{}", report.render());
                assert_eq!(report.cases.len(), Suite::behaviour().behaviours().len());
            } else if report.passed() {
                let missed = format!("{mutant} passed {behaviour}");
                wrong.lock().unwrap().push(missed);
            }
        }
        ground
    };
    let work = &work;
    let mut ground = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|number| scope.spawn(move || work(number)))
            .collect();
        let grounds = workers.into_iter().map(|worker| worker.join().unwrap());
        grounds.collect::<Vec<_>>().pop().unwrap()
    });
    let wrong = wrong.lock().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut caught: BTreeSet<&str> = MUTANTS.iter().map(|(_, behaviour)| *behaviour).collect();

    // The role belongs to the database: it is made too powerful, and whole again.
    let mut owner = Client::connect(&ground.cluster.owner_url(), NoTls).unwrap();
    owner
        .batch_execute("GRANT UPDATE ON users TO bench_api")
        .unwrap();
    assert!(!ground.run("none", "role.read-only").passed());
    owner
        .batch_execute("REVOKE UPDATE ON users FROM bench_api")
        .unwrap();
    assert!(ground.run("none", "role.read-only").passed());
    caught.insert("role.read-only");

    let all: BTreeSet<&str> = Suite::behaviour()
        .behaviours()
        .iter()
        .map(|b| b.name)
        .collect();
    assert_eq!(all, caught, "each behaviour has a mutant made for it");
}

#[test]
#[ignore = "needs PostgreSQL: ./lab test behaviours"]
fn the_oracle_reads_a_seeded_table_and_nothing_else() {
    let ground = Ground::make("oracle");
    let lengths = ground.oracle.expected_lengths();
    assert_eq!(
        (lengths.users.bytes.len(), lengths.pages.utf16.len()),
        (USERS, 6)
    );
    let mut owner = Client::connect(&ground.cluster.owner_url(), NoTls).unwrap();
    owner
        .batch_execute("UPDATE users SET id = gen_random_uuid() WHERE email = 'user7@example.com'")
        .unwrap();
    let error = Oracle::read(&mut owner).unwrap_err().to_string();
    assert!(error.contains("300 rows, but 299 of the ids"), "{error}");
}
