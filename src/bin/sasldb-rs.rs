//! `sasldb-rs`: see `sasldb::cli::sasldb`.

fn main() -> sasldb::cli::Exit {
    sasldb::cli::sasldb::run(std::env::args_os())
}
