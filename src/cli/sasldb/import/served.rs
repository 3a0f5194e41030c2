//! By what the password of an entry will log in.

use crate::credential::verify::finds_spelling;
use crate::credential::{DigestSpelling, Secrets};
use crate::identity::{Identity, Realms};
use crate::vocabulary::{Mechanism, MechanismSet, Scheme};

/// The mechanisms of a password from which these schemes are made.
pub(super) fn by_schemes(schemes: &[Scheme]) -> MechanismSet {
    let derived = schemes.iter().filter_map(|scheme| scheme.mechanism());
    derived.chain([Mechanism::Login, Mechanism::Plain]).collect()
}

/// The mechanisms of these secrets. A DIGEST-MD5 hash among them that came with the file is of one `spelling` only.
pub(super) fn by_secrets(
    secrets: &Secrets,
    spelling: Option<&DigestSpelling>,
    identity: &Identity,
    realms: &Realms,
) -> MechanismSet {
    let reached = spelling.is_none_or(|spelling| reaches(spelling, identity, realms));
    let found = spelling.is_none_or(|spelling| finds_spelling(identity, &spelling.username, &spelling.realm));
    let all = Mechanism::ALL.into_iter().filter(|mechanism| *mechanism != Mechanism::External);
    all.filter(|&mechanism| match mechanism {
        Mechanism::DigestMd5 => reached && secrets.serves(mechanism),
        Mechanism::Plain | Mechanism::Login => found && secrets.serves(mechanism),
        _ => secrets.serves(mechanism),
    })
    .collect()
}

/// Whether a client that sends the spelling means the account.
fn reaches(spelling: &DigestSpelling, identity: &Identity, realms: &Realms) -> bool {
    let (username, realm) = (spelling.username.as_bytes(), spelling.realm.as_bytes());
    realms.key_from_wire(username, Some(realm)).is_some_and(|key| key == identity.key())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::{Imported, Stored};
    use crate::identity::{Name, Realm};

    fn served(account: (&str, &str), spelling: (&str, &str)) -> Vec<&'static str> {
        let realm = |text| Realm::imported(text).unwrap();
        let realms = Realms::new(realm("example.com"), [realm("mx1")]);
        let identity = Identity::new(Name::new(account.0).unwrap(), realm(account.1));
        let spelling = DigestSpelling { username: spelling.0.to_owned(), realm: spelling.1.to_owned() };
        let imported = Imported::parse("{DIGEST-MD5}9e350098094efc4af26cd456adf29a60").unwrap();
        let Stored::Forms(secrets) = Stored::new(imported, &spelling) else { panic!() };
        by_secrets(&secrets, Some(&spelling), &identity, &realms).iter().map(Mechanism::name).collect()
    }

    #[test]
    fn a_digest_serves_who_sends_its_spelling_and_plain_where_that_is_the_accounts_own() {
        let all = ["DIGEST-MD5", "LOGIN", "PLAIN"];
        assert_eq!(served(("joe", "example.com"), ("joe", "example.com")), all);
        assert_eq!(served(("joe", "example.com"), ("joe", "")), all);
        assert_eq!(served(("joe", "other.test"), ("joe@other.test", "other.test")), all);
        assert_eq!(served(("joe", "example.com"), ("joe", "mx1")), all[..1]);
        assert_eq!(served(("joe", "example.com"), ("Joe", "example.com")), all[..1]);
        assert_eq!(served(("joe", "other.test"), ("joe@other.test", "Trac")), all[..1]);
        // Whoever sends no realm means the default one.
        assert_eq!(served(("joe", "other.test"), ("joe", "")), all[1..]);
        assert_eq!(served(("joe", "example.com"), ("joe", "Trac")), all[..0]);
    }
}
