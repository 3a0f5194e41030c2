//! The recipes of programs that ask libsasl2, as docs/libsasl2.md shows them, and the README for Sendmail.

use std::path::{Path, PathBuf};

use crate::cli::sasldb::options::MailServer;
use crate::cli::sasldb::people::Person;
use crate::cli::sasldb::{machine, processes};
use crate::config::{Config, Protocol, User};
use crate::vocabulary::Mechanism;

use super::recipe::{EXIM_NAMES, Recipe};
use super::sockets::{Need, Sockets};
use super::step::{Step, What};

const SOCKETS: &str = include_str!("../../../../contrib/libsasl2/config.toml");
const SETTINGS: &str = include_str!("../../../../contrib/libsasl2/program.conf");
const SENDMAIL_SOCKETS: &str = include_str!("../../../../contrib/sendmail/config.toml");
const SENDMAIL: &str = include_str!("../../../../contrib/sendmail/sendmail.mc");
const SENDMAIL_LIBSASL2: &str = include_str!("../../../../contrib/sendmail/Sendmail.conf");
const SENDMAIL_COMMANDS: &str = include_str!("../../../../contrib/sendmail/setup.sh");
const POSTFIX_SOCKETS: &str = include_str!("../../../../contrib/postfix/libsasl2.toml");
const POSTFIX_SETTINGS: &str = include_str!("../../../../contrib/postfix/smtpd.conf");
const POSTFIX: &str = include_str!("../../../../contrib/postfix/libsasl2.sh");
const EXIM: &str = include_str!("../../../../contrib/exim/authenticators.libsasl2");
const IMAPD: &str = include_str!("../../../../contrib/cyrus-imap/imapd.conf");
const SLAPD: &str = include_str!("../../../../contrib/openldap/sasl.ldif");
const SLAPD_COMMANDS: &str = include_str!("../../../../contrib/openldap/setup.sh");
const SVNSERVE: &str = include_str!("../../../../contrib/subversion/svnserve.conf");
const STORE_SOCKET: &str = include_str!("../../../../contrib/saslpasswd2/config.toml");
const SASLPASSWD: &str = include_str!("../../../../contrib/saslpasswd2/saslpasswd.conf");

/// What the files of `contrib` call the user as which a program asks, this host, and the default realm.
const USER: &str = "USER";
const HOST: &str = "mail.example.com";
const REALM: &str = "example.com";
const USUAL_MUX: &str = "/run/sasldb-rs/mux";
const USUAL_LOOKUP: &str = "/run/sasldb-rs/lookup";
const USUAL_STORE: &str = "/run/sasldb-rs/store";

