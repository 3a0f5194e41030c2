//! The recipes: the files of `contrib`, with the names of this machine in the place of the usual ones.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::sasldb::machine;
use crate::cli::sasldb::options::MailServer;
use crate::config::{Config, Group, Protocol, Socket};

use super::step::{Step, What};

const POSTFIX_SOCKET: &str = include_str!("../../../../contrib/postfix/config.toml");
const POSTFIX: &str = include_str!("../../../../contrib/postfix/setup.sh");
const EXIM_SOCKET: &str = include_str!("../../../../contrib/exim/config.toml");
const EXIM: &str = include_str!("../../../../contrib/exim/authenticators");
const CHASQUID_SOCKETS: &str = include_str!("../../../../contrib/chasquid/config.toml");
const CHASQUID: &str = include_str!("../../../../contrib/chasquid/chasquid.conf");
const SENDMAIL_SOCKETS: &str = include_str!("../../../../contrib/sendmail/config.toml");
const SENDMAIL: &str = include_str!("../../../../contrib/sendmail/sendmail.mc");
const SENDMAIL_LIBSASL2: &str = include_str!("../../../../contrib/sendmail/Sendmail.conf");
const SENDMAIL_COMMANDS: &str = include_str!("../../../../contrib/sendmail/setup.sh");

/// The names in the files of `contrib` that may be others here.
const USUAL_AUTH: &str = "/run/sasldb-rs/auth";
const USUAL_USERDB: &str = "/run/sasldb-rs/auth-userdb";
const USUAL_MUX: &str = "/run/sasldb-rs/mux";
const USUAL_LOOKUP: &str = "/run/sasldb-rs/lookup";
const USUAL_EXIM: &str = "Debian-exim";
const USUAL_CHASQUID: &str = "chasquid";

const BEGIN_AUTHENTICATORS: &str = "begin authenticators";

/// What the recipes are made for.
pub(super) struct Recipe<'a> {
    pub(super) config: &'a Config,
    /// The helper's configuration file.
    pub(super) file: &'a Path,
    /// Postfix's queue; a socket in it is Postfix's.
    pub(super) queue: PathBuf,
}

/// A socket that a mail server needs.
struct Need<'a> {
    protocol: Protocol,
    usual: &'a str,
    /// The group that has to get there; root gets everywhere.
    group: Option<&'a str>,
}

