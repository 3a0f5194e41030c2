//! `sasldb-rs`: see `sasldb::cli`.

fn main() {}
