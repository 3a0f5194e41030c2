//! What the administration of a million accounts takes: each command as a whole program, on accounts that are made without PBKDF2.
//!
//!     cargo bench --bench administration                     (a hundred thousand and a million; 4 GB of disk)
//!     cargo bench --bench administration -- 20000 --only report
//!
//! docs/benchmarks.md has the figures and says how they are meant.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a benchmark may fail, and it prints"
)]

mod accounts;
#[path = "../shared/batches.rs"]
mod batches;
mod commands;
#[path = "../shared/drawn.rs"]
mod drawn;
mod files;
mod run;
#[path = "../shared/table.rs"]
mod table;
#[path = "../shared/watch.rs"]
mod watch;

use std::collections::HashMap;
use std::fs;
use std::time::Instant;

use clap::Parser as _;

use self::accounts::Accounts;
use self::commands::COMMANDS;
use self::run::Taken;

#[derive(clap::Parser)]
#[command(bin_name = "cargo bench --bench administration --")]
struct Options {
    /// How many accounts; memory with the fewest stands beside that with the others.
    #[arg(default_values_t = [100_000, 1_000_000])]
    accounts: Vec<u64>,
    /// Only commands with this text in their names; those that need the output of another need it too.
    #[arg(long)]
    only: Option<String>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    if !std::env::args().any(|argument| argument == "--bench") {
        // `cargo test --benches` only wants to know that it starts.
        return Ok(());
    }
    let options = Options::parse();
    let mut fewest: HashMap<&str, Taken> = HashMap::new();
    for number in options.accounts {
        // Not /tmp, which may be memory.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        eprintln!("making {number} accounts");
        let begun = Instant::now();
        let accounts = Accounts::make(folder.path(), number)?;
        files::write(&accounts)?;
        let database = fs::metadata(accounts.path("accounts.db"))?.len();
        let activity = fs::metadata(accounts.path("accounts.db.activity/activity.db"))?.len();
        println!(
            "{} accounts, made in {:.0} s; database {} MB, activity {} MB\n",
            table::number(number as f64),
            begun.elapsed().as_secs_f64(),
            table::number(database as f64 / 1e6),
            table::number(activity as f64 / 1e6),
        );
        let head =
            ["command", "s", "processor, s", "µs for each", "memory, MB", "with the fewest", "output, MB", "status"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for command in COMMANDS {
            if options.only.as_ref().is_some_and(|only| !command.name.contains(only)) {
                continue;
            }
            eprintln!("{}", command.name);
            let taken = command.run(&accounts)?;
            let first = *fewest.entry(command.name).or_insert(taken);
            rows.push(row(command.name, &taken, &first, number));
        }
        println!("{}", table::table(&rows));
    }
    Ok(())
}

fn row(name: &str, taken: &Taken, first: &Taken, accounts: u64) -> Vec<String> {
    let Taken { wall, processor, memory, output, status } = taken;
    let figures = [*wall, *processor, wall * 1e6 / accounts as f64, *memory, first.memory, *output].map(table::number);
    [vec![name.to_owned()], figures.to_vec(), vec![status.to_string()]].concat()
}
