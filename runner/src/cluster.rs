//! A throwaway Postgres cluster: made, migrated and seeded for one run, deleted after it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lab_limits::{Group, UserIds};
use lab_model::config::Setting;
use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use postgres::{Client, NoTls};
use rustix::process::Signal;

use crate::children::{Running, Start};
use crate::containers::{Container, Stack};
use crate::context::Context;
use crate::interrupt::Interrupt;

const SUPERUSER: &str = "bench_owner";
const START_LIMIT: Duration = Duration::from_secs(30);
const PAUSE_LOOKS: usize = 200;
const SETUP_LIMIT: Duration = Duration::from_secs(180);

/// A running (or stopped, for tests of recovery) cluster.
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    place: Place,
    /// The group of all its processes.
    pub group: Box<dyn Group>,
    /// TCP port on 127.0.0.1.
    pub port: u16,
    /// db/seed/checksum.sql of the seeded table.
    pub checksum: String,
    /// What the server says of its version.
    pub version: String,
}

#[derive(Debug)]
enum Server {
    Stopped,
    Process(Running),
    /// Compose has made it, and will stop it.
    Container(Container),
}

#[derive(Debug, Clone)]
struct Place {
    dir: PathBuf,
    user: Option<UserIds>,
    owner: String,
    owner_password: String,
    role_password: String,
    database: String,
    role: String,
}

impl Cluster {
    /// initdb, start, migrate, seed.
    ///
    /// # Errors
    /// A program is missing or fails; its log is named.
    pub fn create(
        context: &Context,
        dir: &Path,
        group: Box<dyn Group>,
        interrupt: &Interrupt,
    ) -> miette::Result<Self> {
        let place = Place {
            dir: dir.to_owned(),
            user: unprivileged_user()?,
            owner: SUPERUSER.to_owned(),
            owner_password: secret()?,
            role_password: secret()?,
            database: context.lab.postgres.database.clone(),
            role: context.lab.postgres.role.clone(),
        };
        check_major(context)?;
        let mut cluster = Self {
            server: Server::Stopped,
            place,
            group,
            port: 0,
            checksum: String::new(),
            version: String::new(),
        };
        cluster.initdb(context, interrupt)?;
        cluster.configure(context)?;
        cluster.start(context, interrupt)?;
        cluster.migrate_and_seed(context, interrupt)?;
        cluster.take_facts(context)?;
        Ok(cluster)
    }

    /// The database that a container holds, migrated and seeded.
    ///
    /// # Errors
    /// It does not answer.
    pub fn in_container(
        context: &Context,
        stack: &Stack,
        group: Box<dyn Group>,
    ) -> miette::Result<Self> {
        let mut cluster = Self {
            server: Server::Container(stack.database()),
            place: Place {
                dir: PathBuf::new(),
                user: None,
                owner: stack.postgres.user.clone(),
                owner_password: stack.postgres.password.clone(),
                // Compose tells it to the services.
                role_password: String::new(),
                database: context.lab.postgres.database.clone(),
                role: context.lab.postgres.role.clone(),
            },
            group,
            port: stack.postgres.port,
            checksum: String::new(),
            version: String::new(),
        };
        cluster.take_facts(context)?;
        Ok(cluster)
    }

    /// URL of the services' role; a secret.
    pub fn service_url(&self) -> String {
        let p = &self.place;
        // Loopback: encryption would cost every service the same and tell nothing.
        format!(
            "postgres://{}:{}@127.0.0.1:{}/{}?sslmode=disable",
            p.role, p.role_password, self.port, p.database
        )
    }

    /// URL of the cluster's owner; a secret.
    pub fn owner_url(&self) -> String {
        let p = &self.place;
        format!(
            "postgres://{}:{}@127.0.0.1:{}/{}?sslmode=disable",
            p.owner, p.owner_password, self.port, p.database
        )
    }

    /// The two passwords, for checks that no log shows them.
    pub fn secrets(&self) -> [&str; 2] {
        [&self.place.owner_password, &self.place.role_password]
    }

