//! Escapes inside a field: 0x01 and one byte.

use std::borrow::Cow;

const ESCAPE: u8 = 0x01;

/// Writes `value` so that no byte of it can end a field or a line.
pub(super) fn escape(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        match byte {
            0 => out.extend_from_slice(&[ESCAPE, b'0']),
            ESCAPE => out.extend_from_slice(&[ESCAPE, b'1']),
            b'\t' => out.extend_from_slice(&[ESCAPE, b't']),
            b'\r' => out.extend_from_slice(&[ESCAPE, b'r']),
            b'\n' => out.extend_from_slice(&[ESCAPE, b'n']),
            _ => out.push(byte),
        }
    }
}

/// The value of `field`. A byte that needs no escape stands for itself after one; a lone escape at the end is dropped.
pub(super) fn unescape(field: &[u8]) -> Cow<'_, [u8]> {
    if !field.contains(&ESCAPE) {
        return Cow::Borrowed(field);
    }
    let mut value = Vec::with_capacity(field.len());
    let mut bytes = field.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != ESCAPE {
            value.push(byte);
        } else if let Some(escaped) = bytes.next() {
            value.push(match escaped {
                b'0' => 0,
                b'1' => ESCAPE,
                b't' => b'\t',
                b'r' => b'\r',
                b'n' => b'\n',
                other => other,
            });
        }
    }
    Cow::Owned(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_as_dovecot_writes_them() {
        let mut out = Vec::new();
        escape(b"a\0\x01\t\r\nb", &mut out);
        assert_eq!(out, b"a\x010\x011\x01t\x01r\x01nb");
        assert_eq!(unescape(&out).as_ref(), b"a\0\x01\t\r\nb");
        assert_eq!(unescape(b"\x01l\x01\x01x\x01").as_ref(), b"l\x01x");
    }

    proptest! {
        #[test]
        fn every_value_survives(value: Vec<u8>) {
            let mut out = Vec::new();
            escape(&value, &mut out);
            prop_assert!(!out.iter().any(|b| matches!(b, 0 | b'\t' | b'\r' | b'\n')));
            prop_assert_eq!(unescape(&out).into_owned(), value);
        }

        #[test]
        fn any_field_has_a_value(field: Vec<u8>) {
            prop_assert!(unescape(&field).len() <= field.len());
        }
    }
}
