//! The helper's user and the users who speak with it, with their groups.

use std::ffi::CString;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Group, Uid, User};

use crate::config::{self, Config};

use super::processes::Process;

/// A right, as one of a mode's three digits has it.
pub(super) const READ: u32 = 0o4;
pub(super) const WRITE: u32 = 0o2;
/// To reach what is in a folder.
pub(super) const ENTER: u32 = 0o1;

/// A user of this system.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// The name; the number where there is none.
    pub(super) name: String,
    pub(super) uid: Uid,
    /// The own one first.
    groups: Vec<Gid>,
}

impl Person {
    pub(super) fn of(user: &config::User) -> Option<Self> {
        let uid = user.uid().ok()?;
        let Some(entry) = User::from_uid(uid).ok().flatten() else {
            return Some(Self { name: uid.to_string(), uid, groups: Vec::new() });
        };
        let name = CString::new(entry.name.as_bytes()).ok()?;
        let groups = nix::unistd::getgrouplist(&name, entry.gid).unwrap_or_else(|_| vec![entry.gid]);
        Some(Self { name: entry.name, uid, groups })
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::of(&config::User::Named(name.to_owned()))
    }

    /// With the groups that a process has, whatever groups its user has by now.
    pub(super) fn of_process(process: &Process) -> Self {
        Self { name: process.uid.to_string(), uid: process.uid, groups: process.groups.clone() }
    }

    pub(super) fn is_in(&self, group: Gid) -> bool {
        self.groups.contains(&group)
    }

    pub(super) fn own_group(&self) -> Option<Gid> {
        self.groups.first().copied()
    }

    /// Whether the mode grants `wanted`: the owner's digit holds for the owner, even where another one says more.
    pub(super) fn may(&self, wanted: u32, meta: &Metadata) -> bool {
        let digit: u32 = match self {
            _ if meta.uid() == self.uid.as_raw() => 0o100,
            _ if self.groups.contains(&Gid::from_raw(meta.gid())) => 0o010,
            _ => 0o001,
        };
        let wanted = wanted.saturating_mul(digit);
        self.uid.is_root() || meta.mode() & wanted == wanted
    }
}

/// Everybody who matters.
#[derive(Debug)]
pub(super) struct People {
    /// The helper, where the settings name its user.
    pub(super) helper: Option<Person>,
    sockets: Vec<Socket>,
}

#[derive(Debug)]
struct Socket {
    path: PathBuf,
    group: Option<Gid>,
    /// Those whom the settings name: its owner, its peers, the members of its group.
    clients: Vec<Person>,
    peers: Vec<Uid>,
}

impl People {
    pub(super) fn of(config: &Config) -> Self {
        let sockets = config.named_sockets().map(|(_, socket)| {
            let group = socket.group.as_ref().and_then(|group| group.gid().ok());
            let named = socket.owner.iter().chain(&socket.peers).filter_map(Person::of);
            let members = group.into_iter().flat_map(members).filter_map(|name| Person::named(&name));
            Socket {
                path: socket.path.as_path().to_owned(),
                group,
                clients: named.chain(members).collect(),
                peers: socket.peers.iter().filter_map(|peer| peer.uid().ok()).collect(),
            }
        });
        Self { helper: config.user.as_ref().and_then(Person::of), sockets: sockets.collect() }
    }

    /// Who is in the group of a file besides root, the helper and the file's owner, in words, with the user where it is one who can
    /// leave the group.
    pub(super) fn in_group_of(&self, file: &Metadata) -> Vec<(String, Option<String>)> {
        let (owner, group) = (Uid::from_raw(file.uid()), Gid::from_raw(file.gid()));
        let mut found = Vec::new();
        let mut uids: Vec<Uid> = Vec::new();
        let helper = self.helper.as_ref().map(|helper| helper.uid);
        let mut add = |person: &Person, and: &str| {
            let expected = person.uid.is_root() || person.uid == owner || Some(person.uid) == helper;
            if !expected && !uids.contains(&person.uid) {
                uids.push(person.uid);
                let can_leave = person.own_group() != Some(group);
                found.push((format!("user {}{and}", person.name), can_leave.then(|| person.name.clone())));
            }
        };
        for socket in &self.sockets {
            for client in socket.clients.iter().filter(|client| client.groups.contains(&group)) {
                add(client, &format!(", who may open the socket {}", socket.path.display()));
            }
        }
        members(group).iter().filter_map(|name| Person::named(name)).for_each(|person| add(&person, ""));
        let sockets = self.sockets.iter().filter(|socket| socket.group == Some(group));
        found.extend(sockets.map(|socket| (format!("whoever may open the socket {}", socket.path.display()), None)));
        found
    }

    /// Peers of a socket that have the helper's user: its rights are theirs.
    pub(super) fn clients_that_are_the_helper(&self) -> impl Iterator<Item = (&str, &Path)> {
        let helper = self.helper.iter().filter(|helper| !helper.uid.is_root());
        helper.flat_map(|helper| {
            let sockets = self.sockets.iter().filter(|socket| socket.peers.contains(&helper.uid));
            sockets.map(|socket| (helper.name.as_str(), socket.path.as_path()))
        })
    }
}

/// The names of a group's members: those that its entry lists, and those of `/etc/passwd` whose own group it is. A name
/// service can tell the former only.
fn members(group: Gid) -> Vec<String> {
    let mut names = Group::from_gid(group).ok().flatten().map(|group| group.mem).unwrap_or_default();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let own = users.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, gid) = (fields.next()?, fields.nth(2)?);
        (gid.parse() == Ok(group.as_raw())).then(|| name.to_owned())
    });
    names.extend(own);
    names
}
