//! base64 as Dovecot reads it: padded, a space inside tolerated. What it carries may be a password, so decoding takes the same
//! time for all characters: eight at once, each in a byte of a word, without a table and without a branch. What is encoded
//! are challenges, which everybody may know.

use zeroize::Zeroizing;

/// Not base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid base64")]
pub struct BadBase64;

/// Decodes into `buffer`, which the caller wipes.
///
/// # Errors
/// [`BadBase64`].
pub fn decode_base64<'b>(encoded: &[u8], buffer: &'b mut Vec<u8>) -> Result<&'b [u8], BadBase64> {
    match decode(encoded, buffer) {
        Err(BadBase64) if encoded.contains(&b' ') => {
            let mut compact = Zeroizing::new(Vec::with_capacity(encoded.len()));
            compact.extend(encoded.iter().filter(|&&byte| byte != b' '));
            decode(&compact, buffer)?;
        }
        decoded => decoded?,
    }
    Ok(buffer)
}

fn decode(encoded: &[u8], buffer: &mut Vec<u8>) -> Result<(), BadBase64> {
    buffer.clear();
    // Room for all of it at once: a buffer that grew would leave a part of a password behind.
    buffer.reserve(encoded.len());
    let (groups, rest) = encoded.as_chunks::<8>();
    // The last word has the padding in it.
    let (groups, last) = match (groups.split_last(), rest) {
        (Some((last, groups)), []) => (groups, last.as_slice()),
        _ => (groups, rest),
    };
    let mut faults = 0;
    for group in groups {
        let (bytes, fault) = decode_word(u64::from_be_bytes(*group));
        buffer.extend_from_slice(&bytes);
        faults |= fault;
    }
    let padding = last.iter().rev().take(2).take_while(|&&byte| byte == b'=').count();
    let mut word = [b'A'; 8];
    word.iter_mut().zip(last).for_each(|(to, from)| *to = *from);
    word.iter_mut().take(last.len()).rev().take(padding).for_each(|byte| *byte = b'A');
    let (bytes, fault) = decode_word(u64::from_be_bytes(word));
    faults |= fault;
    let length = (last.len() / 4).wrapping_mul(3).saturating_sub(padding);
    let (bytes, left_over) = bytes.split_at_checked(length).ok_or(BadBase64)?;
    buffer.extend_from_slice(bytes);
    // The bits that the padding cuts off say nothing, and are zero.
    let stray = left_over.iter().fold(0, |bits, byte| bits | byte);
    let whole = last.len().is_multiple_of(4);
    if faults == 0 && stray == 0 && whole { Ok(()) } else { Err(BadBase64) }
}

/// In each byte of a word.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

const HIGH: u64 = each(0x80);

