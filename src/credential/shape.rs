//! What an account's secrets are like, without the secrets: a decoy of the same shape makes a login the same work.

use core::fmt;
use core::str::FromStr;

use crate::vocabulary::{Scheme, ScramHash};

use super::account::{Account, ScramKeys, ScramSalt, Secrets};
use super::hash::PasswordHash;
use super::salt::{self, IterationCensus};

/// The shape of an account. Its text form is kept in the clear, as the schemes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// One for each password.
    pub passwords: Vec<Vec<SecretShape>>,
}

/// The shape of what one scheme keeps of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretShape {
    /// digest-md5. How many hashes there are follows from the name.
    DigestMd5,
    /// cram-md5.
    CramMd5,
    /// scram-*.
    Scram {
        /// The hash function.
        hash: ScramHash,
        /// The iteration count.
        iterations: u32,
        /// Length of the salt in bytes, where it came with an imported verifier.
        imported_salt: Option<usize>,
    },
    /// hash: one as costly, without salt and digest ([`PasswordHash::blank`]).
    Hash(String),
}

impl Shape {
    /// The shape of `account`.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        Self { passwords: account.passwords.iter().map(|password| shapes_of(&password.secrets)).collect() }
    }

    /// The shape of an account with one new password.
    #[must_use]
    pub fn of_new(schemes: &[Scheme], iterations: u32) -> Self {
        let shape = |scheme: &Scheme| match scheme {
            Scheme::DigestMd5 => Some(SecretShape::DigestMd5),
            Scheme::CramMd5 => Some(SecretShape::CramMd5),
            Scheme::Scram(hash) => Some(SecretShape::Scram { hash: *hash, iterations, imported_salt: None }),
            Scheme::Hash => None,
        };
        Self { passwords: vec![schemes.iter().filter_map(shape).collect()] }
    }
}

fn shapes_of(secrets: &Secrets) -> Vec<SecretShape> {
    let digest_md5 = (!secrets.digest_md5.is_empty()).then_some(SecretShape::DigestMd5);
    let cram_md5 = secrets.cram_md5.as_ref().map(|_| SecretShape::CramMd5);
    let scram = |keys: &ScramKeys| SecretShape::Scram {
        hash: keys.hash,
        iterations: keys.iterations,
        imported_salt: match &keys.salt {
            ScramSalt::Derived => None,
            ScramSalt::Imported(salt) => Some(salt.len()),
        },
    };
    let hash = secrets.hash.as_ref().map(|hash| SecretShape::Hash(hash.blank()));
    let mut keys: Vec<&ScramKeys> = secrets.scram.iter().collect();
    keys.sort_unstable_by_key(|keys| keys.hash);
    digest_md5.into_iter().chain(cram_md5).chain(keys.into_iter().map(scram)).chain(hash).collect()
}

/// Between passwords; none of the texts below holds it.
const PASSWORDS: char = ';';

/// Between the secrets of a password; none of the texts below holds it either.
const SECRETS: char = ' ';

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, password) in self.passwords.iter().enumerate() {
            if place > 0 {
                write!(f, "{PASSWORDS}")?;
            }
            for (place, secret) in password.iter().enumerate() {
                if place > 0 {
                    write!(f, "{SECRETS}")?;
                }
                write!(f, "{secret}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for SecretShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DigestMd5 => f.write_str(Scheme::DigestMd5.name()),
            Self::CramMd5 => f.write_str(Scheme::CramMd5.name()),
            Self::Scram { hash, iterations, imported_salt } => {
                write!(f, "{}:{iterations}", Scheme::Scram(*hash).name())?;
                imported_salt.iter().try_for_each(|length| write!(f, ":{length}"))
            }
            Self::Hash(blank) => f.write_str(blank),
        }
    }
}

/// A text that is no shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoShape;

impl FromStr for Shape {
    type Err = NoShape;

    fn from_str(text: &str) -> Result<Self, NoShape> {
        let password = |text: &str| text.split(SECRETS).map(str::parse).collect::<Result<Vec<SecretShape>, _>>();
        Ok(Self { passwords: text.split(PASSWORDS).map(password).collect::<Result<_, _>>()? })
    }
}

impl FromStr for SecretShape {
    type Err = NoShape;

