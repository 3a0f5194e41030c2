//! Postfix: whether it lets people log in, where it asks, from which root, and what a login is good for there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::sasldb::people::Person;
use crate::cli::sasldb::shell::quote;
use crate::cli::sasldb::{machine, processes};
use crate::config::Protocol;

use super::client::{self, Client};
use super::finding::Code;
use super::libsasl2::{self, Application, Given};
use super::{Visit, listens, unread};

/// What Postfix says of itself, with `$` expanded.
const PARAMETERS: [&str; 18] = [
    "mail_owner",
    "myhostname",
    "smtpd_sasl_local_domain",
    "queue_directory",
    "config_directory",
    "cyrus_sasl_config_path",
    "smtpd_sasl_auth_enable",
    "smtpd_sasl_type",
    "smtpd_sasl_path",
    "smtpd_sasl_security_options",
    "smtpd_sasl_tls_security_options",
    "smtpd_tls_auth_only",
    "smtpd_tls_security_level",
    "smtpd_use_tls",
    "smtpd_enforce_tls",
    "smtpd_tls_wrappermode",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
];

/// A service in which smtpd runs.
struct Smtpd<'a> {
    /// As `postconf -P` names it: `smtp/inet`.
    name: String,
    chrooted: bool,
    /// What it sets for itself alone.
    own: BTreeMap<String, String>,
    main: &'a BTreeMap<String, String>,
}

impl Smtpd<'_> {
    fn get(&self, parameter: &str) -> &str {
        self.own.get(parameter).or_else(|| self.main.get(parameter)).map_or("", String::as_str)
    }

    fn is_on(&self, parameter: &str) -> bool {
        self.get(parameter) == "yes"
    }

    /// The command that gives a parameter another value where this service has it from.
    fn set(&self, parameter: &str, value: &str) -> String {
        if self.own.contains_key(parameter) {
            format!("postconf -P {}", quote(&format!("{}/{parameter}={value}", self.name)))
        } else {
            format!("postconf -e {}", quote(&format!("{parameter} = {value}")))
        }
    }

    fn has_tls(&self) -> bool {
        !matches!(self.get("smtpd_tls_security_level"), "" | "none")
            || ["smtpd_use_tls", "smtpd_enforce_tls", "smtpd_tls_wrappermode"].iter().any(|name| self.is_on(name))
    }
}

pub(super) fn look(visit: &mut Visit<'_>, asked: bool) {
    let Some(said) = machine::ask("postconf", &[&["-x"][..], &PARAMETERS].concat()) else {
        return visit.not_here(asked, "postconf tells nothing of Postfix");
    };
    let main: BTreeMap<String, String> = said
        .lines()
        .filter_map(|line| line.split_once(" ="))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let queue = PathBuf::from(main.get("queue_directory").map_or(machine::POSTFIX_QUEUE, String::as_str));
    let services = services(&main);
    let mut wanted: Vec<&Smtpd<'_>> = services.iter().filter(|smtpd| smtpd.is_on("smtpd_sasl_auth_enable")).collect();
    let inside = visit.sockets(Protocol::Dovecot).iter().any(|socket| socket.path.as_path().starts_with(&queue));
    if let (true, true, Some(smtpd)) = (wanted.is_empty(), asked || inside, services.first()) {
        let mend = vec![smtpd.set("smtpd_sasl_auth_enable", "yes"), reload()];
        let what = "lets nobody log in (smtpd_sasl_auth_enable = no)";
        visit.find(Code::PostfixAuthOff, subject(smtpd), what, mend);
        wanted.push(smtpd);
    }
    let mut asks = false;
    for smtpd in wanted {
        if look_at_socket(visit, smtpd, &queue) {
            look_at_policy(visit, smtpd);
            asks = true;
        }
    }
    if asks {
        look_for_unread(visit, &queue, Path::new(main.get("config_directory").map_or("/etc/postfix", String::as_str)));
    }
}

