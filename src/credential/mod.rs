//! What is stored about an account, and how a proof or a password is checked against it.

mod account;
mod limits;
mod lookup;
mod salt;

pub use account::{
    Account, AccountState, CramMd5States, DigestMd5Hash, Label, LabelError, MAX_PASSWORDS, PasswordFacts, PasswordSet,
    ScramKeys, ScramSalt, Secrets, StoredPassword,
};
pub use limits::{Network, NetworkError, ServiceName};
pub use lookup::{Lookup, ScramParameters, Who};
pub use salt::{IterationCensus, SALT_LEN, SaltKey};
