//! What travels over a socket, in both directions: bytes to messages and back. No mechanism, no account, no socket.

pub mod dovecot;
pub mod lookup;
pub mod saslauthd;
pub mod store;
