//! Why a store cannot answer.

use std::path::PathBuf;

/// Why a store cannot answer. Never "not found": that is an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no database at this place yet.
    #[error("there is no database at {0}")]
    Missing(PathBuf),
    /// The place cannot be read or written.
    #[error("{path}: {fault}")]
    Unreachable {
        /// What cannot be reached.
        path: PathBuf,
        /// The system's word for it.
        fault: String,
    },
    /// Another process holds the database for too long.
    #[error("the database is busy")]
    Busy,
    /// The disk is full.
    #[error("no space left for the database")]
    Full,
    /// A file, but not a database of ours.
    #[error("{0} is not a saslpasswd-rs database")]
    NotOurs(PathBuf),
    /// Made by a later version.
    #[error("{path} has schema version {found}, and this program knows versions up to {known}")]
    TooNew {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The latest we know.
        known: i64,
    },
    /// The database, or a row of it, is damaged or was changed by hand.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Nobody can tell who logged in when: what lies there is damaged, or is something else. Accounts are not concerned.
    #[error("the record of who logged in when, {path}, cannot be used: {fault}")]
    Activity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// The key file cannot be used.
    #[error("key file {path}: {fault}")]
    Key {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        fault: KeyFault,
    },
    /// The change cannot be made.
    #[error("{0}")]
    Refused(&'static str),
    /// The system gave no random bytes.
    #[error("the system's random number source failed")]
    NoEntropy,
}

impl StoreError {
    /// Parts what is wrong with one change or one account from what is wrong with the store.
    ///
    /// # Errors
    /// What is wrong with the store.
    pub fn of_one_change<T>(outcome: Result<T, Self>) -> Result<Result<T, Self>, Self> {
        match outcome {
            Err(fault @ (Self::Refused(_) | Self::Damaged(_))) => Ok(Err(fault)),
            Err(fault) => Err(fault),
            Ok(made) => Ok(Ok(made)),
        }
    }

    /// Whether waiting and trying again cannot help: a helper that starts should refuse to, instead of answering everything
    /// with "unavailable".
    #[must_use]
    pub const fn is_lasting(&self) -> bool {
        matches!(self, Self::NotOurs(_) | Self::TooNew { .. } | Self::Key { .. })
    }
}

/// What is wrong with a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// There is none, but there is a database that needs it.
    #[error("does not exist, and without it the accounts cannot be opened")]
    Missing,
    /// It cannot be read.
    #[error("cannot be read")]
    Unreadable,
    /// Its mode lets more than its owner and the readers of its group in.
    #[error("may be read by others or written by its group")]
    OpenToAll,
    /// It does not have the form of a key file.
    #[error("is not a key file")]
    Malformed,
    /// It holds another key than the one the database was sealed with.
    #[error("does not hold the key of this database")]
    OtherKey,
}
