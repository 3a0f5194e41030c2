//! Words that every room shares: mechanisms, schemes, responses.

use core::fmt;

/// The mechanisms we speak, strongest first: the order in which they are announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Mechanism {
    /// RFC 5802 with SHA-512.
    ScramSha512,
    /// RFC 7677.
    ScramSha256,
    /// RFC 5802.
    ScramSha1,
    /// RFC 2831, made historic by RFC 6331.
    DigestMd5,
    /// RFC 2195.
    CramMd5,
    /// draft-murchison-sasl-login.
    Login,
    /// RFC 4616.
    Plain,
    /// RFC 4422, appendix A.
    External,
}

/// Who sends the first message of a mechanism (RFC 4422, section 5, item 2a).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initiative {
    /// The client, with an initial response or after an empty challenge.
    ClientFirst,
    /// The server, with a challenge; an initial response means nothing.
    ServerFirst,
}

impl Mechanism {
    /// All of them, strongest first.
    pub const ALL: [Self; 8] = [
        Self::ScramSha512,
        Self::ScramSha256,
        Self::ScramSha1,
        Self::DigestMd5,
        Self::CramMd5,
        Self::Login,
        Self::Plain,
        Self::External,
    ];

    /// The name in the IANA registry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::DigestMd5 => "DIGEST-MD5",
            Self::CramMd5 => "CRAM-MD5",
            Self::Login => "LOGIN",
            Self::Plain => "PLAIN",
            Self::External => "EXTERNAL",
        }
    }

    /// Finds a mechanism by name, in any case: Postfix forwards the SMTP client's spelling.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether the password itself crosses the wire, so that the transport has to be protected.
    #[must_use]
    pub const fn is_plaintext(self) -> bool {
        matches!(self, Self::Plain | Self::Login)
    }

    /// Who speaks first.
    #[must_use]
    pub const fn initiative(self) -> Initiative {
        match self {
            Self::Login | Self::CramMd5 | Self::DigestMd5 => Initiative::ServerFirst,
            _ => Initiative::ClientFirst,
        }
    }

    /// The SCRAM hash, for the SCRAM family.
    #[must_use]
    pub const fn scram_hash(self) -> Option<ScramHash> {
        match self {
            Self::ScramSha1 => Some(ScramHash::Sha1),
            Self::ScramSha256 => Some(ScramHash::Sha256),
            Self::ScramSha512 => Some(ScramHash::Sha512),
            _ => None,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of mechanisms, iterated strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MechanismSet(u8);

impl MechanismSet {
    const fn bit(mechanism: Mechanism) -> u8 {
        1 << (mechanism as u8)
    }

    /// The same set with `mechanism` in it.
    #[must_use]
    pub const fn with(self, mechanism: Mechanism) -> Self {
        Self(self.0 | Self::bit(mechanism))
    }

    /// Whether `mechanism` is in the set.
    #[must_use]
    pub const fn contains(self, mechanism: Mechanism) -> bool {
        self.0 & Self::bit(mechanism) != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its members, strongest first.
    pub fn iter(self) -> impl Iterator<Item = Mechanism> {
        Mechanism::ALL.into_iter().filter(move |m| self.contains(*m))
    }
}

impl FromIterator<Mechanism> for MechanismSet {
    fn from_iter<I: IntoIterator<Item = Mechanism>>(iter: I) -> Self {
        iter.into_iter().fold(Self::default(), Self::with)
    }
}

/// The hash functions of the SCRAM family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScramHash {
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl ScramHash {
    /// All of them, cheapest to derive first.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// Length of StoredKey and ServerKey in bytes.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The mechanism of this hash.
    #[must_use]
    pub const fn mechanism(self) -> Mechanism {
        match self {
            Self::Sha1 => Mechanism::ScramSha1,
            Self::Sha256 => Mechanism::ScramSha256,
            Self::Sha512 => Mechanism::ScramSha512,
        }
    }
}

/// A form in which a password is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// MD5(username:realm:password) for each spelling.
    DigestMd5,
    /// The two HMAC-MD5 states.
    CramMd5,
    /// Salt, iteration count, StoredKey, ServerKey.
    Scram(ScramHash),
    /// An imported crypt(3)-like string; never made for a new password.
    Hash,
}

impl Scheme {
    /// The schemes that can be made from a password.
    pub const DERIVED: [Self; 5] = [
        Self::DigestMd5,
        Self::CramMd5,
        Self::Scram(ScramHash::Sha1),
        Self::Scram(ScramHash::Sha256),
        Self::Scram(ScramHash::Sha512),
    ];

    /// All of them, in the order of listings.
    pub const ALL: [Self; 6] = {
        let [a, b, c, d, e] = Self::DERIVED;
        [a, b, c, d, e, Self::Hash]
    };

    /// The name used in the configuration and in listings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DigestMd5 => "digest-md5",
            Self::CramMd5 => "cram-md5",
            Self::Scram(ScramHash::Sha1) => "scram-sha-1",
            Self::Scram(ScramHash::Sha256) => "scram-sha-256",
            Self::Scram(ScramHash::Sha512) => "scram-sha-512",
            Self::Hash => "hash",
        }
    }

    /// Finds a scheme that can be made, by its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::DERIVED.into_iter().find(|s| s.name() == name)
    }

    /// The challenge mechanism that this scheme alone can serve.
    #[must_use]
    pub const fn mechanism(self) -> Option<Mechanism> {
        match self {
            Self::DigestMd5 => Some(Mechanism::DigestMd5),
            Self::CramMd5 => Some(Mechanism::CramMd5),
            Self::Scram(hash) => Some(hash.mechanism()),
            Self::Hash => None,
        }
    }
}

/// What came with the request to authenticate (RFC 4422, section 3.3). Absent and empty are different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialResponse<'a> {
    /// None was sent.
    Absent,
    /// One was sent, perhaps of no bytes.
    Present(&'a [u8]),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        for mechanism in Mechanism::ALL {
            assert_eq!(Mechanism::from_name(mechanism.name().to_ascii_lowercase().as_bytes()), Some(mechanism));
        }
        assert_eq!(Mechanism::from_name(b"SCRAM-SHA-1-PLUS"), None);
        assert_eq!(Mechanism::from_name(b""), None);
    }

    #[test]
    fn a_set_keeps_the_order_of_strength() {
        let set: MechanismSet = [Mechanism::Plain, Mechanism::ScramSha1, Mechanism::CramMd5].into_iter().collect();
        let names: Vec<_> = set.iter().map(Mechanism::name).collect();
        assert_eq!(names, ["SCRAM-SHA-1", "CRAM-MD5", "PLAIN"]);
        assert!(!set.contains(Mechanism::External));
    }
}
