//! The sockets that a mail server needs: those of the configuration that are good for it, and places for the others.

use std::path::Path;

use crate::cli::sasldb::options::MailServer;
use crate::config::{Config, Group, Protocol, Socket, User, UserOrGroup};

/// A socket that a mail server needs.
pub(super) struct Need<'a> {
    pub(super) protocol: Protocol,
    /// Its path in the files of `contrib`.
    pub(super) usual: &'a str,
    /// The folder in which it has to be; any but Postfix's queue if none.
    pub(super) inside: Option<&'a Path>,
    /// The group that has to get there; where it is none, everybody, or root, who gets everywhere.
    pub(super) group: Option<&'a str>,
    /// The user who has to be answered, where the socket names its peers.
    pub(super) user: Option<&'a str>,
}

impl Need<'_> {
    /// Whether a socket is good for it.
    fn is_met_by(&self, config: &Config, queue: &Path, socket: &Socket) -> bool {
        let path = socket.path.as_path();
        let in_place = self.inside.map_or(!path.starts_with(queue), |folder| path.starts_with(folder));
        let lets_in = match (&socket.group, self.group) {
            (Some(Group::Named(name)), Some(group)) if name == group => true,
            (_, None) if self.is_for_root() => true,
            _ => socket.mode.bits() & 0o002 != 0,
        };
        let is_user = |user: &User| matches!(user, User::Named(name) if Some(name.as_str()) == self.user);
        let answers = match config.lookup.iter().find(|lookup| lookup.socket.path == socket.path) {
            Some(lookup) if lookup.peers.is_empty() => self.is_for_root(),
            Some(lookup) => {
                lookup.peers.iter().any(|peer| matches!(&peer.who, UserOrGroup::User(user) if is_user(user)))
            }
            None => socket.peers.is_empty() || socket.peers.iter().any(is_user),
        };
        in_place && lets_in && answers
    }

    fn is_for_root(&self) -> bool {
        self.user == Some("root")
    }
}

/// A place for a [`Need`].
struct Found<'a> {
    need: Need<'a>,
    path: String,
    /// Whether the configuration names it.
    is_there: bool,
}

/// All that a mail server needs.
pub(super) struct Sockets<'a>(Vec<Found<'a>>);

impl<'a> Sockets<'a> {
    /// Sockets of the configuration that are good for these needs of `server`, else places for new ones.
    pub(super) fn find<const N: usize>(
        config: &Config,
        queue: &Path,
        needs: [Need<'a>; N],
        server: MailServer,
    ) -> Self {
        let found = needs.into_iter().map(|need| {
            let mut named = config.named_sockets().filter(|(protocol, _)| *protocol == need.protocol);
            let there = named.find(|(_, socket)| need.is_met_by(config, queue, socket));
            let path = there.map(|(_, socket)| socket.path.as_path().display().to_string());
            let is_there = path.is_some();
            let taken = |path: &str| config.named_sockets().any(|(_, own)| own.path.as_path() == Path::new(path));
            let own = || {
                let usual = need.inside.map_or(need.usual.to_owned(), |folder| in_folder(folder, need.usual));
                if taken(&usual) { format!("{usual}-{}", server.name()) } else { usual }
            };
            Found { path: path.unwrap_or_else(own), is_there, need }
        });
        Self(found.collect())
    }

    /// Whether this table is of a socket that the configuration does not name.
    pub(super) fn lack(&self, table: &str) -> bool {
        let of = |found: &&Found<'_>| table.starts_with(&format!("[[{}]]", found.need.protocol.name()));
        self.0.iter().find(of).is_some_and(|found| !found.is_there)
    }

    /// `text` with these paths in the place of the usual ones. One may be the beginning of another: what counts is where it ends.
    pub(super) fn put_into(&self, text: &str) -> String {
        self.put_as(text, str::to_owned, str::to_owned)
    }

    /// The same for settings of libsasl2. The plugin knows the usual path; another one is told by a line more, with this key.
    pub(super) fn told(&self, settings: &str, protocol: Protocol, key: &str) -> String {
        let elsewhere = self.0.iter().find(|found| found.need.protocol == protocol && found.path != found.need.usual);
        let line = elsewhere.map_or(String::new(), |found| format!("{key}: {}\n", found.path));
        self.put_into(settings) + &line
    }

    /// The same, where the text has other names for them.
    pub(super) fn put_as(&self, text: &str, usual: impl Fn(&str) -> String, own: impl Fn(&str) -> String) -> String {
        self.0.iter().fold(text.to_owned(), |text, Found { need, path, .. }| {
            let (usual, own) = (usual(need.usual), own(path));
            ["\"", "\n"].iter().fold(text, |text, end| text.replace(&format!("{usual}{end}"), &format!("{own}{end}")))
        })
    }
}

/// The same name in another folder.
fn in_folder(folder: &Path, path: &str) -> String {
    folder.join(Path::new(path).file_name().unwrap_or_default()).display().to_string()
}

/// The tables of a piece of TOML, without the remark above them.
pub(super) fn in_tables(text: &str) -> Vec<&str> {
    let starts: Vec<usize> = text.match_indices("[[").map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).filter_map(|(start, end)| text.get(*start..end)).collect()
}
