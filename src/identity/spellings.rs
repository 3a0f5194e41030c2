//! The spellings of an account under which DIGEST-MD5 clients hash its password.

use super::{Identity, Realm, Realms};

impl Realms {
    /// Every (username, realm) that DIGEST-MD5 clients form for `identity`, each as created and in lower case: the table
    /// in section 6 of the design. Without repetitions; the plain pair of name and own realm comes first.
    #[must_use]
    pub fn digest_spellings(&self, identity: &Identity) -> Vec<(String, String)> {
        let own = &identity.realm;
        let at_home = own.same(self.default_realm());
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
}

fn both_cases(text: &str) -> impl Iterator<Item = String> + use<> {
    let lower = text.to_ascii_lowercase();
    let given = (lower != text).then(|| text.to_owned());
    given.into_iter().chain(core::iter::once(lower))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Name;

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
