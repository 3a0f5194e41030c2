//! `saslauthd-rs`: see `sasldb::cli::saslauthd`.

fn main() -> sasldb::cli::Exit {
    sasldb::cli::saslauthd::run(std::env::args_os())
}
