//! A client that others wrote, and responses that real clients sent.

use io_sasl::coroutine::{SaslArg, SaslCoroutine, SaslCoroutineState, SaslYield};
use io_sasl::rfc2195::cram_md5::{SaslCramMd5, SaslCramMd5Creds};
use io_sasl::rfc5801::SaslGs2ChannelBinding;
use io_sasl::rfc5802::SaslScramCreds;
use io_sasl::rfc5802::scram_sha_1::SaslScramSha1;
use io_sasl::rfc7677::scram_sha_256::SaslScramSha256;
use io_sasl::scram_sha_512::SaslScramSha512;

use sasldb::vocabulary::Mechanism;

use crate::site::{Ending, Serving, Site, Turn};

/// Runs a client of io-sasl. It completes without error only if the server has proven itself where the mechanism has that.
fn log_in<C>(site: &Site, mechanism: Mechanism, mut client: C) -> (bool, bool)
where
    C: SaslCoroutine,
{
    let initial = match client.resume(SaslArg::None) {
        SaslCoroutineState::Yielded(SaslYield::WantsWrite(initial)) => Some(initial),
        SaslCoroutineState::Yielded(SaslYield::WantsRead) => None,
        SaslCoroutineState::Complete(_) => panic!("complete before it began"),
    };
    let mut serving: Serving<'_> = site.begin(mechanism, initial.as_deref());
    loop {
        let challenge = match &serving.turn {
            Turn::Challenge(data, _) => data.clone(),
            Turn::Ended(Ending::Authenticated(_, Some(data))) => data.clone(),
            Turn::Ended(_) => break,
        };
        let SaslCoroutineState::Yielded(SaslYield::WantsWrite(response)) = client.resume(SaslArg::Input(&challenge))
        else {
            break;
        };
        if matches!(serving.turn, Turn::Ended(_)) {
            assert!(response.is_empty());
            break;
        }
        serving = serving.respond(&response);
    }
    let content = matches!(client.resume(SaslArg::Done), SaslCoroutineState::Complete(Ok(())));
    (serving.ending().is_authenticated(), content)
}

fn scram(username: &str, password: &str) -> SaslScramCreds {
    SaslScramCreds {
        username: username.into(),
        password: password.into(),
        nonce: b"fyko+d2lbbFgONRv9qkxdawL".to_vec(),
        channel_binding: SaslGs2ChannelBinding::Unsupported,
    }
}

#[test]
fn io_sasl_logs_in_and_believes_us() {
    for (name, password) in [("joe", "secret"), ("jörg", "pä55"), ("us=er,x", "I\u{AD}X"), ("mail man", "\u{2168}")] {
        let site = Site::with(&format!("{name}@example.org"), password.as_bytes());
        for typed in [name.to_owned(), format!("{name}@example.org"), format!("{name}@MX1")] {
            for (mechanism, outcome) in [
                (
                    Mechanism::ScramSha1,
                    log_in(&site, Mechanism::ScramSha1, SaslScramSha1::new(scram(&typed, password))),
                ),
                (
                    Mechanism::ScramSha256,
                    log_in(&site, Mechanism::ScramSha256, SaslScramSha256::new(scram(&typed, password))),
                ),
                (
                    Mechanism::ScramSha512,
                    log_in(&site, Mechanism::ScramSha512, SaslScramSha512::new(scram(&typed, password))),
                ),
                (
                    Mechanism::CramMd5,
                    log_in(
                        &site,
                        Mechanism::CramMd5,
                        SaslCramMd5::new(SaslCramMd5Creds { username: typed.clone(), secret: password.into() }),
                    ),
                ),
            ] {
                assert_eq!(outcome, (true, true), "{typed} {mechanism}");
            }
        }
    }
}

#[test]
fn io_sasl_with_a_wrong_password_is_denied() {
    let site = Site::with("joe@example.org", b"secret");
    for (name, password) in [("joe", "Secret"), ("ann", "secret")] {
        let client = SaslScramSha256::new(scram(name, password));
        assert_eq!(log_in(&site, Mechanism::ScramSha256, client), (false, false));
        let client = SaslScramSha1::new(scram(name, password));
        assert_eq!(log_in(&site, Mechanism::ScramSha1, client), (false, false));
        let client = SaslCramMd5::new(SaslCramMd5Creds { username: name.into(), secret: password.into() });
        assert!(!log_in(&site, Mechanism::CramMd5, client).0);
    }
}

