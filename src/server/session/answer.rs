//! From an outcome to its one reply. No other code makes a reply of an outcome, and an outcome can be used once.

use crate::event::{Ending, Event};
use crate::exchange::{Authenticated, Outcome};
use crate::protocol::dovecot::{FailCode, Reply};

use super::open::Request;

/// What an outcome makes of its request.
#[must_use]
pub(super) enum Answer {
    /// The mechanism's last word goes first, as one more challenge (RFC 4422, section 5, item 2d); then [`accept`].
    LastWord(Authenticated, Vec<u8>),
    /// Reply at once.
    Now(Reply<'static>, Ending),
    /// Reply when the delay is over.
    Late(Reply<'static>, Ending),
    /// Close the connection without a reply.
    Close(Ending),
}

/// `alone` says that the client owes its patience to this request only.
///
/// Unavailable is answered at once: it says nothing about the account, since whoever asks gets it, and a mail server
/// that waits for it is blocked for nothing. Postfix, Exim and chasquid make a permanent 535 of any FAIL, but a temporary
/// 454 of a lost connection; so a client that has nothing else to lose gets that.
pub(super) fn answer(request: &Request, outcome: Outcome, alone: bool) -> Answer {
    match outcome {
        Outcome::Authenticated(mut success) => match success.take_final_data() {
            Some(data) if !request.takes_final_data => Answer::LastWord(success, data),
            data => {
                let user = success.identity().canonical().into_bytes().into();
                let reply = Reply::Ok { id: request.id, user, final_data: data.map(Into::into) };
                Answer::Now(reply, Ending::Authenticated(success))
            }
        },
        Outcome::Denied(denied) => {
            let user = denied.name().map(|name| name.to_string().into_bytes().into());
            let reply = Reply::Fail { id: request.id, user, code: None, reason: None };
            Answer::Late(reply, Ending::Denied(denied))
        }
        Outcome::Unavailable(failure) if alone => Answer::Close(Ending::Unavailable(failure)),
        Outcome::Unavailable(failure) => {
            let code = Some(FailCode::TempFail);
            let reply = Reply::Fail { id: request.id, user: None, code, reason: None };
            Answer::Now(reply, Ending::Unavailable(failure))
        }
    }
}

/// The reply to a client that has taken the mechanism's last word.
pub(super) fn accept(request: Request, success: Authenticated) -> (Reply<'static>, Event) {
    let user = success.identity().canonical().into_bytes().into();
    let reply = Reply::Ok { id: request.id, user, final_data: None };
    (reply, Event::Ended(request.login, Ending::Authenticated(success)))
}
