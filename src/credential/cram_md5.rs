//! HMAC-MD5 as CRAM-MD5 uses it (RFC 2195): its two key blocks are absorbed when the password is set, and the states kept.

use md5::block_api::compress;
use md5::{Digest, Md5};
use zeroize::{Zeroize, Zeroizing};

use crate::secret::SecretArray;

use super::account::CramMd5States;

/// MD5's block, and so the longest HMAC key that is used as it is (RFC 2104, section 2).
const BLOCK: usize = 64;

/// The initial state of MD5 (RFC 1321, section 3.3).
const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

impl CramMd5States {
    /// Absorbs `password`, whose length has no limit here.
    #[must_use]
    pub fn derive(password: &[u8]) -> Self {
        let mut key = Zeroizing::new([0u8; BLOCK]);
        if password.len() > BLOCK {
            let hashed: Zeroizing<[u8; 16]> = Zeroizing::new(Md5::digest(password).into());
            fill(key.as_mut(), hashed.as_ref());
        } else {
            fill(key.as_mut(), password);
        }
        Self { inner: absorb(&key, 0x36), outer: absorb(&key, 0x5c) }
    }

    /// HMAC-MD5(password, `message`).
    #[must_use]
    pub fn mac(&self, message: &[u8]) -> [u8; 16] {
        let inner = Zeroizing::new(finish(self.inner.expose(), message));
        finish(self.outer.expose(), inner.as_ref())
    }

    /// Writes Cyrus's `cmusaslsecretCRAM-MD5`: inner then outer state, words big-endian.
    #[must_use]
    pub fn to_cyrus(&self) -> SecretArray<32> {
        joined(&swapped(self.inner.expose()), &swapped(self.outer.expose()))
    }

    /// Reads the 32 bytes that Dovecot's `{CRAM-MD5}` holds in hex: outer then inner state, words little-endian.
    #[must_use]
    pub fn from_dovecot(bytes: &[u8; 32]) -> Self {
        let (outer, inner) = halves(bytes);
        Self { inner: SecretArray::new(inner), outer: SecretArray::new(outer) }
    }

    /// Writes the 32 bytes of Dovecot's `{CRAM-MD5}`.
    #[must_use]
    pub fn to_dovecot(&self) -> SecretArray<32> {
        joined(self.outer.expose(), self.inner.expose())
    }
}

fn fill(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

/// The state after one block of `key` XOR `pad`.
fn absorb(key: &[u8; BLOCK], pad: u8) -> SecretArray<16> {
    let mut block = key.map(|byte| byte ^ pad);
    let mut state = START;
    compress(&mut state, &[block]);
    block.zeroize();
    let bytes = to_bytes(&state);
    state.zeroize();
    SecretArray::new(bytes)
}

/// The MD5 hash of one block, absorbed in `state` already, followed by `tail`.
fn finish(state: &[u8; 16], tail: &[u8]) -> [u8; 16] {
    let mut words = [0u32; 4];
    words.iter_mut().zip(state.as_chunks::<4>().0).for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
    let (blocks, rest) = tail.as_chunks::<BLOCK>();
    compress(&mut words, blocks);

    // Padding (RFC 1321, sections 3.1 and 3.2): a one bit, zeros, and the length in bits at the end of a block.
    let bits = u64::try_from(tail.len()).unwrap_or(u64::MAX).wrapping_add(64).wrapping_mul(8);
    let mut last = [[0u8; BLOCK]; 2];
    fill(last.as_flattened_mut(), rest);
    if let Some(end) = last.as_flattened_mut().get_mut(rest.len()) {
        *end = 0x80;
    }
    let (used, length) = if rest.len() < 56 { (1, 56..64) } else { (2, 120..128) };
    if let Some(length) = last.as_flattened_mut().get_mut(length) {
        length.copy_from_slice(&bits.to_le_bytes());
    }
    compress(&mut words, last.get(..used).unwrap_or(&last));
    let hash = to_bytes(&words);
    words.zeroize();
    hash
}

fn to_bytes(state: &[u32; 4]) -> [u8; 16] {
    let mut bytes = [0u8; 16];
    bytes.as_chunks_mut::<4>().0.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_le_bytes());
    bytes
}

/// The same words in the other byte order.
fn swapped(state: &[u8; 16]) -> [u8; 16] {
    let mut bytes = *state;
    bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|word| word.reverse());
    bytes
}

fn halves(bytes: &[u8; 32]) -> ([u8; 16], [u8; 16]) {
    let mut halves = ([0; 16], [0; 16]);
    fill(&mut halves.0, bytes);
    fill(&mut halves.1, bytes.get(16..).unwrap_or(&[]));
    halves
}

fn joined(first: &[u8; 16], second: &[u8; 16]) -> SecretArray<32> {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(first.iter().chain(second)).for_each(|(to, from)| *to = *from);
    SecretArray::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::unhex as hex;

    #[test]
    fn rfc_2195_section_2_from_the_stored_states() {
        let states = CramMd5States::derive(b"tanstaaftanstaaf");
        let mac = states.mac(b"<1896.697170952@postoffice.reston.mci.net>");
        assert_eq!(mac.to_vec(), hex("b913a602c7eda7a495b4e6e7334d3890"));
    }

    #[test]
    fn dovecots_form_is_outer_then_inner() {
        for (password, stored) in [
            (b"secret".to_vec(), "cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56"),
            (vec![b'x'; 70], "8103bb3a2a4b96a9ca9cce4efecc8d22ebe7163dff7401afb5aa16d4edcf9f1f"),
        ] {
            let states = CramMd5States::derive(&password);
            assert_eq!(states.to_dovecot().expose().to_vec(), hex(stored));
            let back = CramMd5States::from_dovecot(states.to_dovecot().expose());
            assert_eq!(back.mac(b"x"), states.mac(b"x"));
        }
    }

    #[test]
    fn cyruss_form_is_inner_then_outer_and_big_endian() {
        let states = CramMd5States::derive(b"s3cr3t pass");
        let stored = hex("a09aebc606bc0c19224469a0ae038bfa5179a73438fe6f42ea462b57760a2c98");
        assert_eq!(states.to_cyrus().expose().to_vec(), stored);
    }

    /// HMAC from the states is HMAC from the password, whatever the lengths: blocks and padding meet at 55, 56 and 64.
    #[test]
    fn the_states_are_hmac_md5() {
        use hmac::{Hmac, KeyInit, Mac};
        for key_length in [1, 63, 64, 65, 200] {
            let key = vec![b'k'; key_length];
            for length in 0..200 {
                let message = vec![b'm'; length];
                let mut expected = Hmac::<Md5>::new_from_slice(&key).unwrap();
                expected.update(&message);
                let expected: [u8; 16] = expected.finalize().into_bytes().into();
                assert_eq!(CramMd5States::derive(&key).mac(&message), expected, "{key_length} {length}");
            }
        }
    }
}
