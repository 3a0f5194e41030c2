//! The way to the helper: a connection for each look-up or change, within a time limit, to somebody who is to be believed.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, getsockopt, recv, send, socket,
};
use zeroize::Zeroizing;

use crate::lookup::{Answer, LookupFault, Request};
use crate::secret::SecretBytes;
use crate::settings::Settings;
use crate::store::{StoreAnswer, StoreRequest};

/// How long a look-up or a change may take in all. The program may serve nobody else meanwhile.
const PATIENCE: Duration = Duration::from_secs(3);

/// A helper whose queue is full may have room after this.
const AGAIN: Duration = Duration::from_millis(10);

/// Why the helper cannot be asked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Away {
    /// Nobody to ask: no socket could be connected to. This is about the last one.
    #[error("cannot connect to {0}: {1}")]
    Unreachable(String, Errno),
    /// The settings leave no socket.
    #[error("there is no socket to connect to")]
    Nowhere,
    /// Somebody who may say anything.
    #[error("{0} belongs to user {1}, who is neither root nor sasldb_rs_user")]
    NotBelieved(String, u32),
    /// The connection broke, or was closed: to this program the helper says nothing.
    #[error("{0}: the helper ended the connection; is this user among its peers?")]
    Ended(String),
    /// Not in time.
    #[error("{0}: the helper did not answer in time")]
    Late(String),
    /// What came is no answer.
    #[error("{0}: {1}")]
    Fault(String, LookupFault),
}

/// Something that is said to the helper, and its answer.
pub(crate) trait Message {
    /// What the helper says to it.
    type Answer;

    /// The most bytes of an answer.
    const LONGEST: usize;

    fn encoded(&self) -> Result<SecretBytes, LookupFault>;

    /// Reads what came of an answer so far.
    fn answer(received: &[u8]) -> Result<Option<Self::Answer>, LookupFault>;
}

impl Message for Request<'_> {
    type Answer = Answer;
    const LONGEST: usize = Answer::MAX;

    fn encoded(&self) -> Result<SecretBytes, LookupFault> {
        self.encode().map(SecretBytes::new)
    }

    fn answer(received: &[u8]) -> Result<Option<Answer>, LookupFault> {
        Answer::parse(received)
    }
}

impl Message for StoreRequest<'_> {
    type Answer = StoreAnswer;
    const LONGEST: usize = StoreAnswer::MAX;

    fn encoded(&self) -> Result<SecretBytes, LookupFault> {
        self.encode()
    }

    fn answer(received: &[u8]) -> Result<Option<StoreAnswer>, LookupFault> {
        StoreAnswer::parse(received)
    }
}

/// Asks the helper at one of `sockets`, and waits for it.
pub(crate) fn ask<M: Message>(settings: &Settings, sockets: &[String], message: &M) -> Result<M::Answer, Away> {
    let deadline = Instant::now().checked_add(PATIENCE);
    let mut failure = Away::Nowhere;
    for path in sockets {
        match open(settings, path, deadline) {
            Ok(stream) => return converse(&stream, path, message, deadline),
            // Of two sockets one is usually not there: in a chroot the first, outside of it the second.
            Err(away) => match failure {
                Away::Nowhere | Away::Unreachable(_, Errno::ENOENT) => failure = away,
                _ => {}
            },
        }
    }
    Err(failure)
}

fn open(settings: &Settings, path: &str, deadline: Option<Instant>) -> Result<OwnedFd, Away> {
    let unreachable = |errno| Away::Unreachable(path.to_owned(), errno);
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let stream = socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(unreachable)?;
    let address = UnixAddr::new(path).map_err(unreachable)?;
    loop {
        match connect(stream.as_raw_fd(), &address) {
            Ok(()) | Err(Errno::EISCONN) => break,
            Err(Errno::EINTR) => {}
            // Nothing tells when the queue has room again.
            Err(Errno::EAGAIN) if left(deadline).is_some() => std::thread::sleep(AGAIN),
            Err(Errno::EAGAIN) => return Err(Away::Late(path.to_owned())),
            Err(errno) => return Err(unreachable(errno)),
        }
    }
    let uid = getsockopt(&stream, PeerCredentials).map_err(unreachable)?.uid();
    if settings.believes(uid) { Ok(stream) } else { Err(Away::NotBelieved(path.to_owned(), uid)) }
}

fn converse<M: Message>(
    stream: &OwnedFd,
    path: &str,
    message: &M,
    deadline: Option<Instant>,
) -> Result<M::Answer, Away> {
    let fault = |fault| Away::Fault(path.to_owned(), fault);
    let ended = || Away::Ended(path.to_owned());
    let wait = |events| wait_for(stream, events, deadline).ok_or_else(|| Away::Late(path.to_owned()));

    let message = message.encoded().map_err(fault)?;
    let mut unsent = message.expose();
    while !unsent.is_empty() {
        // The program's own handling of SIGPIPE is none of our business.
        match send(stream.as_raw_fd(), unsent, MsgFlags::MSG_NOSIGNAL) {
            Ok(sent) => unsent = unsent.get(sent..).unwrap_or_default(),
            Err(Errno::EAGAIN) => wait(PollFlags::POLLOUT)?,
            Err(Errno::EINTR) => {}
            // Who does not want to hear the rest may have said why.
            Err(_) => break,
        }
    }
    let mut buffer = Zeroizing::new(vec![0; M::LONGEST]);
    let mut received = 0usize;
    loop {
        let room = buffer.get_mut(received..).unwrap_or_default();
        match recv(stream.as_raw_fd(), room, MsgFlags::empty()) {
            Ok(0) => return Err(ended()),
            Ok(more) => received = received.saturating_add(more),
            Err(Errno::EAGAIN) => {
                wait(PollFlags::POLLIN)?;
                continue;
            }
            Err(Errno::EINTR) => continue,
            Err(_) => return Err(ended()),
        }
        if let Some(answer) = M::answer(buffer.get(..received).unwrap_or_default()).map_err(fault)? {
            return Ok(answer);
        }
    }
}

/// Waits until the socket may be used; `None` when the time is over.
fn wait_for(stream: &OwnedFd, events: PollFlags, deadline: Option<Instant>) -> Option<()> {
    loop {
        let timeout = PollTimeout::try_from(left(deadline)?).ok()?;
        let mut polled = [PollFd::new(stream.as_fd(), events)];
        match poll(&mut polled, timeout) {
            // A little too early is possible: the time is measured in whole milliseconds.
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Some(()),
            Err(_) => return None,
        }
    }
}

/// What is left of the time; at least a millisecond, so that waiting is not spinning.
fn left(deadline: Option<Instant>) -> Option<Duration> {
    let left = deadline?.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left.max(Duration::from_millis(1)))
}
