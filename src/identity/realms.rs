//! Which account a client means by what it sends: bare names, the default realm and its aliases.

use super::text::{check, same, split_name, text_from_wire};
use super::{Identity, IdentityError, IdentityKey, Name, Realm};

/// A name as a client typed it, with or without a realm: `mailman` or `mailman@example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authcid {
    name: Name,
    realm: Option<Realm>,
}

impl Authcid {
    /// Joins the two parts.
    #[must_use]
    pub fn new(name: Name, realm: Option<Realm>) -> Self {
        Self { name, realm }
    }

    /// The identity it spells, where it has a realm: before any default or alias.
    #[must_use]
    pub fn literal(&self) -> Option<Identity> {
        self.realm.as_ref().map(|realm| Identity::new(self.name.clone(), realm.clone()))
    }

    /// Reads what came over the wire: UTF-8, and ISO 8859-1 where it is not, as libsasl2's clients send it.
    ///
    /// # Errors
    /// See [`IdentityError`]. A second `@` is a forbidden character: no account has one.
    pub fn from_wire(bytes: &[u8]) -> Result<Self, IdentityError> {
        Self::parse(&text_from_wire(bytes))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// As [`Self::from_wire`].
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let (name, realm) = split_name(text);
        let realm = realm.map(Realm::imported).transpose()?;
        Ok(Self { name: Name::new(name)?, realm })
    }
}

/// An alias that is the realm of an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{account} {}", self.why())]
pub struct AliasClash {
    /// The first account of that realm.
    pub account: IdentityKey,
    alias: Realm,
    default: Realm,
}

impl AliasClash {
    /// What is wrong, to be said of the account.
    #[must_use]
    pub fn why(&self) -> String {
        let (alias, default) = (self.alias.as_str(), self.default.as_str());
        format!("is an account, but {alias} is also an alias of the default realm {default}")
    }
}

/// The default realm and its other names. An alias is only another name: a login that gives it finds the account in the
/// default realm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realms {
    default: Realm,
    aliases: Vec<Realm>,
}

impl Realms {
    /// Aliases equal to the default or to each other are dropped.
    #[must_use]
    pub fn new(default: Realm, aliases: impl IntoIterator<Item = Realm>) -> Self {
        let mut kept: Vec<Realm> = Vec::new();
        for alias in aliases {
            if !alias.same(&default) && !kept.iter().any(|k| k.same(&alias)) {
                kept.push(alias);
            }
        }
        Self { default, aliases: kept }
    }

    /// The realm of a bare name, and the one that DIGEST-MD5 offers.
    #[must_use]
    pub fn default_realm(&self) -> &Realm {
        &self.default
    }

    /// The default realm's other names.
    #[must_use]
    pub fn aliases(&self) -> &[Realm] {
        &self.aliases
    }

    /// The account that a client means. `sent` is the realm of a DIGEST-MD5 response: it counts for a bare name only.
    #[must_use]
    pub fn resolve(&self, authcid: &Authcid, sent: Option<&Realm>) -> Identity {
        let meant = self.meant(authcid.realm.as_ref().map(Realm::as_str), sent.map(Realm::as_str));
        Identity::new(authcid.name.clone(), Realm(meant.into()))
    }

    /// The key of the account that a client means by what it sent; as [`Authcid::from_wire`], [`Realm::from_wire`] and
    /// [`Self::resolve`] say, but without a copy of each part. None if no account can have that name.
    #[must_use]
    pub fn key_from_wire(&self, name: &[u8], sent: Option<&[u8]>) -> Option<IdentityKey> {
        let (name, sent) = (text_from_wire(name), sent.map(text_from_wire));
        let (name, own) = split_name(&name);
        [own, sent.as_deref()].into_iter().flatten().try_for_each(check).ok()?;
        if name.is_empty() {
            return None;
        }
        check(name).ok()?;
        Some(IdentityKey::new(self.meant(own, sent.as_deref()), name))
    }

    /// The realm that a client means; `own` stands in the name itself.
    fn meant<'a>(&'a self, own: Option<&'a str>, sent: Option<&'a str>) -> &'a str {
        let default = self.default.as_str();
        let meant = own.or(sent.filter(|realm| !realm.is_empty())).unwrap_or(default);
        if self.aliases.iter().any(|alias| same(&alias.0, meant)) { default } else { meant }
    }

    /// The aliases that have accounts of their own. Such an alias is refused: nobody could log in to those accounts, and nobody
    /// can tell which of two accounts a name means. `first_in` gives the first account of a realm.
    ///
    /// # Errors
    /// Those of `first_in`.
    pub fn clashes<E>(
        &self,
        mut first_in: impl FnMut(&Realm) -> Result<Option<IdentityKey>, E>,
    ) -> Result<Vec<AliasClash>, E> {
        let mut clashes = Vec::new();
        for alias in &self.aliases {
            let clash = |account| AliasClash { account, alias: alias.clone(), default: self.default.clone() };
            clashes.extend(first_in(alias)?.map(clash));
        }
        Ok(clashes)
    }

    pub(super) fn default_and_aliases(&self) -> impl Iterator<Item = &Realm> {
        core::iter::once(&self.default).chain(&self.aliases)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(text: &str) -> Realm {
        Realm::imported(text).unwrap()
    }

    fn realms() -> Realms {
        Realms::new(realm("example.com"), [realm("mx1"), realm("mx1.example.com"), realm("Example.com")])
    }

    #[test]
    fn logins_resolve_through_default_and_aliases() {
        let realms = realms();
        let resolve = |typed: &str, sent: Option<&str>| {
            let sent = sent.map(realm);
            realms.resolve(&Authcid::parse(typed).unwrap(), sent.as_ref()).to_string()
        };
        assert_eq!(resolve("joe", None), "joe@example.com");
        assert_eq!(resolve("joe@mx1", None), "joe@example.com");
        assert_eq!(resolve("joe@other.test", None), "joe@other.test");
        assert_eq!(resolve("joe", Some("")), "joe@example.com");
        assert_eq!(resolve("joe", Some("MX1.example.com")), "joe@example.com");
        assert_eq!(resolve("joe", Some("other.test")), "joe@other.test");
        assert_eq!(resolve("joe@other.test", Some("example.com")), "joe@other.test");
        assert_eq!(resolve("joe@", None), "joe@");
        assert!(Authcid::parse("a@b@c").is_err());
        assert_eq!(Authcid::from_wire(b"j\xF6rg").unwrap(), Authcid::parse("jörg").unwrap());
    }

    #[test]
    fn the_key_of_what_was_sent_is_that_of_what_it_resolves_to() {
        let realms = realms();
        let names: [&[u8]; 11] = [
            b"joe",
            b"JOE@Mx1",
            b"joe@other.test",
            b"joe@",
            b"",
            b"@mx1",
            b"a@b@c",
            b"j\xF6rg",
            b"jo\xcc\x88rg",
            b"a:b",
            b"a\nb",
        ];
        let sent: [Option<&[u8]>; 6] =
            [None, Some(b""), Some(b"MX1.example.com"), Some(b"other.test"), Some(b"a@b"), Some(b"\xF6")];
        for name in names {
            for sent in sent {
                let authcid = Authcid::from_wire(name).ok();
                let realm = sent.map(|sent| Realm::from_wire(sent).ok());
                let expected = match (authcid, realm) {
                    (None, _) | (_, Some(None)) => None,
                    (Some(authcid), realm) => Some(realms.resolve(&authcid, realm.flatten().as_ref()).key()),
                };
                assert_eq!(realms.key_from_wire(name, sent), expected, "{name:?} {sent:?}");
            }
        }
    }
}
