//! Names: the first line is a name as a client types it, the second one a realm as DIGEST-MD5 brings it, the rest a password.
//! Whatever spelling an account is found by, it is found again by its canonical name; the form in which names are compared
//! changes no more; SASLprep is what RFC 4013 says as far as that shows from outside.

use sasldb::identity::{Authcid, Identity, IdentityKey, MAX_PART, Name, Realm, Realms};
use sasldb::prep;

use super::{oracle, site};

pub fn target(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (name, realm, password) = (line(), line(), line());
    check_prep(password);
    check_prep(name);

    let realm = Realm::from_wire(realm).ok();
    let Ok(authcid) = Authcid::from_wire(name) else { return };
    assert_eq!(Authcid::parse(&oracle::text(name)).as_ref(), Ok(&authcid));
    let home = Realms::new(Realm::new(site::REALM).unwrap(), [Realm::new(site::ALIAS).unwrap()]);
    check_resolution(&home, &authcid, realm.as_ref());
    if let Some(realm) = realm {
        check_resolution(&Realms::new(realm.clone(), home.aliases().to_vec()), &authcid, Some(&realm));
        check_resolution(&Realms::new(home.default_realm().clone(), [realm]), &authcid, None);
    }
}

fn check_resolution(realms: &Realms, authcid: &Authcid, sent: Option<&Realm>) {
    let identity = realms.resolve(authcid, sent);
    let key = identity.key();
    check_key(&identity, &key);
    assert!(!realms.aliases().iter().any(|alias| alias.same(&identity.realm)), "an alias is only another name");

    // The canonical name finds the same account, whatever else is sent; so does the form in which names are compared.
    // Only ASCII is folded: the capital of a letter that a mark belongs to is another letter.
    let name = identity.to_string();
    let capitals = if name.is_ascii() { name.to_ascii_uppercase() } else { name.clone() };
    for text in [name, key.to_string(), capitals] {
        let again = Authcid::parse(&text).unwrap_or_else(|error| panic!("{text:?} {error}"));
        assert_eq!(realms.resolve(&again, sent).key(), key, "{text:?}");
    }

    let spellings = realms.digest_spellings(&identity);
    let composed = [&identity.realm, realms.default_realm()].into_iter().chain(realms.aliases()).map(Realm::as_str);
    let composed = composed.chain([identity.name.as_str()]).all(|text| prep::nfc(text) == text);
    let own = (identity.name.as_str().to_owned(), identity.realm.as_str().to_owned());
    assert_eq!(spellings.first(), Some(&own));
    // Two cases of name and realm, with and without realm, for each realm there is, own and empty.
    let most = 4 * (realms.aliases().len() + 3) * (realms.aliases().len() + 3);
    assert!(spellings.len() <= most, "{}", spellings.len());
    for (position, (username, realm)) in spellings.iter().enumerate() {
        assert!(!spellings[..position].contains(&(username.clone(), realm.clone())), "twice: {username:?} {realm:?}");
        // A client that sends this spelling gets to this account, unless that has no realm and none is sent: what has no realm
        // is of the default one.
        if identity.realm.as_str().is_empty() && realm.is_empty() && !username.ends_with('@') {
            continue;
        }
        // In lower case a letter may compose with a mark with which its capital did not.
        if !composed {
            continue;
        }
        let typed = Authcid::parse(username).unwrap();
        let sent = Realm::imported(realm).unwrap();
        assert_eq!(realms.resolve(&typed, Some(&sent)).key(), key, "{username:?} {realm:?}");
    }
}

fn check_key(identity: &Identity, key: &IdentityKey) {
    for part in [key.name(), key.realm()] {
        assert!(part.len() <= MAX_PART && !part.bytes().any(|byte| byte.is_ascii_uppercase()), "{part:?}");
        assert!(!part.chars().any(|c| prep::is_invisible(c) || "@:\"\\".contains(c)), "{part:?}");
    }
    let folded = Identity::new(Name::new(key.name()).unwrap(), Realm::imported(key.realm()).unwrap());
    assert_eq!(folded.key(), *key, "the form in which names are compared changes once more");
    assert_eq!(Identity::new(identity.name.clone(), folded.realm.clone()).key(), *key);
    assert!(folded.realm.same(&identity.realm));
}

fn check_prep(bytes: &[u8]) {
    let hashed = prep::scram_password(bytes);
    if let Some(other) = prep::other_password_form(bytes) {
        assert_ne!(other.as_slice(), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        assert_eq!(hashed.as_slice(), bytes);
        return;
    };
    let Some(prepared) = prep::saslprep(text) else {
        assert_eq!(hashed.as_slice(), bytes);
        return;
    };
    assert_eq!(hashed.as_slice(), prepared.as_bytes());
    assert!(!prepared.chars().any(char::is_control), "{text:?} gives {prepared:?}");
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        assert_eq!(prepared, text);
    }
    // What it gives is what it gives of that (RFC 3454, section 7, keeps unassigned characters out).
    assert_eq!(prep::saslprep(&prepared).as_deref(), Some(&*prepared), "{text:?}");
}