/// Eight characters, the first in the highest byte; their six bytes, and whether one of them is no character of base64.
fn decode_word(word: u64) -> ([u8; 6], u64) {
    // A byte with its high bit set loses it here only if what is taken away is more than the byte; nothing is borrowed from the
    // next one. (Bytes that had the bit are faults by themselves.)
    let from = |first: u8| (word | HIGH).wrapping_sub(each(first)) & HIGH;
    let (plus, comma, slash, digit, colon) = (from(b'+'), from(b','), from(b'/'), from(b'0'), from(b':'));
    let (upper, bracket, lower, brace) = (from(b'A'), from(b'['), from(b'a'), from(b'{'));
    let (is_plus, is_slash, is_digit) = (plus & !comma, slash & !digit, digit & !colon);
    let (is_upper, is_lower) = (upper & !bracket, lower & !brace);
    let known = is_plus | is_slash | is_digit | is_upper | is_lower;
    let fault = (!known | word) & HIGH;
    // No byte of a sum passes 63, none of a difference falls below 0, where there is no fault.
    let by = |class: u64, distance: u64| (class >> 7).wrapping_mul(distance);
    let raised = by(is_plus, 19).wrapping_add(by(is_slash, 16)).wrapping_add(by(is_digit, 4));
    let lowered = by(is_upper, 65).wrapping_add(by(is_lower, 71));
    let sixes = word.wrapping_add(raised).wrapping_sub(lowered);
    // Eight times six bits, closed up: in pairs, in fours, all.
    let pairs = (sixes & 0x3f00_3f00_3f00_3f00) >> 2 | sixes & 0x003f_003f_003f_003f;
    let fours = (pairs & 0x0fff_0000_0fff_0000) >> 4 | pairs & 0x0000_0fff_0000_0fff;
    let all = (fours & 0x00ff_ffff_0000_0000) >> 8 | fours & 0x0000_0000_00ff_ffff;
    let [_, _, bytes @ ..] = all.to_be_bytes();
    (bytes, fault)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends the encoded form of `data`, which is no secret, to `out`.
pub(super) fn push_base64(data: &[u8], out: &mut Vec<u8>) {
    let (groups, rest) = data.as_chunks::<3>();
    out.reserve(groups.len().saturating_add(1).saturating_mul(4));
    for group in groups {
        out.extend_from_slice(&encode_group(*group));
    }
    match *rest {
        [first] => {
            let [a, b, ..] = encode_group([first, 0, 0]);
            out.extend_from_slice(&[a, b, b'=', b'=']);
        }
        [first, second] => {
            let [a, b, c, _] = encode_group([first, second, 0]);
            out.extend_from_slice(&[a, b, c, b'=']);
        }
        _ => {}
    }
}

/// The encoded form of 18 bytes that are no secret: no padding, and no allocation.
#[must_use]
pub fn base64_of(data: [u8; 18]) -> [u8; 24] {
    let mut text = [0; 24];
    let groups = data.as_chunks::<3>().0;
    text.as_chunks_mut::<4>().0.iter_mut().zip(groups).for_each(|(to, group)| *to = encode_group(*group));
    text
}

fn encode_group([first, second, third]: [u8; 3]) -> [u8; 4] {
    let sixes = [first >> 2, first << 4 | second >> 4, second << 2 | third >> 6, third];
    sixes.map(|six| ALPHABET.get(usize::from(six & 63)).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::{Base64, Encoding};
    use proptest::prelude::*;

    fn decoded(encoded: &[u8]) -> Option<Vec<u8>> {
        decode_base64(encoded, &mut Vec::new()).ok().map(<[u8]>::to_vec)
    }

    #[test]
    fn strict_but_for_spaces() {
        assert_eq!(decoded(b"AHBs"), Some(b"\0pl".to_vec()));
        assert_eq!(decoded(b"AH Bs "), Some(b"\0pl".to_vec()));
        assert_eq!(decoded(b""), Some(vec![]));
        assert_eq!(decoded(b"    "), Some(vec![]));
        for bad in [
            &b"!!!!"[..],
            b"*",
            b"=",
            b"c2VjcmV",
            b"c2Vjcm==V",
            b"c2Vj\x01cmV0",
            b"====",
            b"A",
            b"A===",
            b"AAAAAAA=AAAA",
            b"AAAA====",
            b"AAAAA===",
            b"AB==",
            b"AAB=",
            b"\xc1AAA",
            b"AAAAAAAAAAA\xe1",
        ] {
            assert_eq!(decoded(bad), None, "{bad:?}");
        }
    }

    /// RFC 4648, section 10.
    #[test]
    fn the_vectors_of_the_rfc() {
        for (data, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = Vec::new();
            push_base64(data.as_bytes(), &mut out);
            assert_eq!(out, encoded.as_bytes());
            assert_eq!(decoded(encoded.as_bytes()), Some(data.as_bytes().to_vec()));
        }
    }

    #[test]
    fn nonces_are_base64_like_all_else() {
        let mut out = Vec::new();
        let data = *b"\0\x10\x83\x10Q\x87 \x92\x8b0\xd3\x8fA\x14\x93QU\x97";
        push_base64(&data, &mut out);
        assert_eq!(base64_of(data).as_slice(), out);
        assert_eq!(out, b"ABCDEFGHIJKLMNOPQRSTUVWX");
    }

    #[test]
    fn each_byte_at_each_place_is_read_as_by_everybody() {
        for place in 0..16 {
            for byte in 0..=255u8 {
                let mut encoded = *b"Zm9vYmFyZm9vYmFy";
                encoded[place] = byte;
                let expected = Base64::decode_vec(&String::from_utf8_lossy(&encoded)).ok();
                if byte != b' ' {
                    assert_eq!(decoded(&encoded), expected, "{byte:#x} at {place}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn round_trip(data: Vec<u8>) {
            let mut out = b"CONT\t1\t".to_vec();
            push_base64(&data, &mut out);
            let expected = Base64::encode_string(&data);
            prop_assert_eq!(&out[7..], expected.as_bytes());
            prop_assert_eq!(decoded(&out[7..]), Some(data));
        }

        #[test]
        fn what_is_nearly_base64_is_read_as_by_everybody(encoded in "[A-Za-z0-9+/]{0,40}[-A-Za-z0-9+/=_.]{0,4}") {
            prop_assert_eq!(decoded(encoded.as_bytes()), Base64::decode_vec(&encoded).ok());
        }

        #[test]
        fn any_bytes_decode_or_not(encoded: Vec<u8>) {
            let _ = decoded(&encoded);
        }
    }
}
