//! PBKDF2 with HMAC (RFC 8018, section 5.2); its first block is what SCRAM calls Hi (RFC 5802, section 2.2).
//!
//! Each of the thousands of rounds hashes two messages of one block, from two states that hang on the password only. So only
//! the hash's compression function is called, on a block that has its padding already: that is two thirds of the time that it
//! takes through a general HMAC.

use sha1::block_api::compress;
use sha2::block_api::{compress256, compress512};
use sha2::{Digest, Sha256, Sha512};
use zeroize::{Zeroize, Zeroizing};

use crate::vocabulary::ScramHash;

/// Fills `output` with what is derived from the password. Takes milliseconds at usual counts; a count of zero counts as one.
pub(super) fn pbkdf2(hash: ScramHash, password: &[u8], salt: &[u8], iterations: u32, output: &mut [u8]) {
    match hash {
        ScramHash::Sha1 => fill::<Sha1Blocks, 64>(password, salt, iterations, output),
        ScramHash::Sha256 => fill::<Sha256Blocks, 64>(password, salt, iterations, output),
        ScramHash::Sha512 => fill::<Sha512Blocks, 128>(password, salt, iterations, output),
    }
}

/// What one derivation takes beside the password.
#[derive(Debug, Clone, Copy)]
pub struct Hi<'a> {
    /// With which hash.
    pub hash: ScramHash,
    /// The salt.
    pub salt: &'a [u8],
    /// How many rounds.
    pub iterations: u32,
}

/// Fills each output with the first block of what is derived from the password, as [`pbkdf2`] does. Each round waits for the one before;
/// the rounds of two different hashes do not wait for each other, and a processor that looks ahead computes them at the same time.
pub(super) fn pbkdf2_two(password: &[u8], [one, other]: [Hi<'_>; 2], outputs: [&mut [u8]; 2]) {
    match (one.hash, other.hash) {
        (ScramHash::Sha1, ScramHash::Sha256) => two::<Sha1Blocks, 64, Sha256Blocks, 64>(password, one, other, outputs),
        (ScramHash::Sha1, ScramHash::Sha512) => two::<Sha1Blocks, 64, Sha512Blocks, 128>(password, one, other, outputs),
        (ScramHash::Sha256, ScramHash::Sha512) => {
            two::<Sha256Blocks, 64, Sha512Blocks, 128>(password, one, other, outputs);
        }
        _ => {
            for (hi, output) in [one, other].into_iter().zip(outputs) {
                pbkdf2(hi.hash, password, hi.salt, hi.iterations, output);
            }
        }
    }
}

/// A hash, seen as what it does to one block of `BLOCK` bytes.
trait Blocks<const BLOCK: usize> {
    /// Words, the output's bytes in big-endian order.
    type State: Copy + Zeroize;
    /// Where a hash begins (FIPS 180-4, section 5.3).
    const INITIAL: Self::State;
    /// Bytes of a hash.
    const OUTPUT: usize = size_of::<Self::State>();
    /// Bytes that the length takes at the end of the padding.
    const LENGTH: usize;

    fn compress(state: &mut Self::State, block: &[u8; BLOCK]);
    /// Writes the state over the beginning of `bytes`.
    fn write(state: &Self::State, bytes: &mut [u8]);
    fn xor(state: &mut Self::State, with: &Self::State);
    /// The hash of a password longer than a block.
    fn digest(message: &[u8], to: &mut [u8]);
}

fn fill<B: Blocks<BLOCK>, const BLOCK: usize>(password: &[u8], salt: &[u8], iterations: u32, output: &mut [u8]) {
    let hmac = Hmac::<B, BLOCK>::new(password);
    for (part, number) in output.chunks_mut(B::OUTPUT).zip(1u32..) {
        let mut chain = hmac.begin(salt, number);
        chain.go_on(1, iterations);
        chain.write(part);
    }
}

fn two<A: Blocks<M>, const M: usize, B: Blocks<N>, const N: usize>(
    password: &[u8],
    one: Hi<'_>,
    other: Hi<'_>,
    [to_one, to_other]: [&mut [u8]; 2],
) {
    let hmacs = (Hmac::<A, M>::new(password), Hmac::<B, N>::new(password));
    let (mut a, mut b) = (hmacs.0.begin(one.salt, 1), hmacs.1.begin(other.salt, 1));
    let together = one.iterations.min(other.iterations).max(1);
    for _ in 1..together {
        // In turn by halves of rounds: a processor does not look ahead further than two of them.
        a.inner();
        b.inner();
        a.outer();
        b.outer();
    }
    a.go_on(together, one.iterations);
    b.go_on(together, other.iterations);
    a.write(to_one);
    b.write(to_other);
}

/// HMAC's two states once the password is in (RFC 2104, section 4).
struct Hmac<B: Blocks<BLOCK>, const BLOCK: usize> {
    inner: B::State,
    outer: B::State,
}

impl<B: Blocks<BLOCK>, const BLOCK: usize> Hmac<B, BLOCK> {
    fn new(password: &[u8]) -> Self {
        let mut key = Zeroizing::new([0; BLOCK]);
        if password.len() > BLOCK {
            B::digest(password, &mut *key);
        } else {
            key.iter_mut().zip(password).for_each(|(to, from)| *to = *from);
        }
        let begin = |pad: u8| {
            let mut padded = Zeroizing::new([0; BLOCK]);
            padded.iter_mut().zip(key.iter()).for_each(|(to, from)| *to = from ^ pad);
            let mut state = B::INITIAL;
            B::compress(&mut state, &padded);
            state
        };
        Self { inner: begin(0x36), outer: begin(0x5c) }
    }

    /// The first round of the block `number`.
    fn begin(&self, salt: &[u8], number: u32) -> Chain<'_, B, BLOCK> {
        let mut block = [0; BLOCK];
        end_of_message::<B, BLOCK>(&mut block, B::OUTPUT, B::OUTPUT);
        let mut chain = Chain { hmac: self, block, state: self.first_inner(salt, number), sum: B::INITIAL };
        chain.hash_again(&self.outer);
        chain.sum = chain.state;
        chain
    }

    /// The inner hash of the salt and the number of the block, of any length.
    fn first_inner(&self, salt: &[u8], number: u32) -> B::State {
        let number = number.to_be_bytes();
        let mut message = salt.iter().chain(&number);
        let mut state = self.inner;
        let mut block = [0; BLOCK];
        let mut total = 0usize;
        loop {
            let taken = block.iter_mut().zip(message.by_ref()).map(|(to, from)| *to = *from).count();
            total = total.saturating_add(taken);
            if taken < BLOCK {
                let whole = end_of_message::<B, BLOCK>(&mut block, taken, total);
                B::compress(&mut state, &block);
                if !whole {
                    block = [0; BLOCK];
                    end_with_length::<B, BLOCK>(&mut block, total);
                    B::compress(&mut state, &block);
                }
                return state;
            }
            B::compress(&mut state, &block);
        }
    }
}

