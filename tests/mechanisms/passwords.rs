//! Accounts with several passwords, with limits, with some schemes only.

use sasldb::credential::{Network, PasswordFacts, PasswordHash, Secrets, ServiceName};
use sasldb::mechanism::client::ClientStart;
use sasldb::runtime::UnixTime;
use sasldb::vocabulary::{Mechanism, Scheme, ScramHash};

use crate::site::{Ending, NOW, Shape, Site, account, identity, password, secrets, start, stored};

const CHALLENGED: [Mechanism; 5] =
    [Mechanism::ScramSha512, Mechanism::ScramSha256, Mechanism::ScramSha1, Mechanism::DigestMd5, Mechanism::CramMd5];
const PLAINTEXT: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

fn every() -> impl Iterator<Item = Mechanism> {
    CHALLENGED.into_iter().chain(PLAINTEXT)
}

#[test]
fn any_password_of_an_account_logs_in_by_every_mechanism() {
    let joe = identity("joe@example.org");
    let labelled = [("main", "first"), ("phone", "second"), ("tablet", "third")];
    let passwords = labelled.map(|(label, text)| stored(label, secrets(&joe, text.as_bytes(), &Scheme::DERIVED)));
    let site = Site::new(&Scheme::DERIVED, [account(joe, passwords.into())]);
    for mechanism in every() {
        for (label, text) in labelled {
            let login = site.log_in(start(mechanism, "joe", &password(text.as_bytes())));
            assert!(login.is_accepted(), "{mechanism} {label}: {login:?}");
            assert_eq!(login.label(), Some(label), "{mechanism}");
        }
        let login = site.log_in(start(mechanism, "joe", &password(b"fourth")));
        assert!(!login.is_accepted(), "{mechanism}");
    }
}

/// Where two labels have one password, the one that is good here counts.
#[test]
fn of_two_passwords_that_fit_the_usable_one_counts() {
    for scheme in Scheme::DERIVED {
        let joe = identity("joe@example.org");
        let make = |label| stored(label, secrets(&joe, b"secret", &[scheme]));
        let mut limited = make("limited");
        limited.facts.services = vec![ServiceName::new("imap").unwrap()];
        let free = make("free");
        let site = Site::new(&[scheme], [account(joe, vec![limited, free])]);
        for mechanism in scheme.mechanism().into_iter().chain(PLAINTEXT) {
            let login = site.log_in(start(mechanism, "joe", &password(b"secret")));
            assert!(login.is_accepted(), "{mechanism}: {login:?}");
            assert_eq!(login.label(), Some("free"), "{mechanism}");
        }
    }
}

