//! A small service in a process of its own, with a real pool on a real PostgreSQL: what the behaviours are tried
//! on. `mutant=NAME` among the arguments makes it wrong in one way.
//!
//! It is this test program once more, told to run the one test `service::main`.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use postgres::types::private::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Row, Statement};

const GET_USER: &str = include_str!("../../../db/queries/get_user.sql");
const LIST_USERS: &str = include_str!("../../../db/queries/list_users.sql");
const COUNT_USERS: &str = include_str!("../../../db/queries/count_users.sql");
const READY: &str = include_str!("../../../db/queries/ready.sql");

const NOT_FOUND: &str = r#"{"error":"not_found"}"#;
const BAD_REQUEST: &str = r#"{"error":"bad_request"}"#;

#[test]
#[ignore = "the service that the behaviours start; alone it does nothing"]
fn main() {
    let mutant =
        std::env::args().find_map(|argument| argument.strip_prefix("mutant=").map(str::to_owned));
    if let Some(mutant) = mutant {
        #[allow(clippy::exit)]
        std::process::exit(serve(&mutant));
    }
}

fn log(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

struct Settings {
    host: String,
    port: u16,
    database: Config,
    url: String,
    timeout: Duration,
    connections: usize,
}

fn settings(mutant: &str) -> Result<Settings, String> {
    let read = |name: &str| match std::env::var(name) {
        Ok(value) => Ok(value),
        Err(_) if mutant == "defaults" && name == "DB_TIMEOUT_MS" => Ok("2000".to_owned()),
        Err(_) => Err(format!("{name} is missing")),
    };
    let number = |name: &str, largest: u64| -> Result<u64, String> {
        read(name)?
            .parse()
            .ok()
            .filter(|number| (1..=largest).contains(number))
            .ok_or(format!("{name} must be a number from 1 to {largest}"))
    };
    let url = read("DATABASE_URL")?;
    let shown = if mutant == "config-shows-url" {
        url.clone()
    } else {
        String::new()
    };
    let mut database: Config = url
        .parse()
        .ok()
        .filter(|config: &Config| !config.get_hosts().is_empty())
        .ok_or(format!(
            "DATABASE_URL must be postgres://role:password@host:port/database {shown}"
        ))?;
    let timeout = Duration::from_millis(number("DB_TIMEOUT_MS", 600_000)?);
    database.application_name("fake").connect_timeout(timeout);
    Ok(Settings {
        host: read("HOST")?,
        port: u16::try_from(number("PORT", 65_535)?).unwrap(),
        database,
        url,
        timeout,
        connections: usize::try_from(number("DB_MAX_CONNS", 1000)?).unwrap(),
    })
}

fn serve(mutant: &str) -> i32 {
    let settings = match settings(mutant) {
        Ok(settings) => settings,
        Err(message) => {
            log(&message);
            return if mutant == "config-exit-1" { 1 } else { 2 };
        }
    };
    let mut bound = TcpListener::bind((settings.host.as_str(), settings.port));
    if bound.is_err() && mutant == "another-port" {
        bound = TcpListener::bind((settings.host.as_str(), 0));
    }
    let Ok(listener) = bound else {
        log(&format!("port {} is in use", settings.port));
        return 1;
    };
    let database = &settings.database;
    if mutant == "needs-database" && database.connect(NoTls).is_err() {
        return 1;
    }
    if mutant == "waits-for-database" {
        let mut patient = database.clone();
        patient.connect_timeout(Duration::from_secs(60));
        drop(patient.connect(NoTls));
    }
    let stop = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&stop)).unwrap();
    let pool = Arc::new(Pool::default());
    let more = usize::from(mutant == "one-more");
    let workers: Vec<_> = (0..settings.connections + more)
        .map(|_| {
            let (pool, config, mutant) = (Arc::clone(&pool), database.clone(), mutant.to_owned());
            thread::spawn(move || work(&pool, &config, &mutant))
        })
        .collect();
    let service = Arc::new(Service {
        pool: Arc::clone(&pool),
        timeout: settings.timeout,
        mutant: mutant.to_owned(),
        url: settings.url,
        busy: AtomicUsize::new(0),
    });
    listener.set_nonblocking(true).unwrap();
    let stays = matches!(mutant, "deaf" | "keeps-accepting");
    let clients = Arc::new(AtomicUsize::new(0));
    while !stop.load(Ordering::SeqCst) || stays {
        match listener.accept() {
            Ok((stream, _)) => {
                let (service, clients) = (Arc::clone(&service), Arc::clone(&clients));
                if mutant == "few-clients" && clients.load(Ordering::SeqCst) > 100 {
                    continue;
                }
                if mutant == "one-at-a-time" {
                    service.talk(stream);
                    continue;
                }
                thread::spawn(move || {
                    clients.fetch_add(1, Ordering::SeqCst);
                    service.talk(stream);
                    clients.fetch_sub(1, Ordering::SeqCst);
                });
            }
            Err(_) => thread::sleep(Duration::from_millis(2)),
        }
        if mutant == "keeps-accepting" && stop.load(Ordering::SeqCst) && service.idle() {
            break;
        }
    }
    drop(listener);
    if mutant == "exits-at-once" {
        return 0;
    }
    if mutant == "forgets-queue" {
        pool.jobs.lock().unwrap().clear();
    }
    while !service.idle() {
        thread::sleep(Duration::from_millis(5));
    }
    pool.close();
    if mutant != "waits-for-clients" {
        for worker in workers {
            let _ = worker.join();
        }
        return i32::from(mutant == "exit-1");
    }
    thread::sleep(Duration::from_secs(60));
    0
}

