//! What is stored about an account, and how a proof or a password is checked against it.

mod account;
mod cram_md5;
mod derive;
mod digest_md5;
mod export;
mod hash;
mod import;
mod learn;
mod limits;
mod lookup;
mod pbkdf2;
pub mod record;
mod salt;
pub mod scram;
mod shape;
mod stored;
pub mod verify;

pub use account::{
    Account, AccountState, CramMd5States, DigestMd5Hash, Label, LabelError, MAX_PASSWORDS, PasswordFacts, PasswordSet,
    ScramKeys, ScramSalt, Secrets, StoredPassword,
};
pub use derive::{Iterations, Recipe, derive, is_derived};
pub use hash::{Cost, HashError, PasswordHash, is_md5_of_postgresql};
pub use import::{ImportError, Imported};
pub use learn::{Lesson, lacking};
pub use limits::{Network, NetworkError, ServiceName};
pub use lookup::{Lookup, ScramParameters, Who};
pub use salt::{IterationCensus, SALT_LEN, SaltKey};
pub use shape::{NoShape, SecretShape, Shape, ShapeCensus};
pub use stored::{DigestSpelling, MixError, Stored};

/// The bytes of a test vector printed in hex.
#[cfg(test)]
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
