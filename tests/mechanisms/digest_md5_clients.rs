//! DIGEST-MD5 as each client was recorded to speak it, with every name that its user may have typed.

use md5::{Digest, Md5};
use sasldb::identity::{Authcid, Identity};
use sasldb::vocabulary::{Mechanism, Scheme};

use crate::site::{Ending, NONCE, Site, account, realms, secrets, stored};

/// How a client writes and hashes a text.
#[derive(Clone, Copy, PartialEq)]
enum Set {
    Utf8,
    Latin1,
}

impl Set {
    fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.into(),
            Self::Latin1 => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect(),
        }
    }
}
use Set::{Latin1, Utf8};

/// Where the realm in the response is from.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    /// The challenge.
    Offered,
    /// Nowhere: it is there and empty, as when none was offered.
    Empty,
    /// Nowhere: it is left out.
    Absent,
    /// The server's name in the client's settings.
    Host,
}
use Source::{Absent, Empty, Host, Offered};

/// What was recorded of a client.
struct Client {
    client: &'static str,
    /// Its response, with the words in braces filled in. What it repeats in there is up to it; only the proof is computed.
    message: &'static str,
    realm: Source,
    /// What stands behind `smtp/`: the host, or the realm.
    uri: Source,
    /// The sets of the name as sent, of the name as hashed, of the password as hashed.
    sets: [Set; 3],
}

const HOST: &str = "mx1.example.org";
const CNONCE: &str = "Y2xpZW50";

const GNU: &str = "username=\"{name}\", realm=\"{realm}\", nonce=\"{nonce}\", cnonce=\"{cnonce}\", nc=00000001, qop=auth, \
                   digest-uri=\"{uri}\", response={response}, charset=utf-8";
const NEOMUTT: &str = "username=\"{name}\", realm=\"{realm}\", nonce=\"{nonce}\", cnonce=\"{cnonce}\", nc=00000001, qop=auth, \
                       digest-uri=\"{uri}\", response={response}, charset=utf-8, authzid=\"{name}\"";
const PERL: &str = "charset=utf-8,cnonce=\"{cnonce}\",digest-uri=\"{uri}\",nc=00000001,nonce=\"{nonce}\",qop=auth,\
                    realm=\"{realm}\",response={response},username=\"{name}\"";
const NET_SMTP: &str = "authzid=\"{name}\",charset=utf-8,cnonce=\"{cnonce}\",digest-uri=\"{uri}\",nc=00000001,\
                        nonce=\"{nonce}\",qop=auth,realm=\"{realm}\",response={response},username=\"{name}\"";
const CAMEL: &str = "username=\"{name}\",realm=\"{realm}\",nonce=\"{nonce}\",cnonce=\"{cnonce}\",nc=00000001,qop=auth,\
                     digest-uri=\"{uri}\",response={response},charset=utf-8";
const CURL: &str = "username=\"{name}\",realm=\"{realm}\",nonce=\"{nonce}\",cnonce=\"{cnonce}\",nc=\"00000001\",\
                    digest-uri=\"{uri}\",response={response},qop=auth";
const LIBSASL2: &str = "username=\"{name}\",realm=\"{realm}\",nonce=\"{nonce}\",cnonce=\"{cnonce}\",nc=00000001,qop=auth,\
                        maxbuf=1024,digest-uri=\"{uri}\",response={response}";
const WITHOUT_REALM: &str = "username=\"{name}\",nonce=\"{nonce}\",cnonce=\"{cnonce}\",nc=00000001,qop=auth,\
                             digest-uri=\"{uri}\",response={response},charset=utf-8";

