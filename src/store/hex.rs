//! Bytes as hexadecimal digits. What is written or read may be a key, so nothing is copied on the way.

/// Appends the digits, two for each byte, in lower case.
pub(super) fn push(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or_default());
        }
    }
}

/// The digits.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    push(&mut text, bytes);
    text
}

/// Reads as many bytes as `into` has, from digits in either case. False if there are others, or more or fewer.
#[must_use]
pub(crate) fn decode(text: &str, into: &mut [u8]) -> bool {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty()
        && pairs.len() == into.len()
        && into.iter_mut().zip(pairs).all(|(byte, [high, low])| match (digit(high), digit(low)) {
            (Some(high), Some(low)) => {
                *byte = high << 4 | low;
                true
            }
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_they_are_written() {
        assert_eq!(encode(&[0, 0x0f, 0xa0, 0xff]), "000fa0ff");
        let mut bytes = [0; 4];
        assert!(decode("000FA0ff", &mut bytes));
        assert_eq!(bytes, [0, 0x0f, 0xa0, 0xff]);
        for text in ["", "000fa0f", "000fa0ff0", "000fa0ff00", "000fa0fg", "+00fa0ff", "000fa0f\u{e9}"] {
            assert!(!decode(text, &mut bytes), "{text}");
        }
    }
}
