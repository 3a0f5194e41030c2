//! The bytes of `docs/lookup-protocol.md`, there and back, and what becomes of any others.

use super::*;
use crate::secret::SecretBytes;

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|two| u8::from_str_radix(core::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

fn property(form: Form, value: &[u8]) -> Property {
    Property::new(form, value.into()).unwrap()
}

const REQUEST: Request<'static> = Request {
    wanted: Forms::SCRAM.with(Form::DigestMd5),
    name: b"j\xF6rg",
    realm: b"",
    host: b"mx1.example.com",
    service: b"smtp",
};

/// MD5("alice:example.org:s3cr3t pass"), as libsasl2 has it.
const DIGEST_MD5: &str = "04115808cd00c5137e5e1fcd448acd4c";

const SCRAM: &[u8] =
    b"SCRAM-SHA-1$4096:AQIDBAUGBwgJCgsMDQ4PEA==$kOckcL7P1w6peXL4XKIOTCnKgWM=:vwgKrAdUR4+GwTjl9I6YI2LVThs=";

fn found() -> Answer {
    Answer::of(vec![property(Form::DigestMd5, &unhex(DIGEST_MD5)), property(Form::ScramSha1, SCRAM)])
}

fn golden_request() -> Vec<u8> {
    unhex("0021 01 1d 0004 6af67267 0000 000f 6d78312e6578616d706c652e636f6d 0004 736d7470")
}

fn golden_found() -> Vec<u8> {
    let mut golden = unhex(&format!("007b 01 01 01 0010 {DIGEST_MD5} 03 0063"));
    golden.extend_from_slice(SCRAM);
    golden
}

#[test]
fn requests_are_these_bytes() {
    assert_eq!(REQUEST.encode().unwrap(), golden_request());
    assert_eq!(Request::parse(&golden_request()), Ok(Some(REQUEST)));
}

#[test]
fn answers_are_these_bytes() {
    let none = Answer::of(Vec::new());
    for (answer, golden) in
        [(found(), golden_found()), (none, unhex("0002 01 02")), (Answer::Unavailable, unhex("0002 01 03"))]
    {
        assert_eq!(answer.encode().expose(), golden);
        let read = Answer::parse(&golden).unwrap().unwrap();
        assert_eq!(read.encode().expose(), golden, "there and back");
    }
    let Some(Answer::Found(properties)) = Answer::parse(&golden_found()).unwrap() else { panic!("found") };
    let forms: Vec<Form> = properties.iter().map(Property::form).collect();
    assert_eq!(forms, [Form::DigestMd5, Form::ScramSha1]);
    assert_eq!(properties[1].value().expose(), SCRAM);
}

#[test]
fn forms_are_their_bits() {
    for (form, bits) in Form::ALL.into_iter().zip([1, 2, 4, 8, 16]) {
        let message = Request { wanted: Forms::NONE.with(form), ..REQUEST }.encode().unwrap();
        assert_eq!(message[3], bits);
    }
    let all = Form::ALL.into_iter().fold(Forms::NONE, Forms::with);
    assert!(Form::ALL.into_iter().all(|form| all.contains(form)));
    assert!(!Forms::SCRAM.contains(Form::CramMd5) && Forms::SCRAM.contains(Form::ScramSha512));
}

#[test]
fn a_form_that_is_not_known_yet_is_left_out() {
    let mut message = golden_request();
    message[3] = 0b1110_0010;
    let wanted = Request::parse(&message).unwrap().unwrap().wanted;
    assert_eq!(wanted, Forms::NONE.with(Form::CramMd5));
    message[3] = 0b1110_0000;
    assert_eq!(Request::parse(&message), Err(LookupFault::Malformed));
}

