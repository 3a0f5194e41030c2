//! Databases of any size, made in minutes: the secrets are derived from one round of PBKDF2 for each account instead of ten
//! thousand, and thousands of accounts are written in one transaction. All else is as the programs make it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use sasldb::credential::{Iterations, Label, PasswordFacts, Recipe, SaltKey, StoredPassword, derive};
use sasldb::identity::{Identity, Name, Realm, Realms};
use sasldb::runtime::{SystemEntropy, UnixTime};
use sasldb::secret::Password;
use sasldb::store::sqlite::{Creation, Writer};
use sasldb::store::{Actor, Change, CredentialAdmin, Place, Provision};
use sasldb::vocabulary::{Scheme, ScramHash};

use crate::batches;
use crate::users::{REALM, User};

/// As the design counts the bytes of an account: with two other names of its realm.
const ALIASES: [&str; 2] = ["mx1", "mx1.bench.example"];
/// The default schemes.
const SCHEMES: [Scheme; 4] =
    [Scheme::DigestMd5, Scheme::CramMd5, Scheme::Scram(ScramHash::Sha1), Scheme::Scram(ScramHash::Sha256)];
const NOW: UnixTime = UnixTime(1_800_000_000);

/// A database, and what it took to make it.
pub(super) struct Database {
    pub(super) path: PathBuf,
    /// `None` if it was there.
    pub(super) took: Option<Duration>,
}

impl Database {
    /// The one in `folder`, else one with so many accounts.
    pub(super) fn make_or_find(folder: &Path, accounts: u64) -> anyhow::Result<Self> {
        let path = folder.join("accounts.db");
        if path.exists() {
            return Ok(Self { path, took: None });
        }
        let begun = Instant::now();
        make(&path, accounts)?;
        Ok(Self { path, took: Some(begun.elapsed()) })
    }

    /// Bytes of the whole file, and of the accounts alone.
    pub(super) fn size(&self) -> anyhow::Result<(u64, u64)> {
        let connection = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        // The log stays as the programs leave it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let sum = "SELECT sum(pgsize) FROM dbstat WHERE aggregate = TRUE AND name = 'accounts'";
        let accounts: i64 = connection.query_row(sum, (), |row| row.get(0))?;
        Ok((fs::metadata(&self.path)?.len(), u64::try_from(accounts)?))
    }

    /// Takes all of it out of the kernel's memory. Nobody may have it mapped.
    pub(super) fn forget(&self) -> anyhow::Result<()> {
        let file = File::open(&self.path)?;
        file.sync_all()?;
        posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        Ok(())
    }

    /// Reads all of it into the kernel's memory.
    pub(super) fn recall(&self) -> io::Result<()> {
        io::copy(&mut File::open(&self.path)?, &mut io::sink()).map(drop)
    }
}

fn make(path: &Path, accounts: u64) -> anyhow::Result<()> {
    let realm = |text| Realm::new(text);
    let realms = Realms::new(realm(REALM)?, ALIASES.into_iter().map(realm).collect::<Result<Vec<_>, _>>()?);
    let actor = Actor { uid: nix::unistd::getuid().as_raw(), program: "figures".to_owned() };
    let creation = Creation { realms: realms.clone(), actor: actor.clone(), now: NOW };
    let mut writer = Writer::open(&Place::at(path, None), &creation, Box::new(SystemEntropy))?;
    let salt_key = writer.basis(&identity(&User::numbered(0))?, &Label::main())?.salt_key;
    batches::make(
        accounts,
        |number| new_account(number, &realms, &salt_key),
        |batch| Ok(writer.apply_each(batch, &actor, NOW)?.into_iter().try_for_each(|outcome| outcome.map(drop))?),
    )
}

fn identity(user: &User) -> anyhow::Result<Identity> {
    Ok(Identity::new(Name::new(&user.local)?, Realm::new(REALM)?))
}

fn new_account(number: u64, realms: &Realms, salt_key: &SaltKey) -> anyhow::Result<Change> {
    let user = User::numbered(number);
    let identity = identity(&user)?;
    let password = Password::new(user.password.into_bytes())?;
    let iterations = Iterations { usual: 1, bound: &[] };
    let secrets = derive(&password, &Recipe { identity: &identity, realms, salt_key, schemes: &SCHEMES, iterations });
    Ok(Provision::password(identity, StoredPassword { facts: PasswordFacts::unlimited(Label::main()), secrets }, None)
        .into())
}
