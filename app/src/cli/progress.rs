//! Progress on a terminal; nothing where the standard error is no terminal.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure;

/// Shorter work needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar over countable work that appears if the work takes long, and goes when dropped.
pub struct Progress {
    bar: ProgressBar,
    start: Instant,
    is_shown: bool,
}

impl Progress {
    /// Begins; `what` is counted: "frames".
    pub fn new(count: usize, what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(count as u64), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos} of {len} {msg}, {eta} left") {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self { bar, start: Instant::now(), is_shown: false }
    }

    /// One more is done.
    pub fn step(&mut self) {
        self.bar.inc(1);
        if !self.is_shown && self.start.elapsed() > PATIENCE {
            self.is_shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Prints a line to the standard output, above the bar.
    pub fn print_line(&self, line: &str) -> anyhow::Result<()> {
        self.bar.suspend(|| super::print_line(line))
    }

    /// Says something that is no reason to stop, above the bar.
    pub fn warn(&self, message: &str) {
        self.bar.suspend(|| failure::warn(message));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Says what is being done while that cannot be counted; goes when dropped.
pub struct Activity(ProgressBar);

impl Activity {
    /// Begins: "reading the checkpoint".
    pub fn new(what: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(what);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// The next thing is being done.
    pub fn now(&self, what: &'static str) {
        self.0.set_message(what);
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
