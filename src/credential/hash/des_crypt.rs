//! The oldest crypt(3): two characters of salt, eleven of digest, made by 25 rounds of a DES that the salt has altered
//! (FIPS 46-3; Seventh Edition Unix). It looks at seven bits of each of eight bytes.
//!
//! bigcrypt (Digital Unix; libxcrypt, where the salt that is asked for is a long one) does so with every eight bytes, and takes the
//! salt of each but the first from the hash before.

use zeroize::Zeroizing;

use crate::secret::SecretBytes;

use super::crypt::{self, six_bits};
use super::{HashError, PasswordHash};

pub(super) const NAME: &str = "DES-CRYPT";

/// It looks at so many bytes of a password, and ignores the rest.
const MAX_PASSWORD: usize = 8;

const ITERATIONS: u32 = 25;

#[derive(Clone)]
pub(super) struct Method {
    /// Where a bit is set, the halves of the expanded block change places.
    swapped: u32,
}

pub(super) const BIG_NAME: &str = "bigcrypt";

/// How many times eight bytes bigcrypt looks at.
const MAX_PARTS: usize = 16;

/// Characters of a digest.
const WRITTEN: usize = 11;

/// One method for each eight bytes of the password; another number of them is another password.
#[derive(Clone)]
pub(super) struct BigMethod {
    parts: Vec<Method>,
}

pub(super) fn parse(text: &str) -> Result<PasswordHash, HashError> {
    let (salt, digests) = text.split_at_checked(2).filter(|_| crypt::is_salt(text)).ok_or(HashError::Unknown)?;
    let canonical = format!("{{CRYPT}}{text}");
    if digests.len() == WRITTEN {
        let malformed = HashError::Malformed(NAME);
        let (method, digest) = (Method::of(salt).ok_or(malformed)?, read_digest(digests).ok_or(malformed)?);
        return Ok(PasswordHash::new(super::Method::DesCrypt(method), digest, canonical));
    }
    if !digests.len().is_multiple_of(WRITTEN) || !(2..=MAX_PARTS).contains(&digests.len().div_euclid(WRITTEN)) {
        return Err(HashError::Unknown);
    }
    let malformed = HashError::Malformed(BIG_NAME);
    let (mut parts, mut made) = (Vec::new(), Vec::with_capacity(MAX_PARTS.saturating_mul(MAX_PASSWORD)));
    let (mut salt, mut rest) = (salt, digests);
    while let Some((digest, after)) = rest.split_at_checked(WRITTEN) {
        parts.push(Method::of(salt).ok_or(malformed)?);
        made.extend_from_slice(read_digest(digest).ok_or(malformed)?.expose());
        salt = digest;
        rest = after;
    }
    Ok(PasswordHash::new(super::Method::BigCrypt(BigMethod { parts }), SecretBytes::new(made), canonical))
}

impl BigMethod {
    /// The digests of `password`, one behind the other; none of one that is longer or shorter.
    pub(super) fn digest(&self, password: &[u8]) -> Option<SecretBytes> {
        let pieces = password.chunks(MAX_PASSWORD).take(MAX_PARTS);
        if pieces.len() != self.parts.len() {
            return None;
        }
        let mut made = Vec::with_capacity(MAX_PARTS.saturating_mul(MAX_PASSWORD));
        for (part, piece) in self.parts.iter().zip(pieces) {
            made.extend_from_slice(part.digest(piece).expose());
        }
        Some(SecretBytes::new(made))
    }
}

/// Eleven characters of six bits, most significant first; the last two bits are zero.
fn read_digest(text: &str) -> Option<SecretBytes> {
    let bits = text.bytes().try_fold(0u128, |bits, c| Some(bits.wrapping_shl(6) | u128::from(six_bits(c)?)))?;
    let digest = u64::try_from(bits.wrapping_shr(2)).ok()?;
    (bits & 3 == 0).then(|| SecretBytes::from(digest.to_be_bytes().as_slice()))
}

impl Method {
    /// With the salt that the first two characters of `text` are.
    fn of(text: &str) -> Option<Self> {
        let mut salt = text.bytes().filter_map(six_bits);
        let (low, high) = (salt.next()?, salt.next()?);
        // Bit 0 of the salt belongs to the first bit of the expanded block.
        Some(Self { swapped: (low | high.wrapping_shl(6)).reverse_bits().wrapping_shr(8) })
    }

