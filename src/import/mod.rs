//! What other programs left behind, read as bytes: their files into entries that an account can be made of.
//!
//! No file is trusted. One that is damaged or made to do harm gives an error, in time and memory bounded by its length.

mod assembly;
pub mod berkeley;
mod colon;
pub mod csv;
pub mod dovecot;
pub mod dump;
mod entry;
pub mod htdigest;
pub mod htpasswd;
pub mod ldif;
pub mod postgresql;
pub mod sasldb2;
pub mod shadow;
mod sql;
mod time;

pub use csv::Csv;
pub use dovecot::Dovecot;
pub use entry::{Entry, Fault, Format, Found, OtherFile, read};
pub use htdigest::Htdigest;
pub use htpasswd::Htpasswd;
pub use ldif::Ldif;
pub use postgresql::PostgreSql;
pub use sasldb2::Sasldb2;
pub use shadow::Shadow;

use crate::secret::SecretBytes;

/// A key and its value, as they stand in a file of another program.
#[derive(Debug)]
pub struct Record {
    /// The key.
    pub key: Vec<u8>,
    /// The value; where it is a password, nothing else may hold a copy of it.
    pub value: SecretBytes,
}