    /// A connection as the owner.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn connect(&self) -> miette::Result<Client> {
        self.config()
            .connect(NoTls)
            .into_diagnostic()
            .wrap_err("cannot connect to the lab's Postgres")
    }

    fn config(&self) -> postgres::Config {
        let mut config = postgres::Config::new();
        config
            .host("127.0.0.1")
            .port(self.port)
            .user(&self.place.owner)
            .password(&self.place.owner_password)
            .dbname(&self.place.database)
            .application_name("bench")
            .connect_timeout(Duration::from_secs(5));
        config
    }

    fn initdb(&self, context: &Context, interrupt: &Interrupt) -> miette::Result<()> {
        let password_file = self.place.dir.join("owner-password");
        fs_err::write(&password_file, &self.place.owner_password).into_diagnostic()?;
        self.give(&password_file)?;
        let data = self.place.dir.join("data");
        fs_err::create_dir(&data).into_diagnostic()?;
        set_mode(&data, 0o700)?;
        self.give(&data)?;
        let args = [
            "--pgdata",
            &data.display().to_string(),
            "--username",
            SUPERUSER,
            "--pwfile",
            &password_file.display().to_string(),
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            // Postgres' own collation: the same on every operating system.
            "--locale-provider",
            "builtin",
            "--builtin-locale",
            "C.UTF-8",
            "--locale",
            "C",
            "--no-sync",
        ]
        .map(str::to_owned);
        self.program(context, "initdb", args.to_vec(), "initdb.log")?
            .run(SETUP_LIMIT, interrupt)?;
        fs_err::remove_file(password_file).into_diagnostic()?;
        Ok(())
    }

    fn configure(&self, context: &Context) -> miette::Result<()> {
        let mut text = String::from("# written by bench from lab.toml\n");
        for (name, value) in &context.lab.postgres.settings {
            let value = match value {
                Setting::Integer(n) => n.to_string(),
                Setting::Text(s) => format!("'{}'", s.replace('\'', "''")),
            };
            let _ = writeln!(text, "{name} = {value}");
        }
        let _ = writeln!(text, "listen_addresses = '127.0.0.1'");
        // No socket: the services use TCP, and socket paths have a length limit.
        let _ = writeln!(text, "unix_socket_directories = ''");
        let path = self.place.dir.join("data/postgresql.auto.conf");
        fs_err::write(&path, text).into_diagnostic()?;
        self.give(&path)
    }

    /// Starts the server (again) and waits until it answers. Keeps its port once it has one.
    ///
    /// # Errors
    /// It ends, or does not answer in time.
    pub fn start(&mut self, context: &Context, interrupt: &Interrupt) -> miette::Result<()> {
        if self.port == 0 {
            self.port = free_port()?;
        }
        let args = vec![
            "-D".to_owned(),
            self.place.dir.join("data").display().to_string(),
            "-p".to_owned(),
            self.port.to_string(),
        ];
        let mut server = self
            .program(context, "postgres", args, "postgres.log")?
            .spawn()?;
        let end = Instant::now() + START_LIMIT;
        loop {
            if let Some(status) = server.ended()? {
                return Err(miette!(
                    "Postgres ended at its start ({status}): {}",
                    server.last_words()
                ));
            }
            match self.config().dbname("postgres").connect(NoTls) {
                Ok(_) => break,
                Err(e) if Instant::now() > end => {
                    return Err(miette!(
                        "Postgres does not answer after {} s: {e}",
                        START_LIMIT.as_secs()
                    ));
                }
                Err(_) => interrupt
                    .sleep(Duration::from_millis(20))
                    .map_err(miette::Report::from)?,
            }
        }
        self.server = Server::Process(server);
        Ok(())
    }

    /// psql reads a script from a file that only its user can read: passwords are in no argument list.
    fn migrate_and_seed(&self, context: &Context, interrupt: &Interrupt) -> miette::Result<()> {
        let p = &context.lab.postgres;
        let mut script = String::from("\\set ON_ERROR_STOP on\n");
        let _ = writeln!(
            script,
            "CREATE DATABASE {};\n\\connect {}",
            p.database, p.database
        );
        for (name, value) in [
            ("role", p.role.as_str()),
            ("password", &self.place.role_password),
            ("database", &p.database),
            ("users", &p.users.to_string()),
            ("seed", &p.seed),
        ] {
            let _ = writeln!(script, "\\set {name} '{}'", value.replace('\'', "''"));
        }
        for file in migrations(context)?
            .iter()
            .chain([&context.asset("db/seed/users.sql")])
        {
            let _ = writeln!(script, "\\i '{}'", file.display());
        }
        let path = self.place.dir.join("setup.psql");
        fs_err::write(&path, script).into_diagnostic()?;
        set_mode(&path, 0o600)?;
        let args = ["--no-psqlrc", "--quiet", "--file"]
            .map(str::to_owned)
            .into_iter()
            .chain([path.display().to_string()])
            .collect();
        let mut psql = self.program(context, "psql", args, "setup.log")?;
        // Reads files of the clone, which another user may not reach.
        psql.user = None;
        psql.env = BTreeMap::from([
            ("PGHOST".to_owned(), "127.0.0.1".to_owned()),
            ("PGPORT".to_owned(), self.port.to_string()),
            ("PGUSER".to_owned(), SUPERUSER.to_owned()),
            ("PGPASSWORD".to_owned(), self.place.owner_password.clone()),
            ("PGDATABASE".to_owned(), "postgres".to_owned()),
        ]);
        psql.run(SETUP_LIMIT, interrupt)
            .wrap_err("the migrations or the seed failed")?;
        fs_err::remove_file(path).into_diagnostic()?;
        Ok(())
    }

    /// What the seeded table is, and what the server is.
    fn take_facts(&mut self, context: &Context) -> miette::Result<()> {
        let mut client = self.connect()?;
        let checksum_sql =
            fs_err::read_to_string(context.asset("db/seed/checksum.sql")).into_diagnostic()?;
        let statement: String = checksum_sql
            .lines()
            .filter(|l| !l.starts_with("--"))
            .collect::<Vec<_>>()
            .join("\n");
        self.checksum = client.query_one(&statement, &[]).into_diagnostic()?.get(0);
        self.version = client
            .query_one("SELECT version()", &[])
            .into_diagnostic()?
            .get(0);
        Ok(())
    }

    /// Stops the server; `immediate` as a crash would.
    pub fn stop(&mut self, immediate: bool) {
        if let Server::Process(server) = &mut self.server {
            server.stop(
                if immediate { Signal::QUIT } else { Signal::INT },
                Duration::from_secs(10),
            );
            self.server = Server::Stopped;
        }
    }

    /// SIGSTOP (or SIGCONT) to every process of the cluster.
    ///
    /// # Errors
    /// The group cannot be read, or a process does not obey within a second.
    pub fn pause(&self, paused: bool) -> miette::Result<()> {
        let signal = if paused { Signal::STOP } else { Signal::CONT };
        let kernel = lab_limits::real();
        let is_to_be_told = |pid: &u32| {
            lab_limits::procs::stat(&*kernel, *pid)
                .is_ok_and(|stat| !stat.ended() && (stat.state == 'T') != paused)
        };
        // More than once: Postgres may make a process for a connection while the others are being told.
        for _ in 0..PAUSE_LOOKS {
            let mut pids = self.group.members().into_diagnostic()?;
            pids.retain(is_to_be_told);
            if pids.is_empty() {
                return Ok(());
            }
            for pid in pids {
                if let Some(pid) = i32::try_from(pid)
                    .ok()
                    .and_then(rustix::process::Pid::from_raw)
                {
                    let _ = rustix::process::kill_process(pid, signal);
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let state = if paused { "paused" } else { "woken up" };
        Err(miette!("Postgres could not be {state}"))
    }

    /// Error if the server has ended by itself.
    ///
    /// # Errors
    /// It has.
    pub fn check_alive(&mut self) -> miette::Result<()> {
        let (ended, words) = match &mut self.server {
            Server::Stopped => return Err(miette!("Postgres is not running")),
            Server::Process(server) => (server.ended()?, server.last_words()),
            Server::Container(container) => (container.ended()?, container.where_log()),
        };
        match ended {
            None => Ok(()),
            Some(status) => Err(miette!("Postgres ended ({status}): {words}")),
        }
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.place.dir.join("postgres.log")
    }

    fn program<'a>(
        &'a self,
        context: &'a Context,
        name: &str,
        args: Vec<String>,
        log: &'a str,
    ) -> miette::Result<ProgramStart<'a>> {
        Ok(ProgramStart {
            path: context.inventory.program(name)?.path.clone(),
            args,
            env: BTreeMap::new(),
            user: self.place.user,
            cluster: self,
            log: self.place.dir.join(log),
        })
    }

    fn give(&self, path: &Path) -> miette::Result<()> {
        if let Some(user) = self.place.user {
            std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid)).into_diagnostic()?;
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Server::Process(_) = self.server {
            let _ = self.pause(false);
            self.stop(false);
        }
    }
}

