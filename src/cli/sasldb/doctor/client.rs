//! Whether a mail server gets to a socket: every folder above it, its mode and group, its peers, and the groups that the
//! processes which run already have.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::{Gid, Group};

use crate::cli::sasldb::check::files::has_access_list;
use crate::cli::sasldb::people::{ENTER, Person, WRITE};
use crate::cli::sasldb::processes::{self, Process};
use crate::cli::sasldb::shell::{quote, word};
use crate::config::{self, LookupPeer, LookupSocket, Protocol, Socket, User, UserOrGroup};
use crate::vocabulary::Scheme;

use super::Visit;
use super::finding::Code;

/// Who asks on a socket.
pub(super) struct Client {
    /// In words.
    pub(super) name: String,
    pub(super) person: Person,
    /// Its processes that run.
    pub(super) processes: Vec<Process>,
    /// Starts it again.
    pub(super) restart: Vec<String>,
}

impl Client {
    /// A user whom the settings name, of whom nothing else is known.
    pub(super) fn of_user(user: &User) -> Option<Self> {
        let person = Person::of(user)?;
        Some(Self { name: format!("user {}", person.name), person, processes: Vec::new(), restart: Vec::new() })
    }

    /// A program, by the user as which it runs, else by `usual`.
    pub(super) fn running(name: &str, program: &str, usual: Option<&str>, restart: Vec<String>) -> Option<Self> {
        let processes = processes::named(program);
        let running = processes.first().map(|process| User::Id(process.uid.as_raw()));
        let person = running.as_ref().and_then(Person::of).or_else(|| Person::named(usual?))?;
        Some(Self { name: name.to_owned(), person, processes, restart })
    }

    /// The user's own group in TOML: its name, or its number where it has none.
    pub(super) fn own_group(&self) -> Option<String> {
        let group = self.person.own_group()?;
        Some(name_of(group).map_or(group.to_string(), |name| format!("{name:?}")))
    }
}

/// Looks whether `client` gets an answer on `socket`, as far as the machine keeps it from there.
pub(super) fn reach(visit: &mut Visit<'_>, client: &Client, protocol: Protocol, socket: &Socket) {
    let path = socket.path.as_path();
    let (name, user) = (&client.name, &client.person.name);
    let Some(folder) = path.parent().and_then(|folder| folder.canonicalize().ok()) else { return };
    let mut places: Vec<(&Path, u32, Metadata)> =
        folder.ancestors().filter_map(|folder| Some((folder, ENTER, fs::metadata(folder).ok()?))).collect();
    for (folder, _, meta) in places.iter().filter(|(_, wanted, meta)| !client.person.may(*wanted, meta)) {
        let what = format!("cannot be entered by {name} (user {user}), which asks on {}", path.display());
        let folder_word = word(folder);
        let mend = if visit.is_own(meta) {
            format!("chmod o+x {folder_word}")
        } else if has_access_list(folder) {
            // The mode does not say whom it lets in.
            continue;
        } else {
            // Somebody else's, Postfix's say, whose sockets are open to all who get there: nobody but this user.
            format!("setfacl -m u:{user}:x {folder_word}")
        };
        visit.find(Code::FolderClosed, folder.display(), what, vec![mend]);
    }
    let Ok(meta) = fs::metadata(path) else { return };
    if !client.person.may(WRITE, &meta) {
        let mend = let_in(visit, client, socket, &meta);
        visit.find(Code::SocketClosed, path.display(), format!("cannot be opened by {name} (user {user})"), mend);
    } else {
        places.push((path, WRITE, meta));
        // Where an access list lets the user in, the mode does not tell whom.
        places.retain(|(_, wanted, meta)| client.person.may(*wanted, meta));
        look_at_groups(visit, client, path, &places);
    }
    look_for_peer(visit, client, protocol, socket);
}

fn name_of(group: Gid) -> Option<String> {
    Group::from_gid(group).ok().flatten().map(|group| group.name)
}

/// By the socket's group, if it is one of its own; else the socket gets the client's.
fn let_in(visit: &Visit<'_>, client: &Client, socket: &Socket, meta: &Metadata) -> Vec<String> {
    let group = Gid::from_raw(meta.gid());
    let helper = visit.config().user.as_ref().and_then(Person::of);
    let of_helper = group.as_raw() == 0 || helper.is_some_and(|helper| helper.is_in(group));
    let writes = meta.mode() & 0o020 != 0;
    if let Some(group) = name_of(group).filter(|_| socket.group.is_some() && writes && !of_helper) {
        let mut mend = vec![format!("usermod -a -G {} {}", quote(&group), quote(&client.person.name))];
        mend.extend(client.restart.iter().cloned());
        return mend;
    }
    let Some(own) = client.own_group() else { return Vec::new() };
    let mut values = vec![("group", own)];
    if socket.mode.bits() & 0o020 == 0 {
        values.push(("mode", "\"0660\"".to_owned()));
    }
    let mut mend = visit.settings.set_in_socket(visit.config(), socket.path.as_path(), &values);
    mend.extend(visit.restart_helper());
    mend
}

