//! The examples of the RFCs, message by message, as they are printed.

use std::sync::Arc;

use base64ct::{Base64, Encoding};
use sasldb::credential::{IterationCensus, Lookup, PasswordSet, ScramKeys, ScramSalt, Secrets, Who};
use sasldb::identity::Realm;
use sasldb::mechanism::client::{self, ClientStart, ServerProof};
use sasldb::mechanism::{Awaiting, Start, Step, Verdict, begin};
use sasldb::prep::scram_password;
use sasldb::secret::Password;
use sasldb::vocabulary::{InitialResponse, Mechanism, Scheme, ScramHash};

use crate::site::{ITERATIONS, account, identity, password, salt_key, secrets, stored};

/// A conversation of `C:` and `S:` lines.
fn conversation(text: &'static str) -> Vec<(char, &'static str)> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| (line.chars().next().unwrap(), line.get(3..).unwrap_or(""))).collect()
}

struct Server {
    lookup: Lookup,
    start: Start<'static>,
}

impl Server {
    fn new(who: &str, secrets: Secrets, start: Start<'static>) -> Self {
        let identity = identity(who);
        let lookup = Lookup {
            known: true,
            who: Who::Account(identity.key()),
            account: Arc::new(account(identity, vec![stored("main", secrets)])),
            salt_key: Arc::new(salt_key()),
            census: Arc::new(IterationCensus::new(ITERATIONS, Vec::new())),
        };
        Self { lookup, start }
    }

    fn settle(&self, step: Step, asked: &str) -> Turn {
        match step {
            Step::Need(suspended) => {
                assert_eq!(suspended.question().authcid, asked.as_bytes());
                let usable: PasswordSet = [0].into_iter().collect();
                self.settle(suspended.resume(self.lookup.clone(), usable), asked)
            }
            Step::Challenge { data, next } => Turn::Challenge(String::from_utf8(data).unwrap(), next),
            Step::Compute(computation) => Turn::Done(computation.run()),
            Step::Done(verdict) => Turn::Done(verdict),
        }
    }

    /// Plays the client's lines and compares the server's; final data is the server's last line.
    fn plays(&self, mechanism: Mechanism, asked: &str, text: &'static str) {
        let mut lines = conversation(text).into_iter().peekable();
        let initial = lines.next_if(|(side, _)| *side == 'C').map(|(_, line)| line.as_bytes());
        let initial = initial.map_or(InitialResponse::Absent, InitialResponse::Present);
        let mut turn = self.settle(begin(mechanism, &self.start, initial), asked);
        loop {
            turn = match turn {
                Turn::Challenge(data, next) => {
                    assert_eq!(lines.next(), Some(('S', data.as_str())));
                    let (side, response) = lines.next().unwrap();
                    assert_eq!(side, 'C');
                    self.settle(next.respond(response.as_bytes()), asked)
                }
                Turn::Done(verdict) => {
                    let final_data = lines.next().map(|(_, line)| line.as_bytes().to_vec());
                    assert_eq!(verdict, Verdict::Proven { password: Some(0), final_data, presented: None });
                    return;
                }
            };
        }
    }
}

enum Turn {
    Challenge(String, Awaiting),
    Done(Verdict),
}

/// Our client on the same conversation: its lines are the printed ones.
fn client_plays(start: ClientStart<'_>, text: &'static str) -> ServerProof {
    let opening = client::begin(start);
    let mut lines = conversation(text).into_iter().peekable();
    if let Some(initial) = opening.initial {
        assert_eq!(lines.next(), Some(('C', core::str::from_utf8(initial.expose()).unwrap())));
    }
    let mut client = opening.next;
    while let Some((_, challenge)) = lines.next() {
        let (response, next) = client.challenge(challenge.as_bytes()).unwrap();
        assert_eq!(core::str::from_utf8(response.expose()).unwrap(), lines.next().map_or("", |(_, line)| line));
        client = next;
    }
    client.success(None).unwrap()
}

fn start(nonce: &'static str) -> Start<'static> {
    Start { nonce, timestamp: 0, hostname: "localhost", realm: "example.org", certificate_name: None }
}

fn client_start<'a>(mechanism: Mechanism, authcid: &'a str, password: &'a Password, nonce: &'a str) -> ClientStart<'a> {
    ClientStart { mechanism, authcid, authzid: None, password, realm: None, service: "imap", host: "localhost", nonce }
}

fn scram_secrets(hash: ScramHash, text: &str, salt: &str) -> Secrets {
    let salt = Base64::decode_vec(salt).unwrap();
    let prepared = scram_password(text.as_bytes());
    let keys = ScramKeys::derive(hash, &prepared, &salt, ScramSalt::Imported(salt.clone()), 4096);
    Secrets { scram: vec![keys], ..Secrets::default() }
}

#[test]
fn rfc_2195() {
    let who = identity("tim@example.org");
    let secrets = secrets(&who, b"tanstaaftanstaaf", &[Scheme::CramMd5]);
    let start = Start { timestamp: 697_170_952, hostname: "postoffice.reston.mci.net", ..start("1896") };
    let text = include_str!("../vectors/rfc2195-cram-md5.txt");
    Server::new("tim", secrets, start).plays(Mechanism::CramMd5, "tim", text);
    let secret = password(b"tanstaaftanstaaf");
    let proof = client_plays(client_start(Mechanism::CramMd5, "tim", &secret, "x"), text);
    assert_eq!(proof, ServerProof::NotPartOfMechanism);
}

