//! Listening sockets: opened without following a link into somebody else's folder, never taken from a helper that runs.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, umask};
use nix::unistd::{UnlinkatFlags, fchdir, fchownat, unlinkat};

use crate::config::{LookupSocket, Protocol, Socket, UnknownName};

use super::askers::Askers;

/// Why a socket cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("socket {path}: {fault}")]
pub struct DoorError {
    path: PathBuf,
    fault: DoorFault,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
enum DoorFault {
    /// Its folder is not there.
    #[error("its folder does not exist")]
    NoFolder,
    /// Its folder is a symbolic link or no folder.
    #[error("its folder is a symbolic link, or no folder")]
    NotAFolder,
    /// Something else has its name.
    #[error("there is something at this place that is not a socket")]
    InTheWay,
    /// Somebody listens there.
    #[error("another program answers there already")]
    InUse,
    /// Another helper is opening sockets in the same folder and does not get done.
    #[error("another program holds the folder's lock")]
    Locked,
    /// Its owner, group or peers are not known.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// A socket from systemd that has no name of ours.
    #[error("systemd passes it under the name {0:?}, which is none that this program knows")]
    UnknownName(String),
    /// The system refuses.
    #[error("cannot {0}: {1}")]
    System(&'static str, Errno),
}

impl DoorError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let folder = self.path.parent().unwrap_or(Path::new("/")).display();
        Some(match &self.fault {
            DoorFault::NoFolder => format!("make it: mkdir -m 0750 {folder}"),
            DoorFault::NotAFolder => "name the folder itself, not a link to it".to_owned(),
            DoorFault::InTheWay => "remove it, or name another place".to_owned(),
            DoorFault::InUse => "is another saslauthd-rs running? stop it, or name another place".to_owned(),
            DoorFault::UnknownName(_) => {
                let names = Protocol::ALL.map(Protocol::name).join(" or ");
                format!("write FileDescriptorName={names} into the socket unit")
            }
            DoorFault::System(_, Errno::EACCES | Errno::EPERM) => {
                format!("start the helper as root, or let its user write to {folder}")
            }
            DoorFault::Locked | DoorFault::Unknown(_) | DoorFault::System(..) => return None,
        })
    }
}

/// A socket that listens.
#[derive(Debug)]
pub struct Door {
    pub(super) listener: UnixListener,
    pub(super) path: PathBuf,
    /// What is spoken there.
    pub(super) protocol: Protocol,
    /// The users whose processes may speak; empty means all.
    pub(super) peers: Vec<u32>,
    /// Who gets what, where secrets are handed out.
    pub(super) askers: Option<Askers>,
    /// Removes the socket at the end, if we made it.
    _entry: Option<Entry>,
}

impl Door {
    /// Makes and opens `socket`, on which `protocol` is spoken. A socket unit of systemd says it by its
    /// `FileDescriptorName=`.
    ///
    /// # Errors
    /// [`DoorError`], in words for people.
    pub fn open(protocol: Protocol, socket: &Socket) -> Result<Self, DoorError> {
        let path = std::path::absolute(socket.path.as_path()).unwrap_or_else(|_| socket.path.as_path().to_owned());
        match make(socket, &path) {
            Ok((listener, entry)) => {
                let peers = peers_of(socket).map_err(|fault| DoorError { path: path.clone(), fault })?;
                Ok(Self { listener, path, protocol, peers, askers: None, _entry: Some(entry) })
            }
            Err(fault) => Err(DoorError { path, fault }),
        }
    }