/// Dovecot 2.3.19.1 offered two realms to a recorded client; password `secret`, account digest@example.org.
#[test]
fn the_digest_md5_response_that_dovecot_accepted_is_accepted() {
    let site = Site::with("digest@example.org", b"secret");
    let nonce = "G37BN3EEiFWO3mbScMf4uQ==";
    let response = "username=\"digest\",realm=\"example.org\",nonce=\"G37BN3EEiFWO3mbScMf4uQ==\",\
                    cnonce=\"OA6MHXh6VqTrRk\",nc=00000001,qop=auth,digest-uri=\"smtp/mail.example.org\",\
                    response=a0665435b881fe7c73e9e14d13db170c,charset=utf-8";
    let serving = site.begin_with_nonce(Mechanism::DigestMd5, None, nonce);
    match serving.respond(response.as_bytes()).ending() {
        Ending::Authenticated(_, Some(data)) => {
            assert_eq!(data, b"rspauth=068d8656dafaa9ac99185999f90a7056");
        }
        other => panic!("{other:?}"),
    }
}

/// A response as a client writes it, with `RESPONSE` where its proof belongs.
struct Habit {
    client: &'static str,
    message: &'static str,
    username: &'static [u8],
    realm: &'static [u8],
    digest_uri: &'static [u8],
    authzid: Option<&'static [u8]>,
}

/// What clients put into digest-response, recorded from each; the proof is computed by hand below, since the nonce was another.
const HABITS: [Habit; 7] = [
    Habit {
        client: "GNU SASL 2.2 (gsasl, msmtp): blanks after commas",
        message: "username=\"joe\", realm=\"example.org\", nonce=\"NONCE\", cnonce=\"Y2xpZW50\", nc=00000001, \
                  qop=auth, digest-uri=\"smtp/mx1\", response=RESPONSE, charset=utf-8",
        username: b"joe",
        realm: b"example.org",
        digest_uri: b"smtp/mx1",
        authzid: None,
    },
    Habit {
        client: "neomutt (GNU SASL): an authzid at the end",
        message: "username=\"joe\", realm=\"example.org\", nonce=\"NONCE\", cnonce=\"Y2xpZW50\", nc=00000001, \
                  qop=auth, digest-uri=\"smtp/mx1\", response=RESPONSE, charset=utf-8, authzid=\"joe\"",
        username: b"joe",
        realm: b"example.org",
        digest_uri: b"smtp/mx1",
        authzid: Some(b"joe"),
    },
    Habit {
        client: "Perl Authen::SASL 2.16 (swaks): sorted",
        message: "charset=utf-8,cnonce=\"Y2xpZW50\",digest-uri=\"smtp/mx1\",nc=00000001,nonce=\"NONCE\",qop=auth,\
                  realm=\"example.org\",response=RESPONSE,username=\"joe\"",
        username: b"joe",
        realm: b"example.org",
        digest_uri: b"smtp/mx1",
        authzid: None,
    },
    Habit {
        client: "Perl Net::SMTP: an authzid at the start",
        message: "authzid=\"joe\",charset=utf-8,cnonce=\"Y2xpZW50\",digest-uri=\"smtp/mx1\",nc=00000001,\
                  nonce=\"NONCE\",qop=auth,realm=\"example.org\",response=RESPONSE,username=\"joe\"",
        username: b"joe",
        realm: b"example.org",
        digest_uri: b"smtp/mx1",
        authzid: Some(b"joe"),
    },
    Habit {
        client: "curl 7.88: quoted nc, the realm as host, no charset",
        message: "username=\"joe@example.org\",realm=\"\",nonce=\"NONCE\",cnonce=\"Y2xpZW50\",nc=\"00000001\",\
                  digest-uri=\"smtp/\",response=RESPONSE,qop=auth",
        username: b"joe@example.org",
        realm: b"",
        digest_uri: b"smtp/",
        authzid: None,
    },
    Habit {
        client: "libsasl2 2.1.28: maxbuf, no charset",
        message: "username=\"joe\",realm=\"mx1.example.org\",nonce=\"NONCE\",cnonce=\"Y2xpZW50\",nc=00000001,\
                  qop=auth,maxbuf=1024,digest-uri=\"smtp/mx1.example.org\",response=RESPONSE",
        username: b"joe",
        realm: b"mx1.example.org",
        digest_uri: b"smtp/mx1.example.org",
        authzid: None,
    },
    Habit {
        client: "a client that leaves the realm out",
        message: "username=\"joe\",nonce=\"NONCE\",cnonce=\"Y2xpZW50\",nc=00000001,qop=auth,\
                  digest-uri=\"smtp/mx1\",response=RESPONSE,charset=utf-8",
        username: b"joe",
        realm: b"",
        digest_uri: b"smtp/mx1",
        authzid: None,
    },
];

