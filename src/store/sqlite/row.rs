//! A row of `accounts`: what lies in the clear, and the seal that binds it to the secrets.

use rusqlite::types::ValueRef;
use zeroize::Zeroizing;

use crate::credential::{Account, AccountState, record};
use crate::identity::{Identity, IdentityKey, Name, Realm};
use crate::runtime::{Entropy, UnixTime};
use crate::store::{Listed, StoreError, change, facts};
use crate::vocabulary::{Mechanism, MechanismSet, Scheme, ScramHash};

use super::seal::{Canonical, Key, KeyId};

macro_rules! columns {
    () => {
        "realm_key, name_key, realm, name, disabled, expires, revision, created, changed, mechanisms, schemes, \
         passwords, key_id, sealed"
    };
}

/// One account. Like the others, it selects the columns that [`Row::of`] reads, in its order.
pub(super) const SELECT_ONE: &str =
    concat!("SELECT ", columns!(), " FROM accounts WHERE realm_key = ?1 AND name_key = ?2");

/// One account, or else the next one in the order of keys: a name that does not exist costs the reading of a row, too.
pub(super) const SELECT_ONE_OR_NEXT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM accounts WHERE (realm_key, name_key) >= (?1, ?2) ORDER BY realm_key, name_key LIMIT 1"
);

/// All accounts, in the order of their keys.
pub(super) const SELECT_ALL: &str = concat!("SELECT ", columns!(), " FROM accounts ORDER BY realm_key, name_key");

/// All accounts after the one with a key, in the order of their keys.
pub(super) const SELECT_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM accounts WHERE (realm_key, name_key) > (?1, ?2) ORDER BY realm_key, name_key"
);

/// So many accounts after the one with a key, in the order of their keys.
pub(super) const SELECT_SOME_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM accounts WHERE (realm_key, name_key) > (?1, ?2) ORDER BY realm_key, name_key LIMIT ?3"
);

/// Puts one account in the place of the one there was.
pub(super) const PUT: &str = concat!(
    "INSERT OR REPLACE INTO accounts (",
    columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
);

/// One row, as it lies in the database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) realm_key: &'a str,
    pub(super) name_key: &'a str,
    pub(super) realm: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) disabled: i64,
    pub(super) expires: Option<i64>,
    pub(super) revision: i64,
    pub(super) created: i64,
    pub(super) changed: i64,
    pub(super) mechanisms: Option<&'a str>,
    pub(super) schemes: i64,
    pub(super) passwords: Option<&'a str>,
    pub(super) key_id: KeyId,
    pub(super) sealed: &'a [u8],
}

/// Buffers that are used again from row to row.
#[derive(Default)]
pub(super) struct Scratch {
    associated: Vec<u8>,
    plain: Zeroizing<Vec<u8>>,
}

impl<'a> Row<'a> {
    /// Reads the columns of an account.
    pub(super) fn of(row: &'a rusqlite::Row<'_>) -> Result<Self, StoreError> {
        let column = |index: usize| row.get_ref(index).map_err(|e| StoreError::Damaged(e.to_string()));
        let text = |index| column(index).and_then(text);
        let number = |index| column(index).and_then(number);
        let required = |value: Option<_>| value.ok_or_else(|| StoreError::Damaged("a column is empty".to_owned()));
        Ok(Self {
            realm_key: text(0)?.unwrap_or_default(),
            name_key: text(1)?.unwrap_or_default(),
            realm: text(2)?,
            name: text(3)?,
            disabled: required(number(4)?)?,
            expires: number(5)?,
            revision: required(number(6)?)?,
            created: required(number(7)?)?,
            changed: required(number(8)?)?,
            mechanisms: text(9)?,
            schemes: required(number(10)?)?,
            passwords: text(11)?,
            key_id: key_id(column(12)?)?,
            sealed: blob(column(13)?)?,
        })
    }