/// The RFC's challenges are laid out otherwise than ours, so the nonce is taken from them and our own challenge goes unseen.
#[test]
fn rfc_2831() {
    for (nonce, text) in [
        ("OA6MG9tEQGm2hh", include_str!("../vectors/rfc2831-imap.txt")),
        ("OA9BSXrbuRhWay", include_str!("../vectors/rfc2831-acap.txt")),
    ] {
        let realm = Realm::new("elwood.innosoft.com").unwrap();
        let who = sasldb::identity::Identity::new(sasldb::identity::Name::new("chris").unwrap(), realm);
        let secrets = secrets(&who, b"secret", &[Scheme::DigestMd5]);
        let server = Server::new("chris@elwood.innosoft.com", secrets, start(nonce));
        let lines = conversation(text);
        let Turn::Challenge(_, next) =
            server.settle(begin(Mechanism::DigestMd5, &server.start, InitialResponse::Absent), "chris")
        else {
            panic!("no challenge")
        };
        let final_data = Some(lines[2].1.as_bytes().to_vec());
        match server.settle(next.respond(lines[1].1.as_bytes()), "chris") {
            Turn::Done(verdict) => {
                assert_eq!(verdict, Verdict::Proven { password: Some(0), final_data, presented: None });
            }
            Turn::Challenge(data, _) => panic!("{data}"),
        }
    }
}

/// Our client writes its directives in another order, but the same of them.
#[test]
fn rfc_2831_as_a_client() {
    let secret = password(b"secret");
    for (service, cnonce, text) in [
        ("imap", "OA6MHXh6VqTrRk", include_str!("../vectors/rfc2831-imap.txt")),
        ("acap", "OA9BSuZWMSpW8m", include_str!("../vectors/rfc2831-acap.txt")),
    ] {
        let lines = conversation(text);
        let start = ClientStart {
            service,
            host: "elwood.innosoft.com",
            ..client_start(Mechanism::DigestMd5, "chris", &secret, cnonce)
        };
        let (response, next) = client::begin(start).next.challenge(lines[0].1.as_bytes()).unwrap();
        let sorted = |text: &str| {
            let mut parts: Vec<String> = text.split(',').map(str::to_owned).collect();
            parts.sort();
            parts
        };
        assert_eq!(sorted(core::str::from_utf8(response.expose()).unwrap()), sorted(lines[1].1));
        assert_eq!(next.success(Some(lines[2].1.as_bytes())), Ok(ServerProof::Shown));
    }
}

#[test]
fn rfc_4616() {
    let who = identity("tim@example.org");
    let server = |scheme| Server::new("tim", secrets(&who, b"tanstaaftanstaaf", &[scheme]), start("x"));
    let secret = password(b"tanstaaftanstaaf");
    for scheme in Scheme::DERIVED {
        let turn = server(scheme)
            .settle(begin(Mechanism::Plain, &start("x"), InitialResponse::Present(b"\0tim\0tanstaaftanstaaf")), "tim");
        let Turn::Done(verdict) = turn else { panic!("a challenge") };
        let presented = Some(password(b"tanstaaftanstaaf"));
        assert_eq!(verdict, Verdict::Proven { password: Some(0), final_data: None, presented }, "{}", scheme.name());
    }
    let initial = client::begin(client_start(Mechanism::Plain, "tim", &secret, "x")).initial.unwrap();
    assert_eq!(initial.expose(), b"\0tim\0tanstaaftanstaaf");
    // The second example: Kurt acts as Ursel.
    let secret = password(b"xipj3plmq");
    let kurt = ClientStart { authzid: Some("Ursel"), ..client_start(Mechanism::Plain, "Kurt", &secret, "x") };
    let initial = client::begin(kurt).initial.unwrap();
    assert_eq!(initial.expose(), b"Ursel\0Kurt\0xipj3plmq");
    match begin(Mechanism::Plain, &start("x"), InitialResponse::Present(initial.expose())) {
        Step::Need(suspended) => assert_eq!(suspended.question().authzid.as_deref(), Some(b"Ursel".as_slice())),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rfc_5802_and_rfc_7677() {
    let secret = password(b"pencil");
    for (hash, salt, client_nonce, server_nonce, text) in [
        (
            ScramHash::Sha1,
            "QSXCR+Q6sek8bf92",
            "fyko+d2lbbFgONRv9qkxdawL",
            "3rfcNHYJY1ZVvWVs7j",
            include_str!("../vectors/rfc5802-scram-sha-1.txt"),
        ),
        (
            ScramHash::Sha256,
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            "rOprNGfwEbeRWgbNEkqO",
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            include_str!("../vectors/rfc7677-scram-sha-256.txt"),
        ),
    ] {
        let server = Server::new("user", scram_secrets(hash, "pencil", salt), start(server_nonce));
        server.plays(hash.mechanism(), "user", text);
        let proof = client_plays(client_start(hash.mechanism(), "user", &secret, client_nonce), text);
        assert_eq!(proof, ServerProof::Shown);
    }
}

/// Dovecot 2.3.19.1 with a recorded client; its nonce holds quotes and a backslash.
#[test]
fn dovecots_scram_sha_256() {
    let text = include_str!("../vectors/dovecot-2.3.19-scram-sha-256.txt");
    let server_nonce = r#"RJGc*&a8K~U16!c3GU##[lwQh2Ees`]\gA)W(<'U>NG'9%`VG<&)`2}u2Hq#01I?"#;
    let secrets = scram_secrets(ScramHash::Sha256, "secret", "stbLFRy8L1I3vx7/iYuVXw==");
    let server = Server::new("sha256@example.org", secrets, start(server_nonce));
    server.plays(Mechanism::ScramSha256, "sha256@example.org", text);
}