const CLIENTS: [Client; 12] = [
    client("gsasl, msmtp (GNU SASL 2.2)", GNU, Offered, Host, [Utf8, Utf8, Latin1]),
    client("gsasl told of no realm", GNU, Empty, Host, [Utf8, Utf8, Latin1]),
    client("neomutt (GNU SASL)", NEOMUTT, Offered, Host, [Utf8, Utf8, Latin1]),
    client("swaks (Authen::SASL 2.16)", PERL, Offered, Host, [Utf8, Utf8, Utf8]),
    client("Net::SMTP (Authen::SASL 2.16)", NET_SMTP, Offered, Host, [Utf8, Utf8, Utf8]),
    client("Evolution (Camel 3.46)", CAMEL, Offered, Host, [Utf8, Utf8, Utf8]),
    client("curl 7.88", CURL, Offered, Offered, [Utf8, Utf8, Utf8]),
    client("curl 7.88 told of no realm", CURL, Empty, Empty, [Utf8, Utf8, Utf8]),
    client("libsasl2 2.1.28", LIBSASL2, Offered, Host, [Utf8, Latin1, Latin1]),
    client("libsasl2 2.1.28, its host as realm", LIBSASL2, Host, Host, [Utf8, Latin1, Latin1]),
    client("one that sends ISO 8859-1, after RFC 2831", LIBSASL2, Offered, Host, [Latin1, Latin1, Latin1]),
    client("one that leaves the realm out", WITHOUT_REALM, Absent, Host, [Utf8, Utf8, Utf8]),
];

const fn client(client: &'static str, message: &'static str, realm: Source, uri: Source, sets: [Set; 3]) -> Client {
    Client { client, message, realm, uri, sets }
}

/// An account as it was made, its password, and the names under which every client reaches it. `example.org` is the default
/// realm, `mx1` and `mx1.example.org` are aliases.
const ACCOUNTS: [(&str, &str, &[&str]); 7] = [
    ("mailman@example.org", "secret", &["mailman", "mailman@example.org", "mailman@mx1", "mailman@mx1.example.org"]),
    ("jörg@example.org", "pä55", &["jörg", "jörg@example.org", "jörg@mx1"]),
    ("jörg@virtual.test", "secret", &["jörg@virtual.test"]),
    ("ann@virtual.test", "pä55", &["ann@virtual.test"]),
    ("日本@virtual.test", "secret", &["日本@virtual.test"]),
    ("Max@Example.org", "secret", &["Max", "max", "Max@Example.org", "max@example.org", "max@mx1"]),
    ("Eva@Virtual.Test", "secret", &["Eva@Virtual.Test", "eva@virtual.test"]),
];

fn identity(text: &str) -> Identity {
    Authcid::parse(text).unwrap().literal().unwrap()
}

fn site() -> Site {
    let accounts = ACCOUNTS.map(|(name, password, _)| {
        let identity = identity(name);
        let secrets = secrets(&identity, password.as_bytes(), &[Scheme::DigestMd5]);
        account(identity, vec![stored("main", secrets)])
    });
    Site::new(&[Scheme::DigestMd5], accounts)
}