/// Owns what [`Start`] borrows.
struct ProgramStart<'a> {
    path: PathBuf,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    user: Option<UserIds>,
    cluster: &'a Cluster,
    log: PathBuf,
}

impl ProgramStart<'_> {
    fn start(&self) -> Start<'_> {
        Start {
            program: &self.path,
            args: self.args.clone(),
            dir: Path::new("/"),
            env: self.env.clone(),
            group: &*self.cluster.group,
            user: self.user,
            log: &self.log,
        }
    }

    fn spawn(&self) -> miette::Result<Running> {
        self.start().spawn()
    }

    fn run(&self, limit: Duration, interrupt: &Interrupt) -> miette::Result<()> {
        self.start().run(limit, interrupt)
    }
}

/// The migrations in the order of their names.
fn migrations(context: &Context) -> miette::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs_err::read_dir(context.asset("db/migrations"))
        .into_diagnostic()?
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()
        .into_diagnostic()?;
    files.retain(|f| f.extension().is_some_and(|e| e == "sql"));
    files.sort();
    Ok(files)
}

fn check_major(context: &Context) -> miette::Result<()> {
    let program = context.inventory.program("postgres")?;
    let wanted = context.lab.postgres.major;
    let found = program
        .version
        .split(|c: char| !c.is_ascii_digit())
        .find(|s| !s.is_empty())
        .and_then(|s| s.parse().ok());
    if found == Some(wanted) {
        return Ok(());
    }
    Err(miette!(
        help = "install the pinned parts (./lab does), or change postgres.major in lab.toml",
        "lab.toml wants PostgreSQL {wanted}, the inventory has {}",
        program.version
    ))
}

/// Postgres refuses to run as root: an account without rights is used then.
fn unprivileged_user() -> miette::Result<Option<UserIds>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let passwd = fs_err::read_to_string("/etc/passwd").into_diagnostic()?;
    let find = |name: &str| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some(name)).then_some(())?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some(UserIds { uid, gid })
        })
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .map(Some)
        .ok_or_else(|| {
            miette!(
                help = "add a user named nobody or postgres, or start the lab as a normal user",
                "Postgres refuses to run as root, and there is no account to run it as"
            )
        })
}

/// A free port on the loopback address; another program could take it before it is used, which then fails loudly.
pub fn free_port() -> miette::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).into_diagnostic()?;
    Ok(listener.local_addr().into_diagnostic()?.port())
}

/// 128 random bits in hex.
fn secret() -> miette::Result<String> {
    let mut bytes = [0; 16];
    fs_err::File::open("/dev/urandom")
        .into_diagnostic()?
        .read_exact(&mut bytes)
        .into_diagnostic()?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

fn set_mode(path: &Path, mode: u32) -> miette::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).into_diagnostic()
}