/// Each limit by itself, in every mechanism: within it the password logs in beside another; outside it is told from a wrong one
/// in the log only.
#[test]
fn expiry_services_and_networks_hold_in_every_mechanism() {
    type Limit = fn(&mut PasswordFacts);
    let limits: [(&str, Limit, Option<&str>, bool); 12] = [
        ("ends later", |facts| facts.expires = Some(UnixTime(NOW.0 + 1)), None, true),
        ("ends now", |facts| facts.expires = Some(NOW), None, false),
        ("has ended", |facts| facts.expires = Some(UnixTime(1)), None, false),
        ("this service", |facts| facts.services = services(&["imap", "smtp"]), None, true),
        ("another service", |facts| facts.services = services(&["imap"]), None, false),
        (
            "this network",
            |facts| facts.networks = networks(&["198.51.100.0/24", "192.0.2.0/24"]),
            Some("192.0.2.7"),
            true,
        ),
        ("another network", |facts| facts.networks = networks(&["198.51.100.0/24"]), Some("192.0.2.7"), false),
        ("an address nobody tells", |facts| facts.networks = networks(&["0.0.0.0/0", "::/0"]), None, false),
        ("this network, IPv6", |facts| facts.networks = networks(&["2001:db8::/32"]), Some("2001:db8::7"), true),
        ("another one, IPv6", |facts| facts.networks = networks(&["2001:db8::/32"]), Some("2001:db9::7"), false),
        (
            "an IPv4 address in IPv6",
            |facts| facts.networks = networks(&["192.0.2.0/24"]),
            Some("::ffff:192.0.2.7"),
            true,
        ),
        (
            "one of two limits",
            |facts| (facts.services, facts.networks) = (services(&["imap"]), networks(&["192.0.2.0/24"])),
            Some("192.0.2.7"),
            false,
        ),
    ];
    let joe = identity("joe@example.org");
    for (limit, set, remote, good) in limits {
        let mut limited = stored("limited", secrets(&joe, b"secret", &Scheme::DERIVED));
        set(&mut limited.facts);
        let free = stored("free", secrets(&joe, b"other", &Scheme::DERIVED));
        let mut site = Site::new(&Scheme::DERIVED, [account(joe.clone(), vec![limited, free])]);
        site.context.remote = remote.map(|address| address.parse().unwrap());
        for mechanism in every() {
            let right = site.log_in(start(mechanism, "joe", &password(b"secret")));
            let other = site.log_in(start(mechanism, "joe", &password(b"other")));
            assert_eq!((other.is_accepted(), other.label()), (true, Some("free")), "{mechanism}, {limit}");
            assert_eq!(right.is_accepted(), good, "{mechanism}, {limit}: {right:?}");
            if good {
                assert_eq!(right.label(), Some("limited"), "{mechanism}, {limit}");
                continue;
            }
            let wrong = site.log_in(start(mechanism, "joe", &password(b"wrong")));
            assert_eq!(right.shape, wrong.shape, "{mechanism}, {limit}");
            match (right.ending.unwrap(), wrong.ending.unwrap()) {
                (Ending::Denied(right), Ending::Denied(wrong)) => {
                    assert!(
                        right.contains("limited") && right.contains("not good for"),
                        "{mechanism}, {limit}: {right}"
                    );
                    assert_eq!(wrong, "wrong password", "{mechanism}, {limit}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn services(names: &[&str]) -> Vec<ServiceName> {
    names.iter().map(|name| ServiceName::new(name).unwrap()).collect()
}

fn networks(texts: &[&str]) -> Vec<Network> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// digest-uri is part of what DIGEST-MD5 proves, so it has to name a service that the password is good for.
#[test]
fn digest_uri_has_to_agree_with_a_limited_password() {
    let joe = identity("joe@example.org");
    let mut limited = stored("main", secrets(&joe, b"secret", &[Scheme::DigestMd5]));
    limited.facts.services = vec![ServiceName::new("smtp").unwrap()];
    let free = stored("free", secrets(&joe, b"other", &[Scheme::DigestMd5]));
    let site = Site::new(&[Scheme::DigestMd5], [account(joe, vec![limited, free])]);
    for (text, service, accepted) in [
        ("secret", "smtp", true),
        ("secret", "SMTP", true),
        ("secret", "imap", false),
        ("secret", "", false),
        ("other", "imap", true),
    ] {
        let text = password(text.as_bytes());
        let login = site.log_in(ClientStart { service, ..start(Mechanism::DigestMd5, "joe", &text) });
        assert_eq!(login.is_accepted(), accepted, "{service}: {login:?}");
    }
}

#[test]
fn a_password_that_is_not_for_plaintext_serves_the_other_mechanisms() {
    for schemes in [&Scheme::DERIVED[..], &Scheme::DERIVED[2..], &Scheme::DERIVED[1..2]] {
        let joe = identity("joe@example.org");
        let mut guarded = stored("main", secrets(&joe, b"secret", schemes));
        guarded.secrets.no_plaintext = true;
        let site = Site::new(schemes, [account(joe, vec![guarded])]);
        for mechanism in schemes.iter().filter_map(|scheme| scheme.mechanism()) {
            assert!(site.log_in(start(mechanism, "joe", &password(b"secret"))).is_accepted(), "{mechanism}");
        }
        for mechanism in PLAINTEXT {
            let login = site.log_in(start(mechanism, "joe", &password(b"secret")));
            assert!(matches!(login.ending, Some(Ending::Denied(ref why)) if why == "wrong password"), "{login:?}");
        }
    }
}

#[test]
fn plaintext_is_checked_against_whatever_is_there_slow_only_where_nothing_fast_is() {
    for (scheme, slow) in [
        (Scheme::DigestMd5, false),
        (Scheme::CramMd5, false),
        (Scheme::Scram(ScramHash::Sha1), true),
        (Scheme::Scram(ScramHash::Sha256), true),
        (Scheme::Scram(ScramHash::Sha512), true),
    ] {
        for text in ["secret".as_bytes(), "pä55".as_bytes(), "I\u{AD}X".as_bytes(), b"\xE4\xFF"] {
            let joe = identity("joe@example.org");
            let stored = stored("main", secrets(&joe, text, &[scheme]));
            let site = Site::new(&[scheme], [account(joe, vec![stored])]);
            for mechanism in PLAINTEXT {
                let right = site.log_in(start(mechanism, "joe", &password(text)));
                assert!(right.is_accepted(), "{} {}", scheme.name(), text.escape_ascii());
                assert_eq!(right.shape.contains(&Shape::Compute), slow, "{}", scheme.name());
                let wrong = site.log_in(start(mechanism, "joe", &password(b"Secret")));
                assert!(!wrong.is_accepted(), "{}", scheme.name());
                assert_eq!(wrong.shape.contains(&Shape::Compute), slow, "{}", scheme.name());
            }
        }
    }
}

/// HMAC takes a long key and its hash for the same, so CRAM-MD5 states are no proof while anything better is there.
#[test]
fn the_twin_of_a_long_password_does_not_log_in_where_another_scheme_is() {
    use md5::{Digest, Md5};
    let long = [b'x'; 70];
    let twin = Md5::digest(long).to_vec();
    let joe = identity("joe@example.org");
    for other in [Scheme::DigestMd5, Scheme::Scram(ScramHash::Sha1)] {
        let both = stored("main", secrets(&joe, &long, &[Scheme::CramMd5, other]));
        let site = Site::new(&[other], [account(joe.clone(), vec![both])]);
        assert!(site.log_in(start(Mechanism::Plain, "joe", &password(&long))).is_accepted());
        assert!(!site.log_in(start(Mechanism::Plain, "joe", &password(&twin))).is_accepted(), "{}", other.name());
    }
    let mut with_hash = stored("main", secrets(&joe, &long, &[Scheme::CramMd5]));
    with_hash.secrets.hash = Some(PasswordHash::parse(SHA512_CRYPT).unwrap());
    let site = Site::new(&[Scheme::CramMd5], [account(joe, vec![with_hash])]);
    assert!(!site.log_in(start(Mechanism::Plain, "joe", &password(&twin))).is_accepted());
}

/// Of `secret`, as doveadm pw 2.3.19.1 makes it.
const SSHA: &str = "{SSHA}1Q9pahL5/J/Qj9IzV7f3X5XeI2iCi4tk";
/// Of `secret`, as openssl passwd 3.0 makes it.
const SHA512_CRYPT: &str =
    "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.";
/// Of `secret-a` and whatever follows these eight characters, by crypt(3).
const DES: &str = "abxjSpUScCSQc";

fn hashed(text: &str) -> Secrets {
    Secrets { hash: Some(PasswordHash::parse(text).unwrap()), ..Secrets::default() }
}

#[test]
fn an_imported_hash_serves_plaintext_and_a_slow_one_is_computed() {
    for (text, slow) in [(SSHA, false), (SHA512_CRYPT, true)] {
        let site = Site::new(&[], [account(identity("joe"), vec![stored("main", hashed(text))])]);
        for mechanism in PLAINTEXT {
            for (typed, right) in [("secret", true), ("Secret", false), ("secret ", false)] {
                let login = site.log_in(start(mechanism, "joe", &password(typed.as_bytes())));
                assert_eq!(login.is_accepted(), right, "{text} {typed}");
                assert_eq!(login.shape.contains(&Shape::Compute), slow, "{text} {typed}");
            }
        }
        for mechanism in CHALLENGED {
            assert!(!site.log_in(start(mechanism, "joe", &password(b"secret"))).is_accepted(), "{mechanism} {text}");
        }
    }
}

/// The cheapest secret counts, but of the slow ones SCRAM, for some hashes take other passwords too.
#[test]
fn a_hash_is_asked_only_where_nothing_better_is() {
    let joe = identity("joe@example.org");
    let scram = Scheme::Scram(ScramHash::Sha256);
    for (hash, schemes, other_fits, computes) in [
        (DES, &[][..], true, true),
        (DES, &[Scheme::CramMd5], true, true),
        (DES, &[scram], false, true),
        (DES, &[Scheme::DigestMd5], false, false),
        (SHA512_CRYPT, &[Scheme::DigestMd5], false, false),
        (SSHA, &[Scheme::DigestMd5], false, false),
        (SSHA, &[scram], true, false),
        (SSHA, &[Scheme::CramMd5], true, false),
    ] {
        // What the hash is of and what the others are of never differ in earnest; here it tells which was asked.
        let (set, other): (&[u8], &[u8]) =
            if hash == DES { (b"secret-abc", b"secret-abd") } else { (b"set", b"secret") };
        let secrets = Secrets { hash: hashed(hash).hash, ..secrets(&joe, set, schemes) };
        let site = Site::new(&[], [account(joe.clone(), vec![stored("main", secrets)])]);
        let login = site.log_in(start(Mechanism::Plain, "joe", &password(other)));
        assert_eq!(login.is_accepted(), other_fits, "{hash} {schemes:?}");
        assert_eq!(login.shape.contains(&Shape::Compute), computes, "{hash} {schemes:?}");
        if !other_fits {
            assert!(site.log_in(start(Mechanism::Plain, "joe", &password(set))).is_accepted(), "{hash} {schemes:?}");
        }
    }
}

/// Other programs hashed what was typed, in whichever form.
#[test]
fn a_hash_is_found_in_another_normalization_form() {
    // Of `Grüße` with the composed letter: sha256-crypt by crypt(3), and the digest of it.
    for text in [
        "$5$abcdefgh$pUVbo9t33QgsrsaoHC7lceeXuCbpec5DIIc6PaHX9U0",
        "{SHA256}+D4Dl5bGRToQ9VGeOf0ROQFXIxahqOoHy1JdKAHf0HQ=",
    ] {
        let site = Site::new(&[], [account(identity("joe"), vec![stored("main", hashed(text))])]);
        for typed in ["Gr\u{FC}\u{DF}e", "Gru\u{308}\u{DF}e"] {
            let login = site.log_in(start(Mechanism::Plain, "joe", &password(typed.as_bytes())));
            assert!(login.is_accepted(), "{text} {typed}");
        }
    }
}

#[test]
fn a_fast_and_a_slow_password_side_by_side_both_log_in() {
    let joe = identity("joe@example.org");
    let fast = stored("fast", secrets(&joe, b"quick", &[Scheme::DigestMd5]));
    let slow = stored("slow", secrets(&joe, b"steady", &[Scheme::Scram(ScramHash::Sha256)]));
    let site = Site::new(&[Scheme::DigestMd5], [account(joe, vec![slow, fast])]);
    for (text, label, computes) in [("quick", "fast", false), ("steady", "slow", true)] {
        let login = site.log_in(start(Mechanism::Plain, "joe", &password(text.as_bytes())));
        assert_eq!(login.label(), Some(label));
        assert_eq!(login.shape.contains(&Shape::Compute), computes);
    }
    assert!(!site.log_in(start(Mechanism::Plain, "joe", &password(b"neither"))).is_accepted());
}

/// PLAIN tries the bytes as they are, then the prepared form.
#[test]
fn plaintext_finds_a_password_in_another_normalization_form() {
    for scheme in [Scheme::DigestMd5, Scheme::CramMd5, Scheme::Scram(ScramHash::Sha256)] {
        let joe = identity("joe@example.org");
        let stored = stored("main", secrets(&joe, "p\u{E4}ss".as_bytes(), &[scheme]));
        let site = Site::new(&[scheme], [account(joe, vec![stored])]);
        let typed = password("pa\u{308}ss".as_bytes());
        assert!(site.log_in(start(Mechanism::Plain, "joe", &typed)).is_accepted(), "{}", scheme.name());
    }
}

/// The imported digest of a full address with an empty realm is as good for PLAIN as one made here.
#[test]
fn plaintext_is_checked_against_a_hash_of_another_spelling_of_the_name() {
    use sasldb::credential::DigestMd5Hash;
    for (username, realm) in [("joe@example.org", ""), ("joe", ""), ("joe@example.org", "example.org")] {
        let hash = DigestMd5Hash::hash(&[username.as_bytes()], realm.as_bytes(), b"secret");
        let only = DigestMd5Hash { tag: DigestMd5Hash::tag(username, realm), hash };
        let secrets = Secrets { digest_md5: vec![only], ..Secrets::default() };
        let site = Site::new(&[Scheme::DigestMd5], [account(identity("joe"), vec![stored("main", secrets)])]);
        assert!(site.log_in(start(Mechanism::Plain, "joe", &password(b"secret"))).is_accepted());
        assert!(!site.log_in(start(Mechanism::Plain, "joe", &password(b"wrong"))).is_accepted());
    }
}

/// A verifier imported under another salt cannot share a challenge with the account's other passwords.
#[test]
fn keys_under_another_salt_do_not_fit_the_shared_challenge() {
    use sasldb::credential::{ScramKeys, ScramSalt, Secrets};
    let joe = identity("joe@example.org");
    let sha256 = ScramHash::Sha256;
    let own = || stored("main", secrets(&joe, b"secret", &[Scheme::Scram(sha256)]));
    let imported = || {
        let keys =
            ScramKeys::derive(sha256, b"imported", b"foreign salt", ScramSalt::Imported(b"foreign salt".into()), 77);
        stored("imported", Secrets { scram: vec![keys], ..Secrets::default() })
    };
    let beside = Site::new(&[], [account(joe.clone(), vec![own(), imported()])]);
    assert!(beside.log_in(start(Mechanism::ScramSha256, "joe", &password(b"secret"))).is_accepted());
    assert!(!beside.log_in(start(Mechanism::ScramSha256, "joe", &password(b"imported"))).is_accepted());
    assert!(beside.log_in(start(Mechanism::Plain, "joe", &password(b"imported"))).is_accepted());
    let alone = Site::new(&[], [account(joe.clone(), vec![imported()])]);
    assert!(alone.log_in(start(Mechanism::ScramSha256, "joe", &password(b"imported"))).is_accepted());
}

/// Dovecot derives its keys from passwords as they are typed.
#[test]
fn plaintext_is_checked_against_keys_of_an_unprepared_password() {
    use sasldb::credential::{ScramKeys, ScramSalt, Secrets};
    let typed = "I\u{AD}X".as_bytes();
    let keys = ScramKeys::derive(ScramHash::Sha1, typed, b"salt", ScramSalt::Imported(b"salt".into()), 64);
    let secrets = Secrets { scram: vec![keys], ..Secrets::default() };
    let site = Site::new(&[], [account(identity("joe@example.org"), vec![stored("main", secrets)])]);
    assert!(site.log_in(start(Mechanism::Plain, "joe", &password(typed))).is_accepted());
    assert!(!site.log_in(start(Mechanism::Plain, "joe", &password(b"IX"))).is_accepted());
}
