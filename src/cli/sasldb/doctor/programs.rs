//! Programs other than mail servers that ask libsasl2, as far as its settings for them name us.

use std::path::{Path, PathBuf};

use crate::cli::sasldb::machine;
use crate::cli::sasldb::shell::quote;
use crate::config::Protocol;

use super::client::Client;
use super::finding::Code;
use super::key_lines::KeyLines;
use super::libsasl2::{self, Application, Given};
use super::{Visit, listens};

/// Where our plugin sends changes unless it is told.
const USUAL_STORE: &str = "/run/sasldb-rs/store";

/// A program that asks libsasl2.
struct Known {
    name: &'static str,
    /// As it calls itself there.
    application: &'static str,
    /// Where its settings are; empty where libsasl2 looks for every program's.
    folders: &'static [&'static str],
    prefix: &'static str,
    /// As whom it runs unless a process says otherwise.
    user: Option<&'static str>,
    process: &'static str,
    service: &'static str,
    /// The realm that it gives to DIGEST-MD5, where its settings say that.
    realm: fn(&mut Visit<'_>) -> Option<OwnRealm>,
}

/// A realm that a program gives.
struct OwnRealm {
    realm: String,
    /// Where its settings say it.
    key: &'static str,
    /// The commands that set a key to a value, with those that start the program again.
    set: fn(&[String], &str, &str) -> Vec<String>,
}

const IMAPD: &str = "/etc/imapd.conf";

const SLAPD: Known = Known {
    name: "OpenLDAP",
    application: "slapd",
    folders: &["/etc/ldap/sasl2", "/usr/lib/sasl2"],
    prefix: "",
    user: Some("openldap"),
    process: "slapd",
    service: "slapd",
    realm: of_slapd,
};

const KNOWN: [Known; 4] = [
    Known {
        name: "Cyrus IMAP",
        application: "imapd",
        folders: &["/etc"],
        prefix: "sasl_",
        user: Some("cyrus"),
        process: "imapd",
        service: "cyrus-imapd",
        realm: of_imapd,
    },
    SLAPD,
    Known {
        name: "svnserve",
        application: "svn",
        folders: &[],
        prefix: "",
        user: None,
        process: "svnserve",
        service: "svnserve",
        // It is in the settings of each repository.
        realm: |_| None,
    },
    Known {
        name: "memcached",
        application: "memcached",
        folders: &[],
        prefix: "",
        user: Some("memcache"),
        process: "memcached",
        service: "memcached",
        // It is the host's name.
        realm: |_| None,
    },
];

pub(super) fn look(visit: &mut Visit<'_>) {
    for known in &KNOWN {
        let restart = machine::restart_service(&[known.service]);
        let Some(client) = Client::running(known.name, known.process, known.user, restart) else { continue };
        let folders: Vec<PathBuf> = if known.folders.is_empty() {
            machine::sasl_folders()
        } else {
            known.folders.iter().map(PathBuf::from).collect()
        };
        let own = (known.realm)(visit);
        let set = |realm: &str| own.as_ref().map(|own| (own.set)(&client.restart, own.key, realm)).unwrap_or_default();
        let application = Application {
            name: known.application,
            folders: &folders,
            prefix: known.prefix,
            client: &client,
            root: None,
            offers: None,
            realm: own.as_ref().map(|own| Given { realm: &own.realm, set: &set }),
        };
        let is_here = libsasl2::look(visit, &application, false);
        if is_here && known.application == SLAPD.application {
            look_at_directory(visit, &client);
        }
    }
    look_at_saslpasswd(visit);
}

/// slapd takes the plugin's name from the directory, and not from libsasl2's settings.
fn look_at_directory(visit: &mut Visit<'_>, client: &Client) {
    let Some(directory) = Directory::read() else { return };
    let named = |names: &str| names.split_ascii_whitespace().any(|name| name == "sasldb_rs");
    if directory.values("olcSaslAuxprops").any(named) {
        return;
    }
    let mend = replace(&client.restart, "olcSaslAuxprops", "sasldb_rs");
    let what = "takes the plugin's name from cn=config, which does not have it (olcSaslAuxprops)";
    visit.find(Code::SaslPlugin, &client.name, what, mend);
}

