//! chasquid: whether it uses the two sockets that it needs.

use std::path::Path;

use crate::cli::sasldb::shell::word;
use crate::cli::sasldb::{machine, processes};
use crate::config::Protocol;

use super::client::{self, Client};
use super::finding::Code;
use super::key_lines::KeyLines;
use super::{Visit, listens, unread};

const FILE: &str = "/etc/chasquid/chasquid.conf";
const NEEDS: [(&str, Protocol, &str); 2] = [
    ("dovecot_client_path", Protocol::Dovecot, "/run/sasldb-rs/auth"),
    ("dovecot_userdb_path", Protocol::Userdb, "/run/sasldb-rs/auth-userdb"),
];

pub(super) fn look(visit: &mut Visit<'_>, asked: bool) {
    let Some(text) = visit.read(Path::new(FILE)) else { return visit.no_file(asked, Path::new(FILE)) };
    let lines = KeyLines { file: Path::new(FILE), text: &text };
    // Of several lines with a key the last one counts.
    let value = |key| lines.values(key).next_back().map(|value| value.trim_matches('"'));
    let paths = NEEDS.map(|(key, ..)| value(key).map(Path::new));
    let on = value("dovecot_auth") == Some("true");
    if !on && !asked && paths.iter().all(Option::is_none) {
        return;
    }
    if !on {
        let what = format!("has dovecot_auth switched off in {FILE}");
        visit.find(Code::ChasquidAuthOff, "chasquid", what, set(&lines, "dovecot_auth", "true"));
    }
    let client = Client::running("chasquid", "chasquid", Some("chasquid"), restart());
    let running = client.as_ref().and_then(|client| client.processes.first());
    if let Some(began) = running.and_then(|process| processes::began(process.pid)) {
        unread::look(visit, "chasquid", began, &[Path::new(FILE)], restart());
    }
    for ((key, protocol, usual), path) in NEEDS.into_iter().zip(paths) {
        let ours = path.and_then(|path| visit.ours(protocol, path));
        match (ours, &client) {
            (Some(socket), Some(client)) => client::reach(visit, client, protocol, &socket),
            (Some(_), None) => {}
            (None, _) if path.is_some_and(listens) => {}
            (None, client) => elsewhere(visit, client.as_ref(), (key, protocol, usual), path, &lines),
        }
    }
}

fn restart() -> Vec<String> {
    machine::restart_service(&["chasquid"])
}

fn set(lines: &KeyLines<'_>, key: &str, value: &str) -> Vec<String> {
    [&lines.set(key, value)[..], &restart()].concat()
}

fn elsewhere(
    visit: &mut Visit<'_>,
    client: Option<&Client>,
    (key, protocol, usual): (&str, Protocol, &str),
    path: Option<&Path>,
    lines: &KeyLines<'_>,
) {
    let own = visit.sockets(protocol);
    let to = own.first().map_or(Path::new(usual), |socket| socket.path.as_path());
    let mut mend = Vec::new();
    if own.is_empty() {
        mend.extend(visit.open_socket_for(client, protocol, to));
    }
    mend.extend(set(lines, key, &format!("{:?}", to.display().to_string())));
    let what = match path {
        Some(path) => format!("asks on {} ({key}), where nobody listens", word(path)),
        None => format!("has no {key} in {FILE}"),
    };
    visit.find(Code::ChasquidSocket, "chasquid", what, mend);
}
