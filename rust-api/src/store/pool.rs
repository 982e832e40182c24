//! The connection pool: what both drivers have in common.
//!
//! deadpool lends connections and never opens more than the budget. What it does not do is done by a background
//! task, the keeper: it opens the connections at start, replaces those that were lost, and tries those that have
//! been idle, so that requests need no ping. It never gives up, so the service recovers when the database does.
//!
//! sqlx's own pool is not used for its driver. Version 0.9 sends a `Sync` and waits for the answer every time a
//! connection is returned, which cannot be switched off: one more round trip per request than any of the other
//! services makes. With one pool for both drivers, comparing them also compares nothing but the drivers.

use std::{
    error::Error,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool::managed::{Manager, Object, Pool, PoolError, Timeouts};
use futures_util::future::join_all;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{PoolSettings, Store, Unavailable};
use crate::{
    model::{Page, User, UserPage},
    telemetry::Throttle,
};

/// How often the keeper looks after the pool.
const ROUND: Duration = Duration::from_millis(250);
/// A connection that was idle for this long is tried. Under load none is.
const QUIET: Duration = Duration::from_millis(500);
/// The least time between two rounds of the keeper when failing requests wake it.
const BREATH: Duration = Duration::from_millis(20);
/// Failures are logged at most this often.
const LOG_INTERVAL: Duration = Duration::from_secs(1);
/// Takes what is free at once, or opens a connection if there is room in the budget.
const NO_WAITING: Timeouts = Timeouts {
    wait: Some(Duration::ZERO),
    create: None,
    recycle: None,
};

/// An open connection to the database that can ask the API's questions.
pub trait Session: Send + 'static {
    /// What goes wrong on this connection.
    type Error: Error + Send + Sync + 'static;

    /// Runs `ready.sql`.
    fn ready(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Runs `get_user.sql`.
    fn user(&mut self, id: Uuid) -> impl Future<Output = Result<Option<User>, Self::Error>> + Send;

    /// Runs `list_users.sql`, then `count_users.sql`.
    fn users(&mut self, page: Page) -> impl Future<Output = Result<UserPage, Self::Error>> + Send;

    /// Whether the connection is known to be lost. Costs nothing; a driver that reads from its socket only while
    /// it waits for an answer cannot know.
    fn is_lost(&self) -> bool;

    /// Finds out whether the connection is lost, where [`is_lost`](Self::is_lost) cannot tell. Not a query.
    fn probe(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// A [`Store`] over a pool of `M`'s connections. Clones share the pool.
pub struct Pooled<M: Manager>(Arc<Inner<M>>);

struct Inner<M: Manager> {
    pool: Pool<M>,
    settings: PoolSettings,
    /// Tells the keeper that a connection failed.
    trouble: Notify,
    complaints: Throttle,
}

impl<M: Manager> Clone for Pooled<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> Pooled<M>
where
    M: Manager + 'static,
    M::Type: Session<Error = M::Error>,
    M::Error: Error + Send + Sync + 'static,
{
    /// A pool of `manager`'s connections, which a background task starts to open at once. Must be called within a
    /// tokio runtime.
    pub fn start(manager: M, settings: PoolSettings) -> Self {
        let pool = Pool::builder(manager)
            .max_size(settings.max)
            .build()
            // `build` fails only for timeouts without a runtime, and none are set here.
            .unwrap_or_else(|error| unreachable!("a pool without timeouts: {error}"));
        let store = Self(Arc::new(Inner {
            pool,
            settings,
            trouble: Notify::new(),
            complaints: Throttle::new(LOG_INTERVAL),
        }));
        tokio::spawn(keep(store.clone()));
        store
    }

    /// Closes the idle connections, and the others as soon as they are returned.
    pub fn close(&self) {
        self.0.pool.close();
    }

    /// Ends a request's use of its connection. A connection that failed or ran out of time is thrown away: its
    /// state is unknown.
    fn settle<T>(
        &self,
        lease: Lease<M>,
        answer: Result<Result<T, Failure<M::Error>>, tokio::time::error::Elapsed>,
    ) -> Result<T, Unavailable> {
        let failure = match answer {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::TimedOut,
        };
        lease.discard();
        self.0.trouble.notify_one();
        self.complain("the database did not answer a request", &failure);
        Err(Unavailable)
    }

    fn complain(&self, message: &'static str, failure: &Failure<M::Error>) {
        if let Some(suppressed) = self.0.complaints.admit(Instant::now()) {
            tracing::error!(error = %failure, suppressed, "{message}");
        }
    }
}

/// A request's hold on a connection: none before one is free, and one from then on. Dropped, it returns the
/// connection to the pool, also when the client went away in the middle of a query: what was left unread is
/// the driver's to deal with before the next query.
struct Lease<M: Manager>(Option<Object<M>>);

impl<M> Lease<M>
where
    M: Manager,
    M::Type: Session<Error = M::Error>,
{
    const fn new() -> Self {
        Self(None)
    }

    async fn session(&mut self, pool: &Pool<M>) -> Result<&mut M::Type, Failure<M::Error>> {
        let object = pool.get().await.map_err(Failure::NoConnection)?;
        Ok(self.0.insert(object))
    }

    fn discard(self) {
        if let Some(object) = self.0 {
            drop(Object::take(object));
        }
    }
}

impl<M> Store for Pooled<M>
where
    M: Manager + 'static,
    M::Type: Session<Error = M::Error>,
    M::Error: Error + Send + Sync + 'static,
{
    async fn ready(&self) -> Result<(), Unavailable> {
        let mut lease = Lease::new();
        let answer = timeout(self.0.settings.timeout, async {
            let session = lease.session(&self.0.pool).await?;
            session.ready().await.map_err(Failure::Query)
        });
        let answer = answer.await;
        self.settle(lease, answer)
    }

    async fn user(&self, id: Uuid) -> Result<Option<User>, Unavailable> {
        let mut lease = Lease::new();
        let answer = timeout(self.0.settings.timeout, async {
            let session = lease.session(&self.0.pool).await?;
            session.user(id).await.map_err(Failure::Query)
        });
        let answer = answer.await;
        self.settle(lease, answer)
    }

    async fn users(&self, page: Page) -> Result<UserPage, Unavailable> {
        let mut lease = Lease::new();
        let answer = timeout(self.0.settings.timeout, async {
            let session = lease.session(&self.0.pool).await?;
            session.users(page).await.map_err(Failure::Query)
        });
        let answer = answer.await;
        self.settle(lease, answer)
    }
}

/// What goes wrong between the pool and the database.
#[derive(Debug)]
enum Failure<E> {
    NoConnection(PoolError<E>),
    Query(E),
    TimedOut,
    /// So many connections were closed by the other side.
    Lost(usize),
}

impl<E: Error + 'static> fmt::Display for Failure<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConnection(PoolError::Backend(error)) => {
                write!(formatter, "no connection: {}", Chain(error))
            }
            Self::NoConnection(error) => write!(formatter, "no connection: {error}"),
            Self::Query(error) => write!(formatter, "query failed: {}", Chain(error)),
            Self::TimedOut => formatter.write_str("timed out"),
            Self::Lost(number) => write!(formatter, "{number} closed by the database"),
        }
    }
}

