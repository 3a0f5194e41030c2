//! The 32 hex digits in which MD5 mechanisms write their hashes.

/// Writes lower case, which is what is hashed again in DIGEST-MD5.
pub(super) fn encode(bytes: &[u8; 16]) -> [u8; 32] {
    let mut text = [0; 32];
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [digit(byte.wrapping_shr(4)), digit(byte & 0xf)];
    }
    text
}

fn digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0'.wrapping_add(value),
        _ => b'a'.wrapping_sub(10).wrapping_add(value),
    }
}

/// Reads either case.
pub(super) fn decode(text: &[u8]) -> Option<[u8; 16]> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    if pairs.len() != 16 {
        return None;
    }
    let value = |c| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut bytes = [0; 16];
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = value(high)?.wrapping_shl(4) | value(low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_cases_are_read_and_lower_case_is_written() {
        let text = b"00112233445566778899aAbBcCdDeEfF";
        assert_eq!(encode(&decode(text).unwrap()).to_vec(), text.to_ascii_lowercase());
        for wrong in [b"".as_slice(), b"0", &text[1..], b"0011223344556677889+aabbccddeeff", b"00"] {
            assert_eq!(decode(wrong), None);
        }
    }
}
