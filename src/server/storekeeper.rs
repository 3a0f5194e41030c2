//! The process behind a store socket, seen from the helper. It has the socket itself, and the rights to write: nothing that is said to
//! the helper can reach it, and the helper says nothing to it.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::event::Event;

use super::listener::{Door, Nameplate};
use super::log::say;

/// A storekeeper that was started. It ends when this is dropped, or the process is gone that holds it.
#[derive(Debug)]
pub struct Storekeeper {
    stopping: Arc<AtomicBool>,
    _lifeline: UnixStream,
    _nameplate: Nameplate,
}

impl Storekeeper {
    /// Starts `program` behind `door`: the listening socket is its standard input, and a line that ends with this value its standard
    /// output. To be called with the rights that it is to have.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn start(door: Door, mut program: Command) -> std::io::Result<Self> {
        let (lifeline, theirs) = UnixStream::pair()?;
        let (listener, nameplate) = door.hand_over();
        let stopping = Arc::new(AtomicBool::new(false));
        let mut process = program.stdin(OwnedFd::from(listener)).stdout(OwnedFd::from(theirs)).spawn()?;
        // The command has copies of both.
        drop(program);
        let (stopped, path) = (Arc::clone(&stopping), nameplate.path.clone());
        std::thread::Builder::new().name("storekeeper".to_owned()).spawn(move || {
            let _ = process.wait();
            if !stopped.load(Ordering::Relaxed) {
                say(&Event::StoreSocketLost(path));
            }
        })?;
        Ok(Self { stopping, _lifeline: lifeline, _nameplate: nameplate })
    }
}

impl Drop for Storekeeper {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}