impl Recipe<'_> {
    /// What to do for `server`, in this order.
    pub(super) fn steps(&self, server: MailServer) -> Vec<Step> {
        match server {
            MailServer::Postfix => self.postfix(),
            MailServer::Exim => self.exim(),
            MailServer::Chasquid => self.chasquid(),
            MailServer::Sendmail => self.sendmail(),
        }
    }

    fn postfix(&self) -> Vec<Step> {
        let named = self.named(Protocol::Dovecot).map(|socket| socket.path.as_path());
        let inside = named.filter_map(|path| path.strip_prefix(&self.queue).ok()).next();
        let mut steps = Vec::new();
        if inside.is_none() {
            let table = POSTFIX_SOCKET.replace(machine::POSTFIX_QUEUE, &self.queue.display().to_string());
            steps.push(self.add_tables(table));
        }
        let relative = inside.unwrap_or(Path::new("private/auth")).display().to_string();
        let commands = POSTFIX.replace("= private/auth", &format!("= {relative}"));
        steps.extend(Self::restart_helper(&steps));
        steps.push(Step::new(What::Run, commands + "postfix reload\n"));
        steps
    }

    fn exim(&self) -> Vec<Step> {
        let group = machine::group_of(&[USUAL_EXIM, "exim", "exim4"]);
        let need = Need { protocol: Protocol::Dovecot, usual: USUAL_AUTH, group: Some(group) };
        let sockets = self.sockets([need], MailServer::Exim);
        let mut steps = self.make(&sockets, &EXIM_SOCKET.replace(USUAL_EXIM, group));
        let lines = sockets.put_into(EXIM);
        let (file, alone) = machine::exim_file();
        let begins = fs::read_to_string(&file).is_ok_and(|text| text.lines().any(|line| line == BEGIN_AUTHENTICATORS));
        steps.push(match (alone, begins) {
            (true, _) => Step::new(What::Write(file), lines),
            (false, true) => Step::new(What::InsertAfter(file, BEGIN_AUTHENTICATORS), lines),
            (false, false) => Step::new(What::Add(file), format!("{BEGIN_AUTHENTICATORS}\n{lines}")),
        });
        if machine::has_systemd() {
            steps.push(Step::new(What::Run, "systemctl restart exim4\n"));
        }
        steps
    }

    fn chasquid(&self) -> Vec<Step> {
        let group = machine::group_of(&[USUAL_CHASQUID]);
        let need = |protocol, usual| Need { protocol, usual, group: Some(group) };
        let needs = [need(Protocol::Userdb, USUAL_USERDB), need(Protocol::Dovecot, USUAL_AUTH)];
        let sockets = self.sockets(needs, MailServer::Chasquid);
        let mut steps = self.make(&sockets, CHASQUID_SOCKETS);
        steps.push(Step::new(What::Add("/etc/chasquid/chasquid.conf".into()), sockets.put_into(CHASQUID)));
        if machine::has_systemd() {
            steps.push(Step::new(What::Run, "systemctl restart chasquid\n"));
        }
        steps
    }

    fn sendmail(&self) -> Vec<Step> {
        let need = |protocol, usual| Need { protocol, usual, group: None };
        let needs = [need(Protocol::Saslauthd, USUAL_MUX), need(Protocol::Lookup, USUAL_LOOKUP)];
        let sockets = self.sockets(needs, MailServer::Sendmail);
        let mut steps = self.make(&sockets, SENDMAIL_SOCKETS);
        let mut settings = sockets.put_into(SENDMAIL_LIBSASL2);
        if let Some(lookup) = sockets.elsewhere(Protocol::Lookup) {
            settings.push_str(&format!("sasldb_rs_socket: {lookup}\n"));
        }
        let place = machine::sasl_file("Sendmail").unwrap_or_else(|| PathBuf::from("/etc/sasl2/Sendmail.conf"));
        let folder = place.parent().unwrap_or(Path::new("/etc/sasl2")).display();
        let plugins = machine::plugin_folder().unwrap_or_else(|| PathBuf::from("/usr/lib/sasl2"));
        let plugin = machine::beside_us(machine::PLUGIN);
        let install = format!("install -m 644 {} {}/\nmkdir -p {folder}\n", plugin.display(), plugins.display());
        steps.extend([
            Step::new(What::Run, install),
            Step::new(What::Write(place), settings),
            Step::new(What::InsertBefore("/etc/mail/sendmail.mc".into(), "MAILER_DEFINITIONS"), SENDMAIL),
            Step::new(What::Run, SENDMAIL_COMMANDS),
        ]);
        steps
    }

    fn sockets<'n, const N: usize>(&self, needs: [Need<'n>; N], server: MailServer) -> Sockets<'n> {
        let found = needs.into_iter().map(|need| {
            let (path, is_there) = self.socket(&need, server);
            Found { need, path, is_there }
        });
        Sockets(found.collect())
    }

    /// Those of `tables` that the configuration lacks.
    fn make(&self, sockets: &Sockets<'_>, tables: &str) -> Vec<Step> {
        let missing: String = in_tables(tables).into_iter().filter(|table| sockets.lack(table)).collect();
        if missing.is_empty() {
            return Vec::new();
        }
        let add = self.add_tables(sockets.put_into(&missing));
        let restart = Self::restart_helper(std::slice::from_ref(&add));
        std::iter::once(add).chain(restart).collect()
    }

    fn add_tables(&self, tables: impl Into<String>) -> Step {
        Step::new(What::Add(self.file.to_owned()), tables)
    }

    /// After a change of its configuration. Without systemd nobody knows how it was started.
    fn restart_helper(before: &[Step]) -> Option<Step> {
        (!before.is_empty() && machine::has_systemd()).then(|| Step::new(What::Run, "systemctl restart saslauthd-rs\n"))
    }

    fn named(&self, protocol: Protocol) -> impl Iterator<Item = &Socket> {
        self.config.named_sockets().filter(move |(own, _)| *own == protocol).map(|(_, socket)| socket)
    }

    /// A socket of the configuration that is good for this need, else a place for a new one; and whether it is there.
    fn socket(&self, need: &Need<'_>, server: MailServer) -> (String, bool) {
        let fits = |socket: &&Socket| {
            let in_group = match (&socket.group, need.group) {
                (_, None) => true,
                (Some(Group::Named(name)), Some(group)) => name == group,
                _ => false,
            };
            let lets_in = in_group || socket.mode.bits() & 0o002 != 0;
            lets_in && socket.peers.is_empty() && !socket.path.as_path().starts_with(&self.queue)
        };
        if let Some(socket) = self.named(need.protocol).find(fits) {
            return (socket.path.as_path().display().to_string(), true);
        }
        let taken =
            |path: &str| self.config.named_sockets().any(|(_, socket)| socket.path.as_path() == Path::new(path));
        let own = if taken(need.usual) { format!("{}-{}", need.usual, server.name()) } else { need.usual.to_owned() };
        (own, false)
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
struct Sockets<'a>(Vec<Found<'a>>);

impl Sockets<'_> {
    /// Whether this table is of a socket that the configuration does not name.
    fn lack(&self, table: &str) -> bool {
        let of = |found: &&Found<'_>| table.starts_with(&format!("[[{}]]", found.need.protocol.name()));
        self.0.iter().find(of).is_some_and(|found| !found.is_there)
    }

    /// The path of such a socket, where that is not the usual one.
    fn elsewhere(&self, protocol: Protocol) -> Option<&str> {
        let found = self.0.iter().find(|found| found.need.protocol == protocol)?;
        (found.path != found.need.usual).then_some(found.path.as_str())
    }

    /// `text` with these paths in the place of the usual ones. One may be the beginning of another: what counts is where it ends.
    fn put_into(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, Found { need, path, .. }| {
            ["\"", "\n"]
                .iter()
                .fold(text, |text, end| text.replace(&format!("{}{end}", need.usual), &format!("{path}{end}")))
        })
    }
}

/// The tables of a piece of TOML, without the remark above them.
fn in_tables(text: &str) -> Vec<&str> {
    let starts: Vec<usize> = text.match_indices("[[").map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).filter_map(|(start, end)| text.get(*start..end)).collect()
}
