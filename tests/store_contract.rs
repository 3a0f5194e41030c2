//! What every store promises: the same cases for the one in memory and the one in a SQLite file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

#[path = "store_contract/accounts.rs"]
mod accounts;
#[path = "store_contract/decoys.rs"]
mod decoys;
#[path = "store_contract/passwords.rs"]
mod passwords;
#[path = "store_contract/renames.rs"]
mod renames;
mod store;

use sasldb::credential::{CramMd5States, Label, PasswordHash, SaltKey, Secrets};
use sasldb::runtime::UnixTime;
use sasldb::store::memory::MemoryStore;
use sasldb::store::{Applied, Change, CredentialAdmin, CredentialLookup, Listed, StoreError};
use store::*;

/// One store, by both of its halves.
struct Both<'a> {
    admin: &'a mut dyn CredentialAdmin,
    logins: &'a mut dyn CredentialLookup,
}

/// Runs `case` on each kind of store.
fn everywhere(case: fn(Both<'_>)) {
    let mut memory = MemoryStore::new(realms(), SaltKey::new([9; 32]), shape());
    case(Both { logins: &mut memory.clone(), admin: &mut memory });

    let folder = tempfile::tempdir().unwrap();
    let place = place(folder.path());
    case(Both { admin: &mut writer(&place), logins: &mut reader(&place) });
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn cram_only(byte: u8) -> Secrets {
    let state = || sasldb::secret::SecretArray::new([byte; 16]);
    Secrets { cram_md5: Some(CramMd5States { inner: state(), outer: state() }), ..Secrets::default() }
}

fn apply(store: &mut dyn CredentialAdmin, change: Change) -> Result<Applied, StoreError> {
    store.apply(change, &actor(), UnixTime(NOW.0 + 60)).map(|receipt| receipt.applied)
}

fn listed(store: &mut dyn CredentialAdmin) -> Vec<Listed> {
    let mut all = Vec::new();
    store
        .list(&mut |account| {
            all.push(account);
            true
        })
        .unwrap();
    all
}

fn hashed(text: &str) -> Secrets {
    Secrets { hash: Some(PasswordHash::parse(text).unwrap()), ..Secrets::default() }
}
