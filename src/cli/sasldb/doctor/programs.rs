//! Programs other than mail servers that ask libsasl2, as far as its settings for them name us.

use std::path::{Path, PathBuf};

use crate::cli::sasldb::machine;
use crate::config::Protocol;

use super::client::Client;
use super::finding::Code;
use super::key_lines::KeyLines;
use super::libsasl2::{self, Application};
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
}

const SLAPD: Known = Known {
    name: "OpenLDAP",
    application: "slapd",
    folders: &["/etc/ldap/sasl2", "/usr/lib/sasl2"],
    prefix: "",
    user: Some("openldap"),
    process: "slapd",
    service: "slapd",
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
    },
    Known {
        name: "memcached",
        application: "memcached",
        folders: &[],
        prefix: "",
        user: Some("memcache"),
        process: "memcached",
        service: "memcached",
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
        let application = Application {
            name: known.application,
            folders: &folders,
            prefix: known.prefix,
            client: &client,
            root: None,
            offers: None,
            realm: None,
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
    let Some(said) = machine::ask("slapcat", &["-n", "0"]) else { return };
    let named = |line: &str| {
        line.strip_prefix("olcSaslAuxprops:")
            .is_some_and(|names| names.split_ascii_whitespace().any(|name| name == "sasldb_rs"))
    };
    if said.lines().any(named) {
        return;
    }
    let change = "printf '%s\\n' 'dn: cn=config' 'changetype: modify' 'replace: olcSaslAuxprops' 'olcSaslAuxprops: sasldb_rs' \
                  | ldapmodify -Q -Y EXTERNAL -H ldapi:///";
    let mend = [vec![change.to_owned()], client.restart.clone()].concat();
    let what = "takes the plugin's name from cn=config, which does not have it (olcSaslAuxprops)";
    visit.find(Code::SaslPlugin, &client.name, what, mend);
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
