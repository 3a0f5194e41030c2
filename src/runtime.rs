//! Time and randomness, handed in so that the pure rooms read no clock and the RFC vectors come out exactly.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01 UTC; what is stored and compared for expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub i64);

/// Time since some fixed moment of this process; only differences mean anything.
pub type Moment = Duration;

/// The wall clock and a monotonic one.
pub trait Clock {
    /// Now, on the wall.
    fn now(&self) -> UnixTime;
    /// Now, monotonic.
    fn moment(&self) -> Moment;
}

/// A source of unpredictable bytes.
pub trait Entropy {
    /// Fills `buffer`.
    ///
    /// # Errors
    /// [`NoEntropy`] if the system has none to give; the caller must then refuse to go on.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's random number source failed")]
pub struct NoEntropy;

/// The system's clocks.
#[derive(Debug)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl SystemClock {
    /// Starts counting moments now.
    #[must_use]
    pub fn start() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        UnixTime(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    fn moment(&self) -> Moment {
        self.started.elapsed()
    }
}

/// The kernel's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(buffer).map_err(|_| NoEntropy)
    }
}
