//! What the process gives up before it serves anybody.

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Gid, Uid};

use crate::config::{UnknownName, User};

/// Why the helper cannot become another user.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// There is no such user.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// The user has no entry, so nobody knows its groups.
    #[error("user {0} has no entry in the password database")]
    NoEntry(Uid),
    /// Only root can.
    #[error("only root can become user {0}, and this is user {1}")]
    NotRoot(Uid, Uid),
    /// The system refuses.
    #[error("cannot become user {0}: {1}")]
    Refused(Uid, Errno),
    /// The way back is open.
    #[error("after becoming user {0} the process could become root again")]
    Reversible(Uid),
}

/// No core dump, no debugger of the same user, no program with more rights: opened records are in this memory. Best effort:
/// where the system knows none of it there is nothing to protect it with.
pub fn seal_process() {
    leave_no_core();
    let _ = nix::sys::prctl::set_dumpable(false);
    let _ = nix::sys::prctl::set_no_new_privs();
}

/// No core dump, whatever ends the process: the sealing key, and passwords that are typed, would lie in the folder that a person is in.
/// Best effort, as above.
pub fn leave_no_core() {
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
}

/// Becomes `user` with its groups, for good.
///
/// # Errors
/// [`PrivilegeError`].
pub fn become_user(user: &User) -> Result<(), PrivilegeError> {
    let uid = user.uid()?;
    let current = Uid::effective();
    if current == uid && !uid.is_root() {
        return Ok(());
    }
    if !current.is_root() {
        return Err(PrivilegeError::NotRoot(uid, current));
    }
    let entry = match nix::unistd::User::from_uid(uid) {
        Ok(Some(entry)) => entry,
        Ok(None) => return Err(PrivilegeError::NoEntry(uid)),
        Err(errno) => return Err(PrivilegeError::Refused(uid, errno)),
    };
    change_ids(&entry).map_err(|errno| PrivilegeError::Refused(uid, errno))?;
    if !uid.is_root() && nix::unistd::setuid(Uid::from_raw(0)).is_ok() {
        return Err(PrivilegeError::Reversible(uid));
    }
    // The system resets what was set before the change of user.
    seal_process();
    Ok(())
}

fn change_ids(entry: &nix::unistd::User) -> nix::Result<()> {
    let groups = match std::ffi::CString::new(entry.name.as_bytes()) {
        Ok(name) => nix::unistd::getgrouplist(&name, entry.gid)?,
        Err(_) => vec![entry.gid],
    };
    let groups: Vec<Gid> = groups.into_iter().filter(|group| group.as_raw() != 0 || entry.uid.is_root()).collect();
    nix::unistd::setgroups(&groups)?;
    nix::unistd::setresgid(entry.gid, entry.gid, entry.gid)?;
    nix::unistd::setresuid(entry.uid, entry.uid, entry.uid)
}

/// Lets the process open as many files as the system lets it; returns how many.
#[must_use]
pub fn raise_file_limit() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 0 };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}
