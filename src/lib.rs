//! The account store and login helper behind `saslpasswd-rs`.
//!
//! One login walks through these rooms, from the wire inwards and back: `server` takes bytes from a socket,
//! `protocol` cuts them into commands, [`exchange`] runs one authentication of a [`mechanism`], which asks for a
//! [`credential`]; the `authenticator` gets it from the [`store`]; the outcome becomes one reply. `docs/architecture.md`
//! walks through it by name.

pub mod authenticator;
pub mod cli;
pub mod config;
pub mod credential;
pub mod event;
pub mod exchange;
pub mod identity;
pub mod import;
pub mod mechanism;
pub mod prep;
pub mod protocol;
pub mod runtime;
pub mod secret;
pub mod server;
pub mod store;
pub mod vocabulary;