/// A reload leaves the master as it is and starts its queue manager anew. smtpd reads main.cf when it starts, and libsasl2 with it; the
/// master reads master.cf when it is told to.
fn look_for_unread(visit: &mut Visit<'_>, queue: &Path, settings: &Path) {
    let pid = fs::read_to_string(queue.join("pid/master.pid")).ok().and_then(|text| text.trim().parse::<u32>().ok());
    let Some(master) = pid.filter(|pid| processes::program(*pid).as_deref() == Some("master")) else { return };
    let first = |name: &str| {
        let own = processes::named(name).into_iter().filter(|process| processes::parent(process.pid) == Some(master));
        own.filter_map(|process| processes::began(process.pid)).min()
    };
    let Some(reloaded) = first("qmgr") else { return };
    let mend = || vec![reload()];
    unread::look(visit, "Postfix", reloaded, &[&settings.join("master.cf")], mend());
    if let Some(smtpd) = first("smtpd") {
        unread::look(visit, "Postfix smtpd", reloaded.max(smtpd), &[&settings.join("main.cf")], mend());
    }
}

fn services(main: &BTreeMap<String, String>) -> Vec<Smtpd<'_>> {
    let said = machine::ask("postconf", &["-M"]).unwrap_or_default();
    // A folded line goes on with a space.
    let unfolded = said.replace("\n ", " ").replace("\n\t", " ");
    let service = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [name, kind, _private, _unprivileged, chroot, _wakeup, _limit, program, arguments @ ..] = words.as_slice()
        else {
            return None;
        };
        let options = arguments.iter().skip_while(|word| **word != "-o").filter(|word| **word != "-o");
        let own =
            options.filter_map(|option| option.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned()));
        let own = own.collect();
        (*program == "smtpd").then(|| Smtpd { name: format!("{name}/{kind}"), chrooted: *chroot == "y", own, main })
    };
    unfolded.lines().filter_map(service).collect()
}

fn subject(smtpd: &Smtpd<'_>) -> String {
    format!("Postfix {}", smtpd.name)
}

fn reload() -> String {
    "postfix reload".to_owned()
}

fn client(smtpd: &Smtpd<'_>) -> Option<Client> {
    let person = Person::named(smtpd.get("mail_owner"))?;
    let processes = processes::named("smtpd");
    Some(Client { name: "Postfix".to_owned(), person, processes, restart: vec![reload()] })
}

/// Whether it asks the helper, as far as can be told.
fn look_at_socket(visit: &mut Visit<'_>, smtpd: &Smtpd<'_>, queue: &Path) -> bool {
    let (kind, path) = (smtpd.get("smtpd_sasl_type"), smtpd.get("smtpd_sasl_path"));
    let own = visit.sockets(Protocol::Dovecot);
    let inside = own.iter().find_map(|socket| socket.path.as_path().strip_prefix(queue).ok());
    if kind == "cyrus" {
        return look_at_libsasl2(visit, smtpd, queue, inside);
    }
    if kind != "dovecot" || path.contains("inet:") {
        return false;
    }
    let seen = if smtpd.chrooted || !path.starts_with('/') {
        queue.join(path.trim_start_matches('/'))
    } else {
        PathBuf::from(path)
    };
    if let Some(socket) = visit.ours(Protocol::Dovecot, &seen) {
        if let Some(client) = client(smtpd) {
            client::reach(visit, &client, Protocol::Dovecot, &socket);
        }
        return true;
    }
    if listens(&seen) {
        // Another helper's, which is not ours to judge.
        return false;
    }
    let outside = smtpd.chrooted && path.starts_with('/');
    let (code, what) = if outside && visit.ours(Protocol::Dovecot, Path::new(path)).is_some() {
        let what = format!("is chrooted to {} and cannot see {path}", queue.display());
        (Code::PostfixChroot, what)
    } else {
        (Code::PostfixPath, format!("asks on {}, where nobody listens", seen.display()))
    };
    let mend = ask_inside(visit, smtpd, queue, inside);
    visit.find(code, subject(smtpd), what, mend);
    true
}

