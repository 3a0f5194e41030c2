//! The key file: text, a line that says what it is and one or two keys, of which the first seals what is written.
//!
//! ```text
//! sasldb-rs key file 1
//! # comments
//! key 0123…ef      (64 hexadecimal digits)
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::runtime::Entropy;
use crate::secret::SecretArray;
use crate::store::{KeyFault, StoreError, beside, hex};

use super::seal::{Key, KeyId};

const FIRST_LINE: &str = "sasldb-rs key file 1";
const REMARK: &str =
    "# Opens the secrets of the accounts. Keep it, keep it secret, and keep it apart from copies of the database.";

/// The longest key file that is read.
const MAX_LEN: u64 = 4096;

/// More than the bytes of a line with a key, and of the line ends before it.
const KEY_LINE: usize = 80;

/// Read or written by others, or written by the group. Execution means nothing for a key.
const TOO_OPEN: u32 = 0o026;

/// The keys of a key file.
pub(super) struct Keys {
    path: PathBuf,
    first: Key,
    second: Option<Key>,
}

impl Keys {
    /// Reads the file at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, StoreError> {
        let fail = |fault| StoreError::Key { path: path.to_owned(), fault };
        let unread = |e: &io::Error| match e.kind() {
            ErrorKind::NotFound => fail(KeyFault::Missing),
            _ => fail(KeyFault::Unreadable),
        };
        let file = open_nonblocking(path).map_err(|e| unread(&e))?;
        let meta = file.metadata().map_err(|e| unread(&e))?;
        if !meta.is_file() {
            return Err(fail(KeyFault::Malformed));
        }
        if meta.permissions().mode() & TOO_OPEN != 0 {
            return Err(fail(KeyFault::OpenToAll));
        }
        // As long as the longest, so that it never grows and leaves a copy behind.
        let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_LEN).unwrap_or_default()));
        file.take(MAX_LEN).read_to_end(&mut text).map_err(|e| unread(&e))?;
        let mut keys = parse(&text).ok_or_else(|| fail(KeyFault::Malformed))?.into_iter();
        let first = keys.next().ok_or_else(|| fail(KeyFault::Malformed))?;
        Ok(Self { path: path.to_owned(), first, second: keys.next() })
    }

    /// Reads the file at `path`, and makes one first if there is none. Of several that make it at once, one does.
    ///
    /// When this returns, the key is on the disk: nothing may be sealed with a key that a power cut can take away.
    pub(super) fn read_or_create(path: &Path, entropy: &mut dyn Entropy) -> Result<Self, StoreError> {
        match Self::read(path) {
            Err(StoreError::Key { fault: KeyFault::Missing, .. }) => {}
            read => return read,
        }
        let mut master = Zeroizing::new([0; 32]);
        entropy.fill(&mut *master).map_err(|_| StoreError::NoEntropy)?;
        create(path, &master).map_err(|e| unreachable(path, &e))?;
        Self::read(path)
    }

    /// The first. In a file with two, it is the earlier one.
    pub(super) fn first(&self) -> &Key {
        &self.first
    }

    /// The last. In a file with two, it is the one to go on with.
    pub(super) fn last(&self) -> &Key {
        self.second.as_ref().unwrap_or(&self.first)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Key> {
        core::iter::once(&self.first).chain(&self.second)
    }

    /// The key named `id`. Without it, the database needs another key file.
    pub(super) fn find(&self, id: KeyId) -> Result<&Key, StoreError> {
        let found = self.all().find(|key| key.id == id);
        found.ok_or_else(|| StoreError::Key { path: self.path.clone(), fault: KeyFault::OtherKey })
    }

    /// The key named `id`, from the file as it is now if it was not there before: a new key is in the file before anything
    /// is sealed with it.
    pub(super) fn find_or_reread(&mut self, id: KeyId) -> Result<&Key, StoreError> {
        if self.find(id).is_err() {
            self.reread()?;
        }
        self.find(id)
    }

    /// Takes the file as it is now.
    pub(super) fn reread(&mut self) -> Result<(), StoreError> {
        *self = Self::read(&self.path)?;
        Ok(())
    }
}

