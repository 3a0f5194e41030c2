//! The learner: what `saslauthd-rs` starts of itself before it gives its rights away, so that what logins teach can be
//! written down. It knows the helper by its standard input alone, ends with it, and believes it nothing: settings are read from
//! the file, and the password is checked once more.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use crate::config::Config;
use crate::credential::Lesson;
use crate::runtime::SystemEntropy;
use crate::server::learner::{Report, receive};
use crate::server::privilege;
use crate::store::sqlite::Writer;
use crate::store::{self, CredentialAdmin, StoreError, Terms};

use super::audit_log;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Program;
use super::site;

/// How far the learner stands behind those who serve logins: the last place that the scheduler has.
const BEHIND: i32 = 19;

/// Learns what comes over standard input until the helper is gone. `settings` reads the settings.
pub(super) fn run(program: &Program, settings: impl Fn() -> Result<Config, Failure>) -> Result<(), Failure> {
    let mut helper = helper()?;
    let failed = |fault: std::io::Error| Failure::new(Exit::Failure, fault);
    privilege::seal_process();
    let _ = rustix::process::nice(BEHIND);
    // It is the helper's to heed; whoever sends it by name means the helper.
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::new(AtomicBool::new(false))).map_err(failed)?;

    if let Err(failure) = can_write(&settings) {
        // If the helper is gone there is nobody to tell.
        let _ = Report::CannotWrite(failure.in_one_line()).send(&mut helper);
        return Ok(());
    }
    Report::Ready.send(&mut helper).map_err(failed)?;
    while let Some(lesson) = receive(&mut helper).map_err(failed)? {
        let report = learn(program, &settings, lesson).unwrap_or_else(|failure| Report::Failed(failure.in_one_line()));
        report.send(&mut helper).map_err(failed)?;
    }
    Ok(())
}

/// The socket to the helper. Not through the buffer of `std::io::stdin`, in which passwords would stay behind.
fn helper() -> Result<UnixStream, Failure> {
    let not_started = |fault: anyhow::Error| {
        Failure::new(Exit::Misuse, fault)
            .hint("saslauthd-rs starts its learner by itself, where the setting `learn` names schemes")
    };
    let stdin = std::io::stdin();
    getsockopt(&stdin, PeerCredentials).context("standard input is no socket of a helper").map_err(not_started)?;
    let socket = stdin.as_fd().try_clone_to_owned().context("cannot use standard input").map_err(not_started)?;
    Ok(UnixStream::from(socket))
}

fn can_write(settings: &impl Fn() -> Result<Config, Failure>) -> Result<(), Failure> {
    match Writer::open_existing(&settings()?.place(), Box::new(SystemEntropy)) {
        // The helper waits for one, too.
        Ok(_) | Err(StoreError::Missing(_)) => Ok(()),
        Err(fault) => Err(fault.into()),
    }
}

/// Learns one password. The database is opened for each: it may be another one than before, or have another key.
fn learn(
    program: &Program,
    settings: &impl Fn() -> Result<Config, Failure>,
    lesson: Lesson,
) -> Result<Report, Failure> {
    let config = settings()?;
    let mut store = Writer::open_existing(&config.place(), Box::new(SystemEntropy))?;
    let realms = config.realms(&store.realms()?);
    let terms = Terms { schemes: &config.learn, realms: &realms, scram_iterations: config.scram_iterations };
    let identity = lesson.identity.clone();
    let learnt = store::learn(&mut store, lesson, &terms, &site::actor(program), site::now())?;
    if learnt.schemes.is_empty() {
        return Ok(Report::Nothing);
    }
    audit_log::note(program, &identity, "schemes added", &learnt.receipt);
    Ok(Report::Learnt(learnt.schemes))
}
