//! EXTERNAL (RFC 4422, appendix A): the identity is the one that the transport's certificate proves.

use crate::vocabulary::InitialResponse;

use super::{Asker, MAX_IDENTITY, Malformed, Question, Response, Start, Step, Suspended, Verdict};

pub(super) struct AwaitingAuthzid {
    certificate_name: Vec<u8>,
}

/// Without a certificate there is nothing to go by: Postfix forwards EXTERNAL from anybody, so the client's own word for its
/// identity is worth nothing.
pub(super) fn begin(start: &Start<'_>, initial: InitialResponse<'_>) -> Step {
    let certificate_name = match start.certificate_name {
        Some(name) if !name.is_empty() && name.len() <= MAX_IDENTITY => name.to_vec(),
        _ => return Step::malformed(Malformed::NotOffered),
    };
    let state = AwaitingAuthzid { certificate_name };
    match initial {
        InitialResponse::Absent => Step::challenge(Vec::new(), Response::External(state)),
        InitialResponse::Present(authzid) => state.respond(authzid),
    }
}

impl AwaitingAuthzid {
    pub(super) fn respond(self, authzid: &[u8]) -> Step {
        if authzid.contains(&0) {
            return Step::malformed(Malformed::Syntax);
        }
        if authzid.len() > MAX_IDENTITY {
            return Step::malformed(Malformed::TooLong);
        }
        let authzid = (!authzid.is_empty()).then(|| authzid.to_vec());
        let question = Question { authcid: self.certificate_name, realm: None, authzid };
        Step::Need(Suspended { question, asker: Asker::External })
    }
}

/// The transport has proven the name already; whether it names an account is the exchange's to see.
pub(super) fn resume() -> Step {
    Step::Done(Verdict::Proven { password: None, final_data: None, presented: None })
}
