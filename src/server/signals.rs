//! SIGTERM and SIGINT stop the helper, SIGHUP makes it read its settings again.

use std::io::Read;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Signals as something that can be read.
pub(super) struct Signals {
    wakeups: UnixStream,
    stop: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn catch(registry: &Registry, token: Token) -> std::io::Result<Self> {
        let (reader, writer) = StdStream::pair()?;
        reader.set_nonblocking(true)?;
        let mut wakeups = UnixStream::from_std(reader);
        registry.register(&mut wakeups, token, Interest::READABLE)?;
        let (stop, reload) = (Arc::default(), Arc::default());
        for (signal, flag) in [(SIGTERM, &stop), (SIGINT, &stop), (SIGHUP, &reload)] {
            signal_hook::flag::register(signal, Arc::clone(flag))?;
            signal_hook::low_level::pipe::register(signal, writer.try_clone()?)?;
        }
        Ok(Self { wakeups, stop, reload })
    }

    /// Makes room for the next wake-up.
    pub(super) fn drain(&mut self) {
        let mut bytes = [0; 64];
        while matches!(self.wakeups.read(&mut bytes), Ok(read) if read > 0) {}
    }

    pub(super) fn stop_asked(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn take_reload(&self) -> bool {
        self.reload.swap(false, Ordering::Relaxed)
    }
}