/// An error with what caused it; the drivers' outermost messages alone say little.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Some errors repeat in their own message what caused them.
            if !said.ends_with(&text) {
                said = format!("{said}: {text}");
            }
            cause = error.source();
        }
        formatter.write_str(&said)
    }
}

/// The keeper: runs until the pool is closed.
async fn keep<M>(store: Pooled<M>)
where
    M: Manager + 'static,
    M::Type: Session<Error = M::Error>,
    M::Error: Error + Send + Sync + 'static,
{
    let mut suspicious = false;
    while !store.0.pool.is_closed() {
        store.try_idle(suspicious).await;
        let full = store.refill().await;
        suspicious = false;
        if full {
            tokio::select! {
                () = sleep(ROUND) => {}
                () = store.0.trouble.notified() => {
                    suspicious = true;
                    sleep(BREATH).await;
                }
            }
        } else {
            // The database does not take connections: failing requests are no news, and no reason to hurry.
            sleep(ROUND).await;
        }
    }
}

impl<M> Pooled<M>
where
    M: Manager + 'static,
    M::Type: Session<Error = M::Error>,
    M::Error: Error + Send + Sync + 'static,
{
    /// Throws away idle connections that are lost: those that are known to be, and those that turn out to be when
    /// tried. All idle ones are tried when `suspicious`, otherwise those that were idle for long.
    async fn try_idle(&self, suspicious: bool) {
        let pool = &self.0.pool;
        let mut to_try = 0_usize;
        let known = pool.retain(|session, metrics| {
            if session.is_lost() {
                return false;
            }
            if suspicious || metrics.last_used() >= QUIET {
                to_try += 1;
            }
            true
        });
        let lost = known.removed.len();
        if lost > 0 {
            self.complain("idle connections were lost", &Failure::Lost(lost));
        }
        // The pool lends first what was idle for longest, so these are the ones that were counted.
        for _ in 0..to_try {
            let mut lease = Lease::new();
            let outcome = timeout(self.0.settings.timeout, async {
                let object = pool
                    .timeout_get(&NO_WAITING)
                    .await
                    .map_err(Failure::NoConnection)?;
                lease.0.insert(object).probe().await.map_err(Failure::Query)
            });
            match outcome.await {
                Ok(Ok(())) => {}
                Ok(Err(failure @ Failure::Query(_))) => {
                    lease.discard();
                    self.complain("an idle connection was lost", &failure);
                }
                // All are in use, or the pool is closed.
                Ok(Err(_)) => return,
                // A database that hangs keeps the others waiting just as long.
                Err(_) => {
                    lease.discard();
                    self.complain("an idle connection hangs", &Failure::TimedOut);
                    return;
                }
            }
        }
    }

    /// Opens the connections that are missing. Answers whether all are there.
    async fn refill(&self) -> bool {
        // One first, to learn whether the database takes connections at all; then the others at once.
        for at_once in [1, usize::MAX] {
            let status = self.0.pool.status();
            let missing = self.0.settings.min.saturating_sub(status.size);
            if missing == 0 {
                return true;
            }
            // The pool opens a connection only while no idle one is left, so those are held for the moment.
            let held = status.available + missing.min(at_once);
            let get = || {
                timeout(
                    self.0.settings.timeout,
                    self.0.pool.timeout_get(&NO_WAITING),
                )
            };
            for outcome in join_all((0..held).map(|_| get())).await {
                let failure = match outcome {
                    Ok(Ok(_)) | Ok(Err(PoolError::Timeout(_) | PoolError::Closed)) => continue,
                    Ok(Err(error)) => Failure::NoConnection(error),
                    Err(_) => Failure::TimedOut,
                };
                self.complain("the database takes no connection", &failure);
                return false;
            }
        }
        true
    }
}
