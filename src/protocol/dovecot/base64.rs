//! base64 as Dovecot reads it: padded, a space inside tolerated. What it carries may be a password.

use base64ct::{Base64, Encoding};
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
    if encoded.contains(&b' ') {
        let mut compact = Zeroizing::new(Vec::with_capacity(encoded.len()));
        compact.extend(encoded.iter().filter(|&&byte| byte != b' '));
        return decode_base64(&compact, buffer);
    }
    buffer.clear();
    buffer.resize(encoded.len(), 0);
    let decoded = Base64::decode(encoded, buffer).map_err(|_| BadBase64)?.len();
    buffer.truncate(decoded);
    Ok(buffer)
}

/// Appends the encoded form of `data` to `out`.
pub(super) fn push_base64(data: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start.saturating_add(Base64::encoded_len(data)), 0);
    // The room is exactly what the encoder asked for.
    let room = out.get_mut(start..).unwrap_or_default();
    let _ = Base64::encode(data, room);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(encoded: &[u8]) -> Option<Vec<u8>> {
        decode_base64(encoded, &mut Vec::new()).ok().map(<[u8]>::to_vec)
    }

    #[test]
    fn strict_but_for_spaces() {
        assert_eq!(decoded(b"AHBs"), Some(b"\0pl".to_vec()));
        assert_eq!(decoded(b"AH Bs "), Some(b"\0pl".to_vec()));
        assert_eq!(decoded(b""), Some(vec![]));
        for bad in [&b"!!!!"[..], b"*", b"=", b"c2VjcmV", b"c2Vjcm==V", b"c2Vj\x01cmV0", b"====", b"A"] {
            assert_eq!(decoded(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(data: Vec<u8>) {
            let mut out = b"CONT\t1\t".to_vec();
            push_base64(&data, &mut out);
            prop_assert_eq!(decoded(&out[7..]), Some(data));
        }

        #[test]
        fn any_bytes_decode_or_not(encoded: Vec<u8>) {
            let _ = decoded(&encoded);
        }
    }
}
