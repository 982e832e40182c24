//! Where the run stands: a bar with ETA on a terminal, a line a repetition elsewhere.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lab_model::config::Mix;
use postgres::Client;

use super::live::Live;

/// Progress of one run.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    live: Option<Live>,
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
        let width = terminal_size::terminal_size().map_or(80, |(columns, _)| columns.0);
        // In 80 columns the words matter more than the bar, and the figures more than the end of the words.
        let template = if width < 120 {
            "{pos}/{len} {wide_msg} {prefix}"
        } else {
            "{bar:24} {pos}/{len} {msg}  {prefix}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let quiet_terminal = bar.is_hidden();
        bar.enable_steady_tick(Duration::from_millis(250));
        Self {
            bar,
            live: None,
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

    /// Shows the throughput and p99 so far behind the message, where somebody watches. `connect`: to the database, as its owner.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub fn watch(
        &mut self,
        role: &str,
        mix: &Mix,
        connect: impl FnOnce() -> miette::Result<Client>,
    ) -> miette::Result<()> {
        if !self.quiet_terminal {
            self.live = Some(Live::start(
                self.bar.clone(),
                connect()?,
                role.to_owned(),
                mix,
            ));
        }
        Ok(())
    }

    /// The load that starts next prints to this file. Is anybody watching?
    pub fn follow(&self, console: &Path) -> bool {
        if let Some(live) = &self.live {
            live.follow(console);
        }
        self.live.is_some()
    }

    /// What is being done now. Health only: no figures that would tempt to stop early.
    pub fn doing(&self, what: &str) {
        self.bar.set_prefix("");
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
            self.bar.println(crate::ui::folded(&line));
        }
    }

    /// The end.
    pub fn finish(&mut self) {
        self.live = None;
        self.bar.finish_and_clear();
    }
}