// --- the pool ------------------------------------------------------------------------------------------------------

enum Work {
    User([u8; 16]),
    Page(i64, i64),
    Ready,
    Leak,
}

struct Job {
    work: Work,
    deadline: Instant,
    answer: Sender<Option<String>>,
}

#[derive(Default)]
struct Pool {
    jobs: Mutex<VecDeque<Job>>,
    changed: Condvar,
    closed: AtomicBool,
}

impl Pool {
    fn ask(&self, work: Work, timeout: Duration) -> Receiver<Option<String>> {
        let (answer, receiver) = channel();
        let deadline = Instant::now() + timeout;
        self.jobs.lock().unwrap().push_back(Job {
            work,
            deadline,
            answer,
        });
        self.changed.notify_one();
        receiver
    }

    fn next(&self) -> Option<Job> {
        let jobs = self.jobs.lock().unwrap();
        let (mut jobs, _) = self
            .changed
            .wait_timeout_while(jobs, Duration::from_millis(100), |jobs| {
                jobs.is_empty() && !self.closed.load(Ordering::SeqCst)
            })
            .unwrap();
        jobs.pop_front()
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.changed.notify_all();
    }
}

struct Session {
    client: Client,
    user: Statement,
    list: Statement,
    count: Statement,
    ready: Statement,
}

impl Session {
    fn open(config: &Config, mutant: &str) -> Option<Self> {
        let mut client = config.connect(NoTls).ok()?;
        let text = |text: &str| match mutant {
            "other-sql" => text.trim_end().replace("WHERE id", "WHERE users.id"),
            _ => text.trim_end().to_owned(),
        };
        let mut session = Self {
            user: client.prepare(&text(GET_USER)).ok()?,
            list: client.prepare(&text(LIST_USERS)).ok()?,
            count: client.prepare(&text(COUNT_USERS)).ok()?,
            ready: client.prepare(&text(READY)).ok()?,
            client,
        };
        if mutant == "leaves-transaction" {
            session
                .client
                .batch_execute("BEGIN; SELECT 1 FROM users LIMIT 1")
                .ok()?;
        }
        Some(session)
    }

    /// Reads what has come unasked: the goodbye of a server that went away.
    fn is_dead(&mut self) -> bool {
        use postgres::fallible_iterator::FallibleIterator;
        let heard = self
            .client
            .notifications()
            .timeout_iter(Duration::ZERO)
            .next();
        heard.is_err() || self.client.is_closed()
    }

