//! The helper: whether it runs, listens where the settings say, and is the one that does.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use crate::cli::sasldb::connection::{Connection, Lost};
use crate::cli::sasldb::shell::quote;
use crate::cli::sasldb::{machine, processes};
use crate::config::{Group, Protocol, Socket, User, UserOrGroup};

use super::Visit;
use super::client::{self, Client};
use super::finding::Code;
use super::mend::helpers;

/// Who may have opened the helper's sockets: itself, or systemd for it.
const OPENERS: [&str; 2] = ["saslauthd-rs", "systemd"];

/// What comes of a connection.
enum Knock {
    /// A helper is there.
    Answered,
    /// This program is there.
    Other(String),
    /// Nobody is.
    Nobody(ErrorKind),
    /// It cannot be told.
    Unseen(String),
}

pub(super) fn look(visit: &mut Visit<'_>) {
    look_for_names(visit);
    let sockets = visit.config().sockets();
    let knocks: Vec<Knock> = sockets.iter().map(|(protocol, socket)| knock(*protocol, socket)).collect();
    let runs = !helpers(visit.file).is_empty() || knocks.iter().any(|knock| matches!(knock, Knock::Answered));
    if !runs && knocks.iter().any(|knock| matches!(knock, Knock::Nobody(_))) {
        let paths: Vec<String> =
            sockets.iter().map(|(_, socket)| socket.path.as_path().display().to_string()).collect();
        let mend = visit.restart_helper();
        visit.find(
            Code::HelperDown,
            "saslauthd-rs",
            format!("does not run: nobody listens on {}", paths.join(", ")),
            mend,
        );
    }
    for ((protocol, socket), knock) in sockets.iter().zip(knocks) {
        let path = socket.path.as_path();
        match knock {
            Knock::Answered => {
                look_at_socket(visit, socket);
                look_at_peers(visit, *protocol, socket);
            }
            Knock::Nobody(kind) if runs => {
                let how = if kind == ErrorKind::NotFound { "is not there" } else { "is there, and nobody listens" };
                let mend = visit.restart_helper();
                visit.find(Code::SocketDown, path.display(), format!("{how}, though the helper runs"), mend);
            }
            Knock::Nobody(_) => {}
            Knock::Other(program) => taken(visit, path, &program),
            Knock::Unseen(why) => visit.unseen.push(format!("socket {}: {why}", path.display())),
        }
    }
}

fn knock(protocol: Protocol, socket: &Socket) -> Knock {
    let path = socket.path.as_path();
    let stream = match UnixStream::connect(path) {
        Ok(stream) => stream,
        Err(fault) => {
            return match fault.kind() {
                kind @ (ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Knock::Nobody(kind),
                _ => Knock::Unseen(fault.to_string()),
            };
        }
    };
    // The process that began to listen; none in another namespace.
    let opener = getsockopt(&stream, PeerCredentials).ok().and_then(|peer| u32::try_from(peer.pid()).ok());
    let opener = opener.filter(|pid| *pid != 0).and_then(processes::program);
    if let Some(program) = opener.filter(|program| !OPENERS.contains(&program.as_str())) {
        return Knock::Other(program);
    }
    // Who is none of its peers gets no answer.
    let own = nix::unistd::geteuid();
    let may_ask = socket.peers.is_empty() || socket.peers.iter().any(|peer| peer.uid() == Ok(own));
    if protocol != Protocol::Dovecot || !may_ask {
        return Knock::Answered;
    }
    match Connection::open(&socket.path) {
        Ok(_) => Knock::Answered,
        Err(Lost::Garbled) => Knock::Other("another program".to_owned()),
        Err(lost) => Knock::Unseen(lost.to_string()),
    }
}

/// Mode and group are given to a socket when it is made.
fn look_at_socket(visit: &mut Visit<'_>, socket: &Socket) {
    let path = socket.path.as_path();
    let Ok(meta) = fs::metadata(path) else { return };
    let mode = meta.mode() & 0o777;
    let group = socket.group.as_ref().and_then(|group| group.gid().ok());
    let other_group = group.is_some_and(|group| group.as_raw() != meta.gid());
    if mode != socket.mode.bits() || other_group {
        let group = group.map_or(String::new(), |group| format!(" and group {group}"));
        let what = format!(
            "has mode {mode:04o} and group {}, and the settings say mode {:04o}{group}",
            meta.gid(),
            socket.mode.bits()
        );
        let mend = visit.restart_helper();
        visit.find(Code::SocketStale, path.display(), what, mend);
    }
}

/// Those whom the settings name as peers have to get there.
fn look_at_peers(visit: &mut Visit<'_>, protocol: Protocol, socket: &Socket) {
    let lookup = visit.config().lookup.iter().find(|lookup| lookup.socket.path == socket.path);
    let of_lookup = lookup.iter().flat_map(|lookup| &lookup.peers).filter_map(|peer| match &peer.who {
        UserOrGroup::User(user) => Some(user.clone()),
        UserOrGroup::Group(_) => None,
    });
    let peers: Vec<User> = socket.peers.iter().cloned().chain(of_lookup).collect();
    for client in peers.iter().filter_map(Client::of_user) {
        client::reach(visit, &client, protocol, socket);
    }
}

/// Another program has a socket's name.
fn taken(visit: &mut Visit<'_>, path: &Path, program: &str) {
    let other = format!("{}-rs", path.display());
    let mut mend = visit.settings.set_in_socket(visit.config(), path, &[("path", format!("{other:?}"))]);
    mend.extend(visit.restart_helper());
    let queue = machine::postfix_queue();
    if let Ok(relative) = path.strip_prefix(&queue) {
        let asks = machine::ask("postconf", &["-h", "smtpd_sasl_path"]).unwrap_or_default();
        if Path::new(asks.trim()) == relative || Path::new(asks.trim()) == path {
            mend.push(format!("postconf -e {}", quote(&format!("smtpd_sasl_path = {}-rs", relative.display()))));
            mend.push("postfix reload".to_owned());
        }
    }
    visit.find(Code::SocketTaken, path.display(), format!("belongs to {program}, which listens there"), mend);
}

/// Users and groups that the settings name; without them the helper does not start.
fn look_for_names(visit: &mut Visit<'_>) {
    let config = visit.config();
    let mut users: Vec<User> = config.user.iter().cloned().collect();
    let mut groups: Vec<Group> = Vec::new();
    for (_, socket) in config.named_sockets() {
        users.extend(socket.owner.iter().chain(&socket.peers).cloned());
        groups.extend(socket.group.clone());
    }
    for peer in config.lookup.iter().flat_map(|lookup| &lookup.peers) {
        match &peer.who {
            UserOrGroup::User(user) => users.push(user.clone()),
            UserOrGroup::Group(group) => groups.push(group.clone()),
        }
    }
    for user in users {
        if let (Err(fault), User::Named(name)) = (user.uid(), &user) {
            let mend = format!("useradd --system --no-create-home --shell /usr/sbin/nologin {}", quote(name));
            visit.find(Code::UnknownUser, name, format!("is in the settings, but {fault}"), vec![mend]);
        }
    }
    for group in groups {
        if let (Err(fault), Group::Named(name)) = (group.gid(), &group) {
            let mend = format!("groupadd --system {}", quote(name));
            visit.find(Code::UnknownUser, name, format!("is in the settings, but {fault}"), vec![mend]);
        }
    }
}
