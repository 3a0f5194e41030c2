//! The figures: a load generator for login sockets, the echo server that is the floor, and the runner that measures the
//! floor, the peers and our helper in turn. See docs/benchmarks.md.
//!
//! cargo bench --bench figures                                   the whole table, in Markdown
//! cargo bench --bench figures -- --only CRAM --rounds 1         some rows of it
//! cargo bench --bench figures -- load SOCKET --mechanism CRAM-MD5 --pid PID
//! cargo bench --bench figures -- growth                         with a thousand, a million and ten million accounts
//! cargo bench --bench figures -- count                          instructions for each login, and their bounds
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::print_stderr
)]

#[path = "../shared/batches.rs"]
mod batches;
mod client;
mod counted;
mod echo;
mod growth;
mod mechanisms;
mod ours;
mod peers;
mod process;
mod report;
mod rows;
mod runner;
mod scram;
mod servers;
mod special;
#[path = "../shared/table.rs"]
mod table;
mod users;
#[path = "../shared/watch.rs"]
mod watch;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::client::Load;
use crate::mechanisms::Mechanism;
use crate::process::Processes;
use crate::report::Measure;
use crate::table::number;
use crate::users::{Spread, User};
use crate::wire::Wire;

#[derive(Parser)]
#[command(name = "figures")]
struct Options {
    #[command(subcommand)]
    what: Option<What>,
    /// Rounds, of which the medians are printed.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// How long each row is measured at each side in each round.
    #[arg(long, default_value_t = 0.7)]
    seconds: f64,
    /// Accounts in every database.
    #[arg(long, default_value_t = 500)]
    accounts: u64,
    /// Measure rows whose name holds this, and nothing else.
    #[arg(long)]
    only: Option<String>,
    /// Said by `cargo bench`; without it (`cargo test --benches`) nothing is measured.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum What {
    /// Send back on SOCKET what comes in.
    Echo { socket: PathBuf },
    /// Load one socket and print what came of it.
    Load(LoadOptions),
    /// Measure what accounts by the million cost, and connections by the thousand.
    Growth(growth::Options),
    /// Count the helper's instructions for each login; fails if there are more than the bounds allow.
    Count {
        /// Debian's package of this name, wherever it was unpacked.
        #[arg(long, default_value = "/usr/bin/valgrind")]
        valgrind: PathBuf,
        /// Count rows whose name holds this.
        #[arg(long)]
        only: Option<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Speak {
    Dovecot,
    Mux,
    Echo,
}

#[derive(Args)]
struct LoadOptions {
    socket: PathBuf,
    #[arg(long, value_enum, default_value = "dovecot")]
    speak: Speak,
    #[arg(long, default_value = "PLAIN")]
    mechanism: Mechanism,
    /// Round trips of an echo.
    #[arg(long, default_value_t = 1)]
    round_trips: usize,
    #[arg(long, default_value_t = 32)]
    connections: usize,
    #[arg(long, default_value_t = 1)]
    in_flight: usize,
    /// A connection for each login, as Exim does.
    #[arg(long)]
    fresh: bool,
    /// Logins begun each second; without it, as fast as they are answered.
    #[arg(long)]
    rate: Option<u32>,
    /// Percent of the logins that use a wrong password.
    #[arg(long, default_value_t = 0)]
    wrong: u64,
    /// Say that failures shall hold up nobody, as chasquid does.
    #[arg(long)]
    no_penalty: bool,
    #[arg(long, default_value_t = 500)]
    accounts: u64,
    #[arg(long)]
    zipf: bool,
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    #[arg(long, default_value_t = 0.5)]
    warm_up: f64,
    /// Processes whose CPU time is counted.
    #[arg(long)]
    pid: Vec<u32>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    match options.what {
        Some(What::Echo { socket }) => echo::serve(&socket)?,
        Some(What::Load(load)) => single_load(&load)?,
        Some(What::Count { valgrind, only }) => {
            anyhow::ensure!(counted::run(&valgrind, only.as_deref())?, "a login costs more than its bound allows");
        }
        Some(What::Growth(options)) => growth::run(&options)?,
        None if !options.bench => println!("measures under `cargo bench` only"),
        None => {
            let duration = Duration::from_secs_f64(options.seconds);
            runner::run(options.rounds, duration, options.accounts, options.only.as_deref())?;
        }
    }
    Ok(())
}

fn single_load(options: &LoadOptions) -> anyhow::Result<()> {
    process::pin_load();
    let (numbers, order) = users::order(options.accounts, if options.zipf { Spread::Zipf } else { Spread::Uniform });
    let users: Vec<User> = numbers.into_iter().map(User::numbered).collect();
    let mut wire = match options.speak {
        Speak::Dovecot => Wire::dovecot(options.mechanism, &users, options.no_penalty),
        Speak::Mux => Wire::mux(&users),
        Speak::Echo => Wire::echo(options.round_trips),
    };
    let load = Load {
        socket: options.socket.clone(),
        connections: options.connections,
        in_flight: options.in_flight,
        fresh: options.fresh || matches!(options.speak, Speak::Mux),
        rate: options.rate,
        wrong: options.wrong,
        warm_up: Duration::from_secs_f64(options.warm_up),
        warm_up_logins: 0,
        duration: Duration::from_secs_f64(options.seconds),
    };
    let (mut outcome, cpu) = servers::run(&load, &mut wire, &order, &Processes::Listed(options.pid.clone()))?;
    if let Some(error) = &outcome.first_error {
        eprintln!("{} errors, the first: {error}", outcome.errors);
    }
    let (right, denied) = (outcome.authenticated.len(), outcome.denied.len());
    let measure = Measure::new(&mut outcome, cpu).ok_or_else(|| anyhow::anyhow!("not one login has ended"))?;
    let Measure { rate, cpu, p50, p90, p99, max } = measure;
    println!("{right} authenticated, {denied} denied, {} a second, server CPU {cpu:.2} µs for each", number(rate));
    println!("latency p50 {p50:.0} p90 {p90:.0} p99 {p99:.0} max {max:.0} µs");
    Ok(())
}
