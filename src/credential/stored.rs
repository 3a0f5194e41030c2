//! One password as another program stored it: in the clear, or in one form or more.

use crate::secret::Password;

use super::account::{DigestMd5Hash, Secrets};
use super::import::Imported;

/// What another program stored of one password.
#[derive(Debug)]
pub enum Stored {
    /// The password itself, of which every scheme can be made.
    Password(Password),
    /// Forms of it, each of another kind.
    Forms(Box<Secrets>),
}

/// The username and realm that a DIGEST-MD5 hash was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestSpelling {
    /// The username, with or without a realm in it.
    pub username: String,
    /// The realm, which may be empty.
    pub realm: String,
}

/// Why two stored values cannot be one password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MixError {
    /// Nobody could tell which of the two is asked.
    #[error("a form of the password is there twice")]
    Twice,
    /// Everything is made of the password, and the hash may be another's.
    #[error("a password in the clear needs no hash beside it")]
    InTheClear,
}

impl DigestSpelling {
    /// What Dovecot hashes for a user: the parts of `name@realm`, cut at the last `@`.
    #[must_use]
    pub fn of_dovecot(user: &str) -> Self {
        let (username, realm) = user.rsplit_once('@').unwrap_or((user, ""));
        Self { username: username.to_owned(), realm: realm.to_owned() }
    }
}

impl Stored {
    /// A single value. `spelling` is that of a DIGEST-MD5 hash.
    #[must_use]
    pub fn new(imported: Imported, spelling: &DigestSpelling) -> Self {
        match imported {
            Imported::Plaintext(password) => Self::Password(password),
            form => {
                let mut secrets = Secrets::default();
                let _ = add(&mut secrets, form, spelling);
                Self::Forms(Box::new(secrets))
            }
        }
    }

    /// Adds a value of the same password to `all`, or begins with it.
    ///
    /// # Errors
    /// See [`MixError`]; what was there is unchanged.
    pub fn gather(all: &mut Option<Self>, imported: Imported, spelling: &DigestSpelling) -> Result<(), MixError> {
        match all {
            Some(stored) => stored.add(imported, spelling),
            None => {
                *all = Some(Self::new(imported, spelling));
                Ok(())
            }
        }
    }

    /// Whether a DIGEST-MD5 hash is among it.
    #[must_use]
    pub fn has_digest_md5(&self) -> bool {
        matches!(self, Self::Forms(secrets) if !secrets.digest_md5.is_empty())
    }

    /// Adds another value of the same password.
    ///
    /// # Errors
    /// See [`MixError`]; what was there is unchanged.
    fn add(&mut self, imported: Imported, spelling: &DigestSpelling) -> Result<(), MixError> {
        match self {
            Self::Password(_) => Err(MixError::InTheClear),
            Self::Forms(secrets) => add(secrets, imported, spelling),
        }
    }

    /// Adds the hashes of several spellings.
    ///
    /// # Errors
    /// See [`MixError`]; what was there is unchanged.
    pub fn add_digest_md5(&mut self, hashes: Vec<DigestMd5Hash>) -> Result<(), MixError> {
        match self {
            Self::Password(_) => Err(MixError::InTheClear),
            Self::Forms(secrets) if secrets.digest_md5.is_empty() => {
                secrets.digest_md5 = hashes;
                Ok(())
            }
            Self::Forms(_) => Err(MixError::Twice),
        }
    }
}

fn add(secrets: &mut Secrets, imported: Imported, spelling: &DigestSpelling) -> Result<(), MixError> {
    match imported {
        Imported::Plaintext(_) => return Err(MixError::InTheClear),
        Imported::Hash(hash) if secrets.hash.is_none() => secrets.hash = Some(hash),
        Imported::CramMd5(states) if secrets.cram_md5.is_none() => secrets.cram_md5 = Some(states),
        Imported::DigestMd5(hash) if secrets.digest_md5.is_empty() => {
            let tag = DigestMd5Hash::tag(&spelling.username, &spelling.realm);
            secrets.digest_md5.push(DigestMd5Hash { tag, hash });
        }
        Imported::Scram(keys) if secrets.scram_keys(keys.hash).is_none() => secrets.scram.push(keys),
        Imported::Hash(_) | Imported::CramMd5(_) | Imported::DigestMd5(_) | Imported::Scram(_) => {
            return Err(MixError::Twice);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Scheme;

    const CRAM: &str = "{CRAM-MD5}cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56";
    const DIGEST: &str = "{DIGEST-MD5}9e350098094efc4af26cd456adf29a60";

    fn stored(texts: &[&str]) -> Result<Stored, MixError> {
        let spelling = DigestSpelling::of_dovecot("joe@example.org");
        let mut stored = None;
        texts.iter().try_for_each(|text| Stored::gather(&mut stored, Imported::parse(text).unwrap(), &spelling))?;
        Ok(stored.unwrap())
    }

    #[test]
    fn forms_of_several_kinds_are_one_password() {
        let Ok(Stored::Forms(secrets)) = stored(&[CRAM, DIGEST, "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="]) else { panic!() };
        assert_eq!(secrets.schemes().collect::<Vec<_>>(), [Scheme::DigestMd5, Scheme::CramMd5, Scheme::Hash]);
        assert_eq!(secrets.digest_md5[0].tag, DigestMd5Hash::tag("joe", "example.org"));
        assert!(matches!(stored(&["{PLAIN}secret"]), Ok(Stored::Password(_))));
        assert_eq!(stored(&[CRAM, CRAM]).unwrap_err(), MixError::Twice);
        assert_eq!(stored(&[CRAM, "{PLAIN}secret"]).unwrap_err(), MixError::InTheClear);
        assert_eq!(stored(&["{PLAIN}secret", CRAM]).unwrap_err(), MixError::InTheClear);
    }

    #[test]
    fn dovecot_cuts_at_the_last_sign() {
        for (user, username, realm) in [("joe", "joe", ""), ("joe@a", "joe", "a"), ("a@b@c", "a@b", "c")] {
            let spelling = DigestSpelling { username: username.to_owned(), realm: realm.to_owned() };
            assert_eq!(DigestSpelling::of_dovecot(user), spelling);
        }
    }
}
