//! Bytes that must not outlive their use: wiped on drop, never printed, compared in constant time.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A buffer of secret bytes. It never grows, so no copy of it stays behind in freed memory.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes ownership of `bytes`; the caller keeps no copy.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves. Named so that each use stands out in review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether both hold the same bytes. Takes the same time wherever they differ; the length is not hidden.
    #[must_use]
    pub fn equals(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes")
    }
}

/// A fixed-size secret: a hash, a key or a MAC.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretArray<const N: usize>([u8; N]);

impl<const N: usize> SecretArray<N> {
    /// Wraps `bytes`.
    #[must_use]
    pub fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// Constant-time comparison.
    #[must_use]
    pub fn equals(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }
}

impl<const N: usize> fmt::Debug for SecretArray<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretArray<{N}>")
    }
}

/// A password as a person or a client gave it: bytes, at least one, no NUL, bounded.
///
/// NUL is refused because every protocol around us (PLAIN, libsasl2, crypt) ends a password there.
pub struct Password(SecretBytes);

/// Why bytes cannot be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// No bytes at all.
    #[error("the password is empty")]
    Empty,
    /// More than [`Password::MAX`] bytes.
    #[error("the password is longer than {} bytes", Password::MAX)]
    TooLong,
    /// A NUL byte inside.
    #[error("the password holds a NUL byte")]
    Nul,
}

impl Password {
    /// The longest password in bytes. Its PLAIN message still fits one line of the Dovecot protocol and of SMTP.
    pub const MAX: usize = 4096;

    /// Checks and takes `bytes`.
    ///
    /// # Errors
    /// See [`PasswordError`]; refused bytes are wiped.
    pub fn new(bytes: Vec<u8>) -> Result<Self, PasswordError> {
        let secret = SecretBytes::new(bytes);
        let bytes = secret.expose();
        if bytes.is_empty() {
            return Err(PasswordError::Empty);
        }
        if bytes.len() > Self::MAX {
            return Err(PasswordError::TooLong);
        }
        if bytes.contains(&0) {
            return Err(PasswordError::Nul);
        }
        Ok(Self(secret))
    }

    /// Whether both are the same; the length is not hidden.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.0.equals(other.expose())
    }

    /// The password's bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// As [`Password::equals`].
impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.equals(other)
    }
}

impl Eq for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_bounded_and_free_of_nul() {
        assert_eq!(Password::new(vec![]).unwrap_err(), PasswordError::Empty);
        assert_eq!(Password::new(b"a\0b".to_vec()).unwrap_err(), PasswordError::Nul);
        assert_eq!(Password::new(vec![b'x'; Password::MAX + 1]).unwrap_err(), PasswordError::TooLong);
        assert_eq!(Password::new(vec![b'x'; Password::MAX]).unwrap().expose().len(), Password::MAX);
        assert_eq!(Password::new(b" \xff ".to_vec()).unwrap().expose(), b" \xff ");
    }

    #[test]
    fn nothing_prints_its_content() {
        let shown = format!(
            "{:?} {:?} {:?}",
            SecretBytes::new(b"hunter2".to_vec()),
            SecretArray::new(*b"hunter2"),
            Password::new(b"hunter2".to_vec()).unwrap()
        );
        assert_eq!(shown, "SecretBytes SecretArray<7> Password");
    }
}
