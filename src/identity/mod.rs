//! Who an account is: a name and a realm; how they are spelled, compared and found.

mod realms;
mod spellings;
mod text;

use core::fmt;
use std::sync::Arc;

pub use realms::{AliasClash, Authcid, Realms};
pub use text::{IdentityError, MAX_PART, text_from_wire};
use text::{check, fold, same};

/// The part before the `@`: never empty. A copy costs nothing: a success passes it on to the log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Checks `text`.
    ///
    /// # Errors
    /// See [`IdentityError`].
    pub fn new(text: &str) -> Result<Self, IdentityError> {
        if text.is_empty() {
            return Err(IdentityError::Empty);
        }
        check(text)?;
        Ok(Self(text.into()))
    }

    /// The spelling given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The part after the `@`. Empty only in accounts imported from a sasldb that had it so.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Realm(Arc<str>);

impl Realm {
    /// Checks `text` as the realm of a new account.
    ///
    /// # Errors
    /// See [`IdentityError`].
    pub fn new(text: &str) -> Result<Self, IdentityError> {
        if text.is_empty() {
            return Err(IdentityError::Empty);
        }
        Self::imported(text)
    }

    /// Checks `text` as the realm of an existing account, where it may be empty.
    ///
    /// # Errors
    /// See [`IdentityError`].
    pub fn imported(text: &str) -> Result<Self, IdentityError> {
        check(text)?;
        Ok(Self(text.into()))
    }

    /// Reads the realm of a DIGEST-MD5 response, in either of its character sets; it may be empty.
    ///
    /// # Errors
    /// See [`IdentityError`].
    pub fn from_wire(bytes: &[u8]) -> Result<Self, IdentityError> {
        Self::imported(&text_from_wire(bytes))
    }

    /// The spelling given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which realms are compared.
    #[must_use]
    pub fn key(&self) -> String {
        fold(&self.0).into_owned()
    }

    /// Whether both name the same realm.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

/// The key of an account: folded name and realm. Two identities with one key are one account. In order of realm, then name.
/// A login passes it on from hand to hand, so a copy costs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityKey {
    /// Realm and name, parted by a NUL, which neither holds and which comes before all that they hold.
    text: Arc<str>,
}

impl IdentityKey {
    fn new(realm: &str, name: &str) -> Self {
        let (realm, name) = (fold(realm), fold(name));
        let mut text = String::with_capacity(realm.len().saturating_add(name.len()).saturating_add(1));
        text.extend([&*realm, "\0", &*name]);
        Self { text: text.into() }
    }

    /// The folded name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.parts().1
    }

    /// The folded realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        self.parts().0
    }

    /// Whether it is the key of an account in `realm`.
    #[must_use]
    pub fn is_in(&self, realm: &Realm) -> bool {
        same(self.realm(), &realm.0)
    }

    fn parts(&self) -> (&str, &str) {
        self.text.split_once('\0').unwrap_or_default()
    }
}

impl fmt::Display for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name(), self.realm())
    }
}

/// Name and realm as spelled at creation. Prints as the canonical name, `name@realm`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The name.
    pub name: Name,
    /// The realm.
    pub realm: Realm,
}

impl Identity {
    /// Joins the two parts.
    #[must_use]
    pub fn new(name: Name, realm: Realm) -> Self {
        Self { name, realm }
    }

    /// What the account is found by.
    #[must_use]
    pub fn key(&self) -> IdentityKey {
        IdentityKey::new(&self.realm.0, &self.name.0)
    }

    /// The canonical name in pieces.
    #[must_use]
    pub fn parts(&self) -> [&str; 3] {
        [&self.name.0, "@", &self.realm.0]
    }

    /// The canonical name.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.parts().concat()
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().iter().try_for_each(|part| f.write_str(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(name: &str, at: &str) -> Identity {
        Identity::new(Name::new(name).unwrap(), Realm::new(at).unwrap())
    }

    #[test]
    fn names_refuse_what_could_deceive_or_break_a_protocol() {
        for (text, error) in [
            ("", IdentityError::Empty),
            ("a@b", IdentityError::Forbidden('@')),
            ("a:b", IdentityError::Forbidden(':')),
            ("a\"b", IdentityError::Forbidden('"')),
            ("a\\b", IdentityError::Forbidden('\\')),
            ("a\nb", IdentityError::Forbidden('\n')),
            ("a\u{202E}b", IdentityError::Forbidden('\u{202E}')),
        ] {
            assert_eq!(Name::new(text), Err(error), "{text:?}");
        }
        assert_eq!(Name::new(&"x".repeat(256)), Err(IdentityError::TooLong));
        assert!(Name::new(&"x".repeat(255)).is_ok());
        assert!(Name::new("first.last+tag 日本").is_ok());
        assert_eq!(Realm::new(""), Err(IdentityError::Empty));
    }

    #[test]
    fn keys_fold_ascii_case_and_normalization_only() {
        assert_eq!(identity("Bob", "Example.COM").key(), identity("bOB", "example.com").key());
        assert_eq!(identity("jo\u{308}rg", "x").key(), identity("jörg", "x").key());
        assert_eq!(identity("H\u{331}", "T\u{308}").key(), identity("\u{1E96}", "\u{1E97}").key());
        assert_ne!(identity("JÖRG", "x").key(), identity("jörg", "x").key());
        assert_ne!(identity("bob", "x").key(), identity("bob+tag", "x").key());
        assert_eq!(identity("Bob", "Example.COM").to_string(), "Bob@Example.COM");
    }
}
