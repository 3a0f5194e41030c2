//! Who can read and change the database, its key and the folders above them.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid};

use crate::cli::site::Site;
use crate::config::{Config, User};

use super::report::{Finding, Kind, Report};

const OTHERS_READ_OR_WRITE: u32 = 0o006;
const OTHERS_WRITE: u32 = 0o002;
const GROUP_READ: u32 = 0o040;
const GROUP_WRITE: u32 = 0o020;
/// In a folder with this bit only the owner of a file may rename or remove it.
const STICKY: u32 = 0o1000;

pub(super) fn check(site: &Site, report: &mut Report) {
    let place = site.place();
    let beside = |suffix| {
        let mut path = place.database.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    };
    for path in [place.database.clone(), beside("-wal"), beside("-shm"), place.key_file.clone()] {
        check_file(&path, &site.config, report);
    }
    let (data, key) = (folder_of(&place.database), folder_of(&place.key_file));
    if data.is_some() && data == key && place.key_file.exists() {
        let what = "lies beside the database: a copy of the folder takes both";
        report.add(&Finding::new(Kind::KeyPlace, place.key_file.display(), what));
    }
    let mut seen: Vec<PathBuf> = Vec::new();
    for folder in [data, key].into_iter().flatten() {
        for (height, above) in folder.ancestors().enumerate() {
            if !seen.iter().any(|known| known == above) {
                seen.push(above.to_owned());
                check_folder(above, height == 0, report);
            }
        }
    }
}

/// The folder without links in its path; none if it is not there, which opening the database will tell.
fn folder_of(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::canonicalize(folder).ok()
}

fn look(path: &Path, report: &mut Report) -> Option<Metadata> {
    match fs::metadata(path) {
        Ok(meta) => Some(meta),
        Err(fault) if fault.kind() == ErrorKind::NotFound => None,
        Err(fault) => {
            report.add(&Finding::new(Kind::Permissions, path.display(), format_args!("cannot be looked at: {fault}")));
            None
        }
    }
}

fn check_file(path: &Path, config: &Config, report: &mut Report) {
    let Some(meta) = look(path, report) else { return };
    let mut tell = |what: String| report.add(&Finding::new(Kind::Permissions, path.display(), what));
    if let Some(owner) = stranger(&meta) {
        tell(format!("belongs to {owner}, not to root"));
    }
    if meta.mode() & OTHERS_READ_OR_WRITE != 0 {
        tell(format!("may be read or written by everybody (mode {:04o}): chmod o= it", meta.mode() & 0o7777));
    }
    if meta.mode() & GROUP_WRITE != 0 {
        tell(format!("may be written by group {} (mode {:04o}): chmod g-w it", group(&meta), meta.mode() & 0o7777));
    }
    // Root's group is root.
    if meta.mode() & GROUP_READ != 0 && meta.gid() != 0 {
        for reader in other_readers(&meta, config) {
            tell(format!("may be read by {reader}, through group {}", group(&meta)));
        }
    }
}

/// Who is let in by the file's group besides the helper: its other members, and the sockets' clients.
fn other_readers(meta: &Metadata, config: &Config) -> Vec<String> {
    let helper = config.user.as_ref().and_then(|user| user.uid().ok());
    let is_helper =
        |name: &String| User::Named(name.clone()).uid().is_ok_and(|uid| Some(uid) == helper || uid.is_root());
    let members = nix::unistd::Group::from_gid(Gid::from_raw(meta.gid())).ok().flatten().map(|group| group.mem);
    let members = members.unwrap_or_default().into_iter().filter(|name| !is_helper(name));
    let opens = |group: &crate::config::Group| group.gid().is_ok_and(|gid| gid.as_raw() == meta.gid());
    let sockets = config.named_sockets().map(|(_, socket)| socket);
    let sockets = sockets.filter(|socket| socket.group.as_ref().is_some_and(opens));
    let clients = sockets.map(|socket| format!("whoever may open the socket {}", socket.path.as_path().display()));
    members.map(|name| format!("user {name}")).chain(clients).collect()
}

/// `holds_it`: whether the file itself lies in this folder, where a new name beside it does harm too.
fn check_folder(path: &Path, holds_it: bool, report: &mut Report) {
    let Some(meta) = look(path, report) else { return };
    let mut tell = |what: String| report.add(&Finding::new(Kind::Permissions, path.display(), what));
    if let Some(owner) = stranger(&meta) {
        tell(format!("belongs to {owner}, who can put another database in its place"));
    }
    let guarded = meta.mode() & STICKY != 0 && !holds_it;
    if meta.mode() & OTHERS_WRITE != 0 && !guarded {
        tell("may be written by everybody, who can put another database in its place: chmod o-w it".to_owned());
    }
    if meta.mode() & GROUP_WRITE != 0 && meta.gid() != 0 && !guarded {
        tell(format!("may be written by group {}, which can put another database in its place", group(&meta)));
    }
}

/// The owner, if it is neither root nor who asks.
fn stranger(meta: &Metadata) -> Option<String> {
    let uid = Uid::from_raw(meta.uid());
    if uid.is_root() || uid == nix::unistd::geteuid() {
        return None;
    }
    let name = nix::unistd::User::from_uid(uid).ok().flatten().map(|user| user.name);
    Some(name.map_or_else(|| format!("uid {uid}"), |name| format!("user {name}")))
}

fn group(meta: &Metadata) -> String {
    let gid = Gid::from_raw(meta.gid());
    let name = nix::unistd::Group::from_gid(gid).ok().flatten().map(|group| group.name);
    name.unwrap_or_else(|| gid.to_string())
}
