//! Our client believes a server only as far as the server has proven itself.

use sasldb::mechanism::client::{self, ClientError, ClientStart, ServerProof};
use sasldb::secret::Password;
use sasldb::vocabulary::{Initiative, Mechanism};

use crate::site::{Site, Turn, password, start};

fn proves_the_server(mechanism: Mechanism) -> bool {
    mechanism == Mechanism::DigestMd5 || mechanism.scram_hash().is_some()
}

/// A client and the challenges that our server gave it, in order, the final data last.
fn challenges(site: &Site, start: ClientStart<'_>) -> Vec<Vec<u8>> {
    let opening = client::begin(start);
    let mut serving = site.begin(start.mechanism, opening.initial.as_ref().map(|m| m.expose()));
    let mut next = opening.next;
    let mut seen = Vec::new();
    loop {
        match serving.turn {
            Turn::Challenge(ref data, _) => {
                seen.push(data.clone());
                let (response, then) = next.challenge(data).unwrap();
                serving = serving.respond(response.expose());
                next = then;
            }
            Turn::Ended(ending) => {
                assert!(ending.is_authenticated());
                if let crate::site::Ending::Authenticated(_, Some(data)) = ending {
                    seen.push(data);
                }
                return seen;
            }
        }
    }
}

/// A client that has answered all of `challenges`.
fn after<'a>(start: ClientStart<'a>, challenges: &[Vec<u8>]) -> client::Client<'a> {
    let mut next = client::begin(start).next;
    for challenge in challenges {
        next = next.challenge(challenge).unwrap().1;
    }
    next
}

