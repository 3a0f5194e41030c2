//! `sasldblistusers-rs`: see `sasldb::cli::sasldblistusers`.

fn main() -> sasldb::cli::Exit {
    sasldb::cli::sasldblistusers::run(std::env::args_os())
}