/// Adds a new key at the end of the file. When this returns, it is on the disk.
pub(super) fn add(path: &Path, entropy: &mut dyn Entropy) -> Result<(), StoreError> {
    let mut master = Zeroizing::new([0; 32]);
    entropy.fill(&mut *master).map_err(|_| StoreError::NoEntropy)?;
    rewrite(path, |text, new| {
        new.push_str(text.trim_end());
        new.push('\n');
        push_key(new, &master);
    })
}

/// Takes all keys but the last out of the file.
pub(super) fn keep_last(path: &Path) -> Result<(), StoreError> {
    rewrite(path, |text, new| {
        let keys = text.lines().filter(|line| is_key(line)).count();
        let mut before = 0usize;
        for line in text.lines() {
            before = before.saturating_add(usize::from(is_key(line)));
            if !is_key(line) || before == keys {
                new.push_str(line);
                new.push('\n');
            }
        }
    })
}

fn is_key(line: &str) -> bool {
    line.trim_start().starts_with("key ")
}

/// Puts another text in the place of the file's, for the same owner, group and mode: after a power cut it is the one or the other.
fn rewrite(path: &Path, write: impl FnOnce(&str, &mut String)) -> Result<(), StoreError> {
    let fail = |e: io::Error| unreachable(path, &e);
    // A link stays one.
    let path = std::fs::canonicalize(path).map_err(fail)?;
    let file = open_nonblocking(&path).map_err(fail)?;
    let meta = file.metadata().map_err(fail)?;
    let room = usize::try_from(MAX_LEN).unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(room));
    file.take(MAX_LEN).read_to_string(&mut text).map_err(fail)?;
    // With room for one more key, so that it never grows and leaves a copy behind.
    let mut new = Zeroizing::new(String::with_capacity(room.saturating_add(KEY_LINE)));
    write(&text, &mut new);

    // One at a time does this: what a crash left behind is removed by the next run.
    let beside = beside(&path, ".rekey");
    let _ = std::fs::remove_file(&beside);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        std::os::unix::fs::fchown(&file, Some(meta.uid()), Some(meta.gid()))?;
        file.set_permissions(meta.permissions())?;
        file.write_all(new.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        File::open(crate::store::folder_of(&path))?.sync_all()
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written.map_err(fail)
}

fn push_key(text: &mut String, master: &[u8; 32]) {
    text.push_str("key ");
    hex::push(text, master);
    text.push('\n');
}

/// A FIFO in the file's place must not make us wait.
fn open_nonblocking(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path)
}

fn unreachable(path: &Path, fault: &io::Error) -> StoreError {
    if fault.kind() == ErrorKind::StorageFull {
        return StoreError::Full;
    }
    StoreError::Unreachable { path: path.to_owned(), fault: super::files::words(fault) }
}

fn parse(text: &[u8]) -> Option<Vec<Key>> {
    let mut lines = core::str::from_utf8(text).ok()?.lines();
    if lines.next()? != FIRST_LINE {
        return None;
    }
    let mut keys = Vec::new();
    for line in lines.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut bytes = Zeroizing::new([0; 32]);
        if !hex::decode(line.strip_prefix("key ")?.trim_start(), &mut *bytes) {
            return None;
        }
        keys.push(Key::new(&SecretArray::new(*bytes)));
    }
    (1..=2).contains(&keys.len()).then_some(keys)
}

/// Writes the key beside its place and links it there: the file is there whole or not at all, and an existing one stays.
fn create(path: &Path, master: &[u8; 32]) -> io::Result<()> {
    let folder = crate::store::folder_of(path);
    let mut text =
        Zeroizing::new(String::with_capacity(FIRST_LINE.len().saturating_add(REMARK.len()).saturating_add(KEY_LINE)));
    text.push_str(FIRST_LINE);
    text.push('\n');
    text.push_str(REMARK);
    text.push('\n');
    push_key(&mut text, master);

    let beside = beside(path, &format!(".new-{}", std::process::id()));
    // Only where the folder hands its own group down was that group chosen to hold the helper, and nobody else.
    let mode = if std::fs::metadata(folder)?.mode() & 0o2000 == 0 { 0o600 } else { 0o640 };
    let _ = std::fs::remove_file(&beside);
    let made = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        match std::fs::hard_link(&beside, path) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    })();
    let _ = std::fs::remove_file(&beside);
    made?;
    File::open(folder)?.sync_all()
}