    pub(super) fn digest(&self, password: &[u8]) -> SecretBytes {
        let mut key = Zeroizing::new([0u8; MAX_PASSWORD]);
        key.iter_mut().zip(password).for_each(|(to, from)| *to = from.wrapping_shl(1));
        let keys = Zeroizing::new(round_keys(u64::from_be_bytes(*key)));

        // The block is zero, which the initial permutation leaves as it is; between the iterations it would undo the final
        // one. So only the last of these is left.
        let (mut left, mut right) = (0, 0);
        for _ in 0..ITERATIONS {
            for key in keys.iter() {
                (left, right) = (right, left ^ self.round(right, *key));
            }
            (left, right) = (right, left);
        }
        let block = u64::from(left).wrapping_shl(32) | u64::from(right);
        SecretBytes::from(permuted(block, 64, &FINAL).to_be_bytes().as_slice())
    }

    /// The cipher function f (FIPS 46-3, figure 2), with the salt's exchange after the expansion E.
    fn round(&self, right: u32, (key_high, key_low): (u32, u32)) -> u32 {
        let (high, low) = expanded(right);
        let exchanged = (high ^ low) & self.swapped;
        let groups = (high ^ exchanged ^ key_high, low ^ exchanged ^ key_low);
        let group = |half: u32, shift| usize::try_from(half.wrapping_shr(shift) & 0x3f).unwrap_or_default();
        let places =
            [18, 12, 6, 0].map(|s| group(groups.0, s)).into_iter().chain([18, 12, 6, 0].map(|s| group(groups.1, s)));
        let substituted = SUBSTITUTION.iter().zip(places).fold(0u32, |bits, (table, six)| {
            // The outer two of the six bits choose the row, the inner four the column.
            let row = (six & 0x20) | (six & 1).wrapping_shl(4);
            let place = row | six.wrapping_shr(1) & 0xf;
            bits.wrapping_shl(4) | u32::from(table.get(place).copied().unwrap_or_default())
        });
        u32::try_from(permuted(u64::from(substituted), 32, &PERMUTATION)).unwrap_or_default()
    }
}

/// E: eight groups of six bits that overlap, as two halves of 24.
fn expanded(right: u32) -> (u32, u32) {
    let group = |index: u32| right.rotate_right(1).rotate_left(index.wrapping_mul(4).wrapping_add(6)) & 0x3f;
    let half = |from: u32| (from..from.wrapping_add(4)).fold(0, |bits: u32, index| bits.wrapping_shl(6) | group(index));
    (half(0), half(4))
}

/// The key schedule (FIPS 46-3, appendix 1).
fn round_keys(key: u64) -> [(u32, u32); 16] {
    const HALF: u64 = 0x0fff_ffff;
    const SHIFTS: [u32; 16] = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];
    let rotated = |half: u64, by: u32| (half.wrapping_shl(by) | half.wrapping_shr(28u32.wrapping_sub(by))) & HALF;
    let chosen = permuted(key, 64, &CHOICE_1);
    let (mut c, mut d) = (chosen.wrapping_shr(28), chosen & HALF);
    SHIFTS.map(|by| {
        (c, d) = (rotated(c, by), rotated(d, by));
        let key = permuted(c.wrapping_shl(28) | d, 56, &CHOICE_2);
        let half = |bits: u64| u32::try_from(bits & 0x00ff_ffff).unwrap_or_default();
        (half(key.wrapping_shr(24)), half(key))
    })
}

/// The bits of `block`, which has `width`, in the order of `table`. Bit 1 is the most significant, as in the standard.
fn permuted(block: u64, width: u32, table: &[u8]) -> u64 {
    table
        .iter()
        .fold(0, |bits, &place| bits.wrapping_shl(1) | block.wrapping_shr(width.wrapping_sub(u32::from(place))) & 1)
}

/// IP^-1.
const FINAL: [u8; 64] = [
    40, 8, 48, 16, 56, 24, 64, 32, 39, 7, 47, 15, 55, 23, 63, 31, 38, 6, 46, 14, 54, 22, 62, 30, 37, 5, 45, 13, 53, 21,
    61, 29, 36, 4, 44, 12, 52, 20, 60, 28, 35, 3, 43, 11, 51, 19, 59, 27, 34, 2, 42, 10, 50, 18, 58, 26, 33, 1, 41, 9,
    49, 17, 57, 25,
];

/// P.
const PERMUTATION: [u8; 32] = [
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4,
    25,
];

/// PC-1.
const CHOICE_1: [u8; 56] = [
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36, 63, 55,
    47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
];

/// PC-2.
const CHOICE_2: [u8; 48] = [
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30,
    40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];

/// S1 to S8, each as four rows of sixteen.
const SUBSTITUTION: [[u8; 64]; 8] = [
    [
        14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8, 4,
        1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13,
    ],
    [
        15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5, 0,
        14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9,
    ],
    [
        10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1, 13,
        6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12,
    ],
    [
        7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9, 10,
        6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14,
    ],
    [
        2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6, 4,
        2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3,
    ],
    [
        12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8, 9,
        14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13,
    ],
    [
        4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6, 1,
        4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12,
    ],
    [
        13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2, 7,
        11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11,
    ],
];
