//! Growth: what logins, the start, lists and checks cost with a thousand, a million and ten million accounts, and what many
//! connections cost. See docs/benchmarks.md.

mod database;
mod helper;
mod tools;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::database::Database;
use self::helper::{Crowd, Helper, Shape, idle};
use crate::mechanisms::Mechanism;
use crate::ours::Programs;
use crate::process::{Processes, Running, on_server_core, pin_load, wait_for_socket};
use crate::report::Measure;
use crate::table::{number, table};
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
    /// How often each load is measured; the one that cost the server least is shown, as others' work only ever adds.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Make the databases in this folder, use those that are there, and leave them.
    #[arg(long)]
    keep: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let programs = Programs::found().ok_or_else(|| anyhow::anyhow!("the programs are not built"))?;
    let duration = Duration::from_secs_f64(options.seconds);
    crate::runner::raise_file_limit();
    let mut growth = Growth { programs, duration, rounds: options.rounds, first: HashMap::new() };
    for (place, &accounts) in options.accounts.iter().enumerate() {
        // Not /tmp, which may be memory.
        let temporary = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let kept = options.keep.as_ref().map(|folder| folder.join(accounts.to_string()));
        let folder = kept.as_deref().unwrap_or(temporary.path());
        fs::create_dir_all(folder)?;
        eprintln!("making {accounts} accounts");
        let database = Database::make_or_find(folder, accounts)?;
        pin_load();
        let site = Site { database, folder, accounts };
        growth.measure(&site)?;
        if place == 0 {
            growth.connections(&site)?;
        }
    }
    Ok(())
}

/// A database and where it lies.
struct Site<'a> {
    database: Database,
    folder: &'a Path,
    accounts: u64,
}

/// Measures, and prints each table as soon as it is there: with millions of accounts the next one is minutes away.
struct Growth {
    programs: Programs,
    duration: Duration,
    rounds: u32,
    /// Server CPU of each kind of login with the fewest accounts.
    first: HashMap<String, f64>,
}

impl Growth {
    fn measure(&mut self, site: &Site) -> anyhow::Result<()> {
        let Site { database, folder, accounts } = site;
        let (file, own) = database.size()?;
        let made = database.took.map_or_else(|| "–".to_owned(), |took| number(took.as_secs_f64()));
        let sizes = [file as f64 / 1e6, own as f64 / *accounts as f64].map(number);
        print(
            &["accounts", "made in s", "file, MB", "bytes for each, audit apart"],
            [[vec![grouped(*accounts), made], sizes.to_vec()].concat()],
        );

        eprintln!("logging in to {accounts} accounts");
        let crowd = Crowd::of(*accounts, 1);
        database.forget()?;
        let cold = Helper::start(&self.programs, database, folder)?;
        let at_once = Shape { warm_up: Duration::ZERO, ..Shape::of(BUSY, 1, self.duration) };
        let cold_logins = crowd.load(&mut crowd.wire(Mechanism::Plain), &cold.socket, &cold.processes(), at_once)?;
        let cold_start = cold.began_in;
        drop(cold);
        database.recall()?;
        let helper = Helper::start(&self.programs, database, folder)?;
        let mut logins = vec![("PLAIN, cold".to_owned(), cold_logins)];
        logins.extend(self.warm_logins(&helper, *accounts, &crowd)?);
        let rows = logins.into_iter().map(|(what, measure)| {
            let Measure { cpu, rate, p50, p99, .. } = measure;
            let first = *self.first.entry(what.clone()).or_insert(cpu);
            let figures = [cpu, cpu / first, rate, p50, p99].map(number);
            [vec![what, grouped(*accounts)], figures.to_vec()].concat()
        });
        let head = ["logins, everybody as often", "accounts", "server CPU, µs", "of the fewest", "a second"];
        print(&[&head[..], &["p50 µs", "p99 µs"]].concat(), rows);

        let starts = [helper.began_in, cold_start].map(|took| took.as_secs_f64() * 1000.0);
        let figures = [starts[0], starts[1], helper.private()].map(number);
        print(
            &["accounts", "start, ms", "start cold, ms", "private, MB"],
            [[vec![grouped(*accounts)], figures.to_vec()].concat()],
        );
        drop(helper);
        self.tools(site)
    }

