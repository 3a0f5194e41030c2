//! `sasldb-rs doctor`: what usually goes wrong between the accounts and a mail server, and the commands that mend it.
//!
//! `check` looks at the database; this looks at the machine. It changes nothing itself.

mod accounts;
mod chasquid;
mod client;
mod exim;
mod finding;
mod helper;
mod key_lines;
mod libsasl2;
mod mend;
mod postfix;
mod programs;
mod sendmail;
mod unread;

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Program;
use crate::cli::site::Site;
use crate::config::{Config, DEFAULT_FILE, Protocol, Socket};
use crate::identity::Realms;
use crate::store::sqlite::Inspector;

use super::options::{Doctor, Part};
use client::Client;
use finding::{Code, Finding, Findings};
use mend::Settings;

pub(super) fn doctor(program: &Program, site: &Site, file: Option<&Path>, doctor: &Doctor) -> Result<Exit, Failure> {
    let file = file.unwrap_or(Path::new(DEFAULT_FILE));
    let mut visit =
        Visit { site, file, settings: Settings::of(file), findings: Findings::default(), unseen: Vec::new() };
    let wanted = |part| doctor.parts.is_empty() || doctor.parts.contains(&part);
    // Whoever names a mail server wants it to ask here, whatever its own settings say.
    let asked = |part| doctor.parts.contains(&part);
    if wanted(Part::Accounts) {
        accounts::look(&mut visit);
    }
    if wanted(Part::Helper) {
        helper::look(&mut visit);
    }
    if wanted(Part::Postfix) {
        postfix::look(&mut visit, asked(Part::Postfix));
    }
    if wanted(Part::Exim) {
        exim::look(&mut visit, asked(Part::Exim));
    }
    if wanted(Part::Chasquid) {
        chasquid::look(&mut visit, asked(Part::Chasquid));
    }
    if wanted(Part::Sendmail) {
        sendmail::look(&mut visit, asked(Part::Sendmail));
    }
    if wanted(Part::Libsasl2) {
        programs::look(&mut visit);
    }
    let found = visit.findings.tell(doctor.json)?;
    visit.unseen.iter().for_each(|what| program.complain(what));
    Ok(match (visit.unseen.is_empty(), found) {
        (false, _) => Exit::Unavailable,
        (true, true) => Exit::Failure,
        (true, false) => Exit::Success,
    })
}

/// What is looked at, and what was found so far.
struct Visit<'a> {
    site: &'a Site,
    /// The helper's configuration file.
    file: &'a Path,
    settings: Settings<'a>,
    findings: Findings,
    /// What could not be looked at, and why.
    unseen: Vec<String>,
}

impl Visit<'_> {
    fn config(&self) -> &Config {
        &self.site.config
    }

    /// What a file says; none where it is not there, or cannot be read, which is then told.
    fn read(&mut self, file: &Path) -> Option<String> {
        match fs::read(file) {
            // Remarks may be in any encoding.
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(fault) if fault.kind() == ErrorKind::NotFound => None,
            Err(fault) => {
                self.unseen.push(format!("{} cannot be read: {fault}", file.display()));
                None
            }
        }
    }

    /// Says that what was named cannot be looked at.
    fn not_here(&mut self, asked: bool, what: &str) {
        if asked {
            self.unseen.push(what.to_owned());
        }
    }

    /// The same of one whose settings should be in `file`.
    fn no_file(&mut self, asked: bool, file: &Path) {
        let is_missing = matches!(file.try_exists(), Ok(false));
        self.not_here(asked && is_missing, &format!("{} is not there", file.display()));
    }

    fn find(&mut self, code: Code, subject: impl ToString, what: impl ToString, mend: Vec<String>) {
        self.findings.add(Finding::new(code, subject, what, mend));
    }

    /// Whether a folder is root's or the helper's.
    fn is_own(&self, folder: &Metadata) -> bool {
        let helper = self.config().user.as_ref().and_then(|user| user.uid().ok());
        folder.uid() == 0 || helper.is_some_and(|helper| helper.as_raw() == folder.uid())
    }

    fn restart_helper(&self) -> Vec<String> {
        mend::restart_helper(self.config(), self.file)
    }

    /// The default realm and its aliases; none where the database cannot be asked, which is told elsewhere.
    fn realms(&self) -> Option<Realms> {
        let inspector = Inspector::open(self.site.place()).ok()?;
        Some(self.config().realms(inspector.realms()))
    }

    /// The sockets of the settings on which this protocol is spoken.
    fn sockets(&self, protocol: Protocol) -> Vec<Socket> {
        let all = self.config().sockets();
        all.into_iter().filter(|(own, _)| *own == protocol).map(|(_, socket)| socket).collect()
    }

    /// The socket of the settings at `path`, whatever the names of its folder.
    fn ours(&self, protocol: Protocol, path: &Path) -> Option<Socket> {
        self.sockets(protocol).into_iter().find(|socket| place(socket.path.as_path()) == place(path))
    }

    /// Commands that make the helper open one more socket at `path`, with these keys in TOML.
    fn open_socket(&self, protocol: Protocol, path: &Path, keys: &[String]) -> Vec<String> {
        let mut lines = Vec::new();
        // Those that are opened because none is named have to be named from now on.
        let unnamed = if self.config().names_sockets() { Vec::new() } else { self.config().sockets() };
        for (own, socket) in unnamed.iter().filter(|(_, socket)| socket.path.as_path() != path) {
            lines.push(format!("[[{}]]", own.name()));
            lines.push(format!("path = {:?}", socket.path.as_path().display().to_string()));
        }
        lines.push(format!("[[{}]]", protocol.name()));
        lines.push(format!("path = {:?}", path.display().to_string()));
        lines.extend_from_slice(keys);
        let mut commands = vec![self.settings.add(&lines)];
        commands.extend(mend::make_folder(path.parent().unwrap_or(Path::new("/"))));
        commands.extend(self.restart_helper());
        commands
    }

    /// The same, for this client's own group.
    fn open_socket_for(&self, client: Option<&Client>, protocol: Protocol, path: &Path) -> Vec<String> {
        let group = client.and_then(Client::own_group).map(|group| format!("group = {group}"));
        let keys: Vec<String> = group.into_iter().chain(["mode = \"0660\"".to_owned()]).collect();
        self.open_socket(protocol, path, &keys)
    }
}

/// `path` without links in the names of its folders.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    folder.zip(path.file_name()).map_or_else(|| path.to_owned(), |(folder, name)| folder.join(name))
}

/// Whether somebody listens there.
fn listens(path: &Path) -> bool {
    UnixStream::connect(path).is_ok()
}
