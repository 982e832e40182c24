//! The live line: requests a second and p99 of the repetition in progress, so far.
//!
//! It shows health, never ratios, and costs next to nothing: k6 keeps its record in memory until the load is over, and its
//! periodic output and REST API would cost what is being measured. So the rate is Postgres' count of answered queries,
//! one look a second, and p99 is that of the few users of the load who tell (loadtest/scripts/lib/live.js). Both only where
//! somebody watches a terminal, and p99 not of a load in a container, whose file is not here.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use lab_model::config::Mix;
use postgres::Client;

use super::told::Told;

/// Pace of the looks.
const PACE: Duration = Duration::from_secs(1);

/// Without the texts, which are in a file: only counters are read.
const CALLS: &str = "SELECT coalesce(sum(calls), 0)::int8 FROM pg_stat_statements(false) AS s \
                     JOIN pg_roles AS r ON r.oid = s.userid WHERE r.rolname = $1";

/// A thread that writes rate and p99 behind the bar's message; ends when dropped.
#[derive(Debug)]
pub struct Live {
    console: Arc<Mutex<PathBuf>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Live {
    /// Starts looking. `role`: the services' role.
    pub fn start(bar: ProgressBar, client: Client, role: String, mix: &Mix) -> Self {
        let per_request = queries_per_request(mix);
        let (stop, stopped) = channel();
        let console = Arc::new(Mutex::new(PathBuf::new()));
        let followed = Arc::clone(&console);
        let thread = std::thread::spawn(move || {
            watch(&bar, client, &role, per_request, &followed, &stopped);
        });
        Self {
            console,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The load that starts next prints to this file.
    pub fn follow(&self, console: &Path) {
        console.clone_into(&mut self.console.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn watch(
    bar: &ProgressBar,
    mut client: Client,
    role: &str,
    per_request: f64,
    console: &Mutex<PathBuf>,
    stopped: &Receiver<()>,
) {
    let Ok(statement) = client.prepare(CALLS) else {
        return;
    };
    let start = Instant::now();
    let mut rate = Rate::default();
    let mut told = Told::default();
    while stopped.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
        // The line is a courtesy: a database that does not answer is told by the run itself.
        let Ok(row) = client.query_one(&statement, &[&role]) else {
            return;
        };
        rate.look(
            start.elapsed().as_secs_f64(),
            row.get::<_, i64>(0).unsigned_abs(),
        );
        told.look(&console.lock().unwrap_or_else(PoisonError::into_inner));
        let requests = rate.per_second().map(|queries| queries / per_request);
        bar.set_prefix(line(requests, told.p99()));
    }
}

/// What stands behind the message.
fn line(per_second: Option<f64>, p99_ms: Option<f64>) -> String {
    let digits = |ms: f64| usize::from(ms < 10.0);
    let rate = per_second.map(|rate| format!("{rate:.0} req/s"));
    let p99 = p99_ms.map(|ms| format!("p99 {ms:.*} ms", digits(ms)));
    let known: Vec<String> = rate.into_iter().chain(p99).collect();
    known.join(", ")
}

/// Round trips of a request on average: one for a user, two for a page.
fn queries_per_request(mix: &Mix) -> f64 {
    let (user, users) = (f64::from(mix.user), f64::from(mix.users));
    (user + 2.0 * users) / (user + users)
}

/// Rate of a counter since it last began at nothing.
#[derive(Debug, Default)]
struct Rate {
    first: Option<(f64, u64)>,
    last: Option<(f64, u64)>,
}

impl Rate {
    /// One look: seconds, and the counter, which each repetition resets.
    fn look(&mut self, at_s: f64, count: u64) {
        match self.last {
            Some((_, before)) if count < before => *self = Self::default(),
            // The load is over: the mean must not sink while nothing is asked.
            Some((_, before)) if count == before => return,
            _ => {}
        }
        if count > 0 {
            self.first.get_or_insert((at_s, count));
            self.last = Some((at_s, count));
        }
    }

    fn per_second(&self) -> Option<f64> {
        let ((from_s, from), (to_s, to)) = self.first.zip(self.last)?;
        (to_s > from_s).then(|| (to - from) as f64 / (to_s - from_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate_of(looks: &[(f64, u64)]) -> Option<f64> {
        let mut rate = Rate::default();
        for (at_s, count) in looks {
            rate.look(*at_s, *count);
        }
        rate.per_second()
    }

    #[test]
    fn a_rate_needs_two_looks_at_a_growing_counter() {
        assert_eq!(rate_of(&[]), None);
        assert_eq!(rate_of(&[(0.0, 0), (1.0, 0), (2.0, 100)]), None);
        assert_eq!(
            rate_of(&[(0.0, 0), (2.0, 100), (3.0, 300), (4.0, 500)]),
            Some(200.0)
        );
    }

    #[test]
    fn it_stays_when_the_load_is_over_and_begins_anew_with_the_next_repetition() {
        let first = [(1.0, 100), (2.0, 300), (3.0, 300), (9.0, 300)];
        assert_eq!(rate_of(&first), Some(200.0));
        let next = [&first[..], &[(10.0, 50)]].concat();
        assert_eq!(rate_of(&next), None);
        let next = [&next[..], &[(12.0, 150)]].concat();
        assert_eq!(rate_of(&next), Some(50.0));
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        assert_eq!(line(None, None), "");
        assert_eq!(line(Some(2930.4), None), "2930 req/s");
        assert_eq!(line(Some(2930.4), Some(4.06)), "2930 req/s, p99 4.1 ms");
        assert_eq!(line(Some(2930.4), Some(15.8)), "2930 req/s, p99 16 ms");
    }

    #[test]
    fn a_page_costs_two_queries() {
        let mix = Mix {
            user: 90,
            users: 10,
        };
        assert!((queries_per_request(&mix) - 1.1).abs() < 1e-12);
    }
}
