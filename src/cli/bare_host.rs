//! The folders of the default database and its key, where nobody has made them: the first account of a bare host makes them, as
//! saslpasswd2 makes its file there.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::path::Path;

use nix::unistd::Gid;

use crate::config::Config;

/// For root and its group.
const ROOTS: u32 = 0o750;

/// For root and the helper's user, whose group the files in it get too.
const HELPERS: u32 = 0o2750;

/// Makes those of the two that are missing; says whether they are there now, as far as that could be done. A place that somebody has
/// named is theirs to make.
pub(super) fn make_folders(config: &Config) -> bool {
    let place = config.place();
    let (true, Some(group)) = (place == Config::default().place(), group_of_helper(config)) else { return false };
    for folder in [&place.database, &place.key_file].into_iter().filter_map(|file| file.parent()) {
        // Another process may be faster; what cannot be made, opening the database will tell.
        let _ = make_folder(folder, group);
    }
    true
}

/// The group that reads what root writes: that of the helper's user, which is root where the settings name nobody. None if they name
/// a user that is not there yet, whose group nobody knows.
fn group_of_helper(config: &Config) -> Option<Gid> {
    match &config.user {
        None => Some(Gid::from_raw(0)),
        Some(user) => Some(nix::unistd::User::from_uid(user.uid().ok()?).ok()??.gid),
    }
}

fn make_folder(folder: &Path, group: Gid) -> io::Result<()> {
    let mode = if group.as_raw() == 0 { ROOTS } else { HELPERS };
    DirBuilder::new().mode(0o700).create(folder)?;
    // Group before mode: with the group the bit that hands it down would go.
    chown(folder, None, Some(group.as_raw()))?;
    fs::set_permissions(folder, Permissions::from_mode(mode))
}