    fn tools(&self, site: &Site) -> anyhow::Result<()> {
        let Site { database, accounts, .. } = site;
        let path = database.path.as_os_str();
        let runs = [
            ("sasldblistusers-rs", self.programs.lister, vec!["-f".as_ref(), path]),
            ("sasldb-rs check", self.programs.tool, vec!["-f".as_ref(), path, "check".as_ref()]),
        ];
        for (what, program, arguments) in runs {
            eprintln!("{what} with {accounts} accounts");
            let taken = tools::run(program, &arguments)?;
            let figures = [taken.seconds, taken.seconds * 1e6 / *accounts as f64, taken.memory].map(number);
            print(
                &["whole database", "accounts", "s", "µs for each", "private, MB"],
                [[vec![what.to_owned(), grouped(*accounts)], figures.to_vec()].concat()],
            );
        }
        Ok(())
    }

    fn warm_logins(&self, helper: &Helper, accounts: u64, crowd: &Crowd) -> anyhow::Result<Vec<(String, Measure)>> {
        let before = Crowd::of(accounts, 2);
        let warm_up = Shape::of(BUSY, 1, WARM_UP);
        before.load(&mut before.wire(Mechanism::Plain), &helper.socket, &helper.processes(), warm_up)?;
        let kept = [Mechanism::Plain, Mechanism::CramMd5, Mechanism::DigestMd5, Mechanism::ScramSha256];
        let loads = kept.map(|mechanism| (mechanism, BUSY, 1)).into_iter().chain([(Mechanism::Plain, 4, 32)]);
        let mut measured = Vec::new();
        for (mechanism, connections, in_flight) in loads {
            let mut wire = crowd.wire(mechanism);
            let shape = Shape::of(connections, in_flight, self.duration);
            let mut best: Option<Measure> = None;
            for _ in 0..self.rounds.max(1) {
                let measure = crowd.load(&mut wire, &helper.socket, &helper.processes(), shape)?;
                best = best.filter(|best| best.cpu <= measure.cpu).or(Some(measure));
            }
            let pace = if in_flight == 1 {
                format!("{connections} connections")
            } else {
                format!("{connections} × {in_flight}")
            };
            measured.extend(best.map(|best| (format!("{mechanism}, {pace}"), best)));
        }
        Ok(measured)
    }

    fn connections(&self, site: &Site) -> anyhow::Result<()> {
        let Site { database, folder, accounts } = site;
        let socket = folder.join("echo");
        let echo = Running::start(on_server_core().arg(std::env::current_exe()?).arg("echo").arg(&socket))?;
        wait_for_socket(&socket)?;
        let echoes = Processes::Listed(vec![echo.pid()]);
        let crowd = Crowd::of(*accounts, 1);
        let mut wire = crowd.wire(Mechanism::Plain);
        let mut rows = Vec::new();
        for count in CONNECTIONS {
            eprintln!("{count} connections");
            let helper = Helper::start(&self.programs, database, folder)?;
            let shape = Shape::of(count, 1, self.duration);
            let floor = crowd.load(&mut Wire::echo(1), &socket, &echoes, shape)?;
            let busy = crowd.load(&mut wire, &helper.socket, &helper.processes(), shape)?;
            let others = idle(&helper.socket, count)?;
            let beside = Shape { connections: BUSY, ..shape };
            let beside = crowd.load(&mut wire, &helper.socket, &helper.processes(), beside)?;
            let figures = [floor.cpu, busy.cpu, beside.cpu, helper.private()].map(number);
            drop(others);
            rows.push([vec![grouped(count as u64)], figures.to_vec()].concat());
        }
        print(&["connections", "echo, all busy", "ours, all busy", "ours, 32 busy beside them", "private, MB"], rows);
        Ok(())
    }
}

fn print(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let head = head.iter().map(|&name| name.to_owned()).collect();
    let lines: Vec<Vec<String>> = core::iter::once(head).chain(rows).collect();
    println!("{}", table(&lines));
}

/// A whole number, thousands apart.
fn grouped(count: u64) -> String {
    if count < 100 { count.to_string() } else { number(count as f64) }
}
