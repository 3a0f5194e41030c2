//! How far long work is, for a person who waits: on stderr, if that is a terminal.

use std::fmt;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::output;

/// Shown until it is dropped. Clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Progress(ProgressBar);

/// Whether lines on stdout tell how far it is as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// One for each account: on a terminal they are the progress.
    Many,
    /// None before the end.
    None,
}

impl Progress {
    /// Counts accounts; `total` where it is known.
    pub(super) fn begin(total: Option<u64>, lines: Lines) -> Self {
        if !std::io::stderr().is_terminal() || (lines == Lines::Many && output::is_terminal()) {
            return Self(ProgressBar::hidden());
        }
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), "{wide_bar} {human_pos} of {human_len} accounts, {eta} left"),
            None => (ProgressBar::no_length(), "{spinner} {human_pos} accounts, {speed}"),
        };
        bar.set_style(style(template));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// So many are done by now.
    pub(super) fn at(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Counts bytes from now on: so many are done by now, of so many.
    pub(super) fn bytes(&self, done: u64, of: u64) {
        if self.0.length() != Some(of) {
            self.0.set_style(style("{wide_bar} {binary_bytes} of {binary_total_bytes}, {eta} left"));
            self.0.set_length(of);
        }
        self.0.set_position(done);
    }

    /// One more is done.
    pub(super) fn one_more(&self) {
        self.0.inc(1);
    }

    /// Says something else on the terminal meanwhile.
    pub(super) fn aside(&self, say: impl FnOnce()) {
        self.0.suspend(say);
    }

    /// Takes it away.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The template is one: only a wrong one is refused.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // Its own word for this has four decimals.
    style.with_key("speed", |state: &ProgressState, out: &mut dyn fmt::Write| {
        let _ = write!(out, "{:.0} a second", state.per_sec());
    })
}
