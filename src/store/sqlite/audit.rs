//! The audit: a chain of MACs over every change.

use rusqlite::{Connection, OptionalExtension as _};
use zeroize::Zeroizing;

use crate::runtime::{Entropy, UnixTime};
use crate::secret::SecretArray;
use crate::store::{Actor, AuditHead, StoreError};

use super::files::DatabaseFile;
use super::keyfile::Keys;
use super::open::fault;
use super::row::{blob, key_id, number, text};
use super::seal::{AuditKey, Canonical, Key, KeyId};

/// One entry as it was written, which the key may prove or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the chain.
    pub head: AuditHead,
    /// When.
    pub at: UnixTime,
    /// The real uid of who did it.
    pub uid: u32,
    /// By which program.
    pub program: String,
    /// What.
    pub action: String,
    /// The canonical name of the account, where one was changed.
    pub subject: Option<String>,
    /// What exactly, as JSON.
    pub detail: Option<String>,
}

/// One entry but for its place in the chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) at: UnixTime,
    pub(super) uid: u32,
    pub(super) program: &'a str,
    pub(super) action: &'a str,
    pub(super) subject: Option<&'a str>,
    pub(super) detail: Option<&'a str>,
}

impl<'a> Entry<'a> {
    pub(super) fn by(actor: &'a Actor, at: UnixTime, action: &'a str) -> Self {
        Self { at, uid: actor.uid, program: &actor.program, action, subject: None, detail: None }
    }

    fn mac(&self, key: &AuditKey, database: &[u8; 16], before: Option<AuditHead>, number: u64) -> [u8; 32] {
        let mut buffer = Vec::new();
        let mut fields = Canonical::begin(&mut buffer, "sasldb-rs audit 1");
        fields.bytes(database);
        fields.bytes(before.as_ref().map_or(&[], |head| &head.mac));
        fields.bytes(&number.to_be_bytes());
        fields.number(Some(self.at.0));
        fields.number(Some(i64::from(self.uid)));
        fields.text(Some(self.program));
        fields.text(Some(self.action));
        fields.text(self.subject);
        fields.text(self.detail);
        key.mac(&[&buffer])
    }
}

/// The last entry.
pub(super) fn head(connection: &Connection, file: &DatabaseFile) -> Result<Option<AuditHead>, StoreError> {
    let last = || {
        connection
            .prepare_cached("SELECT number, mac FROM audit ORDER BY number DESC LIMIT 1")?
            .query_row((), |row| Ok(AuditHead { number: row.get(0)?, mac: row.get(1)? }))
            .optional()
    };
    last().map_err(|e| fault(file.path(), e))
}

/// The entry `number`, if there is one.
pub(super) fn at(connection: &Connection, file: &DatabaseFile, number: u64) -> Result<Option<AuditHead>, StoreError> {
    // SQLite's numbers end there.
    let Ok(row) = i64::try_from(number) else { return Ok(None) };
    let mac = || {
        connection
            .prepare_cached("SELECT mac FROM audit WHERE number = ?1")?
            .query_row((row,), |row| row.get(0))
            .optional()
    };
    let mac: Option<[u8; 32]> = mac().map_err(|e| fault(file.path(), e))?;
    Ok(mac.map(|mac| AuditHead { number, mac }))
}

/// The number of the entry after `head`.
pub(super) fn next_number(head: Option<AuditHead>) -> u64 {
    head.map_or(0, |head| head.number).saturating_add(1)
}

/// Adds an entry after `before`, the last one.
pub(super) fn append(
    connection: &Connection,
    file: &DatabaseFile,
    key: &Key,
    database: &[u8; 16],
    before: Option<AuditHead>,
    entry: &Entry<'_>,
) -> Result<AuditHead, StoreError> {
    let number = next_number(before);
    let head = AuditHead { number, mac: entry.mac(&key.audit, database, before, number) };
    let written = connection
        .prepare_cached(
            "INSERT INTO audit (number, at, uid, program, action, subject, detail, key_id, mac) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .and_then(|mut statement| {
            statement.execute((
                head.number,
                entry.at.0,
                entry.uid,
                entry.program,
                entry.action,
                entry.subject,
                entry.detail,
                key.id.0,
                head.mac,
            ))
        });
    written.map_err(|e| fault(file.path(), e))?;
    Ok(head)
}

/// Gives each entry after number `after` to `visit`, until it returns false.
pub(super) fn entries(
    connection: &Connection,
    file: &DatabaseFile,
    after: u64,
    visit: &mut dyn FnMut(AuditEntry) -> bool,
) -> Result<(), StoreError> {
    let fail = |e| fault(file.path(), e);
    let mut statement = connection
        .prepare("SELECT number, mac, at, uid, program, action, subject, detail FROM audit WHERE number > ?1 ORDER BY number")
        .map_err(fail)?;
    let entry = |row: &rusqlite::Row<'_>| {
        Ok(AuditEntry {
            head: AuditHead { number: row.get(0)?, mac: row.get(1)? },
            at: UnixTime(row.get(2)?),
            uid: row.get(3)?,
            program: row.get(4)?,
            action: row.get(5)?,
            subject: row.get(6)?,
            detail: row.get(7)?,
        })
    };
    for entry in statement.query_map((after,), entry).map_err(fail)? {
        if !visit(entry.map_err(fail)?) {
            break;
        }
    }
    Ok(())
}

