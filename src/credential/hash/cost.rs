//! What a check may cost. Who can add a hash could otherwise stop the helper with one.
//!
//! Each limit is about half a second of one core of a server of 2024, and 256 MiB of memory. They admit what programs make
//! unless told otherwise: 656,000 rounds of sha512-crypt (passlib), bcrypt at 12, argon2id with 64 MiB and 4 passes (PHP) or
//! 256 MiB and 3 (libsodium), PBKDF2-SHA-1 with 1,300,000 (OWASP).

use super::HashError;

/// Where a check belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// Microseconds: anywhere.
    Fast,
    /// Up to half a second: where blocking is allowed.
    Slow,
}

/// The longest password that crypt(3) takes, in bytes (CRYPT_MAX_PASSPHRASE_SIZE of libxcrypt, less the NUL). No longer one
/// can have made a hash, and the time of some grows with the length.
pub(super) const MAX_CRYPT_PASSWORD: usize = 511;

/// Rounds of sha256-crypt and sha512-crypt: 0.2 s for a short password, 1.4 s for the longest.
pub(super) const MAX_SHA_ROUNDS: u32 = 1_000_000;

/// The binary logarithm of bcrypt's rounds.
pub(super) const MAX_BCRYPT_COST: u32 = 13;

/// Iterations of PBKDF2-HMAC-SHA-1.
pub(super) const MAX_PBKDF2_ITERATIONS: u32 = 4_000_000;

/// Iterations of PBKDF2-HMAC-SHA-256 and of SHA-512: rounds compare as 9 to 10 to 49.
pub(super) const MAX_PBKDF2_SHA256_ITERATIONS: u32 = 3_500_000;
pub(super) const MAX_PBKDF2_SHA512_ITERATIONS: u32 = 700_000;

/// Memory of one check, in bytes.
pub(super) const MAX_MEMORY: u64 = 256 << 20;

/// Bytes that argon2 writes: its memory times its passes.
pub(super) const MAX_ARGON2_WORK: u64 = 768 << 20;

/// Bytes that scrypt writes: its memory times its parallelism.
pub(super) const MAX_SCRYPT_WORK: u64 = 128 << 20;

/// A count of rounds, passes or blocks as every program writes one: digits, without a sign or leading zeros. One that is too large for
/// a number is the largest there is, and so too costly as well.
pub(super) fn count(digits: &str) -> Option<u32> {
    let is_plain = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_plain && !digits.is_empty()).then(|| digits.parse().unwrap_or(u32::MAX))
}

/// The error for `scheme`, which may cost at most `limit`.
pub(super) const fn too_costly(scheme: &'static str, limit: &'static str) -> HashError {
    HashError::TooCostly { scheme, limit }
}