impl<B: Blocks<BLOCK>, const BLOCK: usize> Drop for Hmac<B, BLOCK> {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

/// The rounds of one block of the output.
struct Chain<'a, B: Blocks<BLOCK>, const BLOCK: usize> {
    hmac: &'a Hmac<B, BLOCK>,
    /// Padded: the hash of the round before goes into its beginning.
    block: [u8; BLOCK],
    state: B::State,
    sum: B::State,
}

impl<B: Blocks<BLOCK>, const BLOCK: usize> Chain<'_, B, BLOCK> {
    /// The rounds from the one after `done` to the last.
    fn go_on(&mut self, done: u32, iterations: u32) {
        for _ in done..iterations {
            self.inner();
            self.outer();
        }
    }

    /// The first half of a round.
    #[inline(always)]
    fn inner(&mut self) {
        self.hash_again(&self.hmac.inner);
    }

    /// The second half.
    #[inline(always)]
    fn outer(&mut self) {
        self.hash_again(&self.hmac.outer);
        B::xor(&mut self.sum, &self.state);
    }

    #[inline(always)]
    fn hash_again(&mut self, from: &B::State) {
        B::write(&self.state, &mut self.block);
        self.state = *from;
        B::compress(&mut self.state, &self.block);
    }

    /// Writes the sum of all rounds, or as much of it as there is room for.
    fn write(&self, part: &mut [u8]) {
        let mut bytes = Zeroizing::new([0; BLOCK]);
        B::write(&self.sum, &mut *bytes);
        part.iter_mut().zip(bytes.iter().take(B::OUTPUT)).for_each(|(to, from)| *to = *from);
    }
}

impl<B: Blocks<BLOCK>, const BLOCK: usize> Drop for Chain<'_, B, BLOCK> {
    fn drop(&mut self) {
        self.block.zeroize();
        self.state.zeroize();
        self.sum.zeroize();
    }
}

/// Pads the last block of a message, of which it holds `taken` bytes. `total` is the length of the message, to which HMAC's key
/// adds a block. `false` if the length has to go into a block of its own.
fn end_of_message<B: Blocks<BLOCK>, const BLOCK: usize>(block: &mut [u8; BLOCK], taken: usize, total: usize) -> bool {
    let mut rest = block.iter_mut().skip(taken);
    if let Some(first) = rest.next() {
        *first = 0x80;
    }
    rest.for_each(|byte| *byte = 0);
    let fits = taken.saturating_add(B::LENGTH) < BLOCK;
    if fits {
        end_with_length::<B, BLOCK>(block, total);
    }
    fits
}

fn end_with_length<B: Blocks<BLOCK>, const BLOCK: usize>(block: &mut [u8; BLOCK], total: usize) {
    let bits = (total as u64).saturating_add(BLOCK as u64).saturating_mul(8);
    block.iter_mut().rev().zip(bits.to_be_bytes().iter().rev()).for_each(|(to, from)| *to = *from);
}

