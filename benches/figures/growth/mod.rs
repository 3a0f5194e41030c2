//! Growth: what logins, the start, lists and checks cost with a thousand, a million and ten million accounts, and what many
//! connections cost. See docs/benchmarks.md.

mod database;
mod helper;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::database::Database;
use self::helper::{Crowd, Helper, Shape, idle};
use crate::mechanisms::Mechanism;
use crate::ours::Programs;
use crate::process::{Processes, Running, on_server_core, pin_load, wait_for_socket};
use crate::report::{Measure, number, table};
use crate::wire::Wire;

/// Connections that are counted up to the most that a helper can be asked to hold on a mail server.
const CONNECTIONS: [usize; 4] = [1, 100, 1000, 5000];
/// The busy ones beside those that are idle.
const BUSY: usize = 32;
/// How long logins go on before the warm ones are measured: by then, nearly all of the largest database is mapped.
const WARM_UP: Duration = Duration::from_secs(8);

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Accounts in the databases that are measured.
    #[arg(default_values_t = [1000, 1_000_000, 10_000_000])]
    accounts: Vec<u64>,
    /// How long each load is measured.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Make the databases in this folder, use those that are there, and leave them.
    #[arg(long)]
    keep: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let programs = Programs::found().ok_or_else(|| anyhow::anyhow!("the programs are not built"))?;
    let duration = Duration::from_secs_f64(options.seconds);
    crate::runner::raise_file_limit();
    let mut tables = Tables::new();
    for (place, &accounts) in options.accounts.iter().enumerate() {
        // Not /tmp, which may be memory.
        let temporary = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let kept = options.keep.as_ref().map(|folder| folder.join(accounts.to_string()));
        let folder = kept.as_deref().unwrap_or(temporary.path());
        fs::create_dir_all(folder)?;
        eprintln!("making {accounts} accounts");
        let database = Database::make_or_find(folder, accounts)?;
        pin_load();
        tables.measure(&programs, &database, folder, accounts, duration)?;
        if place == 0 {
            tables.connections(&programs, &database, folder, accounts, duration)?;
        }
    }
    println!("{}", tables.text());
    Ok(())
}

/// The lines of each table, the head first.
struct Tables {
    sizes: Vec<Vec<String>>,
    logins: Vec<Vec<String>>,
    /// Server CPU of each kind of login with the fewest accounts.
    first: Vec<f64>,
    tools: Vec<Vec<String>>,
    connections: Vec<Vec<String>>,
}

impl Tables {
    fn new() -> Self {
        let head = |names: &[&str]| vec![names.iter().map(|&name| name.to_owned()).collect()];
        Self {
            sizes: head(&[
                "accounts",
                "made in s",
                "file, MB",
                "bytes for each, audit apart",
                "start, ms",
                "cold, ms",
                "private, MB",
            ]),
            logins: head(&[
                "logins, everybody as often",
                "accounts",
                "server CPU, µs",
                "of the fewest",
                "a second",
                "p50 µs",
                "p99 µs",
            ]),
            first: Vec::new(),
            tools: head(&["whole database", "accounts", "s", "µs for each", "private, MB"]),
            connections: head(&[
                "connections",
                "echo, all busy",
                "ours, all busy",
                "ours, 32 busy beside them",
                "private, MB",
            ]),
        }
    }

    fn measure(
        &mut self,
        programs: &Programs,
        database: &Database,
        folder: &Path,
        accounts: u64,
        duration: Duration,
    ) -> anyhow::Result<()> {
        eprintln!("logging in to {accounts} accounts");
        let (file, own) = database.size()?;
        database.forget()?;
        let cold = Helper::start(programs, database, folder)?;
        let cold_start = cold.began_in;
        let crowd = Crowd::of(accounts, 1);
        let at_once = Shape { warm_up: Duration::ZERO, ..Shape::of(BUSY, 1, duration) };
        let cold_logins = crowd.load(&mut crowd.wire(Mechanism::Plain), &cold.socket, &cold.processes(), at_once)?;
        drop(cold);
        database.recall()?;
        let helper = Helper::start(programs, database, folder)?;
        let warm = warm_logins(&helper, accounts, duration)?;
        for (place, (what, measure)) in warm.into_iter().chain([("PLAIN, cold".to_owned(), cold_logins)]).enumerate() {
            if self.first.len() <= place {
                self.first.push(measure.cpu);
            }
            let Measure { cpu, rate, p50, p99, .. } = measure;
            let figures = [cpu, cpu / self.first[place], rate, p50, p99].map(number);
            self.logins.push([vec![what, grouped(accounts)], figures.to_vec()].concat());
        }
        let made = database.took.map_or_else(|| "–".to_owned(), |took| number(took.as_secs_f64()));
        let starts = [helper.began_in, cold_start].map(|took| took.as_secs_f64() * 1000.0);
        let figures =
            [file as f64 / 1e6, own as f64 / accounts as f64, starts[0], starts[1], helper.private()].map(number);
        self.sizes.push([vec![grouped(accounts), made], figures.to_vec()].concat());
        drop(helper);
        self.tools(programs, database, accounts)
    }