    /// Opens the seal.
    pub(super) fn open(&self, key: &Key, database: &[u8; 16], scratch: &mut Scratch) -> Result<Account, StoreError> {
        self.associated_data(database, &mut scratch.associated);
        if !key.open(&scratch.associated, self.sealed, &mut scratch.plain) {
            return Err(self.damaged("its seal is broken"));
        }
        let facts = facts::read(self.passwords).ok_or_else(|| self.damaged("its passwords' limits cannot be read"))?;
        let passwords = record::decode(&scratch.plain, facts).map_err(|e| self.damaged(&e.to_string()))?;
        zeroize::Zeroize::zeroize(&mut scratch.plain);
        Ok(Account {
            identity: self.identity()?,
            state: self.state(),
            revision: self.revision()?,
            created: UnixTime(self.created),
            changed: UnixTime(self.changed),
            mechanisms: self.mechanisms()?,
            passwords,
        })
    }

    /// What of it varies in size, in bytes.
    pub(super) fn size(&self) -> usize {
        let texts = [self.name_key, self.realm_key, self.passwords.unwrap_or_default()];
        texts.iter().fold(self.sealed.len(), |sum, text| sum.saturating_add(text.len()))
    }

    /// Whether `row` is of the account with this key. A damaged neighbour is none.
    pub(super) fn is_of(row: &rusqlite::Row<'_>, realm_key: &str, name_key: &str) -> bool {
        let holds = |index: usize, key: &str| row.get_ref(index).is_ok_and(|value| text(value) == Ok(Some(key)));
        holds(0, realm_key) && holds(1, name_key)
    }

    /// What a listing shows of it.
    pub(super) fn listed(&self) -> Result<Listed, StoreError> {
        Ok(Listed {
            identity: self.identity()?,
            state: self.state(),
            revision: self.revision()?,
            created: UnixTime(self.created),
            changed: UnixTime(self.changed),
            mechanisms: self.mechanisms()?,
            schemes: schemes_from_bits(self.schemes),
            passwords: facts::read(self.passwords)
                .ok_or_else(|| self.damaged("its passwords' limits cannot be read"))?,
        })
    }

    /// Every column that means something, in a form that no other row shares.
    fn associated_data(&self, database: &[u8; 16], buffer: &mut Vec<u8>) {
        let mut fields = Canonical::begin(buffer, "sasldb-rs account 1");
        fields.bytes(database);
        fields.text(Some(self.realm_key));
        fields.text(Some(self.name_key));
        fields.text(self.realm);
        fields.text(self.name);
        fields.number(Some(self.disabled));
        fields.number(self.expires);
        fields.number(Some(self.revision));
        fields.number(Some(self.created));
        fields.number(Some(self.changed));
        fields.text(self.mechanisms);
        fields.number(Some(self.schemes));
        fields.text(self.passwords);
    }

    fn identity(&self) -> Result<Identity, StoreError> {
        let unfit = |_| self.damaged("its name is none");
        let name = Name::new(self.name.unwrap_or(self.name_key)).map_err(unfit)?;
        let realm = Realm::imported(self.realm.unwrap_or(self.realm_key)).map_err(unfit)?;
        Ok(Identity::new(name, realm))
    }

    fn state(&self) -> AccountState {
        AccountState { disabled: self.disabled != 0, expires: self.expires.map(UnixTime) }
    }

    pub(super) fn revision(&self) -> Result<u64, StoreError> {
        u64::try_from(self.revision).map_err(|_| self.damaged("its revision is negative"))
    }

    fn mechanisms(&self) -> Result<Option<MechanismSet>, StoreError> {
        let Some(names) = self.mechanisms else { return Ok(None) };
        let set: Option<MechanismSet> = names.split(' ').map(|name| Mechanism::from_name(name.as_bytes())).collect();
        set.map(Some).ok_or_else(|| self.damaged("its mechanisms are unknown"))
    }

    fn damaged(&self, fault: &str) -> StoreError {
        StoreError::Damaged(format!("account {}@{}: {fault}", self.name_key, self.realm_key))
    }
}

