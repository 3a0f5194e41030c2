//! What breaks a mechanism's rules is refused before anybody is asked about.

use sasldb::mechanism::{Malformed, Start, Step, Verdict, begin};
use sasldb::vocabulary::{InitialResponse, Mechanism};

/// What becomes of `message` as the client's first: a fault, or `None` if it is taken.
fn first(mechanism: Mechanism, message: &[u8]) -> Option<Malformed> {
    let start =
        Start { nonce: "nonce", timestamp: 0, hostname: "mx1", realm: "example.org", certificate_name: Some(b"joe") };
    fault(match begin(mechanism, &start, InitialResponse::Absent) {
        Step::Challenge { next, .. } => next.respond(message),
        other => panic!("{mechanism}: {other:?}"),
    })
}

fn fault(step: Step) -> Option<Malformed> {
    match step {
        Step::Done(Verdict::Malformed(fault)) => Some(fault),
        Step::Done(other) => panic!("{other:?}"),
        Step::Need(_) | Step::Challenge { .. } => None,
        Step::Compute(_) => panic!("computes before it has asked"),
    }
}

#[track_caller]
fn check(mechanism: Mechanism, cases: &[(&[u8], Option<Malformed>)]) {
    for (message, expected) in cases {
        assert_eq!(first(mechanism, message), *expected, "{mechanism} {}", message.escape_ascii());
    }
}

const SYNTAX: Option<Malformed> = Some(Malformed::Syntax);
const TOO_LONG: Option<Malformed> = Some(Malformed::TooLong);

#[test]
fn plain_has_exactly_two_nuls_a_name_and_a_password() {
    let long_name = [b"\0".as_slice(), &[b'n'; 1025], b"\0p"].concat();
    let long_authzid = [[b'n'; 1025].as_slice(), b"\0n\0p"].concat();
    let long_password = [b"\0n\0".as_slice(), &[b'p'; 4097]].concat();
    check(
        Mechanism::Plain,
        &[
            (b"\0joe\0secret", None),
            (b"joe\0joe\0secret", None),
            (b"", SYNTAX),
            (b"joe", SYNTAX),
            (b"joe\0secret", SYNTAX),
            (b"\0\0secret", SYNTAX),
            (b"joe\0\0secret", SYNTAX),
            (b"\0joe\0", SYNTAX),
            (b"\0joe\0secret\0", SYNTAX),
            (b"\0joe\0secret\0more", SYNTAX),
            (b"\0\0\0\0", SYNTAX),
            (&long_name, TOO_LONG),
            (&long_authzid, TOO_LONG),
            (&long_password, TOO_LONG),
        ],
    );
}

#[test]
fn login_takes_a_name_and_then_a_password() {
    check(
        Mechanism::Login,
        &[(b"joe", None), (b"", SYNTAX), (b"jo\0e", SYNTAX), (&[b'n'; 1025], TOO_LONG), (&[b'n'; 1024], None)],
    );
    for (password, expected) in [
        (b"secret".as_slice(), None),
        (b"", SYNTAX),
        (b"sec\0ret", SYNTAX),
        (&[b'p'; 4097], TOO_LONG),
        (&[b'p'; 4096], None),
    ] {
        let start = Start { nonce: "n", timestamp: 0, hostname: "h", realm: "example.org", certificate_name: None };
        let Step::Challenge { next, .. } = begin(Mechanism::Login, &start, InitialResponse::Present(b"joe")) else {
            panic!("no prompt")
        };
        assert_eq!(fault(next.respond(password)), expected, "{}", password.escape_ascii());
    }
}

#[test]
fn cram_md5_is_a_name_and_32_hex_digits_after_the_last_space() {
    let long = [[b'n'; 1025].as_slice(), b" 00112233445566778899aabbccddeeff"].concat();
    check(
        Mechanism::CramMd5,
        &[
            (b"joe 00112233445566778899aabbccddeeff", None),
            (b"joe 00112233445566778899AABBCCDDEEFF", None),
            (b"mail man 00112233445566778899aabbccddeeff", None),
            (b"", SYNTAX),
            (b"joe", SYNTAX),
            (b" 00112233445566778899aabbccddeeff", SYNTAX),
            (b"00112233445566778899aabbccddeeff", SYNTAX),
            (b"joe00112233445566778899aabbccddeeff", SYNTAX),
            (b"joe 00112233445566778899aabbccddeef", SYNTAX),
            (b"joe 00112233445566778899aabbccddeeff0", SYNTAX),
            (b"joe 00112233445566778899aabbccddeefg", SYNTAX),
            (b"joe 00112233445566778899aabbccddeeff ", SYNTAX),
            (b"jo\0e 00112233445566778899aabbccddeeff", SYNTAX),
            (&long, TOO_LONG),
        ],
    );
}

#[test]
fn external_takes_a_short_authzid_without_nul() {
    check(Mechanism::External, &[(b"", None), (b"joe", None), (b"jo\0e", SYNTAX), (&[b'n'; 1025], TOO_LONG)]);
}

#[test]
fn external_is_not_offered_without_a_certificate() {
    for certificate_name in [None, Some(b"".as_slice()), Some(&[b'n'; 1025])] {
        let start = Start { nonce: "n", timestamp: 0, hostname: "h", realm: "example.org", certificate_name };
        for initial in [InitialResponse::Absent, InitialResponse::Present(b"joe")] {
            assert_eq!(fault(begin(Mechanism::External, &start, initial)), Some(Malformed::NotOffered));
        }
    }
}

#[test]
fn messages_longer_than_any_honest_one_are_refused_by_every_mechanism() {
    for mechanism in Mechanism::ALL {
        for fill in [b'a', b'0', b' ', b',', b'='] {
            let message = vec![fill; 20_000];
            let fault = first(mechanism, &message);
            assert!(fault.is_some(), "{mechanism} {}", char::from(fill));
        }
        // Well-formed but for its length.
        let message = match mechanism {
            Mechanism::DigestMd5 => [b"x=".as_slice(), &[b'a'; 5000]].concat(),
            Mechanism::Plain => [b"\0".as_slice(), &[b'a'; 5000], b"\0p"].concat(),
            Mechanism::Login | Mechanism::External => vec![b'a'; 5000],
            Mechanism::CramMd5 => [[b'a'; 5000].as_slice(), b" 00112233445566778899aabbccddeeff"].concat(),
            _ => [b"n,,n=u,r=a,x=".as_slice(), &[b'a'; 10_000]].concat(),
        };
        assert_eq!(first(mechanism, &message), TOO_LONG, "{mechanism}");
    }
}
