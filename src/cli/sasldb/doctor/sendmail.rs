//! Sendmail: which mechanisms it offers and trusts, and what libsasl2 is told about it.

use std::path::{Path, PathBuf};

use crate::cli::sasldb::machine;
use crate::cli::sasldb::people::Person;
use crate::cli::sasldb::shell::quote;
use crate::config::User;

use super::client::Client;
use super::finding::Code;
use super::libsasl2::{self, Application, Given};
use super::{Visit, unread};

const SETTINGS: &str = "/etc/mail/sendmail.cf";
const SOURCE: &str = "/etc/mail/sendmail.mc";

pub(super) fn look(visit: &mut Visit<'_>, asked: bool) {
    let Some(text) = visit.read(Path::new(SETTINGS)) else { return visit.no_file(asked, Path::new(SETTINGS)) };
    let Some(root) = Person::of(&User::Id(0)) else { return };
    let client = Client { name: "Sendmail".to_owned(), person: root, processes: Vec::new(), restart: restart() };
    let option = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix("O ")?.strip_prefix(name)?.strip_prefix('='));
        lines.next_back().map(str::to_owned)
    };
    let named = option("AuthMechanisms");
    let is_wanted = asked || named.is_some();
    // What it offers where the settings are silent.
    let offered = named.unwrap_or_else(|| "EXTERNAL GSSAPI KERBEROS_V4 DIGEST-MD5 CRAM-MD5".to_owned());
    let offers: Vec<&str> = offered.split_ascii_whitespace().collect();
    let own_name = text.lines().filter_map(|line| line.strip_prefix("Dj")).next_back().map(str::to_owned);
    let realm = option("AuthRealm").or(own_name).filter(|realm| !realm.contains('$'));
    let set = |default: &str| insert(&format!("define(`confAUTH_REALM', `{default}')dnl"));
    let folders: Vec<PathBuf> = machine::sasl_folders();
    let application = Application {
        name: "Sendmail",
        folders: &folders,
        prefix: "",
        client: &client,
        root: None,
        offers: Some(&offers),
        realm: realm.as_deref().map(|realm| Given { realm, set: &set }),
    };
    if !libsasl2::look(visit, &application, is_wanted) {
        return;
    }
    let pid_file = option("PidFile").unwrap_or_else(|| "/var/run/sendmail.pid".to_owned());
    if let Some(read) = unread::by_pid_file(Path::new(&pid_file), "sendmail") {
        let of_libsasl2 = machine::sasl_file("Sendmail");
        let files: Vec<&Path> = [Some(Path::new(SETTINGS)), of_libsasl2.as_deref()].into_iter().flatten().collect();
        unread::look(visit, "Sendmail", read, &files, restart());
    }
    let (unserved, rest): (Vec<&str>, Vec<&str>) =
        offers.iter().partition(|name| libsasl2::cannot_be_served(visit, name));
    if !unserved.is_empty() {
        let what = format!("offers {}, for which nothing is stored", unserved.join(" "));
        let mend = insert(&format!("define(`confAUTH_MECHANISMS', `{}')dnl", rest.join(" ")));
        visit.find(Code::SaslMechanisms, "Sendmail", what, mend);
    }
    let trusted: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("C{TrustAuthMech}"))
        .flat_map(str::split_ascii_whitespace)
        .collect();
    let served = visit.config().mechanisms();
    let known = |name: &&str| {
        crate::vocabulary::Mechanism::from_name(name.as_bytes()).is_some_and(|mechanism| served.contains(mechanism))
    };
    let untrusted: Vec<&str> = offers.iter().copied().filter(known).filter(|name| !trusted.contains(name)).collect();
    if !untrusted.is_empty() {
        let list = untrusted.join(" ");
        let what = format!("does not relay for those who log in by {list} (no TRUST_AUTH_MECH)");
        visit.find(Code::SendmailTrust, "Sendmail", what, insert(&format!("TRUST_AUTH_MECH(`{list}')dnl")));
    }
    let bits = option("AuthMaxBits");
    if offered.contains("DIGEST-MD5") && bits.as_deref() != Some("0") {
        let what = "offers DIGEST-MD5's layers, which some clients take and do not have (no confAUTH_MAX_BITS of 0)";
        visit.find(Code::SendmailLayers, "Sendmail", what, insert("define(`confAUTH_MAX_BITS', `0')dnl"));
    }
}

fn restart() -> Vec<String> {
    machine::restart_service(&["sendmail"])
}

/// Puts a line into its settings where the mechanisms belong, and makes them count.
fn insert(line: &str) -> Vec<String> {
    let script = format!("/^MAILER_DEFINITIONS/i {line}");
    let mut mend = vec![format!("sed -i {} {SOURCE}", quote(&script)), format!("m4 {SOURCE} >{SETTINGS}")];
    mend.extend(restart());
    mend
}
