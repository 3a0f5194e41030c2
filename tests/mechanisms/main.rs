//! All mechanisms under the same properties, the published vectors as they are printed, and clients that others wrote.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod crafted;
mod digest_md5_clients;
mod foreign;
mod malformed;
mod passwords;
mod properties;
mod server_proof;
mod site;
mod vectors;