/// What a client reads in the challenge. curl gives up where the algorithm is in quotes.
fn offered_realm(challenge: &[u8]) -> String {
    let challenge = std::str::from_utf8(challenge).unwrap();
    assert!(challenge.contains(",charset=utf-8,algorithm=md5-sess"), "{challenge}");
    assert_eq!(challenge.matches("realm=").count(), 1, "clients differ in which of several they take: {challenge}");
    challenge.split("realm=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// RFC 2831, section 2.1.2.1, written down a second time.
fn proof(hash: &[u8], authzid: Option<&[u8]>, uri: &[u8], word: &str) -> String {
    let mut a1 = [hash, format!(":{NONCE}:{CNONCE}").as_bytes()].concat();
    a1.extend(authzid.iter().flat_map(|authzid| [b":", *authzid].concat()));
    let a2 = [word.as_bytes(), b":", uri].concat();
    let (a1, a2) = (hex(&md5(&a1)), hex(&md5(&a2)));
    hex(&md5(format!("{a1}:{NONCE}:00000001:{CNONCE}:auth:{a2}").as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn md5(bytes: &[u8]) -> Vec<u8> {
    Md5::digest(bytes).to_vec()
}

/// `template` with the words in braces replaced.
fn fill(template: &str, words: &[(&str, &[u8])]) -> Vec<u8> {
    let mut filled = Vec::new();
    for piece in template.split('{') {
        let Some((word, rest)) = piece.split_once('}') else {
            filled.extend(piece.as_bytes());
            continue;
        };
        filled.extend(words.iter().find(|(known, _)| *known == word).unwrap().1);
        filled.extend(rest.as_bytes());
    }
    filled
}

impl Client {
    /// Logs in, believing the server only with its proof: whether that was accepted.
    fn log_in(&self, site: &Site, typed: &str, password: &str) -> bool {
        let serving = site.begin(Mechanism::DigestMd5, None);
        let offered = offered_realm(serving.challenge());
        let text = |source| match source {
            Offered => offered.clone(),
            Empty | Absent => String::new(),
            Host => HOST.to_owned(),
        };
        let [sent, hashed, password_hashed] = self.sets;
        let fits = |set: Set, text: &str| if text.chars().all(|c| u32::from(c) < 256) { set } else { Utf8 };
        let (sent, hashed) = (fits(sent, typed).encode(typed), fits(hashed, typed).encode(typed));
        let realm = text(self.realm);
        let hash = md5(&[&hashed, &b":"[..], realm.as_bytes(), b":", &password_hashed.encode(password)].concat());
        let uri = format!("smtp/{}", text(self.uri)).into_bytes();
        let authzid = self.message.contains("authzid").then_some(sent.as_slice());
        let response = proof(&hash, authzid, &uri, "AUTHENTICATE");
        let message = fill(
            self.message,
            &[
                ("name", &sent),
                ("realm", realm.as_bytes()),
                ("nonce", NONCE.as_bytes()),
                ("cnonce", CNONCE.as_bytes()),
                ("uri", &uri),
                ("response", response.as_bytes()),
            ],
        );
        match serving.respond(&message).ending() {
            Ending::Authenticated(_, Some(data)) => {
                let rspauth = format!("rspauth={}", proof(&hash, authzid, &uri, ""));
                assert_eq!(data, rspauth.into_bytes(), "{} {typed}", self.client);
                true
            }
            Ending::Authenticated(_, None) => panic!("{} {typed}: no proof", self.client),
            Ending::Denied(_) => false,
            Ending::Unavailable => panic!("{} {typed}", self.client),
        }
    }
}

#[test]
fn each_recorded_client_logs_in_under_each_name_of_an_account() {
    let site = site();
    for client in CLIENTS {
        for (made, password, names) in ACCOUNTS {
            for typed in names {
                assert!(client.log_in(&site, typed, password), "{}: {typed} of {made}", client.client);
                assert!(!client.log_in(&site, typed, "Secret"), "{}: {typed} of {made}", client.client);
            }
        }
    }
}

/// The hash holds the name as it was typed, so that this mechanism alone knows a name in two spellings only: as it was made,
/// and in small letters.
#[test]
fn other_capitals_and_other_realms_do_not_log_in() {
    let site = site();
    for client in CLIENTS {
        for typed in ["MAILMAN", "mailman@EXAMPLE.ORG", "mAx", "EVA@VIRTUAL.TEST", "eva", "eva@example.org", "ann"] {
            assert!(!client.log_in(&site, typed, "secret"), "{}: {typed}", client.client);
        }
    }
}

/// A client that hashes the name in ISO 8859-1 and the password in UTF-8 is none of them, and would be one more hash for each.
#[test]
fn there_are_three_pairs_of_character_sets() {
    let site = site();
    for (sets, known) in [
        ([Utf8, Utf8, Utf8], true),
        ([Utf8, Utf8, Latin1], true),
        ([Utf8, Latin1, Latin1], true),
        ([Latin1, Latin1, Latin1], true),
        ([Utf8, Latin1, Utf8], false),
    ] {
        let client = client("any", CAMEL, Offered, Host, sets);
        assert_eq!(client.log_in(&site, "jörg", "pä55"), known);
    }
}

/// `mailman@example.org` is the same account whatever the case in all other mechanisms.
#[test]
fn other_mechanisms_know_every_capitalisation() {
    use crate::site::{password, start};
    let mailman = identity("Mailman@Example.org");
    let stored = stored("main", secrets(&mailman, b"secret", &Scheme::DERIVED));
    let site = Site::new(&Scheme::DERIVED, [account(mailman, vec![stored])]);
    assert_eq!(realms().aliases().len(), 2);
    for mechanism in Mechanism::ALL.into_iter().filter(|m| !matches!(m, Mechanism::External | Mechanism::DigestMd5)) {
        for typed in ["mailman", "MAILMAN", "mailMan@EXAMPLE.org", "MAILMAN@MX1", "mailman@Mx1.Example.Org"] {
            let login = site.log_in(start(mechanism, typed, &password(b"secret")));
            assert!(login.is_accepted(), "{mechanism} {typed}: {login:?}");
        }
    }
}