/// cn=config of slapd in LDIF, with each value on one line.
struct Directory(String);

impl Directory {
    fn read() -> Option<Self> {
        Some(Self(machine::ask("slapcat", &["-n", "0"])?.replace("\n ", "")))
    }

    fn has(&self, attribute: &str) -> bool {
        self.0.lines().any(|line| line.strip_prefix(attribute).is_some_and(|rest| rest.starts_with(':')))
    }

    /// The values of an attribute, but for those that are written in base64.
    fn values(&self, attribute: &str) -> impl Iterator<Item = &str> {
        self.0.lines().filter_map(move |line| line.strip_prefix(attribute)?.strip_prefix(": ")).map(str::trim)
    }
}

/// Gives cn=config this one value of an attribute, which counts when slapd starts again.
fn replace(restart: &[String], attribute: &str, value: &str) -> Vec<String> {
    let lines =
        ["dn: cn=config", "changetype: modify", &format!("replace: {attribute}"), &format!("{attribute}: {value}")];
    let lines = lines.map(quote).join(" ");
    let change = format!("printf '%s\\n' {lines} | ldapmodify -Q -Y EXTERNAL -H ldapi:///");
    [&[change][..], restart].concat()
}

/// olcSaslRealm, else olcSaslHost; without either it is what the DNS calls the host.
fn of_slapd(_: &mut Visit<'_>) -> Option<OwnRealm> {
    let directory = Directory::read()?;
    let key = ["olcSaslRealm", "olcSaslHost"].into_iter().find(|attribute| directory.has(attribute))?;
    let realm = directory.values(key).next()?.to_owned();
    Some(OwnRealm { realm, key, set: replace })
}

/// The name of the server, else that of the host.
fn of_imapd(visit: &mut Visit<'_>) -> Option<OwnRealm> {
    let file = Path::new(IMAPD);
    let text = visit.read(file)?;
    // What is in other files, or for one service alone, is not looked at.
    let is_elsewhere = |line: &str| line.starts_with("@include:") || line.contains("_servername:");
    if text.lines().any(is_elsewhere) {
        return None;
    }
    let key = "servername";
    let told = KeyLines { file, text: &text }.values(key).next().map(str::to_owned);
    let realm = told.or_else(|| nix::unistd::gethostname().ok()?.into_string().ok())?;
    Some(OwnRealm { realm, key, set: set_in_imapd })
}

fn set_in_imapd(restart: &[String], key: &str, value: &str) -> Vec<String> {
    [&KeyLines { file: Path::new(IMAPD), text: "" }.set(key, value)[..], restart].concat()
}

/// saslpasswd2, which makes accounts here where it is told.
fn look_at_saslpasswd(visit: &mut Visit<'_>) {
    let Some(file) = machine::sasl_file("saslpasswd") else { return };
    let Some(text) = visit.read(&file) else { return };
    if !text.contains("sasldb_rs") {
        return;
    }
    let lines = KeyLines { file: &file, text: &text };
    let told = lines.values("sasldb_rs_store").next().unwrap_or(USUAL_STORE);
    if told.split_ascii_whitespace().any(|path| listens(Path::new(path))) {
        return;
    }
    let own = visit.sockets(Protocol::Store);
    let own = own.first().map(|socket| socket.path.as_path());
    let mend = match own {
        Some(path) => lines.set("sasldb_rs_store", &path.display().to_string()).to_vec(),
        None => visit.open_socket(Protocol::Store, Path::new(USUAL_STORE), &["mode = \"0600\"".to_owned()]),
    };
    let what = format!("makes saslpasswd2 send changes to {told}, where nobody listens");
    visit.find(Code::SaslStore, file.display(), what, mend);
}
