//! Who may ask on a lookup socket. The system tells the user of a connected process, and of its groups the first only: the others
//! are those that it counts the user to.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CString;
use std::sync::Arc;

use nix::unistd::{Gid, Uid, User, getgrouplist};

use crate::config::{LookupPeer, LookupSocket, UnknownName, UserOrGroup};
use crate::exchange::Grant;

use super::lookup::Asker;

/// The most users whose groups are remembered. To look them up may take a name service, which nobody should wait for twice.
const MOST_REMEMBERED: usize = 1024;

/// The peers of one socket, by number.
#[derive(Debug)]
pub(super) struct Askers {
    users: Vec<(u32, Arc<Grant>)>,
    groups: Vec<(Gid, Arc<Grant>)>,
    members: RefCell<HashMap<u32, Option<Arc<Grant>>>>,
    accounts_per_minute: u32,
}

impl Askers {
    /// The peers of `socket`; root where none is listed.
    pub(super) fn of(socket: &LookupSocket) -> Result<Self, UnknownName> {
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        for LookupPeer { who, realms, mechanisms } in &socket.peers {
            let grant = Arc::new(Grant { realms: realms.clone(), mechanisms: *mechanisms });
            match who {
                UserOrGroup::User(user) => users.push((user.uid()?.as_raw(), grant)),
                UserOrGroup::Group(group) => groups.push((group.gid()?, grant)),
            }
        }
        if socket.peers.is_empty() {
            users.push((0, Arc::new(Grant::default())));
        }
        let accounts_per_minute = socket.accounts_per_minute.get();
        Ok(Self { users, groups, members: RefCell::default(), accounts_per_minute })
    }

    /// What processes of the user `uid` get; `None` for nothing. The first entry that fits counts, users before groups.
    pub(super) fn asker(&self, uid: u32) -> Option<Asker> {
        let listed = self.users.iter().find(|(user, _)| *user == uid).map(|(_, grant)| Arc::clone(grant));
        let grant = listed.or_else(|| self.member(uid))?;
        Some(Asker { uid, grant, accounts_per_minute: self.accounts_per_minute })
    }

    fn member(&self, uid: u32) -> Option<Arc<Grant>> {
        if self.groups.is_empty() {
            return None;
        }
        let mut members = self.members.borrow_mut();
        if let Some(known) = members.get(&uid) {
            return known.clone();
        }
        let own = groups_of(uid);
        let grant = self.groups.iter().find(|(group, _)| own.contains(group)).map(|(_, grant)| Arc::clone(grant));
        if members.len() < MOST_REMEMBERED {
            members.insert(uid, grant.clone());
        }
        grant
    }
}

fn groups_of(uid: u32) -> Vec<Gid> {
    let Ok(Some(user)) = User::from_uid(Uid::from_raw(uid)) else { return Vec::new() };
    CString::new(user.name).ok().and_then(|name| getgrouplist(&name, user.gid).ok()).unwrap_or_default()
}