fn each(check: impl Fn(Mechanism, ClientStart<'_>, &[Vec<u8>])) {
    let site = Site::with("joe@example.org", b"secret");
    let secret: Password = password(b"secret");
    for mechanism in Mechanism::ALL {
        let start = start(mechanism, "joe", &secret);
        check(mechanism, start, &challenges(&site, start));
    }
}

#[test]
fn a_client_speaks_first_where_its_mechanism_says_so() {
    let secret = password(b"secret");
    for mechanism in Mechanism::ALL {
        let opening = client::begin(start(mechanism, "joe", &secret));
        assert_eq!(opening.initial.is_some(), mechanism.initiative() == Initiative::ClientFirst, "{mechanism}");
    }
}

#[test]
fn success_counts_after_the_last_challenge_only() {
    each(|mechanism, start, challenges| {
        for length in 0..challenges.len() {
            let error = after(start, &challenges[..length]).success(None).unwrap_err();
            assert!(matches!(error, ClientError::TooEarly | ClientError::NoProof), "{mechanism} {length}: {error:?}");
        }
        let expected = if proves_the_server(mechanism) { ServerProof::Shown } else { ServerProof::NotPartOfMechanism };
        assert_eq!(after(start, challenges).success(None), Ok(expected), "{mechanism}");
    });
}

#[test]
fn the_proof_may_come_as_a_challenge_or_with_the_success() {
    each(|mechanism, start, challenges| {
        let Some((proof, before)) = challenges.split_last().filter(|_| proves_the_server(mechanism)) else { return };
        assert_eq!(after(start, before).success(None), Err(ClientError::NoProof), "{mechanism}");
        assert_eq!(after(start, before).success(Some(proof)), Ok(ServerProof::Shown), "{mechanism}");
        assert_eq!(after(start, challenges).success(Some(proof)), Err(ClientError::UnexpectedChallenge));
    });
}

#[test]
fn any_other_proof_is_none() {
    each(|mechanism, start, challenges| {
        let Some((proof, before)) = challenges.split_last().filter(|_| proves_the_server(mechanism)) else { return };
        for position in 0..proof.len() {
            let mut other = proof.clone();
            other[position] ^= 1;
            assert!(after(start, before).challenge(&other).is_err(), "{mechanism} {}", other.escape_ascii());
            assert!(after(start, before).success(Some(&other)).is_err(), "{mechanism} {}", other.escape_ascii());
            assert!(after(start, before).challenge(&proof[..position]).is_err(), "{mechanism}");
        }
        for other in [b"".as_slice(), b"e=other-error", b"v=", b"rspauth=", b"v=AAAA"] {
            assert!(after(start, before).challenge(other).is_err(), "{mechanism}");
        }
    });
}

#[test]
fn a_server_that_knows_another_password_cannot_prove_itself() {
    let secret = password(b"secret");
    let impostor = Site::with("joe@example.org", b"guess");
    let honest = Site::with("joe@example.org", b"secret");
    for mechanism in Mechanism::ALL.into_iter().filter(|m| proves_the_server(*m)) {
        let start = start(mechanism, "joe", &secret);
        let theirs = challenges(&impostor, ClientStart { password: &password(b"guess"), ..start });
        let ours = challenges(&honest, start);
        let mixed = [&ours[..ours.len() - 1], &theirs[theirs.len() - 1..]].concat();
        let (last, before) = mixed.split_last().unwrap();
        assert_eq!(after(start, before).challenge(last).unwrap_err(), ClientError::WrongProof, "{mechanism}");
    }
}

#[test]
fn nothing_is_answered_after_the_last_word() {
    each(|mechanism, start, challenges| {
        for stray in [b"".as_slice(), b"more", challenges.last().map_or(b"x", |c| c.as_slice())] {
            let error = after(start, challenges).challenge(stray).unwrap_err();
            assert_eq!(error, ClientError::UnexpectedChallenge, "{mechanism}");
        }
    });
}

#[test]
fn challenges_that_would_weaken_the_exchange_are_refused() {
    let secret = password(b"secret");
    for (challenge, error) in [
        ("r=other,s=QSXCR+Q6sek8bf92,i=4096", ClientError::Nonce),
        ("r=Y2xpZW50IG5vbmNl,s=QSXCR+Q6sek8bf92,i=4096", ClientError::Nonce),
        ("r=Y2xpZW50IG5vbmNlx,s=QSXCR+Q6sek8bf92,i=0", ClientError::Iterations),
        ("r=Y2xpZW50IG5vbmNlx,s=QSXCR+Q6sek8bf92,i=4000000000", ClientError::Iterations),
        ("r=Y2xpZW50IG5vbmNlx,s=QSXCR+Q6sek8bf92,i=99999999999", ClientError::Iterations),
        ("r=Y2xpZW50IG5vbmNlx,s=QSXCR+Q6sek8bf92,i=+1", ClientError::Syntax),
        ("r=Y2xpZW50IG5vbmNlx,s=,i=4096", ClientError::Syntax),
        ("r=Y2xpZW50IG5vbmNlx,s=*,i=4096", ClientError::Syntax),
        ("r=Y2xpZW50IG5vbmNlx,i=4096,s=QSXCR+Q6sek8bf92", ClientError::Syntax),
        ("m=x,r=Y2xpZW50IG5vbmNlx,s=QSXCR+Q6sek8bf92,i=4096", ClientError::NotSupported),
        ("e=unknown-user", ClientError::Syntax),
        ("", ClientError::Syntax),
    ] {
        let client = client::begin(start(Mechanism::ScramSha256, "joe", &secret)).next;
        assert_eq!(client.challenge(challenge.as_bytes()).unwrap_err(), error, "{challenge}");
    }
    for (challenge, error) in [
        ("realm=\"r\",qop=\"auth\",algorithm=md5-sess", ClientError::Syntax),
        ("nonce=\"a\",nonce=\"b\",algorithm=md5-sess", ClientError::Syntax),
        ("nonce=\"a\"", ClientError::NotSupported),
        ("nonce=\"a\",algorithm=md5", ClientError::NotSupported),
        ("nonce=\"a\",qop=\"auth-int,auth-conf\",algorithm=md5-sess", ClientError::NotSupported),
        ("nonce", ClientError::Syntax),
    ] {
        let client = client::begin(start(Mechanism::DigestMd5, "joe", &secret)).next;
        assert_eq!(client.challenge(challenge.as_bytes()).unwrap_err(), error, "{challenge}");
    }
    let client = client::begin(start(Mechanism::DigestMd5, "joe", &secret)).next;
    assert!(client.challenge(b"nonce=\"a\",qop=\"auth-int, auth\",algorithm=\"md5-sess\"").is_ok());
}
