//! Our own protocol on the lookup socket, version 1: the libsasl2 plugin asks for the stored forms of a password, the helper
//! gives, refuses or cannot. One request and one answer for each connection; `docs/lookup-protocol.md` has every byte.
//!
//! The plugin compiles these very files, and `secret.rs`, into itself: nothing else of this library may be used here
//! (`docs/decisions/0017-the-plugin-is-a-guest.md`).

mod answer;
pub(super) mod bytes;
mod request;

pub use answer::{Answer, Property};
pub use request::{Form, Forms, Request};

/// The version that both sides speak.
pub const VERSION: u8 = 1;

/// The longest text of a request, in bytes: what libsasl2 has room for in a name.
pub const MAX_TEXT: usize = 1024;

/// The longest value of a property, in bytes.
pub const MAX_VALUE: usize = 1024;

/// Why bytes are no message, or cannot be made into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LookupFault {
    /// Longer than a message, or a part of it, can be.
    #[error("longer than a message can be")]
    TooLong,
    /// Of another version.
    #[error("version {0} of the protocol, where {VERSION} is spoken")]
    Version(u8),
    /// Not of the form that the protocol describes.
    #[error("not a message of the protocol")]
    Malformed,
}

#[cfg(test)]
mod tests;
