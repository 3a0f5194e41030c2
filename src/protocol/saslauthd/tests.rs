//! Requests and replies, byte for byte as Debian's saslauthd 2.1.28 and its clients exchanged them, and what is no request.

use super::*;

impl core::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let texts = [self.login, self.password, self.service, self.realm];
        texts.iter().try_for_each(|text| write!(f, "{} ", text.escape_ascii()))
    }
}

fn counted(texts: [&[u8]; 4]) -> Vec<u8> {
    let mut message = Vec::new();
    for text in texts {
        message.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
        message.extend_from_slice(text);
    }
    message
}

const GOLDEN: &[u8] = b"\0\x05alice\0\x0bs3cr3t pass\0\x04imap\0\x0bexample.org";

const REQUEST: Request<'static> =
    Request { login: b"alice", password: b"s3cr3t pass", service: b"imap", realm: b"example.org" };

#[test]
fn requests_are_these_bytes() {
    assert_eq!(Request::parse(GOLDEN), Ok(Some(REQUEST)));
    assert_eq!(counted([REQUEST.login, REQUEST.password, REQUEST.service, REQUEST.realm]), GOLDEN);
    // testsaslauthd without -r, and Exim without service and realm.
    let bare = counted([b"alice", b"s3cr3t pass", b"", b""]);
    assert_eq!(Request::parse(&bare), Ok(Some(Request { service: b"", realm: b"", ..REQUEST })));
    // Cyrus ends the password at the NUL, and so lets `pw` in for `pw\0zz`. It is part of the password here, and no account has one.
    let nul = counted([b"alice", b"pw\0zz", b"imap", b""]);
    assert_eq!(Request::parse(&nul).unwrap().unwrap().password, b"pw\0zz");
}

#[test]
fn replies_are_these_bytes() {
    for (reply, golden) in [
        (Reply::Ok, b"\0\x02OK".as_slice()),
        (Reply::No, b"\0\x02NO"),
        (Reply::Unavailable, b"\0\0"),
        (Reply::Refused(RequestFault::TooLong), b"\0\x03NO "),
        (Reply::Refused(RequestFault::NoLogin), b"\0\x16NO NULL login received"),
        (Reply::Refused(RequestFault::NoPassword), b"\0\x19NO NULL password received"),
    ] {
        let mut written = Vec::new();
        reply.encode(&mut written);
        assert_eq!(written, golden);
        assert_eq!(usize::from(u16::from_be_bytes([written[0], written[1]])), written.len() - 2);
    }
}

#[test]
fn every_beginning_of_a_request_waits_for_the_rest_and_what_follows_is_ignored() {
    for end in 0..GOLDEN.len() {
        assert_eq!(Request::parse(&GOLDEN[..end]), Ok(None), "{end}");
    }
    assert_eq!(Request::parse(&[GOLDEN, b"and more"].concat()), Ok(Some(REQUEST)));
}

#[test]
fn what_is_too_long_is_told_at_its_length() {
    let (text, password) = ([b'x'; MAX_TEXT], [b'x'; MAX_PASSWORD]);
    let longest = counted([&text, &password, &text, &text]);
    assert_eq!(longest.len(), Request::MAX);
    assert!(matches!(Request::parse(&longest), Ok(Some(_))));
    for (before, length) in [
        (&b""[..], MAX_TEXT + 1),
        (b"\0\x01a", MAX_PASSWORD + 1),
        (b"\0\x01a\0\x01b", MAX_TEXT + 1),
        (b"\0\x01a\0\x01b\0\0", MAX_TEXT + 1),
        (b"", 0xFFFF),
    ] {
        let message = [before, &u16::try_from(length).unwrap().to_be_bytes()].concat();
        assert_eq!(Request::parse(&message), Err(RequestFault::TooLong), "{message:x?}");
    }
}

#[test]
fn without_a_name_or_a_password_there_is_nothing_to_check() {
    assert_eq!(Request::parse(&counted([b"", b"", b"", b""])), Err(RequestFault::NoLogin));
    assert_eq!(Request::parse(&counted([b"alice", b"", b"imap", b""])), Err(RequestFault::NoPassword));
}

#[test]
fn a_request_may_come_in_pieces_and_is_kept_in_room_that_never_grows() {
    let text = [b'x'; MAX_TEXT];
    let longest = counted([&text, &[b'y'; MAX_PASSWORD], &text, b"example.org"]);
    for pieces in [1, 2, 7, 4000] {
        let mut received = Received::default();
        let (last, others) = longest.split_last().unwrap();
        for piece in others.chunks(pieces) {
            assert_eq!(received.take(piece), Ok(None));
            assert_eq!(received.0.capacity(), Request::MAX);
        }
        assert_eq!(received.take(&[*last]).unwrap().unwrap().realm, b"example.org");
    }
    let mut received = Received::default();
    assert_eq!(received.take(b"\0\x05al"), Ok(None));
    assert!(received.take(&[b'\0'; 3 * Request::MAX]).is_err());
    assert_eq!((received.0.len(), received.0.capacity()), (Request::MAX, Request::MAX));
}
