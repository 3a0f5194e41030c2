//! What libsasl2 is told about a program, and whether it gets where it is told.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::Uid;

use crate::cli::sasldb::machine::{self, PLUGIN};
use crate::cli::sasldb::people::Person;
use crate::cli::sasldb::setup::libsasl2::served;
use crate::cli::sasldb::shell::{quote, word};
use crate::config::{Protocol, User};
use crate::identity::Realm;
use crate::vocabulary::Mechanism;

use super::client::{self, Client};
use super::finding::Code;
use super::key_lines::KeyLines;
use super::{Visit, listens};

/// Where libsasl2 and our plugin ask unless they are told.
const USUAL_MUX: &str = "/var/run/saslauthd/mux";
const USUAL_LOOKUP: &str = "/run/sasldb-rs/lookup";

/// The user whose helper our plugin believes unless it is told.
const USUAL_USER: &str = "sasldb-rs";

/// A program that uses libsasl2.
pub(super) struct Application<'a> {
    /// As it calls itself there.
    pub(super) name: &'a str,
    /// Where its settings are sought, in this order.
    pub(super) folders: &'a [PathBuf],
    /// With what the keys of its settings begin, in a file that is the program's own.
    pub(super) prefix: &'a str,
    pub(super) client: &'a Client,
    /// The folder to which it is chrooted when it asks.
    pub(super) root: Option<&'a Path>,
    /// What it lets libsasl2 offer at most; none where that is said by libsasl2's settings alone.
    pub(super) offers: Option<&'a [&'a str]>,
    /// The realm that it gives to DIGEST-MD5, where that is known.
    pub(super) realm: Option<Given<'a>>,
}

/// A realm that a program gives.
pub(super) struct Given<'a> {
    pub(super) realm: &'a str,
    /// Makes it give another one.
    pub(super) set: &'a dyn Fn(&str) -> Vec<String>,
}

impl Application<'_> {
    /// As it is called outside of the chroot.
    fn outside(&self, path: &str) -> PathBuf {
        self.root.map_or_else(|| PathBuf::from(path), |root| root.join(path.trim_start_matches('/')))
    }

    /// As the program sees it; none where it does not.
    fn inside(&self, path: &Path) -> Option<String> {
        match self.root {
            None => Some(path.display().to_string()),
            Some(root) => path.strip_prefix(root).ok().map(|path| format!("/{}", path.display())),
        }
    }

    /// The first socket of the settings with this protocol that the program sees, as it sees it.
    fn sees(&self, visit: &Visit<'_>, protocol: Protocol) -> Option<String> {
        visit.sockets(protocol).iter().find_map(|socket| self.inside(socket.path.as_path()))
    }

    /// The same; else a place for one in which this peer in TOML is answered, with the commands that make it.
    fn socket(&self, visit: &Visit<'_>, protocol: Protocol, name: &str, peer: &str) -> (String, Vec<String>) {
        if let Some(own) = self.sees(visit, protocol) {
            return (own, Vec::new());
        }
        let folder = self.root.map_or(PathBuf::from("/run/sasldb-rs"), |root| root.join("private"));
        let path = folder.join(name);
        let keys = ["mode = \"0666\"".to_owned(), format!("peers = [{peer}]")];
        (self.inside(&path).unwrap_or_default(), visit.open_socket(protocol, &path, &keys))
    }
}

/// Says whether the program asks the helper, or is to. `wanted`: it is to, where the helper has a socket for it.
pub(super) fn look(visit: &mut Visit<'_>, program: &Application<'_>, wanted: bool) -> bool {
    let wanted = wanted && has_socket_for(visit, program);
    let candidates = program.folders.iter().map(|folder| folder.join(format!("{}.conf", program.name)));
    let Some(file) = candidates.clone().find(|file| file.is_file()) else {
        if wanted {
            let to = candidates.clone().next().unwrap_or_default();
            let mend = [write(visit, program, &to), program.client.restart.clone()].concat();
            let what = format!("has no {}.conf: libsasl2 asks sasldb2", program.name);
            visit.find(Code::SaslFileMissing, &program.client.name, what, mend);
        }
        return wanted;
    };
    let Some(text) = visit.read(&file) else { return false };
    let settings = Told { lines: KeyLines { file: &file, text: &text }, program };
    let mux = settings.value("saslauthd_path").unwrap_or(USUAL_MUX);
    let names_us = text.contains("sasldb_rs") || visit.ours(Protocol::Saslauthd, &program.outside(mux)).is_some();
    if !names_us && !wanted {
        return false;
    }
    let writable = fs::metadata(&file).is_ok_and(|meta| meta.mode() & 0o002 != 0);
    if writable {
        let mend = [vec![format!("chmod o-w {}", word(&file))], program.client.restart.clone()].concat();
        visit.find(Code::SaslFileWritable, file.display(), "may be written by everybody", mend);
    }
    settings.look_at_mux(visit, mux);
    settings.look_at_plugin(visit);
    true
}

