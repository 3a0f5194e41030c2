//! Who an account is: a name and a realm; how they are spelled, compared and found.

use core::fmt;
use std::borrow::Cow;
use std::sync::Arc;

use crate::prep;

/// The longest name or realm, in bytes of UTF-8.
pub const MAX_PART: usize = 255;

/// Why a text cannot be (part of) an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// More than [`MAX_PART`] bytes.
    #[error("is longer than {MAX_PART} bytes")]
    TooLong,
    /// Not valid UTF-8.
    #[error("is not valid UTF-8")]
    NotUtf8,
    /// A character that no name may hold: controls, bidirectional formatting, `@`, `:`, `"` and `\`.
    #[error("holds the character {0:?}, which no name may hold")]
    Forbidden(char),
}

fn check(text: &str) -> Result<(), IdentityError> {
    // Nearly every name of every login is plain: no need to look at it as characters.
    if text.len() <= MAX_PART && text.bytes().all(is_plain) {
        return Ok(());
    }
    if let Some(c) = text.chars().find(|&c| prep::is_invisible(c) || matches!(c, '@' | ':' | '"' | '\\')) {
        return Err(IdentityError::Forbidden(c));
    }
    // The folded form is what is stored as the key, and normalization can lengthen a text.
    if text.len() > MAX_PART || (!text.is_ascii() && fold(text).len() > MAX_PART) {
        return Err(IdentityError::TooLong);
    }
    Ok(())
}

/// Printable ASCII that any name may hold.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'@' | b':' | b'"' | b'\\')
}

/// The form in which two spellings are compared: NFC, ASCII in lower case, nothing else folded.
fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    let mut folded = prep::nfc(text).into_owned();
    folded.make_ascii_lowercase();
    // Some letters compose with a mark in lower case only: H with a macron below stays two characters, h becomes one.
    let composed = match prep::nfc(&folded) {
        Cow::Owned(composed) => Some(composed),
        Cow::Borrowed(_) => None,
    };
    Cow::Owned(composed.unwrap_or(folded))
}

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

fn same(one: &str, other: &str) -> bool {
    match one.is_ascii() && other.is_ascii() {
        true => one.eq_ignore_ascii_case(other),
        false => fold(one) == fold(other),
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

/// Parts name and realm at the first `@`, which neither may hold.
fn split_name(text: &str) -> (&str, Option<&str>) {
    text.split_once('@').map_or((text, None), |(name, realm)| (name, Some(realm)))
}

/// Reads a name that came over the wire: UTF-8, and ISO 8859-1 where it is not. Text in ISO 8859-1 that is no plain ASCII is
/// hardly ever valid UTF-8.
#[must_use]
pub fn text_from_wire(bytes: &[u8]) -> Cow<'_, str> {
    match core::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
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

    /// Every (username, realm) that DIGEST-MD5 clients form for `identity`, each as created and in lower case: the table
    /// in section 6 of the design. Without repetitions; the plain pair of name and own realm comes first.
    #[must_use]
    pub fn digest_spellings(&self, identity: &Identity) -> Vec<(String, String)> {
        let own = &identity.realm;
        let at_home = own.same(&self.default);
        let everywhere: Vec<&str> =
            [own.as_str(), ""].into_iter().chain(self.default_and_aliases().map(Realm::as_str)).collect();
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut add = |username: &str, realm: &str| {
            for username in both_cases(username) {
                for realm in both_cases(realm) {
                    let pair = (username.clone(), realm);
                    if !pairs.contains(&pair) {
                        pairs.push(pair);
                    }
                }
            }
        };
        let name = identity.name.as_str();
        add(name, own.as_str());
        if at_home {
            everywhere.iter().for_each(|realm| add(name, realm));
        }
        let mut qualifiers = vec![own.as_str()];
        if at_home {
            qualifiers.extend(self.default_and_aliases().map(Realm::as_str));
        }
        for qualifier in qualifiers {
            let username = format!("{name}@{qualifier}");
            everywhere.iter().for_each(|realm| add(&username, realm));
        }
        pairs
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

    fn default_and_aliases(&self) -> impl Iterator<Item = &Realm> {
        core::iter::once(&self.default).chain(&self.aliases)
    }
}

fn both_cases(text: &str) -> impl Iterator<Item = String> + use<> {
    let lower = text.to_ascii_lowercase();
    let given = (lower != text).then(|| text.to_owned());
    given.into_iter().chain(core::iter::once(lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(text: &str) -> Realm {
        Realm::imported(text).unwrap()
    }

    fn identity(name: &str, at: &str) -> Identity {
        Identity::new(Name::new(name).unwrap(), realm(at))
    }

    fn realms() -> Realms {
        Realms::new(realm("example.com"), [realm("mx1"), realm("mx1.example.com"), realm("Example.com")])
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

    #[test]
    fn digest_spellings_are_the_table_of_the_design() {
        let pairs = realms().digest_spellings(&identity("joe", "example.com"));
        assert_eq!(pairs.len(), 16, "4 usernames by 4 realms");
        assert_eq!(pairs.first(), Some(&("joe".into(), "example.com".into())));
        assert!(pairs.contains(&("joe@mx1".into(), "".into())));
        assert!(pairs.contains(&("joe".into(), "mx1.example.com".into())));

        let away = realms().digest_spellings(&identity("joe", "other.test"));
        let expected: Vec<(String, String)> = [
            ("joe", "other.test"),
            ("joe@other.test", "other.test"),
            ("joe@other.test", ""),
            ("joe@other.test", "example.com"),
            ("joe@other.test", "mx1"),
            ("joe@other.test", "mx1.example.com"),
        ]
        .map(|(u, r)| (u.to_owned(), r.to_owned()))
        .to_vec();
        assert_eq!(away, expected);

        let capital = realms().digest_spellings(&identity("Joe", "other.test"));
        assert_eq!(capital.len(), 12);
        assert!(capital.contains(&("joe".into(), "other.test".into())));
    }
}
