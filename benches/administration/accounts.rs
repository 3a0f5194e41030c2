//! Accounts as a provider has them after a year: several schemes each, some with a second password, and activity of the last year.
//! SCRAM's keys are random bytes of the right length, so that no PBKDF2 is needed: nobody logs in here.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sasldb::credential::{
    Iterations, Label, PasswordFacts, Recipe, SaltKey, ScramKeys, ScramSalt, Secrets, StoredPassword, derive,
};
use sasldb::identity::{Identity, Name, Realm, Realms};
use sasldb::runtime::{SystemEntropy, UnixTime};
use sasldb::secret::{Password, SecretBytes};
use sasldb::store::activity::{ActivityWriter, Seen, Use};
use sasldb::store::sqlite::{Creation, Lister, Writer};
use sasldb::store::{Actor, Change, CredentialAdmin as _, Place, Provision};
use sasldb::vocabulary::{Mechanism, Scheme, ScramHash};

use super::batches;
use super::drawn::{drawn, name};

pub(crate) const REALM: &str = "bench.example";
/// Realms of customers, which a tenth of the accounts are in.
const CUSTOMERS: u64 = 10;
/// Every so many accounts have a password for a telephone besides.
const TELEPHONES: u64 = 10;
const DAY: i64 = 86_400;

/// By how many days ago accounts were used last, and how many of a hundred.
const AGES: [(i64, u64); 5] = [(7, 40), (30, 20), (90, 15), (180, 8), (350, 7)];
/// What they used, of ten.
const USED: [Mechanism; 10] = [
    Mechanism::Plain,
    Mechanism::Plain,
    Mechanism::Plain,
    Mechanism::Login,
    Mechanism::ScramSha256,
    Mechanism::ScramSha256,
    Mechanism::ScramSha1,
    Mechanism::DigestMd5,
    Mechanism::DigestMd5,
    Mechanism::CramMd5,
];

/// A folder with a database, its activity and settings.
pub(crate) struct Accounts {
    folder: PathBuf,
    pub(crate) number: u64,
}

