//! DIGEST-MD5 as a server: the input is digest-response, in which `<nonce>` stands for the server's nonce and `<response>` for
//! a proof made over the other directives with the account's first password; `<second>` with its second, `<latin1>` with
//! name and password in ISO 8859-1, `<mixed>` with the password alone in it, `<wrong>` with another password, and `<near>` for the right one but for its last digit. The verdict
//! has to be that of a reading by RFC 2831, section 2.1.2, and so has the server's own proof.

use sasldb::vocabulary::Mechanism;

use super::oracle::{self, Digest5, MAX_NAME};
use super::site::{self, Account, Ending};

/// RFC 2831, section 2.1.2: a response is shorter.
const MAX_RESPONSE: usize = 4096;

pub fn target(data: &[u8]) {
    let state = site::begin(Mechanism::DigestMd5, None, None);
    let challenge = oracle::directives(state.challenge().unwrap()).unwrap();
    assert!(challenge.contains(&("nonce".to_owned(), site::NONCE.into())));
    assert!(challenge.contains(&("realm".to_owned(), site::REALM.into())));

    let message = with_proofs(&site::filled(data, &[("nonce", site::NONCE.as_bytes())]));
    let ending = state.respond(&message).ending();
    let expected = expected(&message);
    site::check(&ending, expected.as_ref().map(|(account, _)| *account));
    if let (Ending::Authenticated { final_data, .. }, Some((_, rspauth))) = (ending, expected) {
        assert_eq!(final_data, Some(format!("rspauth={rspauth}").into_bytes()));
    }
}

/// The directives that count; none if one of them is there twice, or the list is none.
struct Response(Vec<(String, Vec<u8>)>);

impl Response {
    fn read(message: &[u8]) -> Option<Self> {
        const KNOWN: [&str; 10] =
            ["username", "realm", "nonce", "cnonce", "nc", "qop", "digest-uri", "response", "authzid", "charset"];
        let all = oracle::directives(message)?;
        let known: Vec<_> = all.into_iter().filter(|(name, _)| KNOWN.contains(&name.as_str())).collect();
        let twice = |name: &str| known.iter().filter(|(other, _)| other == name).count() > 1;
        if KNOWN.iter().any(|name| twice(name)) { None } else { Some(Self(known)) }
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_slice())
    }

    /// The proof made with this name and password over the rest as it is.
    fn proof(&self, username: &[u8], password: &[u8], word: &str) -> String {
        let value = |name| self.get(name).unwrap_or_default();
        let exchange = Digest5 {
            username,
            realm: value("realm"),
            password,
            nonce: value("nonce"),
            cnonce: value("cnonce"),
            authzid: self.get("authzid"),
            digest_uri: value("digest-uri"),
        };
        exchange.proof(word)
    }
}

fn with_proofs(template: &[u8]) -> Vec<u8> {
    let Some(response) = Response::read(template) else { return template.to_vec() };
    let typed = response.get("username").unwrap_or_default().to_vec();
    let account = oracle::account(&typed, response.get("realm"));
    let passwords = account.map_or(["secret"].as_slice(), |account| account.passwords);
    let (first, last) = (passwords[0], passwords[passwords.len() - 1]);
    let name = oracle::text(&typed);
    let proof = |username: &[u8], password: &[u8]| response.proof(username, password, "AUTHENTICATE").into_bytes();
    site::filled(
        template,
        &[
            ("response", &proof(&typed, first.as_bytes())),
            ("second", &proof(&typed, last.as_bytes())),
            ("latin1", &proof(&oracle::latin1(&name), &oracle::latin1(first))),
            ("mixed", &proof(name.as_bytes(), &oracle::latin1(first))),
            ("wrong", &proof(&typed, b"Secret")),
            ("near", &oracle::near(&proof(&typed, first.as_bytes()))),
        ],
    )
}

/// Who is let in, and the proof that the server owes.
fn expected(message: &[u8]) -> Option<(&'static Account, String)> {
    if message.len() >= MAX_RESPONSE {
        return None;
    }
    let response = Response::read(message)?;
    let is = |name: &str, value: &[u8]| response.get(name).is_none_or(|given| given == value);
    let charset = response.get("charset").is_none_or(|given| given.eq_ignore_ascii_case(b"utf-8"));
    if !charset || !is("qop", b"auth") || !is("nc", b"00000001") {
        return None;
    }
    let (username, realm) = (response.get("username")?, response.get("realm").unwrap_or_default());
    let authzid = response.get("authzid");
    let names = [Some(username), Some(realm), authzid];
    if names.iter().any(|name| name.is_some_and(|name| name.len() > MAX_NAME)) {
        return None;
    }
    if response.get("nonce")? != site::NONCE.as_bytes() || response.get("cnonce")?.is_empty() {
        return None;
    }
    if !response.get("digest-uri")?.contains(&b'/') {
        return None;
    }
    let given = String::from_utf8(response.get("response")?.to_ascii_lowercase()).ok()?;

    let account = oracle::account(username, response.get("realm"))?;
    let name = oracle::text(username);
    let allowed =
        !account.disabled && !account.scram_only && oracle::acts_for(authzid, username, response.get("realm"), account);
    if !oracle::has_digest(account, &name, realm) || !allowed {
        return None;
    }
    for password in account.passwords {
        let (name_latin1, password_latin1) = (oracle::latin1(&name), oracle::latin1(password));
        for (name, password) in [
            (name.as_bytes(), password.as_bytes()),
            (&name_latin1, &password_latin1),
            (name.as_bytes(), &password_latin1),
        ] {
            if response.proof(name, password, "AUTHENTICATE") == given {
                return Some((account, response.proof(name, password, "")));
            }
        }
    }
    None
}