/// RFC 2831, section 2.1.2.1, written down a second time.
fn proof(hash: &[u8], nonce: &str, authzid: Option<&[u8]>, digest_uri: &[u8], word: &str) -> String {
    use md5::{Digest, Md5};
    let mut a1 = [hash, format!(":{nonce}:Y2xpZW50").as_bytes()].concat();
    if let Some(authzid) = authzid {
        a1.extend_from_slice(b":");
        a1.extend_from_slice(authzid);
    }
    let a2 = [word.as_bytes(), b":", digest_uri].concat();
    let (a1, a2) = (hex(&Md5::digest(a1)), hex(&Md5::digest(a2)));
    hex(&Md5::digest(format!("{a1}:{nonce}:00000001:Y2xpZW50:auth:{a2}")))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn md5(bytes: &[u8]) -> Vec<u8> {
    use md5::{Digest, Md5};
    Md5::digest(bytes).to_vec()
}

#[test]
fn digest_md5_is_understood_as_each_client_writes_it() {
    let site = Site::with("joe@example.org", b"secret");
    for Habit { client, message, username, realm, digest_uri, authzid } in HABITS {
        let hash = md5(&[username, b":", realm, b":secret"].concat());
        let nonce = crate::site::NONCE;
        let response = proof(&hash, nonce, authzid, digest_uri, "AUTHENTICATE");
        let message = message.replace("NONCE", nonce).replace("RESPONSE", &response);
        match site.begin(Mechanism::DigestMd5, None).respond(message.as_bytes()).ending() {
            Ending::Authenticated(_, Some(data)) => {
                let rspauth = proof(&hash, nonce, authzid, digest_uri, "");
                assert_eq!(data, format!("rspauth={rspauth}").into_bytes(), "{client}");
            }
            other => panic!("{client}: {other:?}"),
        }
    }
}

#[test]
fn digest_md5_knows_the_character_sets_of_its_clients() {
    let site = Site::with("jörg@example.org", "pä55".as_bytes());
    let (name, name_latin1) = ("jörg".as_bytes(), b"j\xF6rg".as_slice());
    let (password, password_latin1) = ("pä55".as_bytes(), b"p\xE455".as_slice());
    for (client, sent, hashed, password, accepted) in [
        ("Perl, curl, Camel", name, name, password, true),
        ("GNU SASL", name, name, password_latin1, true),
        ("libsasl2", name, name_latin1, password_latin1, true),
        ("a client that sends ISO 8859-1 too", name_latin1, name_latin1, password_latin1, true),
        ("nobody", name, name_latin1, password, false),
    ] {
        let hash = md5(&[hashed, b":example.org:", password].concat());
        let response = proof(&hash, crate::site::NONCE, None, b"smtp/mx1", "AUTHENTICATE");
        let message = [
            b"username=\"",
            sent,
            b"\",realm=\"example.org\",nonce=\"",
            crate::site::NONCE.as_bytes(),
            b"\",cnonce=\"Y2xpZW50\",nc=00000001,qop=auth,digest-uri=\"smtp/mx1\",response=",
            response.as_bytes(),
        ]
        .concat();
        let ending = site.begin(Mechanism::DigestMd5, None).respond(&message).ending();
        assert_eq!(ending.is_authenticated(), accepted, "{client}: {ending:?}");
    }
}

/// The authzid is compared as an account: any but the user's own is denied.
#[test]
fn an_authzid_is_the_users_own_in_every_spelling_or_denied() {
    let site = Site::with("joe@example.org", b"secret");
    for (authzid, accepted) in [
        ("", true),
        ("joe", true),
        ("JOE", true),
        ("joe@example.org", true),
        ("joe@mx1", true),
        ("joe@other.test", false),
        ("ann", false),
        ("joe@", false),
    ] {
        let message = [authzid.as_bytes(), b"\0joe\0secret"].concat();
        let ending = site.begin(Mechanism::Plain, Some(&message)).ending();
        assert_eq!(ending.is_authenticated(), accepted, "{authzid}");
    }
}
