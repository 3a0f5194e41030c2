//! Random bytes in larger portions: a system call for each nonce would be a good part of the cost of a login.

use zeroize::Zeroize;

use crate::runtime::{Entropy, NoEntropy, SystemEntropy};

const PORTION: usize = 1024;

/// Hands out the kernel's random bytes, each once.
pub(super) struct Portions {
    bytes: [u8; PORTION],
    used: usize,
}

impl Portions {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; PORTION], used: PORTION }
    }
}

impl Entropy for Portions {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        if PORTION.saturating_sub(self.used) < buffer.len() {
            SystemEntropy.fill(&mut self.bytes)?;
            self.used = 0;
        }
        let end = self.used.saturating_add(buffer.len());
        let Some(fresh) = self.bytes.get_mut(self.used..end) else { return SystemEntropy.fill(buffer) };
        buffer.copy_from_slice(fresh);
        fresh.zeroize();
        self.used = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_portion_is_handed_out_twice() {
        let mut portions = Portions::new();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1000 {
            let mut nonce = [0; 18];
            portions.fill(&mut nonce).unwrap();
            assert!(seen.insert(nonce));
        }
        let mut large = [0; PORTION * 2];
        portions.fill(&mut large).unwrap();
        assert!(large.chunks(16).all(|part| part.iter().any(|&byte| byte != 0)));
    }
}
