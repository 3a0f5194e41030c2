//! SCRAM as a server: the first line is the hash (`1`, `256` or `512`), the second one client-first-message, the third one
//! client-final-message. In that `<c>` stands for the gs2-header in base64, `<nonce>` for the common nonce, and `<proof>` for
//! a proof made over what is before it, with the account's first password; `<second>` with its second, `<wrong>` with
//! another one, and `<near>` for the right one but for its last bit. The verdict has to be that of a reading by RFC 5802, section 7, and so has the server's own proof.

use sasldb::vocabulary::Mechanism;

use super::oracle::{self, Hash, MAX_NAME};
use super::site::{self, Account, Ending, State};

/// Longer messages are refused.
const MAX_MESSAGE: usize = 8192;
/// Longer nonces are refused.
const MAX_NONCE: usize = 512;

pub fn target(data: &[u8]) {
    let lines: Vec<&[u8]> = data.splitn(3, |byte| *byte == b'\n').collect();
    let [hash, client_first, client_final] = lines[..] else { return };
    let (mechanism, hash) = match hash {
        b"1" => (Mechanism::ScramSha1, Hash::Sha1),
        b"512" => (Mechanism::ScramSha512, Hash::Sha512),
        _ => (Mechanism::ScramSha256, Hash::Sha256),
    };
    let state = site::begin(mechanism, None, Some(client_first));
    let first = ClientFirst::read(client_first);
    let State::Challenge(server_first, _) = &state else {
        assert!(first.is_none(), "denied before the proof: {}", client_first.escape_ascii());
        return;
    };
    let first = first.unwrap_or_else(|| panic!("should be denied: {}", client_first.escape_ascii()));
    let server_first = ServerFirst::read(server_first, &first);

    let client_final = with_proofs(client_final, hash, &first, &server_first);
    let ending = state.respond(&client_final).ending();
    let expected = expected(&client_final, hash, &first, &server_first);
    site::check(&ending, expected.as_ref().map(|(account, _)| *account));
    if let (Ending::Authenticated { final_data, .. }, Some((_, signature))) = (ending, expected) {
        assert_eq!(final_data, Some(format!("v={}", oracle::base64(&signature)).into_bytes()));
    }
}

/// client-first-message.
struct ClientFirst {
    gs2_header: Vec<u8>,
    authzid: Option<Vec<u8>>,
    bare: Vec<u8>,
    username: Vec<u8>,
    nonce: Vec<u8>,
}

impl ClientFirst {
    fn read(message: &[u8]) -> Option<Self> {
        if message.len() > MAX_MESSAGE || message.contains(&0) {
            return None;
        }
        let attributes: Vec<&[u8]> = message.split(|byte| *byte == b',').collect();
        let (flag, authzid, username, nonce) =
            (*attributes.first()?, *attributes.get(1)?, *attributes.get(2)?, *attributes.get(3)?);
        if flag != b"n" && flag != b"y" {
            return None;
        }
        let authzid = if authzid.is_empty() { None } else { Some(saslname(authzid.strip_prefix(b"a=")?)?) };
        let nonce = nonce.strip_prefix(b"r=")?;
        let printable = nonce.iter().all(|byte| (0x21..=0x7e).contains(byte));
        if nonce.is_empty() || nonce.len() > MAX_NONCE || !printable {
            return None;
        }
        if !attributes[4..].iter().all(|attribute| is_extension(attribute)) {
            return None;
        }
        Some(Self {
            gs2_header: [attributes[0], b",", attributes[1], b","].concat(),
            authzid,
            bare: attributes[2..].join(&b','),
            username: saslname(username.strip_prefix(b"n=")?)?,
            nonce: nonce.to_vec(),
        })
    }

    fn account(&self) -> Option<&'static Account> {
        oracle::account(&self.username, None)
    }
}

/// Any character but those that stand for themselves only behind a `=`.
fn saslname(text: &[u8]) -> Option<Vec<u8>> {
    let mut parts = text.split(|byte| *byte == b'=');
    let mut name = parts.next()?.to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        name.push(match code.to_ascii_uppercase().as_slice() {
            b"2C" => b',',
            b"3D" => b'=',
            _ => return None,
        });
        name.extend_from_slice(rest);
    }
    (!name.is_empty() && name.len() <= MAX_NAME).then_some(name)
}

