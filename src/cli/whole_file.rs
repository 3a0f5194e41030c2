//! A file that is written whole or not at all.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::failure::Failure;
use super::new_file::NewFile;

/// Puts `text` in the place of what is at `path`, with the same permissions; a new file is its owner's alone.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    try_replace(path, text).map_err(|fault| Failure::cannot_write(path.display(), fault))
}

fn try_replace(path: &Path, text: &str) -> io::Result<()> {
    let Some(name) = path.file_name() else { return Err(io::ErrorKind::InvalidFilename.into()) };
    let mut part = name.to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(part);
    let mut new = NewFile::create(&part)?;
    new.file.write_all(text.as_bytes())?;
    if let Ok(old) = fs::metadata(path) {
        new.file.set_permissions(fs::Permissions::from_mode(old.permissions().mode() & 0o777))?;
    }
    new.keep()?;
    let replaced = fs::rename(&part, path);
    if replaced.is_err() {
        let _ = fs::remove_file(&part);
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_stays_whose_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        replace(&path, "one").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode()), ("one", 0o600));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        replace(&path, "two").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode()), ("two", 0o644));
        for wrong in [folder.path(), &folder.path().join("none/page"), Path::new("/")] {
            assert!(replace(wrong, "three").is_err(), "{}", wrong.display());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }
}