    /// Takes the sockets that systemd opened for this process. Settings for the same path count for them.
    ///
    /// # Errors
    /// [`DoorError`] for a socket whose name says nothing to us.
    pub fn activated(settings: &[(Protocol, Socket)]) -> Result<Vec<Self>, DoorError> {
        let mut passed = listenfd::ListenFd::from_env();
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut doors = Vec::new();
        for index in 0..passed.len() {
            let name = names.next().unwrap_or_default();
            let at = |path: &Path, fault| DoorError { path: path.to_owned(), fault };
            let protocol = Protocol::ALL.into_iter().find(|protocol| protocol.name() == name);
            let (listener, protocol) = match (passed.take_unix_listener(index), protocol) {
                (Ok(Some(listener)), Some(protocol)) => (listener, protocol),
                _ => return Err(at(Path::new("-"), DoorFault::UnknownName(name.to_owned()))),
            };
            let address = listener.local_addr().ok();
            let path = address.as_ref().and_then(|a| a.as_pathname()).unwrap_or(Path::new("-")).to_owned();
            let own = settings.iter().map(|(_, socket)| socket).find(|socket| socket.path.as_path() == path);
            let peers = own.map_or(Ok(Vec::new()), peers_of).map_err(|fault| at(&path, fault))?;
            doors.push(Self { listener, path, protocol, peers, askers: None, _entry: None });
        }
        Ok(doors)
    }

    /// Hands secrets out to the peers that `settings` list for this socket; without that it does to nobody.
    ///
    /// # Errors
    /// [`DoorError`] for a peer that the system does not know.
    pub fn hand_out(&mut self, settings: &[LookupSocket]) -> Result<(), DoorError> {
        if self.protocol == Protocol::Lookup {
            let unknown = |fault| DoorError { path: self.path.clone(), fault: DoorFault::Unknown(fault) };
            let own = settings.iter().find(|lookup| lookup.socket.path.as_path() == self.path);
            self.askers = own.map(Askers::of).transpose().map_err(unknown)?;
        }
        Ok(())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is spoken there.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Gives the listening socket away. As long as the rest is kept, so is its name.
    pub(super) fn hand_over(self) -> (UnixListener, Nameplate) {
        (self.listener, Nameplate { path: self.path, _entry: self._entry })
    }
}

/// The name of a socket that another process has: removed at the end, if we made it.
#[derive(Debug)]
pub(super) struct Nameplate {
    pub(super) path: PathBuf,
    _entry: Option<Entry>,
}

fn peers_of(socket: &Socket) -> Result<Vec<u32>, DoorFault> {
    socket.peers.iter().map(|user| Ok(user.uid()?.as_raw())).collect()
}

fn make(socket: &Socket, path: &Path) -> Result<(UnixListener, Entry), DoorFault> {
    let owner = socket.owner.as_ref().map(|user| user.uid()).transpose()?;
    let group = socket.group.as_ref().map(|group| group.gid()).transpose()?;
    let (folder, name) = match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => (folder, name),
        _ => return Err(DoorFault::NotAFolder),
    };
    let folder = open_folder(folder)?;
    let _lock = FolderLock::take(&folder)?;
    let _inside = Inside::enter(&folder)?;
    remove_stale(&folder, name)?;

    let listener = new_socket(SockFlag::SOCK_CLOEXEC)?;
    let address = UnixAddr::new(name).map_err(|errno| DoorFault::System("name it", errno))?;
    // The mode is right from the first moment: nobody can connect before it is.
    let old = umask(Mode::from_bits_truncate(!socket.mode.bits() & 0o777));
    let bound = bind(listener.as_raw_fd(), &address);
    umask(old);
    bound.map_err(|errno| DoorFault::System("make it", errno))?;
    let entry = Entry::of(&folder, name)?;
    entry.give_to(owner, group)?;
    listen(&listener, Backlog::MAXALLOWABLE).map_err(|errno| DoorFault::System("listen on it", errno))?;
    Ok((UnixListener::from(listener), entry))
}

fn new_socket(flags: SockFlag) -> Result<OwnedFd, DoorFault> {
    socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(|errno| DoorFault::System("make it", errno))
}

fn open_folder(folder: &Path) -> Result<OwnedFd, DoorFault> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    // A folder may be searched and written, but not read, by those who may use it.
    let opened = match open(folder, flags | OFlag::O_RDONLY, Mode::empty()) {
        Err(Errno::EACCES) => open(folder, flags | OFlag::O_PATH, Mode::empty()),
        other => other,
    };
    opened.map_err(|errno| match errno {
        Errno::ENOENT => DoorFault::NoFolder,
        Errno::ELOOP | Errno::ENOTDIR => DoorFault::NotAFolder,
        errno => DoorFault::System("open its folder", errno),
    })
}

/// Keeps two helpers that start together from removing each other's sockets.
struct FolderLock(std::fs::File);

