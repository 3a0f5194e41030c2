//! What the client says about itself before its first request.

use crate::protocol::dovecot::Breach;

/// VERSION, then CPID. Robin repeats both before each request, so the same values again are no fault.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Handshake {
    minor: Option<u32>,
    pid: Option<u32>,
}

impl Handshake {
    pub(super) fn version(&mut self, minor: u32) -> Result<(), Breach> {
        once(&mut self.minor, minor)
    }

    pub(super) fn client_pid(&mut self, pid: u32) -> Result<(), Breach> {
        if self.minor.is_none() {
            return Err(Breach::NoHandshake);
        }
        once(&mut self.pid, pid)
    }

    /// The client's minor version, once the handshake is complete.
    pub(super) fn minor(self) -> Result<u32, Breach> {
        self.minor.filter(|_| self.pid.is_some()).ok_or(Breach::NoHandshake)
    }
}

fn once(slot: &mut Option<u32>, value: u32) -> Result<(), Breach> {
    if slot.is_some_and(|old| old != value) {
        return Err(Breach::Repeated);
    }
    *slot = Some(value);
    Ok(())
}
