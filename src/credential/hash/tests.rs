use proptest::prelude::*;

use super::*;

/// Passwords and the hashes that other programs made of them.
fn vectors() -> impl Iterator<Item = (Password, &'static str)> {
    let lines = include_str!("vectors.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let (password, hash) = line.split_once('\t').unwrap();
        (named(password), hash)
    })
}

fn named(name: &str) -> Password {
    let bytes = match (name.strip_prefix("hex:"), name.split_once('*')) {
        (Some(hex), _) => crate::credential::unhex(hex),
        (None, Some((character, times))) => character.repeat(times.parse().unwrap()).into_bytes(),
        (None, None) => name.as_bytes().to_vec(),
    };
    Password::new(bytes).unwrap()
}

fn parse(text: &str) -> PasswordHash {
    PasswordHash::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn fault(text: &str) -> HashError {
    PasswordHash::parse(text).err().unwrap_or_else(|| panic!("{text} was taken"))
}

#[test]
fn hashes_of_other_programs_fit_their_password_and_no_other() {
    let mut schemes = std::collections::BTreeSet::new();
    for (password, text) in vectors() {
        let hash = parse(text);
        schemes.insert(hash.scheme());
        assert!(hash.verify(&password), "{text}");
        let mut other = password.expose().to_vec();
        other[0] ^= 1;
        assert!(!hash.verify(&Password::new(other).unwrap()), "{text}");
    }
    assert_eq!(schemes.len(), 25, "{schemes:?}");
}

#[test]
fn a_blank_hash_costs_as_much_and_holds_neither_salt_nor_digest() {
    for (password, text) in vectors() {
        let hash = parse(text);
        let blank = parse(&hash.blank());
        assert_eq!((blank.scheme(), blank.cost()), (hash.scheme(), hash.cost()), "{text}");
        assert_eq!(blank.as_str(), hash.blank(), "{text}");
        assert_eq!(blank.blank(), hash.blank(), "{text}");
        assert_eq!(blank.as_str().len(), hash.as_str().len(), "{text}");
        assert!(blank.digest.expose().windows(2).all(|pair| pair.first() == pair.last()), "{text}: {}", blank.as_str());
        assert!(!blank.verify(&password), "{text}");
    }
    for (text, blank) in [
        ("$6$rounds=1234$saltstring$", "$6$rounds=1234$..........$"),
        ("$y$j9T$LdJMENpBABJJ3hIHjB1Bi.$", "$y$j9T$......................$"),
        ("$7$CU..../....T/1ND5KUDry0Yb8RXNLiT0$", "$7$CU..../..........................$"),
        ("{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$", "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$AAAAAA$"),
        ("$2b$05$/OK.fbVrR/bpIqNJ5ianF.", "$2b$05$......................"),
        ("{PBKDF2}$1$x$b$", "{PBKDF2}$1$a$b$"),
    ] {
        assert_eq!(blank::blank(text), blank);
    }
}

#[test]
fn a_digest_that_differs_anywhere_does_not_fit() {
    for (password, text) in vectors() {
        let mut hash = parse(text);
        if hash.cost() == Cost::Slow {
            continue;
        }
        for position in 0..hash.digest.expose().len() {
            let mut digest = hash.digest.expose().to_vec();
            digest[position] ^= 0x80;
            hash.digest = SecretBytes::new(digest);
            assert!(!hash.verify(&password), "{text}");
        }
    }
}

#[test]
fn the_stored_text_is_read_back_as_the_same_hash() {
    for (_, text) in vectors() {
        let hash = parse(text);
        let again = parse(hash.as_str());
        assert_eq!(again.as_str(), hash.as_str());
        assert_eq!(again.scheme(), hash.scheme());
        assert!(again.digest.equals(hash.digest.expose()));
    }
    for (text, stored) in [
        ("{ssha.hex}1Q", None),
        ("{sha.hex}E5E9fa1ba31ecd1ae84f75caaa474f3a663f05f4", Some("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=")),
        ("{sha1}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4", Some("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=")),
        ("{plain-md5}Xr4ilOzQ4PCOq3aQ0qbuaQ", Some("{LDAP-MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==")),
        ("{des-crypt}Q/u3.RLFw0zbs", Some("{CRYPT}Q/u3.RLFw0zbs")),
        ("Q/u3.RLFw0zbs", Some("{CRYPT}Q/u3.RLFw0zbs")),
        ("{Crypt}$1$abc$uAXS.Zj1ZDNcW9iX1TVH2/", Some("$1$abc$uAXS.Zj1ZDNcW9iX1TVH2/")),
        (
            "{PBKDF2}10000$3von5FvsJb2XuVJzrbC6xg$qNcBgFnTjOhHKQqE3QlSSjM2Sjk",
            Some("{PBKDF2-SHA1}10000$3von5FvsJb2XuVJzrbC6xg$qNcBgFnTjOhHKQqE3QlSSjM2Sjk"),
        ),
        (
            "{PBKDF2}$1$s$1000$6145A67EBBA7DC84229D4170FDDC6F794A168E1E",
            Some("{PBKDF2}$1$s$1000$6145a67ebba7dc84229d4170fddc6f794a168e1e"),
        ),
    ] {
        assert_eq!(PasswordHash::parse(text).ok().as_ref().map(PasswordHash::as_str), stored, "{text}");
    }
}

#[test]
fn only_single_digests_are_fast() {
    for (_, text) in vectors() {
        let hash = parse(text);
        let fast = matches!(
            hash.scheme(),
            "LDAP-MD5" | "SHA" | "SHA256" | "SHA384" | "SHA512" | "SMD5" | "SSHA" | "SSHA256" | "SSHA384" | "SSHA512"
        );
        assert_eq!(hash.cost(), if fast { Cost::Fast } else { Cost::Slow }, "{text}");
    }
}

#[test]
fn a_hash_tells_which_passwords_are_not_the_only_ones_that_fit() {
    let des = parse("abxxB7HlIeckU");
    assert!(["1234", "12345678", "123456789", "Grüße"].iter().all(|text| des.fits_others_than(&named(text))));
    let big = parse("QTw/ldVJuthd.D6zUxWFy08o");
    assert!(!big.is_loose() && big.fits_others_than(&named("secret pass")));
    assert!(["secret p", "secret pass and mor", "secret pa\u{F3}"].iter().all(|text| !big.verify(&named(text))));
    let bcrypt = parse("$2y$05$ImgTM.TrBH5Ez4mb4iMgQu8eqlvkW8j.xIIUHmPK2mnqbakkC609m");
    assert!(bcrypt.verify(&named("x*72")) == bcrypt.verify(&named("x*73")));
    assert!(!bcrypt.fits_others_than(&named("x*71")));
    assert!(bcrypt.fits_others_than(&named("x*72")));
    assert!(bcrypt.fits_others_than(&named("x*73")));
    let sha =
        parse("$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.");
    assert!(!sha.fits_others_than(&named("x*511")));
    // What crypt(3) refuses to hash cannot be the password of its hash, and is not tried.
    assert!(!sha.verify(&named("x*512")));
}

#[test]
fn costs_above_the_limit_are_refused_at_any_size() {
    let digest43 = "6zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz1";
    let b32 = "5bBJMOmbZloFV/Jdp+3VCeWXi7hODjidOi1RwEMS/SU";
    let sha = "bFEYjSfGAiD2lj5kVtimLJAPpsPfMtT7rDIXk20Zi0Yr3tOHnQJOPNv7Wr6vkOZYUkIAgHdtmQL2z2on7T5VT.";
    let bcrypt = "ImgTM.TrBH5Ez4mb4iMgQu8eqlvkW8j.xIIUHmPK2mnqbakkC609m";
    let sha1 = "6145a67ebba7dc84229d4170fddc6f794a168e1e";
    for (text, taken) in [
        (format!("$6$rounds=1000000$abc${sha}"), true),
        (format!("$6$rounds=1000001$abc${sha}"), false),
        (format!("$6$rounds=99999999999999999999$abc${sha}"), false),
        (format!("$2b$13${bcrypt}"), true),
        (format!("$2b$14${bcrypt}"), false),
        (format!("$2b$31${bcrypt}"), false),
        (format!("$argon2id$v=19$m=262144,t=3,p=1$BCAFPoImhkwiAv6InFW90A${b32}"), true),
        (format!("$argon2id$v=19$m=262144,t=4,p=1$BCAFPoImhkwiAv6InFW90A${b32}"), false),
        (format!("$argon2id$v=19$m=262145,t=1,p=1$BCAFPoImhkwiAv6InFW90A${b32}"), false),
        (format!("$argon2id$v=19$m=8,t=4294967295,p=1$BCAFPoImhkwiAv6InFW90A${b32}"), false),
        (format!("$argon2i$m=4294967296,t=1,p=1$BCAFPoImhkwiAv6InFW90A${b32}"), false),
        (format!("{{PBKDF2}}$1$s$4000000${sha1}"), true),
        (format!("{{PBKDF2}}$1$s$4000001${sha1}"), false),
        (format!("{{PBKDF2-SHA256}}3500000$c2FsdA${}", b32.replace('+', ".")), true),
        (format!("{{PBKDF2-SHA256}}3500001$c2FsdA${}", b32.replace('+', ".")), false),
        (format!("{{PBKDF2-SHA512}}700001$c2FsdA${sha}"), false),
        // N is 2^16 and 2^17, r 32.
        (format!("$y$jDT$abcdefgh${digest43}"), true),
        (format!("$y$jET$abcdefgh${digest43}"), false),
        // N is 2^15 and 2^16, r 32; then p 3.
        (format!("$7$DU..../....abc${digest43}"), true),
        (format!("$7$EU..../....abc${digest43}"), false),
        (format!("$7$CU..../....abc${digest43}"), true),
        (format!("$7$CU....1....abc${digest43}"), false),
        (format!("$7$zzzzzzzzzzzabc${digest43}"), false),
    ] {
        let read = PasswordHash::parse(&text);
        assert_eq!(read.is_ok(), taken, "{text} {read:?}");
        assert!(taken || matches!(read, Err(HashError::TooCostly { .. })), "{text} {read:?}");
    }
}

#[test]
fn what_is_no_hash_is_refused_by_name() {
    for (text, said) in [
        ("", "not a known form of password hash"),
        ("secret", "not a known form of password hash"),
        ("$9$x$y", "not a known form of password hash"),
        ("{NONSENSE}x", "not a known form of password hash"),
        ("{}", "not a known form of password hash"),
        ("{SSHA", "not a known form of password hash"),
        ("{CRYPT}", "not a known form of password hash"),
        ("{CRYPT}{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "not a known form of password hash"),
        ("!$1$abc$uAXS.Zj1ZDNcW9iX1TVH2/", "not a known form of password hash"),
        ("*", "not a known form of password hash"),
        ("{PLAIN}secret", "a password in the clear is not a password hash"),
        ("{cleartext.b64}c2VjcmV0", "a password in the clear is not a password hash"),
        ("{CRAM-MD5}cd", "a CRAM-MD5 secret is not a password hash"),
        ("{DIGEST-MD5}9e", "a DIGEST-MD5 secret is not a password hash"),
        ("{SCRAM-SHA-256}4096,x,y,z", "a SCRAM secret is not a password hash"),
        (
            "$2x$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e",
            "bcrypt of kind 2x is not supported: a sign error in the program that made it lets other passwords fit",
        ),
        ("{SASL}joe@EXAMPLE.COM", "the name of who checks the password elsewhere is not a password hash"),
        ("{PBKDF2-SHA1}10000$c2FsdA$x+y", "not a well-formed PBKDF2-SHA1 hash"),
        (
            "$md5,rounds=64440$xXNt/9EE$$6uGzDlEkTIrGKLen3gllW/",
            "the crypt of Solaris or NetBSD is not supported: it has died out",
        ),
        ("_J9..rasmBYk8r9AiWNc", "BSDI extended DES is not supported: it has died out"),
        ("$gy$j9T$x$y", "gost-yescrypt is not supported: its hash function is not built in"),
        ("{PLAIN-MD4}67d3dafef63ff00603aeef3769cfbf0d", "MD4 is not supported: its preimages are cheap to find"),
        ("{SSHA}5en6G6MezRroT3XKqkdPOmY=", "not a well-formed SSHA hash"),
        ("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ===", "not a well-formed SHA hash"),
        ("$1$toolongsalt$uAXS.Zj1ZDNcW9iX1TVH2/", "not a well-formed MD5-CRYPT hash"),
        ("$1$abc$uAXS.Zj1ZDNcW9iX1TVH2", "not a well-formed MD5-CRYPT hash"),
        ("$5$rounds=999$abc$GzAL/HPD/MYJIjVUUnvBTiqueLrt/LVxJEZtz0qaNX2", "not a well-formed SHA256-CRYPT hash"),
        ("$5$rounds=05000$abc$GzAL/HPD/MYJIjVUUnvBTiqueLrt/LVxJEZtz0qaNX2", "not a well-formed SHA256-CRYPT hash"),
        ("$2b$5$ImgTM.TrBH5Ez4mb4iMgQu8eqlvkW8j.xIIUHmPK2mnqbakkC609m", "not a well-formed BLF-CRYPT hash"),
        ("$2b$03$ImgTM.TrBH5Ez4mb4iMgQu8eqlvkW8j.xIIUHmPK2mnqbakkC609m", "not a well-formed BLF-CRYPT hash"),
        ("$y$j9T", "not a well-formed yescrypt hash"),
        (
            "$argon2id$v=19$m=8,t=1,p=2$BCAFPoImhkwiAv6InFW90A$5bBJMOmbZloFV/Jdp+3VCeWX",
            "not a well-formed ARGON2ID hash",
        ),
    ] {
        assert_eq!(fault(text).to_string(), said, "{text}");
    }
}

#[test]
fn nothing_of_a_hash_is_printed() {
    assert_eq!(format!("{:?}", parse("abxxB7HlIeckU")), "PasswordHash(DES-CRYPT)");
    assert_eq!(fault("{PLAIN}hunter2").to_string().find("hunter2"), None);
}

/// Texts near to hashes: those of the vectors with a part replaced, cut or repeated.
fn near_hashes() -> impl Strategy<Value = String> {
    let texts: Vec<&str> = vectors().map(|(_, text)| text).collect();
    let part = prop_oneof![
        "[./0-9A-Za-z$=,{}+*-]{0,12}",
        "[$][1-9a-z]{1,4}[$]",
        "rounds=[0-9]{1,11}",
        "m=[0-9]{1,11},t=[0-9]{1,11},p=[0-9]{1,9}",
        any::<char>().prop_map(String::from),
    ];
    (prop::sample::select(texts), any::<prop::sample::Index>(), 0..20usize, part).prop_map(|(text, at, cut, part)| {
        let characters: Vec<char> = text.chars().collect();
        let at = at.index(characters.len());
        let end = characters.len().min(at.saturating_add(cut));
        let (before, after) = (characters[..at].iter(), characters[end..].iter());
        format!("{}{part}{}", before.collect::<String>(), after.collect::<String>())
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in prop_oneof![any::<String>(), near_hashes()]) {
        if let Ok(hash) = PasswordHash::parse(&text) {
            let again = parse(hash.as_str());
            prop_assert_eq!(again.as_str(), hash.as_str());
        }
    }
}

proptest! {
    // Each case may cost half a second.
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn whatever_is_read_can_be_checked(text in near_hashes(), password in prop::collection::vec(1..=255u8, 1..200)) {
        if let Ok(hash) = PasswordHash::parse(&text) {
            let _ = hash.verify(&Password::new(password).unwrap());
        }
    }
}