    fn from_str(text: &str) -> Result<Self, NoShape> {
        let mut fields = text.split(':');
        match fields.next().and_then(Scheme::from_name) {
            Some(Scheme::DigestMd5) => Ok(Self::DigestMd5),
            Some(Scheme::CramMd5) => Ok(Self::CramMd5),
            Some(Scheme::Scram(hash)) => {
                let iterations = fields.next().and_then(|text| text.parse().ok()).ok_or(NoShape)?;
                let imported_salt = fields.next().map(|text| text.parse().map_err(|_| NoShape)).transpose()?;
                Ok(Self::Scram { hash, iterations, imported_salt })
            }
            Some(Scheme::Hash) | None => {
                PasswordHash::parse(text).map(|hash| Self::Hash(hash.as_str().to_owned())).map_err(|_| NoShape)
            }
        }
    }
}

/// Which shapes accounts have, and how many have each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeCensus {
    rows: Vec<(Shape, u64)>,
}

impl ShapeCensus {
    /// `rows` in a stable order. Where there is no account, `new` is the shape of the first one to come.
    #[must_use]
    pub fn new(rows: Vec<(Shape, u64)>, new: Shape) -> Self {
        Self { rows: if rows.is_empty() { vec![(new, 1)] } else { rows } }
    }

    /// The shapes, each once; never none.
    pub fn shapes(&self) -> impl Iterator<Item = &Shape> {
        self.rows.iter().map(|(shape, _)| shape)
    }

    /// Whether all accounts have the same, so that there is nothing to pick.
    #[must_use]
    pub fn is_uniform(&self) -> bool {
        self.rows.len() == 1
    }

    /// Picks a shape, by its place in [`Self::shapes`], for as large a share of names as of accounts; `fraction` is the
    /// name's place in the range of all u64.
    #[must_use]
    pub fn pick(&self, fraction: u64) -> usize {
        let accounts = self.rows.iter().map(|(_, accounts)| *accounts);
        salt::pick(accounts.enumerate(), fraction).unwrap_or(0)
    }

    /// The SCRAM iteration counts among them; `usual` is that of a new password.
    #[must_use]
    pub fn iterations(&self, usual: u32) -> IterationCensus {
        let mut counts: Vec<(ScramHash, u32, u64)> = Vec::new();
        for (shape, accounts) in &self.rows {
            for secret in shape.passwords.iter().flatten() {
                let SecretShape::Scram { hash, iterations, .. } = secret else { continue };
                match counts.iter_mut().find(|(h, i, _)| (h, i) == (hash, iterations)) {
                    Some((.., passwords)) => *passwords = passwords.saturating_add(*accounts),
                    None => counts.push((*hash, *iterations, *accounts)),
                }
            }
        }
        counts.sort_unstable_by_key(|(hash, iterations, _)| (*hash, *iterations));
        IterationCensus::new(usual, counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Shape {
        text.parse().unwrap()
    }

    #[test]
    fn shapes_are_written_as_they_are_read() {
        for text in [
            "digest-md5 cram-md5 scram-sha-1:10000 scram-sha-256:10000",
            "scram-sha-512:4096:12",
            "$2b$12$.....................................................",
            "{SSHA}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "digest-md5;$6$rounds=5000$........$......................................................................................",
        ] {
            assert_eq!(shape(text).to_string(), text);
        }
        assert_eq!(Shape::of_new(&[Scheme::DigestMd5, Scheme::CramMd5], 1).to_string(), "digest-md5 cram-md5");
    }

    #[test]
    fn other_texts_are_no_shapes() {
        for text in ["", ";", "digest-md5 ", "md5", "scram-sha-1", "scram-sha-1:x", "scram-sha-1:1:x", "$2b$12$."] {
            assert_eq!(text.parse::<Shape>(), Err(NoShape), "{text:?}");
        }
    }

    #[test]
    fn names_get_a_shape_as_often_as_accounts_have_it() {
        let new = shape("digest-md5");
        let census =
            ShapeCensus::new(vec![(shape("scram-sha-1:7"), 1), (shape("cram-md5;scram-sha-1:9"), 3)], new.clone());
        assert_eq!(census.pick(0), 0);
        assert_eq!(census.pick(u64::MAX / 4), 0);
        assert_eq!(census.pick(u64::MAX / 4 + 1), 1);
        assert_eq!(census.pick(u64::MAX), 1);
        let counts = vec![(ScramHash::Sha1, 7, 1), (ScramHash::Sha1, 9, 3)];
        assert_eq!(census.iterations(5), IterationCensus::new(5, counts));

        let empty = ShapeCensus::new(Vec::new(), new.clone());
        assert!(empty.is_uniform());
        assert_eq!(empty.shapes().collect::<Vec<_>>(), [&new]);
        assert_eq!(empty.pick(u64::MAX), 0);
    }
}