#[test]
fn the_longest_messages_fit_their_frames() {
    let text = [b'x'; MAX_TEXT];
    let longest = Request { name: &text, realm: &text, host: &text, service: &text, ..REQUEST };
    assert_eq!(Request::parse(&longest.encode().unwrap()), Ok(Some(longest)));
    let longer = [b'x'; MAX_TEXT + 1];
    assert_eq!(Request { name: &longer, ..REQUEST }.encode(), Err(LookupFault::TooLong));

    let value = |form| match form {
        Form::DigestMd5 => vec![0; 16],
        Form::CramMd5 => vec![0; 32],
        _ => vec![b'x'; MAX_VALUE],
    };
    let all: Vec<Property> = Form::ALL.into_iter().map(|form| property(form, &value(form))).collect();
    let message = Answer::of(all).encode();
    assert!(message.expose().len() <= Answer::MAX);
    assert!(matches!(Answer::parse(message.expose()), Ok(Some(Answer::Found(all))) if all.len() == 5));
}

#[test]
fn values_have_the_length_that_libsasl2_reads() {
    for (form, value) in [
        (Form::DigestMd5, vec![0; 15]),
        (Form::DigestMd5, vec![0; 17]),
        (Form::CramMd5, vec![0; 16]),
        (Form::ScramSha1, vec![]),
        (Form::ScramSha256, b"SCRAM-SHA-256$1:a\0".to_vec()),
        (Form::ScramSha512, vec![b'x'; MAX_VALUE + 1]),
    ] {
        assert!(Property::new(form, SecretBytes::new(value)).is_err(), "{form:?}");
    }
}

#[test]
fn what_is_no_message_is_told_apart() {
    let with = |position: usize, byte: u8| {
        let mut message = golden_request();
        message[position] = byte;
        message
    };
    for (message, fault) in [
        (with(0, 0xFF), LookupFault::TooLong),
        (with(2, 2), LookupFault::Version(2)),
        (with(4, 0x04), LookupFault::TooLong),
        (Request { name: b"", ..REQUEST }.encode().unwrap(), LookupFault::Malformed),
        (with(30, 5), LookupFault::Malformed),
        (with(30, 3), LookupFault::Malformed),
        (unhex("0000"), LookupFault::Malformed),
        (unhex("0001 01"), LookupFault::Malformed),
        ([golden_request(), vec![0]].concat(), LookupFault::Malformed),
    ] {
        assert_eq!(Request::parse(&message), Err(fault), "{message:x?}");
    }
    for message in [
        "0002 01 00",
        "0002 01 01",
        "0002 01 04",
        "0003 01 02 00",
        "0003 01 03 00",
        "0005 01 01 06 0000",
        "0005 01 01 01 0000",
        "0006 01 01 03 0002 78",
        "000a 01 01 03 0001 78 03 0001 78",
        "0002 01 02 00",
    ] {
        assert_eq!(Answer::parse(&unhex(message)).unwrap_err(), LookupFault::Malformed, "{message}");
    }
}

/// Every beginning of a message is one that is not over yet, and no change of one byte makes a parser do more than refuse.
#[test]
fn parsers_stand_every_beginning_and_every_changed_byte() {
    for golden in [golden_request(), golden_found()] {
        for end in 0..golden.len() {
            assert!(matches!(Request::parse(&golden[..end]), Ok(None) | Err(_)));
            assert!(matches!(Answer::parse(&golden[..end]), Ok(None) | Err(_)));
        }
        for position in 0..golden.len() {
            for byte in 0..=u8::MAX {
                let mut changed = golden.clone();
                changed[position] = byte;
                if let Ok(Some(request)) = Request::parse(&changed) {
                    assert_eq!(Request::parse(&request.encode().unwrap()), Ok(Some(request)));
                }
                if let Ok(Some(answer)) = Answer::parse(&changed) {
                    assert_eq!(answer.encode().expose(), changed, "there is one way to write an answer");
                }
            }
        }
    }
    assert_eq!(Request::parse(&golden_request()[..5]), Ok(None));
    assert!(matches!(Answer::parse(&golden_found()[..60]), Ok(None)));
}
