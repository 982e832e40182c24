//! Where the run stands: a bar with ETA on a terminal, a line a repetition elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Progress of one run.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    quiet_terminal: bool,
    planned: f64,
    total: usize,
    done: usize,
    started: Instant,
}

impl Progress {
    /// For `total` repetitions of which each should take `planned` seconds.
    pub fn new(total: usize, planned: f64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len}  {msg}") {
            bar.set_style(style);
        }
        let quiet_terminal = bar.is_hidden();
        bar.enable_steady_tick(Duration::from_millis(250));
        Self {
            bar,
            quiet_terminal,
            planned,
            total,
            done: 0,
            started: Instant::now(),
        }
    }

    /// Seconds that are left, by what repetitions took so far.
    fn left(&self) -> f64 {
        let each = if self.done == 0 {
            self.planned
        } else {
            self.started.elapsed().as_secs_f64() / self.done as f64
        };
        each * (self.total - self.done) as f64
    }

    /// What is being done now. Health only: no figures that would tempt to stop early.
    pub fn doing(&self, what: &str) {
        self.bar
            .set_message(format!("{what}, {} left", crate::ui::duration(self.left())));
    }

    /// One repetition is stored.
    pub fn stored(&mut self, text: &str) {
        self.done += 1;
        self.bar.set_position(self.done as u64);
        let line = format!("[{}/{}] {text}", self.done, self.total);
        if self.quiet_terminal {
            crate::ui::note(&format!(
                "{line}; {} left",
                crate::ui::duration(self.left())
            ));
        } else {
            self.bar.println(line);
        }
    }

    /// The end.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
