//! The client side: the first line is the mechanism (`digest`, `cram`, `login`, `plain`, `external`, `1`, `256` or `512`), each
//! further one a challenge. In them `<nonce>` stands for the client's nonce, and `<proof>` for the server's right proof.
//! What DIGEST-MD5 and SCRAM answer has to be what the RFCs say, and no other proof of a server may be believed.

use sasldb::mechanism::client::{self, ClientError, ClientStart, ServerProof};
use sasldb::secret::Password;
use sasldb::vocabulary::Mechanism;

use super::oracle::{self, Digest5, Hash};
use super::site;

const NONCE: &str = "Y2xpZW50IG5vbmNl";
const PASSWORD: &str = "secret";
/// A server may ask for a million iterations; nobody has to wait for them here.
const MAX_ITERATIONS: usize = 1000;

pub fn target(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let (mechanism, hash) = match lines.next() {
        Some(b"digest") => (Mechanism::DigestMd5, None),
        Some(b"cram") => (Mechanism::CramMd5, None),
        Some(b"login") => (Mechanism::Login, None),
        Some(b"plain") => (Mechanism::Plain, None),
        Some(b"external") => (Mechanism::External, None),
        Some(b"1") => (Mechanism::ScramSha1, Some(Hash::Sha1)),
        Some(b"512") => (Mechanism::ScramSha512, Some(Hash::Sha512)),
        _ => (Mechanism::ScramSha256, Some(Hash::Sha256)),
    };
    let password = site::password(PASSWORD);
    let opening = client::begin(start(mechanism, &password));
    let initial = opening.initial.map_or_else(Vec::new, |message| message.expose().to_vec());
    let mut client = opening.next;
    // The server's proof that is due, once it can be known; the text that a client takes for one, and whether it was said.
    let (mut due, mut proven): (Option<Vec<u8>>, bool) = (None, false);
    for line in lines {
        let proof = due.as_deref().unwrap_or(b"none");
        let challenge = site::filled(line, &[("nonce", NONCE.as_bytes()), ("proof", proof)]);
        if hash.is_some() && iterations(&challenge).is_none_or(|count| count > MAX_ITERATIONS) {
            return;
        }
        match (client.challenge(&challenge), &due) {
            (Ok((response, next)), Some(proof)) => {
                assert!(is_proof(mechanism, &challenge, proof), "believed: {}", challenge.escape_ascii());
                assert_eq!(response.expose(), b"");
                proven = true;
                client = next;
            }
            (Ok((response, next)), None) => {
                due = match (mechanism, hash) {
                    (_, Some(hash)) => Some(scram(hash, &initial, &challenge, response.expose())),
                    (Mechanism::DigestMd5, _) => Some(digest_md5(&challenge, response.expose())),
                    _ => None,
                };
                client = next;
            }
            (Err(error), Some(proof)) => {
                let right = is_proof(mechanism, &challenge, proof) && !proven;
                assert!(!right, "{error}: {}", challenge.escape_ascii());
                return;
            }
            (Err(_), None) => return,
        }
    }
    // Success alone proves nothing of a server that owes a proof.
    let result = client.success(None);
    match (mechanism, due) {
        (_, Some(_)) if proven => assert_eq!(result, Ok(ServerProof::Shown)),
        (_, Some(_)) => assert_eq!(result, Err(ClientError::NoProof)),
        (_, None) => assert_ne!(result, Ok(ServerProof::Shown)),
    }
}

fn start(mechanism: Mechanism, password: &Password) -> ClientStart<'_> {
    ClientStart {
        mechanism,
        authcid: "joe",
        authzid: None,
        password,
        realm: None,
        service: "smtp",
        host: "mx1.example.org",
        nonce: NONCE,
    }
}

/// The longest number behind an `i=`; none if it is too long for one.
fn iterations(challenge: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(challenge);
    let counts = text.split(',').filter_map(|attribute| attribute.strip_prefix("i="));
    counts
        .map(|count| if count.len() > 9 { None } else { Some(count.parse().unwrap_or(0)) })
        .try_fold(0, |most, count| Some(count?.max(most)))
}

fn is_proof(mechanism: Mechanism, challenge: &[u8], proof: &[u8]) -> bool {
    if mechanism == Mechanism::DigestMd5 {
        let directives = oracle::directives(challenge).unwrap_or_default();
        return directives.iter().find(|(name, _)| name == "rspauth").is_some_and(|(_, value)| value == proof);
    }
    challenge.split(|byte| *byte == b',').next() == Some(&[b"v=", proof].concat())
}

/// Checks the client's proof against a reading of the challenge by RFC 5802, section 7, and gives the server's.
fn scram(hash: Hash, initial: &[u8], challenge: &[u8], response: &[u8]) -> Vec<u8> {
    let attributes: Vec<&[u8]> = challenge.split(|byte| *byte == b',').collect();
    let value = |place: usize, name: &[u8]| attributes[place].strip_prefix(name).unwrap();
    let (nonce, salt, count) = (value(0, b"r="), value(1, b"s="), value(2, b"i="));
    assert!(nonce.starts_with(NONCE.as_bytes()) && nonce.len() > NONCE.len(), "the server has added nothing");
    let salt = oracle::unbase64(salt).unwrap();
    assert!(!salt.is_empty());
    let count: u32 = std::str::from_utf8(count).unwrap().parse().unwrap();

    let bare = initial.strip_prefix(b"n,,").unwrap();
    let without_proof = [b"c=biws,r=", nonce].concat();
    let message = [bare, challenge, &without_proof].join(&b',');
    let (proof, signature) = oracle::scram_proofs(hash, PASSWORD.as_bytes(), &salt, count, &message);
    let expected = [&without_proof, b",p=".as_slice(), oracle::base64(&proof).as_bytes()].concat();
    assert_eq!(response, expected, "{}", response.escape_ascii());
    oracle::base64(&signature).into_bytes()
}

/// The same by RFC 2831, section 2.1.2.
fn digest_md5(challenge: &[u8], response: &[u8]) -> Vec<u8> {
    let challenge = oracle::directives(challenge).unwrap();
    let offered = |name: &str| challenge.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
    let response = oracle::directives(response).expect("what our client writes is a list of directives");
    let said = |name: &str| response.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
    let (nonce, realm) = (offered("nonce").unwrap(), offered("realm"));
    assert_eq!((said("nonce"), said("realm")), (Some(nonce.clone()), realm.clone()));
    assert_eq!((said("username"), said("cnonce")), (Some(b"joe".to_vec()), Some(NONCE.into())));
    let exchange = Digest5 {
        username: b"joe",
        realm: &realm.unwrap_or_default(),
        password: PASSWORD.as_bytes(),
        nonce: &nonce,
        cnonce: NONCE.as_bytes(),
        authzid: None,
        digest_uri: b"smtp/mx1.example.org",
    };
    assert_eq!(said("response"), Some(exchange.proof("AUTHENTICATE").into_bytes()));
    exchange.proof("").into_bytes()
}
