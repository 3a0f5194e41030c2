//! The recipes: the files of `contrib`, with the names of this machine in the place of the usual ones.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::sasldb::machine;
use crate::cli::sasldb::options::MailServer;
use crate::config::{Config, Protocol, Socket};

use super::sockets::{Need, Sockets, in_tables};
use super::step::{Step, What};

const POSTFIX_SOCKET: &str = include_str!("../../../../contrib/postfix/config.toml");
const POSTFIX: &str = include_str!("../../../../contrib/postfix/setup.sh");
const EXIM_SOCKET: &str = include_str!("../../../../contrib/exim/config.toml");
const EXIM: &str = include_str!("../../../../contrib/exim/authenticators");
const CHASQUID_SOCKETS: &str = include_str!("../../../../contrib/chasquid/config.toml");
const CHASQUID: &str = include_str!("../../../../contrib/chasquid/chasquid.conf");

/// The names in the files of `contrib` that may be others here.
const USUAL_AUTH: &str = "/run/sasldb-rs/auth";
const USUAL_USERDB: &str = "/run/sasldb-rs/auth-userdb";
/// Names of Exim's user and group, Debian's first.
pub(super) const EXIM_NAMES: [&str; 3] = [USUAL_EXIM, "exim", "exim4"];
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
    /// What this host calls itself to others.
    pub(super) host: String,
    /// The default realm.
    pub(super) realm: String,
}

impl Recipe<'_> {
    /// What to do for `server`, in this order.
    pub(super) fn steps(&self, server: MailServer) -> Vec<Step> {
        match server {
            MailServer::Postfix => self.postfix(),
            MailServer::PostfixLibsasl2 => self.postfix_by_libsasl2(),
            MailServer::Exim => self.exim(),
            MailServer::EximLibsasl2 => self.exim_by_libsasl2(),
            MailServer::Chasquid => self.chasquid(),
            MailServer::Sendmail => self.sendmail(),
            MailServer::CyrusImap => self.cyrus_imap(),
            MailServer::Openldap => self.openldap(),
            MailServer::Svnserve => self.svnserve(),
            MailServer::Memcached => self.memcached(),
            MailServer::Saslpasswd2 => self.saslpasswd2(),
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
        let group = machine::group_of(&EXIM_NAMES);
        let need =
            Need { protocol: Protocol::Dovecot, usual: USUAL_AUTH, inside: None, group: Some(group), user: None };
        let sockets = self.sockets([need], MailServer::Exim);
        let mut steps = self.make(&sockets, &EXIM_SOCKET.replace(USUAL_EXIM, group));
        steps.extend(Self::authenticators(sockets.put_into(EXIM)));
        steps
    }

    /// Gives Exim its authenticators.
    pub(super) fn authenticators(lines: String) -> Vec<Step> {
        let mut steps = Vec::new();
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
        let need = |protocol, usual| Need { protocol, usual, inside: None, group: Some(group), user: None };
        let needs = [need(Protocol::Userdb, USUAL_USERDB), need(Protocol::Dovecot, USUAL_AUTH)];
        let sockets = self.sockets(needs, MailServer::Chasquid);
        let mut steps = self.make(&sockets, CHASQUID_SOCKETS);
        steps.push(Step::new(What::Add("/etc/chasquid/chasquid.conf".into()), sockets.put_into(CHASQUID)));
        if machine::has_systemd() {
            steps.push(Step::new(What::Run, "systemctl restart chasquid\n"));
        }
        steps
    }

    pub(super) fn sockets<'n, const N: usize>(&self, needs: [Need<'n>; N], server: MailServer) -> Sockets<'n> {
        Sockets::find(self.config, &self.queue, needs, server)
    }

    /// Those of `tables` that the configuration lacks.
    pub(super) fn make(&self, sockets: &Sockets<'_>, tables: &str) -> Vec<Step> {
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
}
