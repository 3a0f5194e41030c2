//! What other programs left behind, read as bytes: their files into entries that an account can be made of.
//!
//! No file is trusted. One that is damaged or made to do harm gives an error, in time and memory bounded by its length.

pub mod berkeley;
pub mod dump;
pub mod sasldb2;

pub use sasldb2::Sasldb2;

use crate::secret::SecretBytes;

/// A key and its value, as they stand in a file of another program.
#[derive(Debug)]
pub struct Record {
    /// The key.
    pub key: Vec<u8>,
    /// The value; where it is a password, nothing else may hold a copy of it.
    pub value: SecretBytes,
}
