//! The bytes of `docs/store-protocol.md`, there and back, and what becomes of any others.

use super::*;

impl core::fmt::Debug for StoreRequest<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let wish = match self.wish {
            Wish::Set(password) => password,
            Wish::Remove => b"",
        };
        write!(f, "{} {} {}", self.name.escape_ascii(), self.realm.escape_ascii(), wish.escape_ascii())
    }
}

const SET_BOB: StoreRequest<'static> = StoreRequest { name: b"bob", realm: b"r1", wish: Wish::Set(b"s3cr3t") };
const REMOVE_BOB: StoreRequest<'static> = StoreRequest { name: b"bob@r1", realm: b"", wish: Wish::Remove };

const GOLDEN_SET: &[u8] = b"\0\x13\x01\x01\0\x03bob\0\x02r1\0\x06s3cr3t";
const GOLDEN_REMOVE: &[u8] = b"\0\x0c\x01\x02\0\x06bob@r1\0\0";

#[test]
fn requests_are_these_bytes() {
    for (request, golden) in [(SET_BOB, GOLDEN_SET), (REMOVE_BOB, GOLDEN_REMOVE)] {
        assert_eq!(request.encode().unwrap().expose(), golden);
        assert_eq!(StoreRequest::parse(golden), Ok(Some(request)));
    }
}

#[test]
fn answers_are_these_bytes() {
    for (answer, golden) in [
        (StoreAnswer::Done, b"\0\x04\x01\x01\0\0".as_slice()),
        (StoreAnswer::Refused("the user name is empty".to_owned()), b"\0\x1a\x01\x02\0\x16the user name is empty"),
        (StoreAnswer::NotPermitted, b"\0\x04\x01\x03\0\0"),
        (StoreAnswer::Unavailable("busy".to_owned()), b"\0\x08\x01\x04\0\x04busy"),
    ] {
        assert_eq!(answer.encode(), golden, "{}", answer.encode().escape_ascii());
        assert_eq!(StoreAnswer::parse(golden), Ok(Some(answer)));
    }
    let long = StoreAnswer::Unavailable("\u{e4}".repeat(MAX_REASON)).encode();
    assert!(long.len() <= StoreAnswer::MAX);
    assert_eq!(StoreAnswer::parse(&long), Ok(Some(StoreAnswer::Unavailable("\u{e4}".repeat(MAX_REASON / 2)))));
}

#[test]
fn the_longest_request_fits_its_frame() {
    let (text, password) = ([b'x'; MAX_TEXT], [b'y'; MAX_PASSWORD]);
    let longest = StoreRequest { name: &text, realm: &text, wish: Wish::Set(&password) };
    let message = longest.encode().unwrap();
    assert_eq!(message.expose().len(), StoreRequest::MAX);
    assert_eq!(StoreRequest::parse(message.expose()), Ok(Some(longest)));
    let longer = [b'y'; MAX_PASSWORD + 1];
    let request = StoreRequest { wish: Wish::Set(&longer), ..longest };
    assert_eq!(request.encode().unwrap_err(), LookupFault::TooLong);
}

/// Every beginning of a message is one that is not over yet, and no change of one byte makes a parser do more than refuse.
#[test]
fn parsers_stand_every_beginning_and_every_changed_byte() {
    let answers = [StoreAnswer::Done.encode(), StoreAnswer::Unavailable("busy".to_owned()).encode()];
    for golden in [GOLDEN_SET, GOLDEN_REMOVE, &answers[0], &answers[1]] {
        for end in 0..golden.len() {
            assert!(matches!(StoreRequest::parse(&golden[..end]), Ok(None) | Err(_)));
            assert!(matches!(StoreAnswer::parse(&golden[..end]), Ok(None) | Err(_)));
        }
        for position in 0..golden.len() {
            for byte in 0..=u8::MAX {
                let mut changed = golden.to_vec();
                changed[position] = byte;
                if let Ok(Some(request)) = StoreRequest::parse(&changed) {
                    assert_eq!(request.encode().unwrap().expose(), changed, "there is one way to write a request");
                }
                let _ = StoreAnswer::parse(&changed);
            }
        }
    }
    assert_eq!(StoreRequest::parse(&GOLDEN_SET[..5]), Ok(None));
    assert_eq!(StoreRequest::parse(&[GOLDEN_SET, b"x"].concat()), Err(LookupFault::Malformed));
}
