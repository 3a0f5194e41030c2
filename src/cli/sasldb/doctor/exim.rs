//! Exim: where its authenticators ask, whether its user gets there, which mechanisms they offer, and what a login is good for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::cli::sasldb::people::Person;
use crate::cli::sasldb::shell::quote;
use crate::cli::sasldb::{machine, processes};
use crate::config::Protocol;

use super::client::{self, Client};
use super::finding::Code;
use super::libsasl2::{self, Application, Given};
use super::{Visit, listens};

/// Names of the program, Debian's first.
const PROGRAMS: [&str; 2] = ["exim4", "exim"];

/// Where its condition `saslauthd` asks: the path is compiled in.
const MUX: &str = "/run/saslauthd/mux";

/// Folders in which its settings are, or the pieces of which they are made.
const FOLDERS: &str = "/etc/exim4 /etc/exim";

/// What Exim says of an authenticator.
struct Authenticator {
    name: String,
    options: BTreeMap<String, String>,
}

impl Authenticator {
    fn get(&self, option: &str) -> &str {
        self.options.get(option).map_or("", String::as_str)
    }

    /// Whether it checks who logs in here.
    fn serves(&self) -> bool {
        match self.get("driver") {
            "dovecot" | "cyrus_sasl" => true,
            _ => self.asks_mux(),
        }
    }

    fn asks_mux(&self) -> bool {
        self.get("server_condition").contains("saslauthd{")
    }
}

pub(super) fn look(visit: &mut Visit<'_>, asked: bool) {
    let Some(said) = ask(&["-bP", "authenticators"]) else {
        let is_here = PROGRAMS.into_iter().any(machine::has);
        return visit
            .not_here(asked || is_here, "Exim does not tell its settings: see what exim -bP authenticators says");
    };
    let authenticators = authenticators(&said);
    let Some(client) = value("exim_user").as_deref().and_then(client) else { return };
    let asks = [
        look_at_sockets(visit, &client, &authenticators),
        look_at_mux(visit, &client, &authenticators),
        look_at_libsasl2(visit, &client, &authenticators),
    ];
    if asks.contains(&true) {
        look_at_mechanisms(visit, &authenticators);
        look_at_relaying(visit);
    }
}

fn ask(arguments: &[&str]) -> Option<String> {
    PROGRAMS.iter().find_map(|program| machine::ask(program, arguments))
}

/// A setting of the whole of Exim.
fn value(setting: &str) -> Option<String> {
    let said = ask(&["-bP", setting])?;
    said.trim().strip_prefix(setting)?.trim_start().strip_prefix('=').map(|value| value.trim().to_owned())
}

fn authenticators(said: &str) -> Vec<Authenticator> {
    let mut found: Vec<Authenticator> = Vec::new();
    for line in said.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix(" authenticator:") {
            found.push(Authenticator { name: name.to_owned(), options: BTreeMap::new() });
        } else if let (Some(own), Some((option, value))) = (found.last_mut(), line.split_once('=')) {
            own.options.insert(option.trim().to_owned(), value.trim().to_owned());
        }
    }
    found
}

/// Exim says its user by name or by number.
fn client(user: &str) -> Option<Client> {
    let person = user.parse().map_or_else(|_| Person::named(user), |id| Person::of(&crate::config::User::Id(id)))?;
    let processes = PROGRAMS.iter().flat_map(|program| processes::named(program)).collect();
    Some(Client { name: "Exim".to_owned(), person, processes, restart: restart() })
}

fn restart() -> Vec<String> {
    machine::restart_service(&["exim4", "exim"])
}

/// Changes the files in which these lines stand, by scripts of sed, and makes that count.
fn change(lines: &str, scripts: &[String]) -> Vec<String> {
    let files = format!("grep -rl {} {FOLDERS} 2>/dev/null", quote(lines));
    let scripts: Vec<String> = scripts.iter().map(|script| format!("-e {}", quote(script))).collect();
    let mut mend = vec![format!("{files} | xargs sed -i {}", scripts.join(" "))];
    mend.extend(restart());
    mend
}

/// The dovecot sockets. Says whether it asks the helper there, or is to.
fn look_at_sockets(visit: &mut Visit<'_>, client: &Client, authenticators: &[Authenticator]) -> bool {
    let sockets = authenticators.iter().map(|own| own.get("server_socket")).filter(|path| !path.is_empty());
    let mut asks = false;
    for path in sockets.map(PathBuf::from).collect::<BTreeSet<_>>() {
        match visit.ours(Protocol::Dovecot, &path) {
            Some(socket) => client::reach(visit, client, Protocol::Dovecot, &socket),
            // Another helper's is not ours to judge.
            None if listens(&path) => continue,
            None => elsewhere(visit, client, &path),
        }
        asks = true;
    }
    asks
}