/// Whether the settings name a lookup socket that the program sees, and on which it is to get something.
fn has_socket_for(visit: &Visit<'_>, program: &Application<'_>) -> bool {
    let lookups = visit.config().lookup.iter();
    let mut seen = lookups.filter(|lookup| program.inside(lookup.socket.path.as_path()).is_some());
    seen.any(|lookup| client::gets_something(program.client, lookup))
}

/// A whole file of settings.
fn write(visit: &Visit<'_>, program: &Application<'_>, file: &Path) -> Vec<String> {
    let mut lines = vec!["pwcheck_method: saslauthd".to_owned(), "auxprop_plugin: sasldb_rs".to_owned()];
    lines.extend(program.sees(visit, Protocol::Saslauthd).map(|mux| format!("saslauthd_path: {mux}")));
    lines.extend(program.sees(visit, Protocol::Lookup).map(|lookup| format!("sasldb_rs_socket: {lookup}")));
    lines.push(format!("mech_list: {}", served(visit.config()).join(" ")));
    let lines: Vec<String> = lines.iter().map(|line| quote(line)).collect();
    let folder = file.parent().unwrap_or(Path::new("/"));
    vec![format!("mkdir -p {}", word(folder)), format!("printf '%s\\n' {} >{}", lines.join(" "), word(file))]
}

/// Whether accounts would have to have something for this mechanism, and have not.
pub(super) fn cannot_be_served(visit: &Visit<'_>, mechanism: &str) -> bool {
    match Mechanism::from_name(mechanism.as_bytes()) {
        Some(Mechanism::External) => false,
        Some(known) => !visit.config().mechanisms().contains(known),
        // With a hash of which nothing is ever stored, or bound to the channel.
        None => mechanism.get(..6).is_some_and(|family| family.eq_ignore_ascii_case("SCRAM-")),
    }
}

/// What a file says.
struct Told<'a> {
    lines: KeyLines<'a>,
    program: &'a Application<'a>,
}