/// An account made ready to be written.
pub(super) struct NewRow {
    key: IdentityKey,
    realm: Option<String>,
    name: Option<String>,
    state: AccountState,
    revision: i64,
    created: i64,
    changed: i64,
    mechanisms: Option<String>,
    schemes: i64,
    passwords: Option<String>,
    key_id: KeyId,
    sealed: Vec<u8>,
}

impl NewRow {
    /// Seals `account`.
    pub(super) fn seal(
        account: &Account,
        key: &Key,
        database: &[u8; 16],
        entropy: &mut dyn Entropy,
    ) -> Result<Self, StoreError> {
        let too_long = |_| StoreError::Refused("the account's secrets are too long");
        let record = record::encode(account.passwords.iter().map(|password| &password.secrets)).map_err(too_long)?;
        let identity_key = account.identity.key();
        let differs = |spelled: &str, folded: &str| (spelled != folded).then(|| spelled.to_owned());
        let names = |set: MechanismSet| set.iter().map(Mechanism::name).collect::<Vec<_>>().join(" ");
        let mut row = Self {
            realm: differs(account.identity.realm.as_str(), identity_key.realm()),
            name: differs(account.identity.name.as_str(), identity_key.name()),
            key: identity_key,
            state: account.state,
            revision: i64::try_from(account.revision).unwrap_or(i64::MAX),
            created: account.created.0,
            changed: account.changed.0,
            mechanisms: account.mechanisms.map(names),
            schemes: schemes_to_bits(&change::schemes_of(&account.passwords)),
            passwords: facts::write(account.passwords.iter().map(|password| &password.facts)),
            key_id: key.id,
            sealed: Vec::new(),
        };
        let mut associated = Vec::new();
        row.as_row().associated_data(database, &mut associated);
        row.sealed = key.seal(&associated, record.expose(), entropy)?;
        Ok(row)
    }

    /// As it will lie in the database.
    pub(super) fn as_row(&self) -> Row<'_> {
        Row {
            realm_key: self.key.realm(),
            name_key: self.key.name(),
            realm: self.realm.as_deref(),
            name: self.name.as_deref(),
            disabled: i64::from(self.state.disabled),
            expires: self.state.expires.map(|time| time.0),
            revision: self.revision,
            created: self.created,
            changed: self.changed,
            mechanisms: self.mechanisms.as_deref(),
            schemes: self.schemes,
            passwords: self.passwords.as_deref(),
            key_id: self.key_id,
            sealed: &self.sealed,
        }
    }
}

/// The bits of the column `schemes`, as the first migration names them.
fn scheme_bit(scheme: Scheme) -> i64 {
    match scheme {
        Scheme::DigestMd5 => 1,
        Scheme::CramMd5 => 2,
        Scheme::Scram(ScramHash::Sha1) => 4,
        Scheme::Scram(ScramHash::Sha256) => 8,
        Scheme::Scram(ScramHash::Sha512) => 16,
        Scheme::Hash => 32,
    }
}

fn schemes_to_bits(schemes: &[Scheme]) -> i64 {
    schemes.iter().fold(0, |bits, scheme| bits | scheme_bit(*scheme))
}

fn schemes_from_bits(bits: i64) -> Vec<Scheme> {
    Scheme::ALL.into_iter().filter(|scheme| bits & scheme_bit(*scheme) != 0).collect()
}

pub(super) fn text(value: ValueRef<'_>) -> Result<Option<&str>, StoreError> {
    value.as_str_or_null().map_err(|e| StoreError::Damaged(e.to_string()))
}

pub(super) fn number(value: ValueRef<'_>) -> Result<Option<i64>, StoreError> {
    value.as_i64_or_null().map_err(|e| StoreError::Damaged(e.to_string()))
}

pub(super) fn blob(value: ValueRef<'_>) -> Result<&[u8], StoreError> {
    value.as_blob().map_err(|e| StoreError::Damaged(e.to_string()))
}

pub(super) fn key_id(value: ValueRef<'_>) -> Result<KeyId, StoreError> {
    let bytes = blob(value)?.try_into().map_err(|_| StoreError::Damaged("a key id has another length".to_owned()))?;
    Ok(KeyId(bytes))
}
