//! The error log: JSON lines on standard error. There is no access log.

use std::{
    io,
    sync::Mutex,
    time::{Duration, Instant},
};

use tracing::Level;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts the log. Call it once, before anything can go wrong.
///
/// Of the libraries only errors are heard: the drivers warn of every connection that ends, by the dozen when the
/// database restarts, and the store says the same once.
pub fn init() {
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(io::stderr);
    let loudness = Targets::new()
        .with_default(Level::ERROR)
        .with_target(env!("CARGO_CRATE_NAME"), Level::INFO);
    tracing_subscriber::registry()
        .with(lines)
        .with(loudness)
        .init();
}

/// Lets one event through per interval and counts the others, so that an outage under load does not turn into
/// a flood of equal lines.
#[derive(Debug)]
pub struct Throttle {
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    suppressed: u64,
}

impl Throttle {
    /// At most one event per `interval`.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            state: Mutex::default(),
        }
    }

    /// `Some(n)` when the event at `now` should be written, `n` being how many were held back before it.
    pub fn admit(&self, now: Instant) -> Option<u64> {
        // A poisoned lock only means that another thread panicked while counting.
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if state
            .last
            .is_some_and(|last| now.duration_since(last) < self.interval)
        {
            state.suppressed += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_per_interval_with_the_count_of_the_rest() {
        let throttle = Throttle::new(Duration::from_secs(1));
        let start = Instant::now();
        assert_eq!(throttle.admit(start), Some(0));
        assert_eq!(throttle.admit(start + Duration::from_millis(1)), None);
        assert_eq!(throttle.admit(start + Duration::from_millis(999)), None);
        assert_eq!(throttle.admit(start + Duration::from_secs(1)), Some(2));
        assert_eq!(throttle.admit(start + Duration::from_secs(3)), Some(0));
    }
}