/// Follows the chain from its beginning and gives its end, and each of its places to `visit`. That nothing is missing after
/// the end, only a head kept elsewhere can tell.
pub(super) fn verify(
    connection: &Connection,
    file: &DatabaseFile,
    keys: &Keys,
    database: &[u8; 16],
    visit: &mut dyn FnMut(AuditHead),
) -> Result<Option<AuditHead>, StoreError> {
    let fail = |e| fault(file.path(), e);
    let earlier = earlier_keys(connection, file, keys, database)?;
    let mut statement = connection
        .prepare("SELECT number, at, uid, program, action, subject, detail, key_id, mac FROM audit ORDER BY number")
        .map_err(fail)?;
    let mut rows = statement.query(()).map_err(fail)?;
    let mut last = None;
    while let Some(row) = rows.next().map_err(fail)? {
        let wanted = next_number(last);
        let broken = |what: &str| StoreError::Damaged(format!("audit entry {wanted} {what}"));
        if row.get::<_, u64>(0).ok() != Some(wanted) {
            return Err(broken("is missing"));
        }
        let column = |index| row.get_ref(index).map_err(|e| StoreError::Damaged(e.to_string()));
        let words = |index| Ok::<_, StoreError>(text(column(index)?)?.unwrap_or_default());
        let integer = |index| Ok::<_, StoreError>(number(column(index)?)?.unwrap_or_default());
        let entry = Entry {
            at: UnixTime(integer(1)?),
            uid: u32::try_from(integer(2)?).map_err(|_| broken("was changed"))?,
            program: words(3)?,
            action: words(4)?,
            subject: text(column(5)?)?,
            detail: text(column(6)?)?,
        };
        let id: KeyId = key_id(column(7)?)?;
        let key = match earlier.iter().find(|(earlier, _)| *earlier == id) {
            Some((_, key)) => key,
            None => &keys.find(id)?.audit,
        };
        let mac = entry.mac(key, database, last, wanted);
        if blob(column(8)?)? != mac {
            return Err(broken("or what comes before it was changed"));
        }
        let head = AuditHead { number: wanted, mac };
        visit(head);
        last = Some(head);
    }
    Ok(last)
}

/// The audit keys of earlier key files.
pub(super) fn earlier_keys(
    connection: &Connection,
    file: &DatabaseFile,
    keys: &Keys,
    database: &[u8; 16],
) -> Result<Vec<(KeyId, AuditKey)>, StoreError> {
    let fail = |e| fault(file.path(), e);
    let broken = || StoreError::Damaged("the seal over an earlier audit key is broken".to_owned());
    let mut statement = connection.prepare("SELECT key_id, sealed FROM audit_keys").map_err(fail)?;
    let mut rows = statement.query(()).map_err(fail)?;
    let mut earlier = Vec::new();
    while let Some(row) = rows.next().map_err(fail)? {
        let id = key_id(row.get_ref(0).map_err(fail)?)?;
        let sealed = blob(row.get_ref(1).map_err(fail)?)?;
        let mut plain = Zeroizing::new(Vec::new());
        let associated = of_earlier_key(database, id);
        if !keys.all().any(|key| key.open(&associated, sealed, &mut plain)) {
            return Err(broken());
        }
        let bytes = plain.as_slice().try_into().map_err(|_| broken())?;
        earlier.push((id, AuditKey::new(SecretArray::new(bytes))));
    }
    Ok(earlier)
}

/// Keeps the audit key of a key that is to go, and those before it, under the one that comes.
pub(super) fn keep_keys(
    connection: &Connection,
    file: &DatabaseFile,
    keep: &[(KeyId, &AuditKey)],
    database: &[u8; 16],
    under: &Key,
    entropy: &mut dyn Entropy,
) -> Result<(), StoreError> {
    for (id, key) in keep {
        let sealed = under.seal(&of_earlier_key(database, *id), key.expose(), entropy)?;
        connection
            .execute("INSERT OR REPLACE INTO audit_keys (key_id, sealed) VALUES (?1, ?2)", (id.0, sealed))
            .map_err(|e| fault(file.path(), e))?;
    }
    Ok(())
}

fn of_earlier_key(database: &[u8; 16], id: KeyId) -> Vec<u8> {
    let mut buffer = Vec::new();
    let mut fields = Canonical::begin(&mut buffer, "sasldb-rs audit key 1");
    fields.bytes(database);
    fields.bytes(&id.0);
    buffer
}