    fn tools(&mut self, programs: &Programs, database: &Database, accounts: u64) -> anyhow::Result<()> {
        eprintln!("listing and checking {accounts} accounts");
        let path = database.path.as_os_str();
        let list = ("sasldblistusers-rs", tools::run(programs.lister, &["-f".as_ref(), path])?);
        let check = ("sasldb-rs check", tools::run(programs.tool, &["-f".as_ref(), path, "check".as_ref()])?);
        for (what, taken) in [list, check] {
            let figures = [taken.seconds, taken.seconds * 1e6 / accounts as f64, taken.memory].map(number);
            self.tools.push([vec![what.to_owned(), grouped(accounts)], figures.to_vec()].concat());
        }
        Ok(())
    }

    fn connections(
        &mut self,
        programs: &Programs,
        database: &Database,
        folder: &Path,
        accounts: u64,
        duration: Duration,
    ) -> anyhow::Result<()> {
        let socket = folder.join("echo");
        let echo = Running::start(on_server_core().arg(std::env::current_exe()?).arg("echo").arg(&socket))?;
        wait_for_socket(&socket)?;
        let echoes = Processes::Listed(vec![echo.pid()]);
        let crowd = Crowd::of(accounts, 1);
        let mut wire = crowd.wire(Mechanism::Plain);
        for count in CONNECTIONS {
            eprintln!("{count} connections");
            let helper = Helper::start(programs, database, folder)?;
            let shape = Shape::of(count, 1, duration);
            let floor = crowd.load(&mut Wire::echo(1), &socket, &echoes, shape)?;
            let busy = crowd.load(&mut wire, &helper.socket, &helper.processes(), shape)?;
            let others = idle(&helper.socket, count)?;
            let beside = Shape { connections: BUSY, ..shape };
            let beside = crowd.load(&mut wire, &helper.socket, &helper.processes(), beside)?;
            let figures = [floor.cpu, busy.cpu, beside.cpu, helper.private()].map(number);
            drop(others);
            self.connections.push([vec![grouped(count as u64)], figures.to_vec()].concat());
        }
        Ok(())
    }

    fn text(&self) -> String {
        [&self.sizes, &self.logins, &self.tools, &self.connections].map(|lines| table(lines)).join("\n")
    }
}

fn warm_logins(helper: &Helper, accounts: u64, duration: Duration) -> anyhow::Result<Vec<(String, Measure)>> {
    let before = Crowd::of(accounts, 2);
    let warm_up = Shape::of(BUSY, 1, WARM_UP);
    before.load(&mut before.wire(Mechanism::Plain), &helper.socket, &helper.processes(), warm_up)?;
    let crowd = Crowd::of(accounts, 1);
    let mut measured = Vec::new();
    let kept = [Mechanism::Plain, Mechanism::CramMd5, Mechanism::DigestMd5, Mechanism::ScramSha256];
    let loads = kept.map(|mechanism| (mechanism, BUSY, 1)).into_iter().chain([(Mechanism::Plain, 4, 32)]);
    for (mechanism, connections, in_flight) in loads {
        let shape = Shape::of(connections, in_flight, duration);
        let measure = crowd.load(&mut crowd.wire(mechanism), &helper.socket, &helper.processes(), shape)?;
        let what =
            if in_flight == 1 { format!("{connections} connections") } else { format!("{connections} × {in_flight}") };
        measured.push((format!("{mechanism}, {what}"), measure));
    }
    Ok(measured)
}

/// A whole number, thousands apart.
fn grouped(count: u64) -> String {
    if count < 100 { count.to_string() } else { number(count as f64) }
}