    fn run(&mut self, work: &Work, mutant: &str) -> Result<Option<String>, postgres::Error> {
        match mutant {
            "ping" => drop(self.client.simple_query("")?),
            "transaction" => self.client.batch_execute("BEGIN")?,
            _ => {}
        }
        let answer = match work {
            Work::Ready => {
                self.client.query(&self.ready, &[])?;
                Some(r#"{"status":"ready"}"#.to_owned())
            }
            Work::User(id) if mutant == "prepares-again" => {
                let rows = self.client.query(GET_USER.trim_end(), &[&Id(*id)])?;
                rows.first().map(user)
            }
            Work::User(id) => self
                .client
                .query_opt(&self.user, &[&Id(*id)])?
                .as_ref()
                .map(user),
            Work::Page(limit, offset) => {
                let rows = self.client.query(&self.list, &[limit, offset])?;
                let total: i64 = self.client.query_one(&self.count, &[])?.get(0);
                let items: Vec<String> = rows.iter().map(user).collect();
                Some(format!(
                    r#"{{"items":[{}],"limit":{limit},"offset":{offset},"total":{total}}}"#,
                    items.join(",")
                ))
            }
            Work::Leak => None,
        };
        if mutant == "transaction" {
            self.client.batch_execute("COMMIT")?;
        }
        Ok(answer)
    }
}

fn work(pool: &Pool, config: &Config, mutant: &str) {
    let mut session = None;
    while !pool.closed.load(Ordering::SeqCst) {
        if session.is_none() && mutant != "lazy-pool" {
            session = Session::open(config, mutant);
        }
        let Some(job) = pool.next() else {
            let watches = !matches!(mutant, "unwatched-pool" | "never-reconnects");
            if watches && session.as_mut().is_some_and(Session::is_dead) {
                session = None;
            }
            continue;
        };
        if matches!(job.work, Work::Leak) {
            loop {
                thread::park();
            }
        }
        while Instant::now() < job.deadline {
            if session.is_none() {
                session = Session::open(config, mutant);
            }
            let Some(open) = session.as_mut() else {
                thread::sleep(Duration::from_millis(50));
                continue;
            };
            match open.run(&job.work, mutant) {
                Ok(answer) => {
                    let _ = job.answer.send(answer);
                    break;
                }
                Err(_) if mutant == "never-reconnects" => return,
                Err(_) => session = None,
            }
            if mutant == "unwatched-pool" {
                break;
            }
        }
    }
}

// --- HTTP ----------------------------------------------------------------------------------------------------------

struct Service {
    pool: Arc<Pool>,
    timeout: Duration,
    mutant: String,
    url: String,
    busy: AtomicUsize,
}

impl Service {
    fn idle(&self) -> bool {
        self.busy.load(Ordering::SeqCst) == 0
    }