/// Groups count as they were when a process began.
fn look_at_groups(visit: &mut Visit<'_>, client: &Client, path: &Path, places: &[(&Path, u32, Metadata)]) {
    let late = client.processes.iter().filter(|process| process.uid == client.person.uid).find(|process| {
        let as_it_is = Person::of_process(process);
        places.iter().any(|(_, wanted, meta)| !as_it_is.may(*wanted, meta))
    });
    if let Some(process) = late {
        let what = format!(
            "runs as process {} without the groups that user {} has by now, and cannot open {}",
            process.pid,
            client.person.name,
            path.display()
        );
        visit.find(Code::GroupNotYet, &client.name, what, client.restart.clone());
    }
}

fn look_for_peer(visit: &mut Visit<'_>, client: &Client, protocol: Protocol, socket: &Socket) {
    let path = socket.path.as_path();
    let lookup = visit.config().lookup.iter().find(|lookup| lookup.socket.path == socket.path);
    let peers = match (protocol, lookup) {
        (Protocol::Lookup, Some(lookup)) => {
            if gets_something(client, lookup) {
                return;
            }
            // Where none is listed there is root.
            let unlisted = lookup.peers.is_empty().then(|| "{ user = \"root\" }".to_owned());
            let own = unlisted.into_iter().chain(lookup.peers.iter().map(written));
            own.chain([format!("{{ user = {:?} }}", client.person.name)]).collect::<Vec<_>>()
        }
        _ => {
            let listed = socket.peers.iter().any(|peer| peer.uid() == Ok(client.person.uid));
            if socket.peers.is_empty() || listed {
                return;
            }
            let own = socket.peers.iter().map(|peer| match peer {
                User::Id(id) => id.to_string(),
                User::Named(name) => format!("{name:?}"),
            });
            own.chain([format!("{:?}", client.person.name)]).collect()
        }
    };
    let mut mend = visit.settings.set_in_socket(visit.config(), path, &[("peers", format!("[{}]", peers.join(", ")))]);
    mend.extend(visit.restart_helper());
    let what = format!("does not answer {} (user {}), who is not among its peers", client.name, client.person.name);
    visit.find(Code::NotAPeer, path.display(), what, mend);
}

/// Whether a lookup socket hands anything out to `client`.
pub(super) fn gets_something(client: &Client, lookup: &LookupSocket) -> bool {
    let listed = lookup.peers.iter().any(|peer| is_peer(client, peer));
    listed || (lookup.peers.is_empty() && client.person.uid.is_root())
}

fn is_peer(client: &Client, peer: &LookupPeer) -> bool {
    match &peer.who {
        UserOrGroup::User(user) => user.uid() == Ok(client.person.uid),
        UserOrGroup::Group(group) => group.gid().is_ok_and(|group| client.person.is_in(group)),
    }
}

/// A peer of a lookup socket as the settings have it.
fn written(peer: &LookupPeer) -> String {
    let (key, name) = match &peer.who {
        UserOrGroup::User(User::Named(name)) => ("user", format!("{name:?}")),
        UserOrGroup::User(User::Id(id)) => ("user", id.to_string()),
        UserOrGroup::Group(config::Group::Named(name)) => ("group", format!("{name:?}")),
        UserOrGroup::Group(config::Group::Id(id)) => ("group", id.to_string()),
    };
    let list = |key: &str, names: Vec<String>| format!(", {key} = [{}]", names.join(", "));
    let quoted = |name: &str| format!("{name:?}");
    let realms =
        peer.realms.iter().map(|realms| list("realms", realms.iter().map(|realm| quoted(realm.as_str())).collect()));
    let schemes = peer.mechanisms.iter().map(|mechanisms| {
        let granted = |scheme: &Scheme| scheme.mechanism().is_some_and(|mechanism| mechanisms.contains(mechanism));
        list("schemes", Scheme::DERIVED.into_iter().filter(granted).map(|scheme| quoted(scheme.name())).collect())
    });
    let limits: String = realms.chain(schemes).collect();
    format!("{{ {key} = {name}{limits} }}")
}
