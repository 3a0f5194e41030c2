//! The helper as a process: its sockets, signals and limits.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

#[path = "helper/connections.rs"]
mod connections;
#[path = "helper/life.rs"]
mod life;
#[path = "helper/process.rs"]
mod process;
#[path = "helper/sockets.rs"]
mod sockets;
mod store;
