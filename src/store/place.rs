//! Where a database and its key are.

use std::path::{Path, PathBuf};

/// The default database.
pub const DEFAULT_DATABASE: &str = "/var/lib/sasldb-rs/accounts.db";

/// The default database's key: in another folder, so that a copy of the database's folder opens nothing.
const DEFAULT_KEY_FILE: &str = "/etc/sasldb-rs/accounts.key";

/// Where a database and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The SQLite file.
    pub database: PathBuf,
    /// The key that its accounts are sealed with.
    pub key_file: PathBuf,
}

impl Place {
    /// A database with its key file: the one named, else the default database's own, else the database's path and `.key`.
    #[must_use]
    pub fn at(database: impl Into<PathBuf>, key_file: Option<PathBuf>) -> Self {
        let database = database.into();
        let key_file = key_file.unwrap_or_else(|| default_key_file(&database));
        Self { database, key_file }
    }
}

fn default_key_file(database: &Path) -> PathBuf {
    if database == Path::new(DEFAULT_DATABASE) {
        return PathBuf::from(DEFAULT_KEY_FILE);
    }
    beside(database, ".key")
}

/// The folder of a path; the current one for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// What lies beside a database under its name with `suffix` at the end.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    PathBuf::from(path)
}
