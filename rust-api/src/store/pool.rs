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
    fmt, iter,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool::managed::{Manager, Object, Pool, PoolError, Timeouts};
use futures_util::future::{FutureExt, join_all};
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
/// The most connections that the keeper opens at the same time.
const AT_ONCE: usize = 8;
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
        // One first, to learn whether the database takes connections at all; then a few at a time. All at once, a
        // database that is busy with its own return could finish none of them within the time limit, again and again.
        for at_once in iter::once(1).chain(iter::repeat(AT_ONCE)) {
            let size = self.0.pool.status().size;
            let missing = self.0.settings.min.saturating_sub(size);
            if missing == 0 {
                return true;
            }
            if let Err(failure) = self.open(missing.min(at_once)).await {
                self.complain("the database takes no connection", &failure);
                return false;
            }
            // There was no room: requests are opening the rest.
            if self.0.pool.status().size <= size {
                return true;
            }
        }
        true
    }

    /// Opens `number` connections more, or as many as there is room for, and gives each to the pool as soon as it is
    /// open.
    async fn open(&self, number: usize) -> Result<(), Failure<M::Error>> {
        let pool = &self.0.pool;
        // The pool opens a connection only while no idle one is left. So these are taken, which is done at once, and
        // given back as soon as the opening has begun: requests must not wait for connections that do not come.
        let idle: Vec<_> = (0..pool.status().available)
            .map_while(|_| pool.timeout_get(&NO_WAITING).now_or_never()?.ok())
            .collect();
        let opening = join_all((0..number).map(|_| async {
            let opened = timeout(self.0.settings.timeout, pool.timeout_get(&NO_WAITING)).await;
            opened.map(|outcome| outcome.map(drop))
        }));
        let mut opening = pin!(opening);
        let outcomes = opening.as_mut().now_or_never();
        drop(idle);
        let outcomes = match outcomes {
            Some(outcomes) => outcomes,
            None => opening.await,
        };
        for outcome in outcomes {
            match outcome {
                Ok(Ok(()) | Err(PoolError::Timeout(_) | PoolError::Closed)) => {}
                Ok(Err(error)) => return Err(Failure::NoConnection(error)),
                Err(_) => return Err(Failure::TimedOut),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        future::pending,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use deadpool::managed::{Metrics, RecycleResult};

    use super::*;

    /// A database that takes this many connections and keeps all others waiting.
    struct Takes(usize, AtomicUsize);

    struct Open;

    impl Manager for Takes {
        type Type = Open;
        type Error = Infallible;

        async fn create(&self) -> Result<Open, Infallible> {
            if self.1.fetch_add(1, Ordering::SeqCst) < self.0 {
                Ok(Open)
            } else {
                pending().await
            }
        }

        async fn recycle(&self, _: &mut Open, _: &Metrics) -> RecycleResult<Infallible> {
            Ok(())
        }
    }

    impl Session for Open {
        type Error = Infallible;

        async fn ready(&mut self) -> Result<(), Infallible> {
            Ok(())
        }

        async fn user(&mut self, _: Uuid) -> Result<Option<User>, Infallible> {
            Ok(None)
        }

        async fn users(&mut self, _: Page) -> Result<UserPage, Infallible> {
            pending().await
        }

        fn is_lost(&self) -> bool {
            false
        }

        async fn probe(&mut self) -> Result<(), Infallible> {
            Ok(())
        }
    }

    fn store(takes: usize) -> Pooled<Takes> {
        let settings = PoolSettings {
            max: 30,
            min: 30,
            timeout: Duration::from_secs(3600),
        };
        Pooled::start(Takes(takes, AtomicUsize::new(0)), settings)
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_pool_is_opened() {
        let store = store(usize::MAX);
        sleep(Duration::from_secs(1)).await;
        let status = store.0.pool.status();
        assert_eq!((status.size, status.available), (30, 30));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_do_not_wait_for_connections_that_do_not_come() {
        let store = store(2);
        // Time for the keeper to have begun with the connections that hang.
        sleep(Duration::from_secs(1)).await;
        for _ in 0..5 {
            let answer = timeout(Duration::from_secs(60), store.ready()).await;
            assert_eq!(answer.expect("an idle connection is there"), Ok(()));
        }
    }
}