impl Recipe<'_> {
    pub(super) fn postfix_by_libsasl2(&self) -> Vec<Step> {
        let private = self.queue.join("private");
        let [mux, lookup] = ["mux", "lookup"].map(|name| format!("{}/private/{name}", machine::POSTFIX_QUEUE));
        let need =
            |protocol, usual| Need { protocol, usual, inside: Some(&private), group: None, user: Some("postfix") };
        let needs = [need(Protocol::Saslauthd, mux.as_str()), need(Protocol::Lookup, lookup.as_str())];
        let sockets = self.sockets(needs, MailServer::PostfixLibsasl2);
        let mut steps = self.make(&sockets, POSTFIX_SOCKETS);
        let file = Path::new("/etc/postfix/sasl/smtpd.conf");
        // A chrooted smtpd sees them below its root.
        let queue = self.queue.display().to_string();
        let seen = |path: &str| {
            path.strip_prefix(&queue).filter(|_| machine::postfix_is_chrooted()).unwrap_or(path).to_owned()
        };
        let usual = |path: &str| path.strip_prefix(machine::POSTFIX_QUEUE).unwrap_or(path).to_owned();
        let settings = self.with_mechanisms(&sockets.put_as(POSTFIX_SETTINGS, usual, seen));
        steps.extend([
            Step::new(What::Run, Self::install_plugin(file)),
            Step::new(What::Write(file.to_owned()), settings),
            Step::new(What::Run, format!("{POSTFIX}postfix reload\n")),
        ]);
        steps
    }

    pub(super) fn sendmail(&self) -> Vec<Step> {
        let need = |protocol, usual| Need { protocol, usual, inside: None, group: None, user: Some("root") };
        let needs = [need(Protocol::Saslauthd, USUAL_MUX), need(Protocol::Lookup, USUAL_LOOKUP)];
        let sockets = self.sockets(needs, MailServer::Sendmail);
        let mut steps = self.make(&sockets, SENDMAIL_SOCKETS);
        let settings = sockets.told(SENDMAIL_LIBSASL2, Protocol::Lookup, "sasldb_rs_socket");
        let place = sasl_file("Sendmail");
        steps.extend([
            Step::new(What::Run, Self::install_plugin(&place)),
            Step::new(What::Write(place), settings),
            Step::new(What::InsertBefore("/etc/mail/sendmail.mc".into(), "MAILER_DEFINITIONS"), SENDMAIL),
            Step::new(What::Run, SENDMAIL_COMMANDS),
        ]);
        steps
    }

    pub(super) fn exim_by_libsasl2(&self) -> Vec<Step> {
        let user = machine::group_of(&EXIM_NAMES);
        let mut steps = self.by_libsasl2(MailServer::EximLibsasl2, user, sasl_file("exim"));
        steps.extend(Self::authenticators(EXIM.replace(HOST, &self.host)));
        steps
    }

    /// Its settings are in a file of its own.
    pub(super) fn cyrus_imap(&self) -> Vec<Step> {
        let file = Path::new("/etc/imapd.conf");
        let (mut steps, sockets) = self.sockets_for("cyrus", MailServer::CyrusImap);
        let settings = self.with_mechanisms(&IMAPD.replace(REALM, &self.realm));
        let settings = sockets.told(&settings, Protocol::Lookup, "sasl_sasldb_rs_socket");
        let remove = format!("sed -i '/^sasl_pwcheck_method:/d' {}\n", file.display());
        steps.push(Step::new(What::Run, Self::install_plugin(file) + &remove));
        steps.push(Step::new(What::Add(file.to_owned()), settings));
        steps.extend(restart(&["cyrus-imapd"]));
        steps
    }

    pub(super) fn openldap(&self) -> Vec<Step> {
        let file = PathBuf::from("/etc/ldap/sasl2/slapd.conf");
        let mut steps = self.by_libsasl2(MailServer::Openldap, "openldap", file);
        // By EXTERNAL root gets in on the machine itself.
        if let Some(settings) = steps.last_mut() {
            settings.text = settings.text.replace("mech_list:", "mech_list: EXTERNAL");
        }
        steps.push(Step::new(What::Write("/etc/ldap/sasl.ldif".into()), SLAPD.replace(HOST, &self.host)));
        steps.push(Step::new(What::Run, SLAPD_COMMANDS));
        steps
    }

    pub(super) fn svnserve(&self) -> Vec<Step> {
        let mut steps = self.by_libsasl2(MailServer::Svnserve, &runs_as("svnserve", "svn"), sasl_file("svn"));
        let settings = SVNSERVE.replace(REALM, &self.realm);
        steps.push(Step::new(What::Write("conf/svnserve.conf".into()), settings));
        steps
    }

    pub(super) fn memcached(&self) -> Vec<Step> {
        let user = runs_as("memcached", "memcache");
        let mut steps = self.by_libsasl2(MailServer::Memcached, &user, sasl_file("memcached"));
        steps.push(Step::new(What::Add("/etc/memcached.conf".into()), "-S\n"));
        steps.extend(restart(&["memcached"]));
        steps
    }

    pub(super) fn saslpasswd2(&self) -> Vec<Step> {
        let need =
            Need { protocol: Protocol::Store, usual: USUAL_STORE, inside: None, group: None, user: Some("root") };
        let sockets = self.sockets([need], MailServer::Saslpasswd2);
        let mut steps = self.make(&sockets, STORE_SOCKET);
        let file = sasl_file("saslpasswd");
        let settings = sockets.told(SASLPASSWD, Protocol::Store, "sasldb_rs_store");
        steps.push(Step::new(What::Run, Self::install_plugin(&file)));
        steps.push(Step::new(What::Write(file), settings));
        steps
    }

    /// The sockets for PLAIN and LOGIN and for the plugin, for this user; and the steps that make them.
    fn sockets_for<'u>(&self, user: &'u str, server: MailServer) -> (Vec<Step>, Sockets<'u>) {
        let need = |protocol, usual| Need { protocol, usual, inside: None, group: None, user: Some(user) };
        let needs = [need(Protocol::Saslauthd, USUAL_MUX), need(Protocol::Lookup, USUAL_LOOKUP)];
        let sockets = self.sockets(needs, server);
        (self.make(&sockets, &SOCKETS.replace(USER, user)), sockets)
    }

    /// What every program needs that calls itself by the name of `file`, and asks as `user`.
    fn by_libsasl2(&self, server: MailServer, user: &str, file: PathBuf) -> Vec<Step> {
        let (mut steps, sockets) = self.sockets_for(user, server);
        let settings = sockets.told(&self.with_mechanisms(SETTINGS), Protocol::Lookup, "sasldb_rs_socket");
        steps.push(Step::new(What::Run, Self::install_plugin(&file)));
        steps.push(Step::new(What::Write(file), settings));
        steps
    }

    /// Puts the plugin where libsasl2 finds it, and makes the folder for a file of its settings.
    fn install_plugin(settings: &Path) -> String {
        let folder = settings.parent().unwrap_or(Path::new("/etc/sasl2")).display();
        let plugins = machine::plugin_folder().unwrap_or_else(|| PathBuf::from("/usr/lib/sasl2"));
        let plugin = machine::beside_us(machine::PLUGIN);
        format!("install -m 644 {} {}/\nmkdir -p {folder}\n", plugin.display(), plugins.display())
    }

    /// `settings` with the mechanisms that the accounts can serve.
    fn with_mechanisms(&self, settings: &str) -> String {
        let names = served(self.config);
        let line = |line: &str| match line.split_once("mech_list:") {
            Some((prefix, _)) => format!("{prefix}mech_list: {}\n", names.join(" ")),
            None => format!("{line}\n"),
        };
        settings.lines().map(line).collect()
    }
}

/// The mechanisms that the accounts can serve in libsasl2, strongest first.
pub(in crate::cli::sasldb) fn served(config: &Config) -> Vec<&'static str> {
    let by_certificate = |mechanism: &Mechanism| *mechanism == Mechanism::External;
    config.mechanisms().iter().filter(|mechanism| !by_certificate(mechanism)).map(Mechanism::name).collect()
}

/// Where something starts it.
fn restart(names: &[&str]) -> Option<Step> {
    let lines = machine::restart_service(names);
    (!lines.is_empty()).then(|| Step::new(What::Run, lines.join("\n") + "\n"))
}

/// The user as which a program runs, else the usual one.
fn runs_as(process: &str, usual: &str) -> String {
    let running = processes::named(process).first().and_then(|process| Person::of(&User::Id(process.uid.as_raw())));
    running.map_or(usual.to_owned(), |person| person.name)
}

/// Where libsasl2 looks for the settings of a program of this name.
fn sasl_file(application: &str) -> PathBuf {
    machine::sasl_file(application).unwrap_or_else(|| PathBuf::from(format!("/etc/sasl2/{application}.conf")))
}