/// Makes Postfix ask on a socket below its queue, which it sees chrooted or not.
fn ask_inside(visit: &Visit<'_>, smtpd: &Smtpd<'_>, queue: &Path, inside: Option<&Path>) -> Vec<String> {
    let relative = inside.unwrap_or(Path::new("private/auth"));
    let mut mend = Vec::new();
    if inside.is_none() {
        mend.extend(visit.open_socket(Protocol::Dovecot, &queue.join(relative), &["mode = \"0666\"".to_owned()]));
    }
    mend.push(smtpd.set("smtpd_sasl_path", &relative.display().to_string()));
    mend.push(reload());
    mend
}

fn look_at_libsasl2(visit: &mut Visit<'_>, smtpd: &Smtpd<'_>, queue: &Path, inside: Option<&Path>) -> bool {
    let path = smtpd.get("smtpd_sasl_path");
    // The socket's name, where the name of a program belongs.
    if path.contains('/') || inside.is_some() {
        let mut mend = vec![smtpd.set("smtpd_sasl_type", "dovecot")];
        mend.extend(ask_inside(visit, smtpd, queue, inside));
        let what = "asks libsasl2 (smtpd_sasl_type = cyrus), and the helper has a socket for it";
        visit.find(Code::PostfixType, subject(smtpd), what, mend);
        return true;
    }
    let Some(client) = client(smtpd) else { return false };
    let folders = smtpd.get("cyrus_sasl_config_path").split(':').filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let debian = ["/etc/postfix/sasl", "/usr/lib/sasl"].map(PathBuf::from);
    let folders: Vec<PathBuf> = folders.chain(debian).collect();
    let name = if path.is_empty() { "smtpd" } else { path };
    let root = smtpd.chrooted.then_some(queue);
    let mut own = ["smtpd_sasl_local_domain", "myhostname"].map(|parameter| smtpd.get(parameter)).into_iter();
    let set = |default: &str| vec![smtpd.set("smtpd_sasl_local_domain", default), reload()];
    let application = Application {
        name,
        folders: &folders,
        prefix: "",
        client: &client,
        root,
        offers: None,
        realm: own.find(|realm| !realm.is_empty()).map(|realm| Given { realm, set: &set }),
    };
    libsasl2::look(visit, &application, true)
}

/// What a login needs, and what it is good for.
fn look_at_policy(visit: &mut Visit<'_>, smtpd: &Smtpd<'_>) {
    if smtpd.is_on("smtpd_tls_auth_only") && !smtpd.has_tls() {
        let mend = vec![smtpd.set("smtpd_tls_auth_only", "no"), reload()];
        let what = "lets people log in under TLS only (smtpd_tls_auth_only), and has no TLS";
        visit.find(Code::PostfixTls, subject(smtpd), what, mend);
    }
    for parameter in ["smtpd_sasl_security_options", "smtpd_sasl_tls_security_options"] {
        let options = smtpd.get(parameter);
        if !words(options).any(|option| option == "noanonymous") {
            let value = if options.is_empty() { "noanonymous".to_owned() } else { format!("noanonymous, {options}") };
            let what = format!("takes anonymous logins where the helper has them ({parameter} lacks noanonymous)");
            visit.find(Code::PostfixAnonymous, subject(smtpd), what, vec![smtpd.set(parameter, &value), reload()]);
        }
    }
    let relay = ["smtpd_relay_restrictions", "smtpd_recipient_restrictions"];
    let decides = relay.into_iter().find(|name| !smtpd.get(name).is_empty());
    let permits = |name: &str| words(smtpd.get(name)).any(|word| word == "permit_sasl_authenticated");
    if let Some(name) = decides.filter(|name| !permits(name)) {
        let value = format!("permit_sasl_authenticated, {}", smtpd.get(name));
        let what = format!("does not relay for those who log in ({name} lacks permit_sasl_authenticated)");
        visit.find(Code::PostfixRelay, subject(smtpd), what, vec![smtpd.set(name, &value), reload()]);
    }
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', ' ', '\t']).filter(|word| !word.is_empty())
}
