//! Which logins reach an account under one set of realms and fail under another.
//!
//! Two things can go wrong. A name may mean another account: then every mechanism fails. Or DIGEST-MD5 has no hash for the
//! realm that clients will send, because the password was set under other realms.

use core::fmt;

use crate::credential::{Account, DigestMd5Hash};
use crate::identity::{Authcid, Identity, Realm, Realms};
use crate::vocabulary::{Mechanism, MechanismSet};

use super::mechanisms::permitted;
use super::report::listed;

/// The realms to compare.
pub(super) struct Names<'a> {
    /// What the database noted.
    pub(super) noted: &'a Realms,
    /// Logins are taken to reach their account under these.
    pub(super) before: &'a Realms,
    /// Those that do not under these are cut off.
    pub(super) after: &'a Realms,
    /// The mechanisms that the helper announces.
    pub(super) announced: MechanismSet,
    /// Whether DIGEST-MD5 has to have a hash before, too: what fails already is not cut off by a change.
    pub(super) only_what_works: bool,
}

/// Logins that fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    /// What the client gives as the user's name.
    pub(super) login: String,
    /// By which mechanisms it fails.
    pub(super) mechanisms: Vec<Mechanism>,
    /// For DIGEST-MD5: which clients fail.
    pub(super) clients: Vec<Client>,
}

/// How a DIGEST-MD5 client comes by the realm that it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// It takes the one that the challenge offers.
    TakesOffered,
    /// It sends none.
    SendsNone,
    /// It sends the account's own.
    SendsOwn,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "as \"{}\" by {}", self.login, listed(&self.mechanisms))?;
        let clients: Vec<&str> = self.clients.iter().map(|client| client.words()).collect();
        if self.clients.is_empty() { Ok(()) } else { write!(f, " of clients that {}", clients.join(" or ")) }
    }
}

impl Client {
    const ALL: [Self; 3] = [Self::TakesOffered, Self::SendsNone, Self::SendsOwn];

    const fn words(self) -> &'static str {
        match self {
            Self::TakesOffered => "take the realm offered",
            Self::SendsNone => "send no realm",
            Self::SendsOwn => "send the account's realm",
        }
    }

    fn realm<'a>(self, realms: &'a Realms, own: &'a Realm) -> &'a str {
        match self {
            Self::TakesOffered => realms.default_realm().as_str(),
            Self::SendsNone => "",
            Self::SendsOwn => own.as_str(),
        }
    }
}

impl Names<'_> {
    /// The logins to `account` that are cut off.
    pub(super) fn cut_off(&self, account: &Account) -> Vec<Cut> {
        if self.only_what_works && self.before == self.after {
            return Vec::new();
        }
        let mechanisms: Vec<Mechanism> = permitted(account, self.announced).collect();
        let hashes: Vec<Hashes<'_>> = account
            .passwords
            .iter()
            .map(|password| password.secrets.digest_md5.as_slice())
            .filter(|hashes| !hashes.is_empty())
            .map(|hashes| Hashes::of(hashes, &account.identity, [self.after, self.before, self.noted]))
            .collect();
        let logins = self.logins(&account.identity);
        logins.into_iter().filter_map(|login| self.cut(&account.identity, login, &mechanisms, &hashes)).collect()
    }

    /// The forms in which a user gives the name: bare, with the account's realm, with the default realm's other names.
    fn logins(&self, identity: &Identity) -> Vec<String> {
        let name = identity.name.as_str();
        let mut logins = vec![name.to_owned(), identity.to_string()];
        if identity.realm.same(self.before.default_realm()) {
            logins.extend(self.before.aliases().iter().map(|alias| format!("{name}@{}", alias.as_str())));
        }
        logins
    }

    fn cut(&self, identity: &Identity, login: String, mechanisms: &[Mechanism], hashes: &[Hashes<'_>]) -> Option<Cut> {
        let means = |realms: &Realms, sent| {
            let authcid = Authcid::parse(&login).ok();
            let sent = Realm::imported(sent).ok();
            authcid.is_some_and(|authcid| realms.resolve(&authcid, sent.as_ref()).key() == identity.key())
        };
        if means(self.before, "") && !means(self.after, "") {
            return Some(Cut { login, mechanisms: mechanisms.to_vec(), clients: Vec::new() });
        }
        if !mechanisms.contains(&Mechanism::DigestMd5) {
            return None;
        }
        let fails = |client: &Client| {
            let realm_before = client.realm(self.before, &identity.realm);
            let realm_after = client.realm(self.after, &identity.realm);
            let means_before = means(self.before, realm_before);
            let means_after = means(self.after, realm_after);
            hashes.iter().any(|hashes| {
                let works = means_before && (!self.only_what_works || hashes.hold(&login, realm_before));
                works && !(means_after && hashes.hold(&login, realm_after))
            })
        };
        let clients: Vec<Client> = Client::ALL.into_iter().filter(fails).collect();
        (!clients.is_empty()).then(|| Cut { login, mechanisms: vec![Mechanism::DigestMd5], clients })
    }
}

/// For which spellings a password has hashes.
enum Hashes<'a> {
    /// For these: it was set under realms that we know.
    Known(Vec<(String, String)>),
    /// For those whose tags are there, which is nearly certain for one that is missing to be noticed, and no more.
    Tagged(&'a [DigestMd5Hash]),
}

impl<'a> Hashes<'a> {
    fn of(hashes: &'a [DigestMd5Hash], identity: &Identity, candidates: [&Realms; 3]) -> Self {
        let tags = without_repetitions(hashes.iter().map(|hash| hash.tag));
        let spellings = candidates.into_iter().map(|realms| realms.digest_spellings(identity));
        let tag = |(username, realm): &(String, String)| DigestMd5Hash::tag(username, realm);
        spellings
            .into_iter()
            .find(|spellings| without_repetitions(spellings.iter().map(tag)) == tags)
            .map_or(Self::Tagged(hashes), Self::Known)
    }

    fn hold(&self, username: &str, realm: &str) -> bool {
        match self {
            Self::Known(spellings) => spellings.iter().any(|(u, r)| u == username && r == realm),
            Self::Tagged(hashes) => {
                let tag = DigestMd5Hash::tag(username, realm);
                hashes.iter().any(|hash| hash.tag == tag)
            }
        }
    }
}

/// A spelling has up to three hashes in a row, one for each character set.
fn without_repetitions(tags: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut tags: Vec<u8> = tags.collect();
    tags.dedup();
    tags
}
