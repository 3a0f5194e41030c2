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
use super::{Asker, Malformed, Question, Response, Start, Step, Suspended, hex, judge};

pub(super) struct AwaitingResponse {
    nonce: String,
}

pub(super) struct Presented(DigestResponse);

/// curl stumbles over quotes around charset and algorithm; without them every client is pleased.
pub(super) fn begin(start: &Start<'_>) -> Step {
    let Start { realm, nonce, .. } = *start;
    let challenge = format!("realm=\"{realm}\",nonce=\"{nonce}\",qop=\"auth\",charset=utf-8,algorithm=md5-sess");
    Step::challenge(challenge.into_bytes(), Response::DigestMd5(AwaitingResponse { nonce: nonce.to_owned() }))
}

impl AwaitingResponse {
    pub(super) fn respond(self, message: &[u8]) -> Step {
        let response = match DigestResponse::parse(message) {
            Ok(response) => response,
            Err(fault) => return Step::malformed(fault),
        };
        if response.nonce != self.nonce.as_bytes() {
            return Step::malformed(Malformed::Nonce);
        }
        let question = Question {
            authcid: response.username.clone(),
            realm: response.realm.clone(),
            authzid: response.authzid.clone(),
        };
        Step::Need(Suspended { question, asker: Asker::DigestMd5(Presented(response)) })
    }
}

impl Presented {
    pub(super) fn resume(self, lookup: &Lookup, usable: PasswordSet) -> Step {
        let response = &self.0;
        let passwords = || lookup.account.passwords.iter().enumerate();
        // The client says which service it means, and the proof binds it to that.
        let for_service = passwords().filter(|(_, password)| is_for_service(password, response.service()));
        let usable = usable.intersection(for_service.map(|(position, _)| position).collect());

        let check = Check::of(response);
        let mut found = PasswordSet::default();
        let mut rspauth = None;
        for (position, password) in passwords() {
            let Some(session_key) = check.fitting_key(&password.secrets.digest_md5) else { continue };
            found.insert(position);
            if rspauth.is_none() && usable.contains(position) {
                rspauth = Some(check.rspauth(&session_key));
            }
        }
        if lookup.account.passwords.is_empty() {
            check.fitting_key(&[]);
        }
        Step::Done(judge(found, usable, |_| rspauth))
    }
}

fn is_for_service(password: &StoredPassword, service: &[u8]) -> bool {
    let services = &password.facts.services;
    services.is_empty() || services.iter().any(|s| s.as_str().as_bytes().eq_ignore_ascii_case(service))
}

/// One response against the hashes of an account.
struct Check<'a> {
    exchange: Exchange<'a>,
    a2: A2,
    tag: u8,
    response: [u8; 16],
}

impl<'a> Check<'a> {
    fn of(response: &'a DigestResponse) -> Self {
        let exchange = Exchange {
            nonce: &response.nonce,
            cnonce: &response.cnonce,
            authzid: response.authzid.as_deref(),
            digest_uri: &response.digest_uri,
        };
        let username = text_from_wire(&response.username);
        let realm = text_from_wire(response.realm.as_deref().unwrap_or_default());
        Self {
            exchange,
            a2: exchange.a2(Side::Client),
            tag: DigestMd5Hash::tag(&username, &realm),
            response: response.response,
        }
    }

    /// The session key of the hash from which the response was made, if it is among `hashes`. The tag leaves one of them, or
    /// three where the name or the password is not ASCII.
    fn fitting_key(&self, hashes: &[DigestMd5Hash]) -> Option<SessionKey> {
        let mut candidates = hashes.iter().filter(|hash| hash.tag == self.tag).peekable();
        if candidates.peek().is_none() {
            // A name without such a hash takes no less time than one with it.
            core::hint::black_box(self.fits(&SecretArray::new([0; 16])));
        }
        candidates.find_map(|candidate| self.fits(&candidate.hash))
    }

    fn fits(&self, hash: &SecretArray<16>) -> Option<SessionKey> {
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
