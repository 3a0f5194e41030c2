//! `saslpasswd-rs`: see `sasldb::cli::saslpasswd`.

fn main() -> sasldb::cli::Exit {
    sasldb::cli::saslpasswd::run(std::env::args_os())
}
