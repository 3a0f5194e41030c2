//! Who can read and change the database, its key and the folders above them, and whether the helper can.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid};

use crate::cli::site::Site;
use crate::store::{beside, folder_of};

use crate::cli::sasldb::people::{self, People, Person};
use crate::cli::sasldb::shell::word;

use super::report::{Finding, Kind};

const OTHERS_READ_OR_WRITE: u32 = 0o006;
const OTHERS_WRITE: u32 = 0o002;
const GROUP_READ: u32 = 0o040;
const GROUP_WRITE: u32 = 0o020;
/// In a folder with this bit only the owner of a file may rename or remove it.
const STICKY: u32 = 0o1000;

/// Gives each finding to `tell`, with the commands that mend it.
pub(in crate::cli::sasldb) fn check(site: &Site, tell: &mut dyn FnMut(Finding)) {
    let place = site.place();
    let people = People::of(&site.config);
    let [log, shared] = ["-wal", "-shm"].map(|suffix| beside(&place.database, suffix));
    let files = [place.database.clone(), log, shared, place.key_file.clone()];
    for path in &files {
        check_file(path, &people, tell);
    }
    let (data, key) = (real_folder_of(&place.database), real_folder_of(&place.key_file));
    if data.is_some() && data == key && place.key_file.exists() {
        let what = "lies beside the database: a copy of the folder takes both";
        tell(Finding::new(Kind::KeyPlace, place.key_file.display(), what));
    }
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in [data, key].into_iter().flatten() {
        for (height, above) in folder.ancestors().enumerate() {
            if !folders.iter().any(|known| known == above) {
                folders.push(above.to_owned());
                check_folder(above, height == 0, tell);
            }
        }
    }
    for (client, socket) in people.clients_that_are_the_helper() {
        let what = format!("lets in user {client}, who is also the helper's and reads the database");
        tell(Finding::new(Kind::Permissions, socket.display(), what));
    }
    if let Some(helper) = &people.helper {
        check_helper(helper, &files, &folders, &site.config.activity(), tell);
    }
}

/// The folder without links in its path; none if it is not there, which opening the database will tell.
fn real_folder_of(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(folder_of(path)).ok()
}

fn look(path: &Path, tell: &mut dyn FnMut(Finding)) -> Option<Metadata> {
    match fs::metadata(path) {
        Ok(meta) => Some(meta),
        Err(fault) if fault.kind() == ErrorKind::NotFound => None,
        Err(fault) => {
            tell(Finding::new(Kind::Permissions, path.display(), format_args!("cannot be looked at: {fault}")));
            None
        }
    }
}

fn check_file(path: &Path, people: &People, tell: &mut dyn FnMut(Finding)) {
    let Some(meta) = look(path, tell) else { return };
    let file = word(path);
    let mut tell = |what: String, mend: Option<String>| {
        tell(Finding::new(Kind::Permissions, path.display(), what).mend(mend));
    };
    if let Some(owner) = stranger(&meta) {
        tell(format!("belongs to {owner}, not to root"), Some(format!("chown root {file}")));
    }
    if meta.mode() & OTHERS_READ_OR_WRITE != 0 {
        let what = format!("may be read or written by everybody (mode {:04o}): chmod o= it", meta.mode() & 0o7777);
        tell(what, Some(format!("chmod o= {file}")));
    }
    if meta.mode() & GROUP_WRITE != 0 {
        let what =
            format!("may be written by group {} (mode {:04o}): chmod g-w it", group(&meta), meta.mode() & 0o7777);
        tell(what, Some(format!("chmod g-w {file}")));
    }
    // Root's group is root.
    if meta.mode() & GROUP_READ != 0 && meta.gid() != 0 {
        // Where nobody can leave the group, the file can, unless the helper reads it by this one.
        let own = people.helper.as_ref().and_then(Person::own_group).filter(|own| own.as_raw() != meta.gid());
        for (reader, member) in people.in_group_of(&meta) {
            let what = format!("may be read by {reader}, through group {}", group(&meta));
            let leave = member.map(|member| format!("gpasswd -d {member} {}", group(&meta)));
            tell(what, leave.or_else(|| own.map(|own| format!("chgrp {own} {file}"))));
        }
    }
    if has_access_list(path) {
        let what = "has an access list, which may let in anybody: setfacl -b takes it away".to_owned();
        tell(what, Some(format!("setfacl -b {file}")));
    }
}

/// `holds_it`: whether the file itself lies in this folder, where a new name beside it does harm too.
fn check_folder(path: &Path, holds_it: bool, tell: &mut dyn FnMut(Finding)) {
    let Some(meta) = look(path, tell) else { return };
    let mut tell = |what: String, mend: &str| {
        tell(Finding::new(Kind::Permissions, path.display(), what).mend([format!("{mend} {}", word(path))]));
    };
    if let Some(owner) = stranger(&meta) {
        tell(format!("belongs to {owner}, who can put another database in its place"), "chown root");
    }
    let guarded = meta.mode() & STICKY != 0 && !holds_it;
    if meta.mode() & OTHERS_WRITE != 0 && !guarded {
        let what = "may be written by everybody, who can put another database in its place: chmod o-w it".to_owned();
        tell(what, "chmod o-w");
    }
    if meta.mode() & GROUP_WRITE != 0 && meta.gid() != 0 && !guarded {
        let what = format!("may be written by group {}, which can put another database in its place", group(&meta));
        tell(what, "chmod g-w");
    }
}

/// What the helper's user needs: each file to be read, each folder above it to be entered, activity to be written.
fn check_helper(
    helper: &Person,
    files: &[PathBuf],
    folders: &[PathBuf],
    activity: &Path,
    tell: &mut dyn FnMut(Finding),
) {
    let mut tell = |path: &Path, done: &str, effect: &str, mend: Vec<String>| {
        let what = format!("cannot be {done} by the helper's user {}: {effect}", helper.name);
        tell(Finding::new(Kind::Permissions, path.display(), what).mend(mend));
    };
    // What is not there, or not for us to see, is told elsewhere.
    let denied = |path: &Path, wanted| fs::metadata(path).is_ok_and(|meta| !helper.may(wanted, &meta));
    let own = helper.own_group().map_or(String::new(), |group| group.to_string());
    let by_group = |path: &Path, right: char| {
        let path = word(path);
        vec![format!("chgrp {own} {path}"), format!("chmod g+{right} {path}")]
    };
    let unavailable = "logins are unavailable";
    for path in files.iter().filter(|path| denied(path, people::READ)) {
        tell(path, "read", unavailable, by_group(path, 'r'));
    }
    let holds_files = |folder: &Path| files.iter().any(|file| real_folder_of(file).as_deref() == Some(folder));
    for path in folders.iter().filter(|path| denied(path, people::ENTER)) {
        let mend = if holds_files(path) { by_group(path, 'x') } else { vec![format!("chmod o+x {}", word(path))] };
        tell(path, "entered", unavailable, mend);
    }
    if !activity.is_dir() || denied(activity, people::WRITE | people::ENTER) {
        let made = format!("install -d -o {} -g {own} -m 750 {}", helper.name, word(activity));
        tell(activity, "written", "who logged in when is not recorded", vec![made]);
    }
}

/// Beyond its mode. The mode's group bits are then the most that the list gives to anybody.
pub(in crate::cli::sasldb) fn has_access_list(path: &Path) -> bool {
    // A list has no room in one byte; what it says does not matter.
    rustix::fs::getxattr(path, "system.posix_acl_access", &mut [0u8; 1]) == Err(rustix::io::Errno::RANGE)
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
