//! The helper: everything that touches a socket.

pub mod session;