impl FolderLock {
    fn take(folder: &OwnedFd) -> Result<Option<Self>, DoorFault> {
        let Ok(handle) = folder.try_clone() else { return Ok(None) };
        let handle = std::fs::File::from(handle);
        for _ in 0..100 {
            match handle.try_lock() {
                Ok(()) => return Ok(Some(Self(handle))),
                Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
                // Folders opened for searching only cannot be locked, nor can those of some file systems.
                Err(std::fs::TryLockError::Error(_)) => return Ok(None),
            }
        }
        Err(DoorFault::Locked)
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // The lock belongs to the open folder, which outlives this handle.
        let _ = self.0.unlock();
    }
}

/// The current folder, for as long as a socket is made in another: bind(2) and connect(2) know no other way to name a
/// socket in an open folder.
struct Inside {
    before: OwnedFd,
}

impl Inside {
    fn enter(folder: &OwnedFd) -> Result<Self, DoorFault> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let before = open(".", flags, Mode::empty()).or_else(|_| open("/", flags, Mode::empty()));
        let before = before.map_err(|errno| DoorFault::System("open the current folder", errno))?;
        fchdir(folder).map_err(|errno| DoorFault::System("enter its folder", errno))?;
        Ok(Self { before })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = fchdir(&self.before);
    }
}

/// Removes what a helper that was killed has left. Where somebody answers it is none.
fn remove_stale(folder: &OwnedFd, name: &OsStr) -> Result<(), DoorFault> {
    let found = match fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(found) => found,
        Err(Errno::ENOENT) => return Ok(()),
        Err(errno) => return Err(DoorFault::System("look at it", errno)),
    };
    if !is_socket(&found) {
        return Err(DoorFault::InTheWay);
    }
    let probe = new_socket(SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK)?;
    let address = UnixAddr::new(name).map_err(|errno| DoorFault::System("name it", errno))?;
    match connect(probe.as_raw_fd(), &address) {
        Err(Errno::ECONNREFUSED) => {}
        // A queue that is full is somebody's, and one of another kind or of another user may be.
        Ok(()) | Err(Errno::EAGAIN | Errno::EPROTOTYPE) => return Err(DoorFault::InUse),
        Err(errno) => return Err(DoorFault::System("find out whether somebody answers there", errno)),
    }
    unlinkat(folder, name, UnlinkatFlags::NoRemoveDir).map_err(|errno| DoorFault::System("remove the old one", errno))
}

fn is_socket(found: &FileStat) -> bool {
    SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFSOCK
}

/// The name that we gave to a socket. It is removed at the end, unless it means something else by then.
#[derive(Debug)]
struct Entry {
    folder: OwnedFd,
    name: OsString,
    handle: OwnedFd,
    inode: (u64, u64),
}

impl Entry {
    /// Takes hold of the socket itself, so that what is done to it is not done to something put in its place.
    fn of(folder: &OwnedFd, name: &OsStr) -> Result<Self, DoorFault> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let look = |errno| DoorFault::System("look at it", errno);
        let handle = openat(folder, name, flags, Mode::empty()).map_err(look)?;
        let found = fstat(&handle).map_err(look)?;
        if !is_socket(&found) {
            return Err(DoorFault::InTheWay);
        }
        let folder = folder.try_clone().map_err(|fault| look(Errno::from_raw(fault.raw_os_error().unwrap_or(0))))?;
        Ok(Self { folder, name: name.to_owned(), handle, inode: (found.st_dev, found.st_ino) })
    }

    fn give_to(&self, owner: Option<nix::unistd::Uid>, group: Option<nix::unistd::Gid>) -> Result<(), DoorFault> {
        if owner.is_none() && group.is_none() {
            return Ok(());
        }
        fchownat(self.handle.as_fd(), "", owner, group, AtFlags::AT_EMPTY_PATH)
            .map_err(|errno| DoorFault::System("change its owner", errno))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let found = fstatat(&self.folder, self.name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW);
        if found.is_ok_and(|found| (found.st_dev, found.st_ino) == self.inode) {
            // The helper's user may not be allowed to; then the next start finds a socket on which nobody answers.
            let _ = unlinkat(&self.folder, self.name.as_os_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}