macro_rules! blocks {
    ($name:ident, $block:literal, $state:ty, $length:literal, $initial:expr, $compress:path, $digest:ty) => {
        struct $name;

        impl Blocks<$block> for $name {
            type State = $state;
            const INITIAL: Self::State = $initial;
            const LENGTH: usize = $length;

            #[inline(always)]
            fn compress(state: &mut Self::State, block: &[u8; $block]) {
                $compress(state, core::slice::from_ref(block));
            }

            #[inline(always)]
            fn write(state: &Self::State, bytes: &mut [u8]) {
                let word = size_of_val(&state[0]);
                for (to, from) in bytes.chunks_exact_mut(word).zip(state) {
                    to.copy_from_slice(&from.to_be_bytes());
                }
            }

            #[inline(always)]
            fn xor(state: &mut Self::State, with: &Self::State) {
                state.iter_mut().zip(with).for_each(|(to, with)| *to ^= with);
            }

            fn digest(message: &[u8], to: &mut [u8]) {
                let digest = Zeroizing::new(<[u8; Self::OUTPUT]>::from(<$digest>::digest(message)));
                to.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
            }
        }
    };
}

blocks!(
    Sha1Blocks,
    64,
    [u32; 5],
    8,
    [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0],
    compress,
    sha1::Sha1
);
blocks!(
    Sha256Blocks,
    64,
    [u32; 8],
    8,
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19],
    compress256,
    Sha256
);
blocks!(
    Sha512Blocks,
    128,
    [u64; 8],
    16,
    [
        0x6a09_e667_f3bc_c908,
        0xbb67_ae85_84ca_a73b,
        0x3c6e_f372_fe94_f82b,
        0xa54f_f53a_5f1d_36f1,
        0x510e_527f_ade6_82d1,
        0x9b05_688c_2b3e_6c1f,
        0x1f83_d9ab_fb41_bd6b,
        0x5be0_cd19_137e_2179,
    ],
    compress512,
    Sha512
);

#[cfg(test)]
mod tests {
    use ::pbkdf2::pbkdf2_hmac;
    use sha1::Sha1;

    use super::*;
    use crate::credential::unhex;

    fn derived(hash: ScramHash, password: &[u8], salt: &[u8], iterations: u32, length: usize) -> Vec<u8> {
        let mut output = vec![0; length];
        pbkdf2(hash, password, salt, iterations, &mut output);
        output
    }

    #[test]
    fn rfc_6070_and_7914() {
        let long: (&[u8], &[u8]) = (b"passwordPASSWORDpassword", b"saltSALTsaltSALTsaltSALTsaltSALTsalt");
        for (hash, password, salt, iterations, expected) in [
            (ScramHash::Sha1, &b"password"[..], &b"salt"[..], 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
            (ScramHash::Sha1, b"password", b"salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
            (ScramHash::Sha1, b"password", b"salt", 4096, "4b007901b765489abead49d926f721d065a429c1"),
            (ScramHash::Sha1, long.0, long.1, 4096, "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"),
            (ScramHash::Sha1, b"pass\0word", b"sa\0lt", 4096, "56fa6aa75548099dcc37d7f03425e0c3"),
            (
                ScramHash::Sha256,
                b"passwd",
                b"salt",
                1,
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc\
                 49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
            ),
        ] {
            let expected = unhex(expected);
            assert_eq!(derived(hash, password, salt, iterations, expected.len()), expected);
        }
    }

    #[test]
    fn any_length_is_as_with_the_general_hmac() {
        for length in 0..300 {
            let (password, salt) = (vec![7; length], vec![9; 299 - length]);
            for iterations in [0, 1, 3] {
                let size = length % 150 + 1;
                let general = |hash| {
                    let mut output = vec![0; size];
                    match hash {
                        ScramHash::Sha1 => pbkdf2_hmac::<Sha1>(&password, &salt, iterations, &mut output),
                        ScramHash::Sha256 => pbkdf2_hmac::<Sha256>(&password, &salt, iterations, &mut output),
                        ScramHash::Sha512 => pbkdf2_hmac::<Sha512>(&password, &salt, iterations, &mut output),
                    }
                    output
                };
                for hash in ScramHash::ALL {
                    assert_eq!(
                        derived(hash, &password, &salt, iterations, size),
                        general(hash),
                        "{length} {iterations}"
                    );
                }
            }
        }
    }

    #[test]
    fn two_at_once_are_as_one_after_the_other() {
        for (one, other) in ScramHash::ALL.into_iter().flat_map(|one| ScramHash::ALL.map(|other| (one, other))) {
            for (iterations, others) in [(0, 0), (0, 2), (1, 1), (3, 2), (2, 3), (5, 1)] {
                let hi = |hash: ScramHash, salt, iterations| Hi { hash, salt, iterations };
                let pair = [hi(one, b"salt".as_slice(), iterations), hi(other, b"pepper".as_slice(), others)];
                let mut outputs = pair.map(|hi| vec![0; hi.hash.output_len()]);
                let [first, second] = &mut outputs;
                pbkdf2_two(b"secret", pair, [first, second]);
                for (hi, output) in pair.into_iter().zip(outputs) {
                    let length = hi.hash.output_len();
                    assert_eq!(output, derived(hi.hash, b"secret", hi.salt, hi.iterations, length), "{pair:?}");
                }
            }
        }
    }
}
