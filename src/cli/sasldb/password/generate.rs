//! A password that a person can read out and type, and nobody can guess.

use zeroize::Zeroizing;

use crate::runtime::{Entropy, NoEntropy};
use crate::secret::Password;

/// Small letters and digits without those that look alike: 32, five bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Seven groups of four: 140 bits.
const GROUPS: usize = 7;
const GROUP: usize = 4;

/// Draws a password.
pub(super) fn password(entropy: &mut dyn Entropy) -> Result<Password, NoEntropy> {
    let mut drawn = Zeroizing::new([0; GROUPS * GROUP]);
    entropy.fill(&mut *drawn)?;
    // Full-size from the start: a buffer that grows leaves copies behind.
    let mut text = Vec::with_capacity(GROUPS * GROUP + GROUPS);
    for group in drawn.chunks(GROUP) {
        if !text.is_empty() {
            text.push(b'-');
        }
        // 256 is a multiple of 32: every character is as likely as the others.
        text.extend(group.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32))));
    }
    Password::new(text).map_err(|_| NoEntropy)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u8);

    impl Entropy for Counting {
        fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
            for byte in buffer {
                *byte = self.0;
                self.0 = self.0.wrapping_add(1);
            }
            Ok(())
        }
    }

    #[test]
    fn every_draw_is_in_the_password() {
        let text = |from| password(&mut Counting(from)).unwrap().expose().to_vec();
        assert_eq!(text(0), b"abcd-efgh-ijkm-npqr-stuv-wxyz-2345");
        assert_eq!(text(227), b"defg-hijk-mnpq-rstu-vwxy-z234-5678".map(|b| b));
        let distinct: std::collections::HashSet<&u8> = ALPHABET.iter().collect();
        assert_eq!(distinct.len(), 32);
    }
}
