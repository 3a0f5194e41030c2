//! Exim: where its authenticators ask, and whether its user gets there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::sasldb::people::Person;
use crate::cli::sasldb::shell::quote;
use crate::cli::sasldb::{machine, processes};
use crate::config::Protocol;

use super::client::{self, Client};
use super::finding::Code;
use super::mend::restart_service;
use super::{Visit, listens};

/// Names of the program, Debian's first.
const PROGRAMS: [&str; 2] = ["exim4", "exim"];

pub(super) fn look(visit: &mut Visit<'_>) {
    let ask = |arguments: &[&str]| PROGRAMS.iter().find_map(|program| machine::ask(program, arguments));
    let Some(said) = ask(&["-bP", "authenticators"]) else { return };
    let sockets: BTreeSet<PathBuf> = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("server_socket = "))
        .map(|path| PathBuf::from(path.trim()))
        .collect();
    let user =
        ask(&["-bP", "exim_user"]).and_then(|line| line.split_once(" = ").map(|(_, user)| user.trim().to_owned()));
    let Some(client) = user.as_deref().and_then(client) else { return };
    for path in sockets {
        match visit.ours(Protocol::Dovecot, &path) {
            Some(socket) => client::reach(visit, &client, Protocol::Dovecot, &socket),
            // Another helper's is not ours to judge.
            None if listens(&path) => {}
            None => elsewhere(visit, &client, &path),
        }
    }
}

/// Exim says its user by name or by number.
fn client(user: &str) -> Option<Client> {
    let person = user.parse().map_or_else(|_| Person::named(user), |id| Person::of(&crate::config::User::Id(id)))?;
    let processes = PROGRAMS.iter().flat_map(|program| processes::named(program)).collect();
    Some(Client { name: "Exim".to_owned(), person, processes, restart: restart() })
}

fn restart() -> Vec<String> {
    restart_service(&["exim4", "exim"])
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
    let change = format!("s|server_socket = {}$|server_socket = {}|", path.display(), to.display());
    let files =
        format!("grep -rlF {} /etc/exim4 /etc/exim 2>/dev/null", quote(&format!("server_socket = {}", path.display())));
    mend.push(format!("{files} | xargs sed -i {}", quote(&change)));
    mend.extend(restart());
    visit.find(Code::EximSocket, "Exim", format!("asks on {}, where nobody listens", path.display()), mend);
}
