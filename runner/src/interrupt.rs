//! Ctrl-C and SIGTERM: a flag that every wait looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use miette::IntoDiagnostic as _;

use crate::error::LabError;

/// Set once a signal to stop has arrived.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Catches SIGINT, SIGTERM and SIGHUP. A second signal changes nothing: the first is being obeyed, and what
    /// would be left behind by a harder end is taken away by the guard.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub fn install() -> miette::Result<Self> {
        let flag = Self::default();
        for signal in [
            signal_hook::consts::SIGINT,
            signal_hook::consts::SIGTERM,
            signal_hook::consts::SIGHUP,
        ] {
            signal_hook::flag::register(signal, Arc::clone(&flag.0)).into_diagnostic()?;
        }
        Ok(flag)
    }

    /// Has a signal arrived?
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Error if a signal has arrived.
    ///
    /// # Errors
    /// [`LabError::Interrupted`].
    pub fn check(&self) -> Result<(), LabError> {
        if self.is_set() {
            Err(LabError::Interrupted)
        } else {
            Ok(())
        }
    }

    /// Sleeps, but not through a signal.
    ///
    /// # Errors
    /// [`LabError::Interrupted`].
    pub fn sleep(&self, time: Duration) -> Result<(), LabError> {
        let end = Instant::now() + time;
        loop {
            self.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(Duration::from_millis(20)));
        }
    }
}