impl Told<'_> {
    /// The first line with a key counts.
    fn value(&self, key: &str) -> Option<&str> {
        self.lines.values(&self.key(key)).next()
    }

    fn set(&self, key: &str, value: &str) -> Vec<String> {
        [&self.lines.set(&self.key(key), value)[..], &self.program.client.restart].concat()
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.program.prefix)
    }

    fn look_at_mux(&self, visit: &mut Visit<'_>, mux: &str) {
        let (program, file) = (self.program, self.lines.file.display());
        let method = self.value("pwcheck_method").unwrap_or("auxprop");
        if !method.split_ascii_whitespace().any(|method| method == "saslauthd") {
            let what = format!("says pwcheck_method: {method}, which can check no PLAIN and no LOGIN here");
            visit.find(Code::SaslVerifier, file, what, self.set("pwcheck_method", "saslauthd"));
            return;
        }
        let seen = program.outside(mux);
        if let Some(socket) = visit.ours(Protocol::Saslauthd, &seen) {
            client::reach(visit, program.client, Protocol::Saslauthd, &socket);
        } else if !listens(&seen) {
            let peer = format!("{:?}", program.client.person.name);
            let (to, mut mend) = program.socket(visit, Protocol::Saslauthd, "mux", &peer);
            mend.extend(self.set("saslauthd_path", &to));
            visit.find(Code::SaslMux, file, format!("names {mux}, where nobody listens"), mend);
        }
    }

    fn look_at_plugin(&self, visit: &mut Visit<'_>) {
        let (program, file) = (self.program, self.lines.file.display());
        let plugins = self.value("auxprop_plugin");
        if !plugins.unwrap_or_default().split_ascii_whitespace().any(|name| name == "sasldb_rs") {
            // PLAIN and LOGIN do without.
            let does_without = |name: &str| {
                let known = Mechanism::from_name(name.as_bytes());
                known.is_some_and(|known| known.is_plaintext() || known == Mechanism::External)
            };
            let only_plaintext =
                self.value("mech_list").is_some_and(|list| list.split_ascii_whitespace().all(does_without));
            if !only_plaintext {
                let said = plugins.map_or("names no plugin".to_owned(), |name| format!("names the plugin {name}"));
                let what = format!("{said}: passwords are sought elsewhere for all but PLAIN and LOGIN");
                visit.find(Code::SaslPlugin, file, what, self.set("auxprop_plugin", "sasldb_rs"));
            }
            return;
        }
        if let Some(folder) = machine::plugin_folder().filter(|folder| !folder.join(PLUGIN).is_file()) {
            let mut mend = vec![format!("install -m 644 {} {}/", word(&machine::beside_us(PLUGIN)), word(&folder))];
            mend.extend(program.client.restart.iter().cloned());
            let what = format!("lacks {PLUGIN}, which {file} names");
            visit.find(Code::PluginMissing, folder.display(), what, mend);
        }
        self.look_at_lookup(visit);
        self.look_at_mechanisms(visit);
        self.look_at_realm(visit);
    }

    fn look_at_lookup(&self, visit: &mut Visit<'_>) {
        let (program, file) = (self.program, self.lines.file.display());
        let told = self.value("sasldb_rs_socket").unwrap_or(USUAL_LOOKUP);
        let seen: Vec<PathBuf> = told.split_ascii_whitespace().map(|path| program.outside(path)).collect();
        let ours = seen.iter().find_map(|path| visit.ours(Protocol::Lookup, path));
        if let Some(socket) = ours {
            client::reach(visit, program.client, Protocol::Lookup, &socket);
            self.look_at_user(visit, socket.path.as_path());
        } else if !seen.iter().any(|path| listens(path)) {
            let peer = format!("{{ user = {:?} }}", program.client.person.name);
            let (to, mut mend) = program.socket(visit, Protocol::Lookup, "lookup", &peer);
            mend.extend(self.set("sasldb_rs_socket", &to));
            let what = format!("makes the plugin ask on {told}, where nobody listens");
            visit.find(Code::SaslLookup, file, what, mend);
        }
    }

    /// The plugin believes root, and whom it is told.
    fn look_at_user(&self, visit: &mut Visit<'_>, socket: &Path) {
        let told = self.value("sasldb_rs_user").unwrap_or(USUAL_USER);
        let believed = told.parse().map_or_else(|_| User::Named(told.to_owned()), User::Id).uid().ok();
        let Some(opener) = opener(socket).filter(|uid| !uid.is_root() && Some(*uid) != believed) else { return };
        let name = Person::of(&User::Id(opener.as_raw())).map_or(opener.to_string(), |person| person.name);
        let what = format!("makes the plugin believe user {told} and root, and {} is {name}'s", socket.display());
        visit.find(Code::SaslUser, self.lines.file.display(), what, self.set("sasldb_rs_user", &name));
    }

    fn look_at_mechanisms(&self, visit: &mut Visit<'_>) {
        // What such a program offers is its own affair, and it may need what it does not offer to be in the list.
        if self.program.offers.is_some() {
            return;
        }
        let said = self.value("mech_list");
        let offered: Vec<&str> = said.unwrap_or_default().split_ascii_whitespace().collect();
        let (unserved, rest): (Vec<&str>, Vec<&str>) = offered.iter().partition(|name| cannot_be_served(visit, name));
        if said.is_some() && unserved.is_empty() {
            return;
        }
        let (what, list) = if said.is_none() {
            ("names no mechanisms: all that libsasl2 has are offered".to_owned(), served(visit.config()))
        } else {
            (format!("offers {}, for which nothing is stored", unserved.join(" ")), rest)
        };
        visit.find(Code::SaslMechanisms, self.lines.file.display(), what, self.set("mech_list", &list.join(" ")));
    }

    /// DIGEST-MD5 hashes the realm that the program gives, and no other.
    fn look_at_realm(&self, visit: &mut Visit<'_>) {
        let is_digest = |name: &str| Mechanism::from_name(name.as_bytes()) == Some(Mechanism::DigestMd5);
        let offered = self.value("mech_list").is_none_or(|list| list.split_ascii_whitespace().any(is_digest));
        let lets = self.program.offers.is_none_or(|list| list.iter().copied().any(is_digest));
        let (Some(Given { realm, set }), true) = (&self.program.realm, offered && lets) else { return };
        let Some(realms) = visit.realms() else { return };
        let known = |own: &Realm| Realm::new(realm).is_ok_and(|realm| realm.same(own));
        if !known(realms.default_realm()) && !realms.aliases().iter().any(known) {
            let default = realms.default_realm().as_str();
            let what = format!(
                "gives the realm {realm} to DIGEST-MD5, which is neither the default realm, {default}, nor an alias of it"
            );
            visit.find(Code::SaslRealm, &self.program.client.name, what, set(default));
        }
    }
}

/// As whom somebody began to listen on a socket.
fn opener(socket: &Path) -> Option<Uid> {
    let stream = UnixStream::connect(socket).ok()?;
    let peer = getsockopt(&stream, PeerCredentials).ok()?;
    Some(Uid::from_raw(peer.uid()))
}
