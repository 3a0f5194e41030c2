//! A client that others wrote, and a response that a real client sent.

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