fn elsewhere(visit: &mut Visit<'_>, client: &Client, path: &Path) {
    let queue = machine::postfix_queue();
    let own = visit.sockets(Protocol::Dovecot);
    let own = own.iter().map(|socket| socket.path.as_path()).find(|own| !own.starts_with(&queue));
    let to = own.unwrap_or(Path::new("/run/sasldb-rs/auth"));
    let mut mend = Vec::new();
    if own.is_none() {
        mend.extend(visit.open_socket_for(Some(client), Protocol::Dovecot, to));
    }
    let line = format!("server_socket = {}$", path.display());
    mend.extend(change(&line, &[format!("s|{line}|server_socket = {}|", to.display())]));
    visit.find(Code::EximSocket, "Exim", format!("asks on {}, where nobody listens", path.display()), mend);
}

/// The condition `saslauthd`. Says whether it asks the helper there, or is to.
fn look_at_mux(visit: &mut Visit<'_>, client: &Client, authenticators: &[Authenticator]) -> bool {
    let path = Path::new(MUX);
    if !authenticators.iter().any(Authenticator::asks_mux) {
        return false;
    }
    if let Some(socket) = visit.ours(Protocol::Saslauthd, path) {
        client::reach(visit, client, Protocol::Saslauthd, &socket);
        return true;
    }
    if listens(path) {
        return false;
    }
    let mend = visit.open_socket_for(Some(client), Protocol::Saslauthd, path);
    visit.find(Code::EximSocket, "Exim", format!("asks on {MUX}, where nobody listens"), mend);
    true
}

/// The driver `cyrus_sasl`. Says whether that asks the helper, or is to.
fn look_at_libsasl2(visit: &mut Visit<'_>, client: &Client, authenticators: &[Authenticator]) -> bool {
    let own: Vec<&Authenticator> = authenticators.iter().filter(|own| own.get("driver") == "cyrus_sasl").collect();
    let Some(digest) = own.iter().find(|own| own.get("public_name") == "DIGEST-MD5").or(own.first()) else {
        return false;
    };
    let mut given = ["server_realm", "server_hostname"].map(|option| digest.get(option)).into_iter();
    let given = given.find(|name| !name.is_empty()).unwrap_or_default().to_owned();
    let realm = if given.contains('$') { value("primary_hostname").unwrap_or_default() } else { given };
    let set = |default: &str| {
        let scripts = [
            "/^[[:space:]]*server_realm[[:space:]]*=/d".to_owned(),
            format!("s/^\\([[:space:]]*\\)driver = cyrus_sasl$/&\\n\\1server_realm = {default}/"),
        ];
        change("driver = cyrus_sasl$", &scripts)
    };
    let offers: Vec<&str> = own.iter().map(|own| own.get("public_name")).collect();
    let folders = machine::sasl_folders();
    let application = Application {
        name: "exim",
        folders: &folders,
        prefix: "",
        client,
        root: None,
        offers: Some(&offers),
        realm: (!realm.is_empty()).then_some(Given { realm: &realm, set: &set }),
    };
    libsasl2::look(visit, &application, true)
}

/// Each authenticator is offered, whatever the helper announces.
fn look_at_mechanisms(visit: &mut Visit<'_>, authenticators: &[Authenticator]) {
    for own in authenticators.iter().filter(|own| own.serves()) {
        let (name, mechanism) = (&own.name, own.get("public_name"));
        let off = own.get("server_advertise_condition") == "no";
        if off || !libsasl2::cannot_be_served(visit, mechanism) {
            continue;
        }
        let scripts = [
            format!("/^{name}:/,/^[^[:space:]#]/{{/^[[:space:]]*server_advertise_condition/d}}"),
            format!("/^{name}:/a \\  server_advertise_condition = no"),
        ];
        let what = format!("offers {mechanism} ({name}), for which nothing is stored");
        visit.find(Code::EximMechanism, "Exim", what, change(&format!("^{name}:"), &scripts));
    }
}

/// Whether the ACL for recipients has a word on those who have logged in.
fn look_at_relaying(visit: &mut Visit<'_>) {
    let is_name = |acl: &String| acl.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    let (Some(acl), Some(file)) = (value("acl_smtp_rcpt").filter(is_name), ask(&["-bP", "configure_file"])) else {
        return;
    };
    let Some(text) = visit.read(Path::new(file.trim())) else { return };
    let head = format!("{acl}:");
    let begins =
        |line: &&str| line.starts_with("begin ") || (line.ends_with(':') && !line.starts_with([' ', '\t', '#']));
    let mut own =
        text.lines().skip_while(|line| line.trim_end() != head).skip(1).take_while(|line| !begins(line)).peekable();
    // What is included is not looked at.
    let has_word =
        |line: &str| !line.trim_start().starts_with('#') && line.contains("authenticated") || line.contains(".include");
    if own.peek().is_none() || own.any(has_word) {
        return;
    }
    let what = format!("does not relay for those who log in (the ACL {acl} has no word on them)");
    let mend = change(&format!("^{head}"), &[format!("/^{head}/a \\  accept authenticated = *")]);
    visit.find(Code::EximRelay, "Exim", what, mend);
}
