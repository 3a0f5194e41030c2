//! SCRAM clients that know the password and compute well, but do not keep to the exchange they are in.

use base64ct::{Base64, Encoding};
use sasldb::credential::scram::{AuthMessage, client_proof, salted_password};
use sasldb::credential::{ScramKeys, ScramSalt, Secrets};
use sasldb::vocabulary::{Mechanism, Scheme, ScramHash};

use crate::site::{Ending, Site, account, identity, secrets, stored};

/// How a client departs from the rules; `None` where it keeps to them.
#[derive(Default)]
struct Departure<'a> {
    gs2_header: Option<&'a str>,
    channel_binding: Option<&'a str>,
    nonce: Option<&'a str>,
    salt_and_count: Option<(&'a [u8], u32)>,
    between: &'a str,
}

fn log_in(site: &Site, password: &str, departure: &Departure<'_>) -> Ending {
    let hash = ScramHash::Sha256;
    let gs2_header = departure.gs2_header.unwrap_or("n,,");
    let bare = "n=joe,r=abcdef";
    let serving = site.begin(Mechanism::ScramSha256, Some([gs2_header, bare].concat().as_bytes()));
    let server_first = String::from_utf8(serving.challenge().to_vec()).unwrap();
    let parts: Vec<&str> = server_first.split(',').collect();
    let salt = Base64::decode_vec(&parts[1][2..]).unwrap();
    let offered = (salt.as_slice(), parts[2][2..].parse().unwrap());
    let (salt, iterations) = departure.salt_and_count.unwrap_or(offered);

    let nonce = departure.nonce.unwrap_or(&parts[0][2..]);
    let repeated = Base64::encode_string(gs2_header.as_bytes());
    let channel_binding = departure.channel_binding.unwrap_or(&repeated);
    let without_proof = format!("c={channel_binding},r={nonce}{}", departure.between);
    let message = AuthMessage {
        client_first_bare: bare.as_bytes(),
        server_first: server_first.as_bytes(),
        client_final_without_proof: without_proof.as_bytes(),
    };
    let salted = salted_password(hash, password.as_bytes(), salt, iterations);
    let proof = Base64::encode_string(client_proof(hash, &salted, &message).expose());
    serving.respond(format!("{without_proof},p={proof}").as_bytes()).ending()
}

#[test]
fn who_keeps_to_the_rules_logs_in() {
    let site = Site::with("joe@example.org", b"secret");
    for departure in [
        Departure::default(),
        Departure { gs2_header: Some("y,,"), ..Departure::default() },
        Departure { gs2_header: Some("n,a=joe,"), ..Departure::default() },
        Departure { between: ",x=an extension", ..Departure::default() },
    ] {
        let ending = log_in(&site, "secret", &departure);
        assert!(ending.is_authenticated(), "{ending:?}");
    }
}

#[test]
fn who_does_not_is_denied_for_all_its_right_password() {
    let site = Site::with("joe@example.org", b"secret");
    for departure in [
        // The header is part of the proof only through `c=`: a downgrade in the middle shows there.
        Departure { gs2_header: Some("y,,"), channel_binding: Some("biws"), ..Departure::default() },
        Departure { gs2_header: Some("n,a=joe,"), channel_binding: Some("biws"), ..Departure::default() },
        Departure { channel_binding: Some("eSws"), ..Departure::default() },
        Departure { channel_binding: Some(""), ..Departure::default() },
        Departure { channel_binding: Some("biws="), ..Departure::default() },
        Departure { nonce: Some("abcdef"), ..Departure::default() },
        Departure { nonce: Some("other"), ..Departure::default() },
        Departure { nonce: Some(""), ..Departure::default() },
        Departure { between: ",m=1", ..Departure::default() },
        Departure { between: ",", ..Departure::default() },
        Departure { salt_and_count: Some((b"another salt", 64)), ..Departure::default() },
    ] {
        let ending = log_in(&site, "secret", &departure);
        assert!(matches!(ending, Ending::Denied(_)), "{ending:?}");
    }
}

/// One who ignores the challenge and goes by the salt of a verifier imported beside other passwords gets no further.
#[test]
fn a_proof_for_keys_outside_the_challenge_does_not_count() {
    let joe = identity("joe@example.org");
    let own = stored("main", secrets(&joe, b"secret", &[Scheme::Scram(ScramHash::Sha256)]));
    let keys =
        ScramKeys::derive(ScramHash::Sha256, b"imported", b"foreign", ScramSalt::Imported(b"foreign".into()), 77);
    let imported = stored("imported", Secrets { scram: vec![keys], ..Secrets::default() });
    let site = Site::new(&[], [account(joe, vec![own, imported])]);
    let departure = Departure { salt_and_count: Some((b"foreign", 77)), ..Departure::default() };
    let ending = log_in(&site, "imported", &departure);
    assert!(matches!(ending, Ending::Denied(_)), "{ending:?}");
    assert!(log_in(&site, "secret", &Departure::default()).is_authenticated());
}
