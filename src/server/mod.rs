//! The helper: everything that touches a socket.
//!
//! [`Door`]s are opened while the process may still be root; then it becomes another user ([`privilege`]), and [`serve`]
//! runs the loop.

mod activity;
mod askers;
mod connection;
pub mod conversation;
mod desk;
mod entropy;
mod event_loop;
pub mod learner;
pub mod limits;
mod listener;
mod log;
pub mod lookup;
pub mod mux;
mod panics;
mod pool;
pub mod privilege;
pub mod session;
mod signals;
mod storekeeper;
mod timers;
pub mod userdb;

use std::num::NonZeroUsize;
use std::sync::Arc;

use mio::{Poll, Waker};

use crate::authenticator::Authenticator;
use crate::identity::Realms;
use crate::store::CredentialLookup;

pub use activity::ActivityPlace;
use activity::Recorder;
use desk::Desk;
use event_loop::Loop;
use learner::{Learner, Lessons};
pub use listener::{Door, DoorError};
use log::Log;
pub use log::say;
pub use panics::abort_on_panic;
use pool::Pool;
use session::Settings;
use signals::Signals;
pub use storekeeper::Storekeeper;

/// Where the settings come from.
pub trait SettingsSource {
    /// The settings; `noted` is what the store notes about realms, if it could be asked.
    fn settings(&self, noted: Option<&Realms>) -> Settings;

    /// Whether the log shows names that no account has.
    fn log_unknown_names(&self) -> bool;

    /// Reads them again.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn read_again(&self) -> Result<Box<dyn SettingsSource>, String>;
}

/// What [`serve`] needs.
pub struct Service {
    /// The sockets.
    pub doors: Vec<Door>,
    /// The accounts.
    pub store: Box<dyn CredentialLookup>,
    /// The settings.
    pub settings: Box<dyn SettingsSource>,
    /// The most connections at a time.
    pub connections: usize,
    /// How many threads check slow hashes.
    pub hash_threads: NonZeroUsize,
    /// Where activity is written.
    pub activity: ActivityPlace,
    /// Who writes down what logins teach.
    pub learner: Option<Learner>,
}

/// Serves until SIGTERM or SIGINT. The sockets are gone afterwards.
///
/// # Errors
/// What the system refuses: threads, files, or the loop's own means.
pub fn serve(service: Service) -> std::io::Result<()> {
    let poll = Poll::new()?;
    let signals = Signals::catch(poll.registry(), event_loop::SIGNALS)?;
    let waker = Arc::new(Waker::new(poll.registry(), event_loop::POOL)?);
    let log = Log::start(service.settings.log_unknown_names(), Recorder::new(service.activity))?;
    let pool = Pool::new(service.hash_threads, waker);
    let lessons = Lessons::new(service.learner, poll.registry(), event_loop::LEARNER)?;
    let desk = Desk::new(service.settings, Authenticator::new(service.store), pool, lessons, log);
    let helper = Loop::new(poll, signals, service.doors, service.connections, desk)?;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    helper.run()
}
