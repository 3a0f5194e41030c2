//! The store protocol, in both directions: the input is what came over the socket, or after a `!` the lines of a message: a number,
//! and its counted texts. It is read as docs/store-protocol.md says, and there is one way to write what is read.

use sasldb::protocol::store::{MAX_PASSWORD, MAX_REASON, StoreAnswer, StoreRequest, Wish};

use super::counted::{self, Input, Read, told};

/// The longest text of a request.
const MAX_TEXT: usize = 1024;

pub fn target(data: &[u8]) {
    let input = Input::of(data);
    let sent = input.sent();
    input.check(
        request,
        |sent| told(StoreRequest::parse(sent)),
        |parsed, expected| {
            let wish = match parsed.wish {
                Wish::Set(password) => Some(password),
                Wish::Remove => None,
            };
            (parsed.name, parsed.realm, wish) == *expected
        },
    );
    if let Ok(Some(request)) = StoreRequest::parse(sent) {
        assert_eq!(request.encode().unwrap().expose(), sent);
    }
    input.check(
        answer,
        |sent| told(StoreAnswer::parse(sent)),
        |parsed, (kind, reason)| {
            *parsed
                == match kind {
                    1 => StoreAnswer::Done,
                    2 => StoreAnswer::Refused(reason.clone()),
                    3 => StoreAnswer::NotPermitted,
                    _ => StoreAnswer::Unavailable(reason.clone()),
                }
        },
    );
    if let Ok(Some(answer)) = StoreAnswer::parse(sent) {
        let written = answer.encode();
        assert!(written.len() <= StoreAnswer::MAX);
        // Where no reason belongs none is kept, and what stands for bytes that are no UTF-8 is longer than they are.
        if sent == written || answer_is_kept(sent) {
            assert_eq!(StoreAnswer::parse(&written).unwrap(), Some(answer));
        }
    }
}

type Request<'a> = (&'a [u8], &'a [u8], Option<&'a [u8]>);

fn request(sent: &[u8]) -> Read<Request<'_>> {
    counted::message(sent, 2 + 2 * (2 + MAX_TEXT) + 2 + MAX_PASSWORD, |body| {
        let kind = body.byte().filter(|kind| [1, 2].contains(kind))?;
        let (name, realm) = (body.text(MAX_TEXT)?, body.text(MAX_TEXT)?);
        Some((name, realm, if kind == 1 { Some(body.text(MAX_PASSWORD)?) } else { None }))
    })
}

fn answer(sent: &[u8]) -> Read<(u8, String)> {
    counted::message(sent, 2 + 2 + MAX_REASON, |body| {
        let kind = body.byte().filter(|kind| (1..=4).contains(kind))?;
        Some((kind, String::from_utf8_lossy(body.text(MAX_REASON)?).into_owned()))
    })
}

fn answer_is_kept(sent: &[u8]) -> bool {
    sent.get(6..).is_some_and(|reason| reason.is_ascii())
}