    fn talk(&self, stream: TcpStream) {
        // Accepted from a listener that does not block; on some systems that is inherited.
        stream.set_nonblocking(false).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let mut reader = BufReader::new(stream);
        let mut lines = || {
            let mut line = String::new();
            matches!(reader.read_line(&mut line), Ok(count) if count > 0)
                .then(|| line.trim_end().to_owned())
        };
        while let Some(first) = lines() {
            let mut close = false;
            let mut size = first.len();
            while let Some(line) = lines().filter(|line| !line.is_empty()) {
                close |= line == "Connection: close";
                size += line.len();
            }
            if size > 64 << 10 && self.mutant != "unlimited-head" {
                let _ = writer.write_all(b"HTTP/1.1 431 X\r\nContent-Length: 0\r\n\r\n");
                return;
            }
            // The client went away inside the head.
            if !first.ends_with(" HTTP/1.1") {
                return;
            }
            self.busy.fetch_add(1, Ordering::SeqCst);
            let (method, target) = first.rsplit_once(' ').unwrap().0.split_once(' ').unwrap();
            let (status, body) = self.answer(method, target);
            let mut head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            );
            if status == 405 {
                head.push_str("Allow: GET, HEAD\r\n");
            }
            if close {
                head.push_str("Connection: close\r\n");
            }
            if self.mutant == "loses-abandoned" && hung_up(&writer) {
                drop(self.pool.ask(Work::Leak, self.timeout));
            }
            let shown = if method == "HEAD" { "" } else { body.as_str() };
            let sent = writer.write_all(format!("{head}\r\n{shown}").as_bytes());
            self.busy.fetch_sub(1, Ordering::SeqCst);
            if self.mutant == "access-log" {
                log(&format!(r#"{{"status":{status}}}"#));
            }
            if sent.is_err() || close {
                return;
            }
        }
    }

    fn answer(&self, method: &str, target: &str) -> (u16, String) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let id = path.strip_prefix("/users/").filter(|id| !id.contains('/'));
        let known = id.is_some() || matches!(path, "/healthz" | "/readyz" | "/users");
        if !known {
            return (404, NOT_FOUND.to_owned());
        }
        if !matches!(method, "GET" | "HEAD") {
            return (405, r#"{"error":"method_not_allowed"}"#.to_owned());
        }
        let work = match (path, id) {
            ("/healthz", _) => {
                if self.mutant == "health-asks" {
                    return self
                        .ask(Work::Ready)
                        .map_or_else(|| self.unavailable(), |_| health());
                }
                return health();
            }
            ("/readyz", _) => Work::Ready,
            (_, Some(id)) => match parse(id) {
                Some(id) => Work::User(id),
                None => return (400, BAD_REQUEST.to_owned()),
            },
            _ => match query {
                "" => Work::Page(50, 0),
                "limit=3&offset=1" => Work::Page(3, 1),
                _ => return (400, BAD_REQUEST.to_owned()),
            },
        };
        match self.ask(work) {
            Some(Some(body)) => (200, body),
            Some(None) => (404, NOT_FOUND.to_owned()),
            None => self.unavailable(),
        }
    }

    fn ask(&self, work: Work) -> Option<Option<String>> {
        let patience = if self.mutant == "no-time-limit" {
            Duration::from_secs(60)
        } else {
            self.timeout
        };
        let answer = self.pool.ask(work, patience).recv_timeout(patience).ok();
        if answer.is_none() && self.mutant == "leaks" {
            drop(self.pool.ask(Work::Leak, patience));
        }
        answer
    }

    fn unavailable(&self) -> (u16, String) {
        match self.mutant.as_str() {
            "silent" => {}
            "plain-log" => log("no answer from the database"),
            "shows-url" => log(&format!(r#"{{"message":"no answer from {}"}}"#, self.url)),
            _ => log(r#"{"level":"error","message":"no answer from the database"}"#),
        }
        let status = if self.mutant == "status-500" {
            500
        } else {
            503
        };
        (status, r#"{"error":"unavailable"}"#.to_owned())
    }
}

fn hung_up(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let gone = matches!(stream.peek(&mut [0]), Ok(0));
    stream.set_nonblocking(false).unwrap();
    gone
}

fn health() -> (u16, String) {
    (200, r#"{"status":"ok"}"#.to_owned())
}

// --- values --------------------------------------------------------------------------------------------------------

fn parse(id: &str) -> Option<[u8; 16]> {
    let hex = id.replace('-', "");
    if id.len() != 36 || hex.len() != 32 {
        return None;
    }
    Some(u128::from_str_radix(&hex, 16).ok()?.to_be_bytes())
}

#[derive(Debug)]
struct Id([u8; 16]);

impl ToSql for Id {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::UUID
    }

    to_sql_checked!();
}

/// A value as the server sends it.
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(of: &Type) -> bool {
        matches!(*of, Type::UUID | Type::TIMESTAMPTZ)
    }
}

fn user(row: &Row) -> String {
    let Raw(id) = row.get(0);
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let Raw(created) = row.get(6);
    serde_json::to_string(&api_contract::User {
        id: format!(
            "{}-{}-{}-{}-{}",
            &id[..8],
            &id[8..12],
            &id[12..16],
            &id[16..20],
            &id[20..]
        ),
        email: row.get(1),
        full_name: row.get(2),
        age: row.get(3),
        country_code: row.get(4),
        is_active: row.get(5),
        created_at: time(i64::from_be_bytes(created.try_into().unwrap())),
    })
    .unwrap()
}

/// Microseconds since 2000-01-01 as RFC 3339; the calendar repeats every 400 years of 146,097 days.
fn time(microseconds: i64) -> String {
    let seconds = microseconds / 1_000_000;
    let (mut day, second) = (seconds / 86_400, seconds % 86_400);
    let mut year = 2000;
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while day >= 365 + i64::from(leap(year)) {
        day -= 365 + i64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [
        31,
        28 + i64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    format!(
        "{year}-{month:02}-{:02}T{:02}:{:02}:{:02}Z",
        day + 1,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}
