//! The storekeeper: a process of its own behind a store socket, which makes the changes that saslpasswd2 and others send through the
//! libsasl2 plugin. The helper may not write, and what is said to the helper cannot get here: this process has the socket itself, and
//! looks at a peer before at anything that it sends.

use std::ffi::OsStr;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use zeroize::Zeroizing;

use crate::config::{Config, User};
use crate::event::Event;
use crate::identity::Identity;
use crate::protocol::lookup::LookupFault;
use crate::protocol::store::{StoreAnswer, StoreRequest, Wish};
use crate::secret::Password;
use crate::server::{privilege, say};

use super::exit::Exit;
use super::failure::Failure;
use super::output::Program;
use super::saslpasswd;
use super::site::{Named, Site};

/// How long a peer may take to send its request, and to take the answer: there may be others, and the plugin gives up after three
/// seconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where the system has no file left for a connection, it may have one after this.
const AGAIN: Duration = Duration::from_millis(100);

/// Serves `socket`, which standard input listens on, until standard output says that the helper is gone. `site` is asked anew for each
/// change: the settings may be others by then.
pub(super) fn run(
    program: &Program,
    config: &Config,
    socket: &Path,
    site: impl Fn() -> Result<Site, Failure>,
) -> Result<(), Failure> {
    privilege::seal_process();
    let system =
        |what: &'static str| move |errno: Errno| Failure::new(Exit::Failure, anyhow::anyhow!("{what}: {errno}"));
    let own = std::io::stdin().as_fd().try_clone_to_owned();
    let listener = UnixListener::from(own.map_err(|fault| Failure::new(Exit::Failure, fault))?);
    listener.set_nonblocking(true).map_err(|fault| Failure::new(Exit::Failure, fault))?;
    let peers = peers_of(config, socket)?;
    say(&Event::Listening(socket.to_owned()));
    let lifeline = std::io::stdout();
    loop {
        let mut polled =
            [PollFd::new(listener.as_fd(), PollFlags::POLLIN), PollFd::new(lifeline.as_fd(), PollFlags::POLLIN)];
        match poll(&mut polled, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(system("cannot wait for connections")(errno)),
        }
        if let [_, helper] = &polled
            && helper.any() != Some(false)
        {
            return Ok(());
        }
        match listener.accept() {
            Ok((stream, _)) => serve(program, &peers, socket, &stream, &site),
            Err(fault) if matches!(fault.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => std::thread::sleep(AGAIN),
        }
    }
}

/// The users besides root who may have changes made on `socket`.
fn peers_of(config: &Config, socket: &Path) -> Result<Vec<u32>, Failure> {
    let listed = config.store.iter().find(|listed| listed.path.as_path() == socket);
    let uid = |user: &User| Ok(user.uid().map_err(|fault| Failure::new(Exit::Configuration, fault))?.as_raw());
    listed.map_or(&[][..], |listed| &listed.peers).iter().map(uid).collect()
}

/// One connection: who it is, what is wanted, what came of it.
fn serve(
    program: &Program,
    peers: &[u32],
    socket: &Path,
    stream: &UnixStream,
    site: impl Fn() -> Result<Site, Failure>,
) {
    let Ok(uid) = getsockopt(stream, PeerCredentials).map(|peer| peer.uid()) else { return };
    let answer = if uid == 0 || peers.contains(&uid) {
        let mut received = Zeroizing::new(Vec::with_capacity(StoreRequest::MAX));
        match receive(stream, &mut received) {
            Ok(Some(request)) => change(&program.on_behalf_of(uid), uid, &request, site),
            Ok(None) => return,
            Err(fault) => return say(&Event::LookupBreach { uid, fault }),
        }
    } else {
        say(&Event::PeerRefused { socket: socket.to_owned(), uid });
        StoreAnswer::NotPermitted
    };
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let mut stream = stream;
    let _ = stream.write_all(&answer.encode());
}

/// Waits for a whole request; none where the peer goes away, or takes too long.
fn receive<'b>(mut stream: &UnixStream, received: &'b mut Vec<u8>) -> Result<Option<StoreRequest<'b>>, LookupFault> {
    let deadline = Instant::now().checked_add(PATIENCE);
    let mut piece = Zeroizing::new([0; StoreRequest::MAX]);
    while StoreRequest::parse(received)?.is_none() {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if stream.set_read_timeout(left).is_err() {
            return Ok(None);
        }
        match stream.read(piece.as_mut_slice()) {
            Ok(0) => return Ok(None),
            // What is longer than its frame ends here: no frame is longer than the room.
            Ok(read) if received.len().saturating_add(read) <= StoreRequest::MAX => {
                received.extend_from_slice(piece.get(..read).unwrap_or_default());
            }
            Ok(_) => return Err(LookupFault::TooLong),
            Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Ok(None),
        }
    }
    StoreRequest::parse(received)
}

/// Makes a change, and notes it.
fn change(
    program: &Program,
    uid: u32,
    request: &StoreRequest<'_>,
    site: impl Fn() -> Result<Site, Failure>,
) -> StoreAnswer {
    match make(program, request, site) {
        Ok((identity, what)) => {
            say(&Event::Changed { uid, identity, what });
            StoreAnswer::Done
        }
        Err(failure) => {
            let why = failure.to_string();
            say(&Event::NotChanged { uid, why: why.clone() });
            if failure.is_about_parameters() { StoreAnswer::Refused(why) } else { StoreAnswer::Unavailable(why) }
        }
    }
}

fn make(
    program: &Program,
    request: &StoreRequest<'_>,
    site: impl Fn() -> Result<Site, Failure>,
) -> Result<(Identity, &'static str), Failure> {
    let named = Named::parse(OsStr::from_bytes(request.name), Some(OsStr::from_bytes(request.realm)))?;
    Ok(match request.wish {
        Wish::Set(password) => {
            let password = Password::new(password.to_vec())?;
            (saslpasswd::password::store(program, &site()?, &named, &password, false)?, "password set")
        }
        Wish::Remove => (saslpasswd::delete(program, &site()?, &named)?, "deleted"),
    })
}