pub(crate) fn realm(number: u64) -> String {
    if number.is_multiple_of(10) { format!("customer{}.example", number / 10 % CUSTOMERS) } else { REALM.to_owned() }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

impl Accounts {
    pub(crate) fn make(folder: &Path, number: u64) -> anyhow::Result<Self> {
        let accounts = Self { folder: folder.to_owned(), number };
        accounts.settings("config.toml", "accounts.db")?;
        accounts.store()?;
        accounts.use_them()?;
        Ok(accounts)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes settings for the database of a name.
    pub(crate) fn settings(&self, name: &str, database: &str) -> anyhow::Result<()> {
        // Secrets of an import are derived without PBKDF2, where there are any to derive.
        let schemes = "schemes = [\"digest-md5\", \"cram-md5\"]";
        fs::write(self.path(name), format!("database = {:?}\nrealm = {REALM:?}\n{schemes}\n", self.path(database)))?;
        Ok(())
    }

    fn store(&self) -> anyhow::Result<()> {
        let realms = Realms::new(Realm::new(REALM)?, [Realm::new("mx1")?, Realm::new("mx1.bench.example")?]);
        let actor = Actor { uid: nix::unistd::getuid().as_raw(), program: "saslpasswd-rs".to_owned() };
        let made = UnixTime(now() - 400 * DAY);
        let creation = Creation { realms: realms.clone(), actor: actor.clone(), now: made };
        let place = Place::at(self.path("accounts.db"), None);
        let mut writer = Writer::open(&place, &creation, Box::new(SystemEntropy))?;
        let salt_key = writer.basis(&identity(0)?, &Label::main())?.salt_key;
        let account = |number| new_account(number, &realms, &salt_key);
        batches::make(self.number, account, |batch| {
            let (main, others): (Vec<Provision>, Vec<Option<Provision>>) = batch.into_iter().unzip();
            let main = main.into_iter().map(Change::from).collect();
            let receipts: Result<Vec<_>, _> = writer.apply_each(main, &actor, made)?.into_iter().collect();
            let others = others.into_iter().zip(receipts?).filter_map(|(other, receipt)| {
                let expected = receipt.audit.map(|head| head.number);
                Some(Provision { expected, ..other? }.into())
            });
            let outcomes = writer.apply_each(others.collect(), &actor, UnixTime(made.0 + DAY))?;
            Ok(outcomes.into_iter().try_for_each(|outcome| outcome.map(drop))?)
        })
    }

    /// Writes down who was used when, as helpers at work for more than a year would have.
    fn use_them(&self) -> anyhow::Result<()> {
        let folder = self.path("accounts.db.activity");
        fs::create_dir(&folder)?;
        let database = Lister::open(&self.path("accounts.db"))?.database_id();
        let now = now();
        let mut writer = ActivityWriter::begin(&folder, UnixTime(now - 399 * DAY))?;
        writer.record(&database, [], [], false, UnixTime(now - 399 * DAY))?;
        for numbers in batches::batches(self.number) {
            let uses: Vec<(Use, Seen)> = numbers.flat_map(|number| uses(number, now)).collect();
            writer.record(&database, uses.iter().map(|(used, seen)| (used, seen)), [], false, UnixTime(now))?;
        }
        writer.end(UnixTime(now))?;
        Ok(())
    }
}

fn identity(number: u64) -> anyhow::Result<Identity> {
    Ok(Identity::new(Name::new(&name(number))?, Realm::new(&realm(number))?))
}

/// An account's first password, and its second one, if it has any; that has no CRAM-MD5.
fn new_account(number: u64, realms: &Realms, salt_key: &SaltKey) -> anyhow::Result<(Provision, Option<Provision>)> {
    let change = |label: &str, schemes: &[Scheme]| -> anyhow::Result<Provision> {
        let identity = identity(number)?;
        let password = Password::new(format!("{label}-{number}").into_bytes())?;
        let iterations = Iterations { usual: 1, bound: &[] };
        let recipe = Recipe { identity: &identity, realms, salt_key, schemes, iterations };
        let mut secrets = derive(&password, &recipe);
        scram(&mut secrets, number);
        let facts = PasswordFacts::unlimited(Label::new(label)?);
        Ok(Provision::password(identity, StoredPassword { facts, secrets }, None))
    };
    let main = change("main", &[Scheme::DigestMd5, Scheme::CramMd5])?;
    let telephone = (number % TELEPHONES == 3).then(|| change("telephone", &[Scheme::DigestMd5]));
    Ok((main, telephone.transpose()?))
}

fn scram(secrets: &mut Secrets, number: u64) {
    let bytes = |salt: u64, length: usize| {
        let bytes: Vec<u8> = (0..length as u64).map(|place| drawn(number + (place << 32), salt, 256) as u8).collect();
        SecretBytes::new(bytes)
    };
    for hash in [ScramHash::Sha1, ScramHash::Sha256] {
        let length = if hash == ScramHash::Sha1 { 20 } else { 32 };
        let (stored_key, server_key) = (bytes(1, length), bytes(2, length));
        secrets.scram.push(ScramKeys { hash, salt: ScramSalt::Derived, iterations: 10_000, stored_key, server_key });
    }
}

/// One use or two of most accounts: the later one as [`AGES`] has it, the other one earlier.
fn uses(number: u64, now: i64) -> Vec<(Use, Seen)> {
    let mut draw = drawn(number, 3, 100);
    let mut youngest = 0;
    for (oldest, share) in AGES {
        if draw < share {
            let last = now - DAY * youngest - drawn(number, 4, ((oldest - youngest) * DAY) as u64).cast_signed();
            let times = if drawn(number, 5, 3) == 0 { vec![last, last.min(now - 40 * DAY) - DAY] } else { vec![last] };
            return times.into_iter().enumerate().map(|(which, at)| success(number, which as u64, at)).collect();
        }
        draw -= share;
        youngest = oldest;
    }
    Vec::new()
}

fn success(number: u64, which: u64, at: i64) -> (Use, Seen) {
    let mechanism = USED[drawn(number, 6 + which, 10) as usize];
    let label = if number % TELEPHONES == 3 && mechanism != Mechanism::CramMd5 { "telephone" } else { "main" };
    let remote = Some(std::net::Ipv4Addr::from_bits(0x0a00_0000 | drawn(number, 8, 1 << 24) as u32).into());
    let used = Use { key: identity(number).unwrap().key(), label: label.to_owned(), mechanism };
    (used, Seen { at: UnixTime(at), remote })
}
