//! Lookup sockets: which peers get something there, and what.

use std::num::NonZeroU32;

use serde::Deserialize;

use crate::identity::Realm;
use crate::vocabulary::{MechanismSet, Scheme};

use super::system::{Group, Mode, SocketPath, User};
use super::{Socket, read};

/// A socket that hands out stored secrets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Table")]
pub struct LookupSocket {
    /// The socket itself; who may speak on it is said by [`Self::peers`].
    pub socket: Socket,
    /// Of how many accounts a peer gets secrets within a minute.
    pub accounts_per_minute: NonZeroU32,
    /// The peers; where none is listed there is only root.
    pub peers: Vec<LookupPeer>,
}

impl LookupSocket {
    /// Enough for a busy server, and months for who wants to have a large site's accounts.
    const ACCOUNTS_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(299);

    /// A socket on which only root gets something.
    #[must_use]
    pub fn at(socket: Socket) -> Self {
        Self { socket, accounts_per_minute: Self::ACCOUNTS_PER_MINUTE, peers: Vec::new() }
    }
}

/// Who may ask, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupPeer {
    /// The user or the members of the group.
    pub who: UserOrGroup,
    /// The realms whose accounts; `None` means all.
    pub realms: Option<Vec<Realm>>,
    /// The mechanisms of the schemes that the peer gets; `None` means all.
    pub mechanisms: Option<MechanismSet>,
}

/// Whose processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserOrGroup {
    /// Those of this user.
    User(User),
    /// Those of users that the system counts to this group.
    Group(Group),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    path: SocketPath,
    owner: Option<User>,
    group: Option<Group>,
    #[serde(default)]
    mode: Mode,
    #[serde(default, deserialize_with = "read::accounts_per_minute")]
    accounts_per_minute: Option<NonZeroU32>,
    #[serde(default)]
    peers: Vec<Peer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Peer {
    user: Option<User>,
    group: Option<Group>,
    #[serde(default, deserialize_with = "read::realms")]
    realms: Option<Vec<Realm>>,
    #[serde(default, deserialize_with = "read::schemes_or_all")]
    schemes: Option<Vec<Scheme>>,
}

impl TryFrom<Table> for LookupSocket {
    type Error = &'static str;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        let Table { path, owner, group, mode, accounts_per_minute, peers } = table;
        Ok(Self {
            socket: Socket { path, owner, group, mode, peers: Vec::new() },
            accounts_per_minute: accounts_per_minute.unwrap_or(Self::ACCOUNTS_PER_MINUTE),
            peers: peers.into_iter().map(LookupPeer::try_from).collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<Peer> for LookupPeer {
    type Error = &'static str;

    fn try_from(peer: Peer) -> Result<Self, Self::Error> {
        let who = match (peer.user, peer.group) {
            (Some(user), None) => UserOrGroup::User(user),
            (None, Some(group)) => UserOrGroup::Group(group),
            _ => return Err("each of the peers of a lookup socket is a `user` or a `group`"),
        };
        let mechanisms = peer.schemes.map(|schemes| schemes.into_iter().filter_map(Scheme::mechanism).collect());
        Ok(Self { who, realms: peer.realms, mechanisms })
    }
}
