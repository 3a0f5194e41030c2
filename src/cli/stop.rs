//! Ctrl-C and SIGTERM during long work: it ends where everything is whole, and the second time at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::exit::Exit;
use super::failure::Failure;

/// Whether the work is to end. Clones tell the same.
#[derive(Debug, Clone)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Hears the signals from now on.
    pub(super) fn on_signals() -> Result<Self, Failure> {
        let stop = Self(Arc::new(AtomicBool::new(false)));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds it unset, and sets it.
            flag::register_conditional_shutdown(signal, Exit::Interrupted as i32, Arc::clone(&stop.0))
                .and_then(|_| flag::register(signal, Arc::clone(&stop.0)))
                .map_err(|fault| {
                    Failure::new(Exit::Failure, anyhow::Error::new(fault).context("cannot hear signals"))
                })?;
        }
        Ok(stop)
    }

    /// Whether to stop.
    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Stops it from within.
    pub(super) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What is told at the end of work that was stopped.
pub(super) fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, anyhow::anyhow!("interrupted"))
        .hint("what was done before is whole; run it again for the rest")
}
