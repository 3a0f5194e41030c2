//! DIGEST-MD5 (RFC 2831), quality of protection `auth`, no reauthentication, from stored hashes.

pub(super) mod directives;
mod message;
pub(super) mod proof;

use subtle::ConstantTimeEq;

use crate::credential::{DigestMd5Hash, Lookup, PasswordSet, StoredPassword};
use crate::identity::text_from_wire;
use crate::secret::SecretArray;

use self::message::DigestResponse;
use self::proof::{A2, Exchange, SessionKey, Side};
use super::{Asker, Malformed, Question, Response, Start, Step, Suspended, hex, judge, tries};

pub(super) struct AwaitingResponse {
    nonce: String,
}

/// What the client has sent, apart from the names that are in the question.
pub(super) struct Presented {
    nonce: String,
    cnonce: Vec<u8>,
    digest_uri: Vec<u8>,
    response: [u8; 16],
    /// Of the hashes that the response can have been made from.
    tag: u8,
}

/// curl stumbles over quotes around charset and algorithm; without them every client is pleased.
pub(super) fn begin(start: &Start<'_>) -> Step {
    let Start { realm, nonce, .. } = *start;
    let challenge = format!("realm=\"{realm}\",nonce=\"{nonce}\",qop=\"auth\",charset=utf-8,algorithm=md5-sess");
    Step::challenge(challenge.into_bytes(), Response::DigestMd5(AwaitingResponse { nonce: nonce.to_owned() }))
}

impl AwaitingResponse {
    pub(super) fn respond(self, message: &[u8]) -> Step {
        let message = match DigestResponse::parse(message) {
            Ok(message) => message,
            Err(fault) => return Step::malformed(fault),
        };
        if *message.nonce != *self.nonce.as_bytes() {
            return Step::malformed(Malformed::Nonce);
        }
        let username = text_from_wire(&message.username);
        let realm = text_from_wire(message.realm.as_deref().unwrap_or_default());
        let presented = Presented {
            nonce: self.nonce,
            tag: DigestMd5Hash::tag(&username, &realm),
            cnonce: message.cnonce.into_owned(),
            digest_uri: message.digest_uri.into_owned(),
            response: message.response,
        };
        let question = Question {
            authcid: message.username.into_owned(),
            realm: message.realm.map(|realm| realm.into_owned()),
            authzid: message.authzid.map(|authzid| authzid.into_owned()),
        };
        Step::Need(Suspended { question, asker: Asker::DigestMd5(presented) })
    }
}

impl Presented {
    pub(super) fn resume(self, question: &Question, lookup: &Lookup, usable: PasswordSet) -> Step {
        let passwords = || lookup.account.passwords.iter().enumerate();
        // The client says which service it means, and the proof binds it to that.
        let service = self.digest_uri.split(|&byte| byte == b'/').next().unwrap_or_default();
        let for_service = passwords().filter(|(_, password)| is_for_service(password, service));
        let usable = usable.intersection(for_service.map(|(position, _)| position).collect());

        // The tag leaves one hash of a password, or three where name or password is not ASCII.
        let stored = passwords().flat_map(|(position, password)| {
            let of_this_spelling = password.secrets.digest_md5.iter().filter(|stored| stored.tag == self.tag);
            of_this_spelling.map(move |stored| (position, &stored.hash))
        });
        let check = Check::of(&self, question);
        let nothing = SecretArray::new([0; 16]);
        // If two passwords fit they are the same one, and so is the proof.
        let mut session_key = None;
        let found =
            tries::fitting(stored, usable, DigestMd5Hash::FORMS, &nothing, |hash| match check.fitting_key(hash) {
                Some(key) => {
                    session_key.get_or_insert(key);
                    true
                }
                None => false,
            });
        Step::Done(judge(found, usable, |_| session_key.map(|key| check.rspauth(&key))))
    }
}

fn is_for_service(password: &StoredPassword, service: &[u8]) -> bool {
    let services = &password.facts.services;
    services.is_empty() || services.iter().any(|s| s.as_str().as_bytes().eq_ignore_ascii_case(service))
}

/// One response, to be held against stored hashes.
struct Check<'a> {
    exchange: Exchange<'a>,
    a2: A2,
    response: [u8; 16],
}

impl<'a> Check<'a> {
    fn of(presented: &'a Presented, question: &'a Question) -> Self {
        let exchange = Exchange {
            nonce: presented.nonce.as_bytes(),
            cnonce: &presented.cnonce,
            authzid: question.authzid.as_deref(),
            digest_uri: &presented.digest_uri,
        };
        Self { a2: exchange.a2(Side::Client), exchange, response: presented.response }
    }

    /// The session key, if the response was made from `hash`.
    fn fitting_key(&self, hash: &SecretArray<16>) -> Option<SessionKey> {
        let session_key = self.exchange.session_key(hash.expose());
        let value = self.exchange.value(&session_key, &self.a2);
        bool::from(value.ct_eq(&self.response)).then_some(session_key)
    }

    /// response-auth (section 2.1.3): we prove in turn that we know the hash.
    fn rspauth(&self, session_key: &SessionKey) -> Vec<u8> {
        let value = self.exchange.value(session_key, &self.exchange.a2(Side::Server));
        [b"rspauth=".as_slice(), &hex::encode(&value)].concat()
    }
}
