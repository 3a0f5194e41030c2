//! CRAM-MD5 (RFC 2195): the client's HMAC-MD5 over a message-id of ours.

use subtle::ConstantTimeEq;

use crate::credential::{CramMd5States, Lookup, PasswordSet};
use crate::secret::SecretArray;

use super::{Asker, MAX_IDENTITY, Malformed, Question, Response, Start, Step, Suspended, hex, judge, tries};

pub(super) struct AwaitingResponse {
    challenge: Vec<u8>,
}

pub(super) struct Presented {
    challenge: Vec<u8>,
    digest: [u8; 16],
}

pub(super) fn begin(start: &Start<'_>) -> Step {
    let challenge = format!("<{}.{}@{}>", start.nonce, start.timestamp, start.hostname).into_bytes();
    Step::challenge(challenge.clone(), Response::CramMd5(AwaitingResponse { challenge }))
}

impl AwaitingResponse {
    pub(super) fn respond(self, response: &[u8]) -> Step {
        // Names may hold spaces, digests do not: the last space parts them.
        let Some((username, digest)) = response.iter().rposition(|&byte| byte == b' ').and_then(|space| {
            let (username, rest) = response.split_at_checked(space)?;
            Some((username, hex::decode(rest.get(1..)?)?))
        }) else {
            return Step::malformed(Malformed::Syntax);
        };
        if username.is_empty() || username.contains(&0) {
            return Step::malformed(Malformed::Syntax);
        }
        if username.len() > MAX_IDENTITY {
            return Step::malformed(Malformed::TooLong);
        }
        let question = Question { authcid: username.to_vec(), realm: None, authzid: None };
        let presented = Presented { challenge: self.challenge, digest };
        Step::Need(Suspended { question, asker: Asker::CramMd5(presented) })
    }
}

impl Presented {
    pub(super) fn resume(self, lookup: &Lookup, usable: PasswordSet) -> Step {
        let passwords = lookup.account.passwords.iter().enumerate();
        let stored = passwords.filter_map(|(position, password)| Some((position, password.secrets.cram_md5.as_ref()?)));
        let zeros = SecretArray::new([0; 16]);
        let nothing = CramMd5States { inner: zeros.clone(), outer: zeros };
        let found = tries::fitting(stored, usable, 1, &nothing, |states| self.fits(states));
        Step::Done(judge(found, usable, |_| None))
    }

    fn fits(&self, states: &CramMd5States) -> bool {
        states.mac(&self.challenge).ct_eq(&self.digest).into()
    }
}