/// `attr-val`, but for the one that has to be understood.
fn is_extension(attribute: &[u8]) -> bool {
    attribute.len() > 2 && attribute[0].is_ascii_alphabetic() && attribute[0] != b'm' && attribute[1] == b'='
}

/// server-first-message.
struct ServerFirst {
    text: Vec<u8>,
    nonce: Vec<u8>,
    salt: Vec<u8>,
    iterations: u32,
}

impl ServerFirst {
    fn read(text: &[u8], first: &ClientFirst) -> Self {
        let attributes: Vec<&[u8]> = text.split(|byte| *byte == b',').collect();
        let [nonce, salt, iterations] = attributes[..] else { panic!("{}", text.escape_ascii()) };
        let nonce = nonce.strip_prefix(b"r=").unwrap().to_vec();
        assert_eq!(nonce, [first.nonce.as_slice(), site::NONCE.as_bytes()].concat());
        // An unknown name gets no other salt or count than a known one, as far as anybody can see.
        let salt = oracle::unbase64(salt.strip_prefix(b"s=").unwrap()).unwrap();
        assert_eq!((salt.len(), iterations), (16, format!("i={}", site::ITERATIONS).as_bytes()));
        Self { text: text.to_vec(), nonce, salt, iterations: site::ITERATIONS }
    }

    /// ClientProof and ServerSignature for what the client says before its proof.
    fn proofs(&self, hash: Hash, password: &str, first: &ClientFirst, without_proof: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let message = [&first.bare, self.text.as_slice(), without_proof].join(&b',');
        oracle::scram_proofs(hash, password.as_bytes(), &self.salt, self.iterations, &message)
    }
}

fn with_proofs(template: &[u8], hash: Hash, first: &ClientFirst, server_first: &ServerFirst) -> Vec<u8> {
    let channel_binding = oracle::base64(&first.gs2_header);
    let message = site::filled(template, &[("c", channel_binding.as_bytes()), ("nonce", &server_first.nonce)]);
    let without_proof = &message[..message.iter().rposition(|byte| *byte == b',').unwrap_or(message.len())];
    let passwords = first.account().map_or(["secret"].as_slice(), |account| account.passwords);
    let proof = |password: &str| {
        let (proof, _) = server_first.proofs(hash, password, first, without_proof);
        oracle::base64(&proof).into_bytes()
    };
    let (right, second) = (proof(passwords[0]), proof(passwords[passwords.len() - 1]));
    let mut near = oracle::unbase64(&right).unwrap_or_default();
    near.last_mut().into_iter().for_each(|byte| *byte ^= 1);
    let near = oracle::base64(&near).into_bytes();
    site::filled(&message, &[("proof", &right), ("second", &second), ("wrong", &proof("Secret")), ("near", &near)])
}

/// Who is let in, and the signature that the server owes.
fn expected(
    message: &[u8],
    hash: Hash,
    first: &ClientFirst,
    server_first: &ServerFirst,
) -> Option<(&'static Account, Vec<u8>)> {
    if message.len() > MAX_MESSAGE || message.contains(&0) {
        return None;
    }
    let attributes: Vec<&[u8]> = message.split(|byte| *byte == b',').collect();
    let (last, before) = attributes.split_last()?;
    let [channel_binding, nonce, extensions @ ..] = before else { return None };
    if *channel_binding != format!("c={}", oracle::base64(&first.gs2_header)).as_bytes() {
        return None;
    }
    if *nonce != [b"r=".as_slice(), &server_first.nonce].concat() || !extensions.iter().all(|e| is_extension(e)) {
        return None;
    }
    let account = first.account()?;
    let good = !account.disabled && oracle::acts_for(first.authzid.as_deref(), &first.username, None, account);
    if !good || (account.scram_only && hash != Hash::Sha256) {
        return None;
    }
    let without_proof = before.join(&b',');
    for password in account.passwords {
        let (proof, signature) = server_first.proofs(hash, password, first, &without_proof);
        if *last == format!("p={}", oracle::base64(&proof)).as_bytes() {
            return Some((account, signature));
        }
    }
    None
}
