//! One run: the servers started, every row measured at every side in interleaved rounds, the medians printed.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::peers::Stored;
use crate::process::{Memory, pin_load};
use crate::report::{Measure, figure, median};
use crate::rows::{self, PeerOf, Row, Target};
use crate::servers::{Servers, Side, Subject};
use crate::special::{Beside, Maker, beside_slow, idle_memory, make_accounts};
use crate::table::{number, table};
use crate::users::{Spread, User, order};

/// The tables besides those of the rows, by the head of their first column.
const MEMORY: &str = "memory, MB";
const BESIDE_SLOW: &str = "a fast login beside 20 slow ones";
const MAKING: &str = "one account made, ms";

type Measures = HashMap<(usize, Side), Vec<Measure>>;

pub(crate) fn run(rounds: u32, duration: Duration, accounts: u64, only: Option<&str>) -> anyhow::Result<()> {
    let cores = pin_load();
    raise_file_limit();
    // Not /tmp, which may be memory: accounts are made on a disk.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut servers = Servers::start(folder.path(), accounts)?;
    println!("{}", environment(&servers, cores, rounds, duration, accounts)?);
    let rows: Vec<Row> =
        rows::all().into_iter().filter(|row| only.is_none_or(|part| row.what.contains(part))).collect();
    let wanted = |table: &str| only.is_none_or(|part| table.contains(part));
    let memory = if wanted(MEMORY) { Some(memory(&servers)?) } else { None };
    let mut measures = Measures::new();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for (place, row) in rows.iter().enumerate() {
            for side in Side::ALL {
                let measure = servers.measure(place, row, side, duration)?;
                measures.entry((place, side)).or_default().extend(measure);
            }
        }
    }
    if !rows.is_empty() {
        println!("{}", costs(&rows, &measures));
        println!("{}", latencies(&rows, &measures));
    }
    if let Some(memory) = memory {
        println!("{memory}");
    }
    if wanted(BESIDE_SLOW) {
        println!("{}", slow(&servers, accounts)?);
    }
    if wanted(MAKING) {
        println!("{}", making(&servers, rounds)?);
    }
    Ok(())
}

/// A thousand connections need that many files, in servers started from here too.
pub(crate) fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(65_536), hard);
    }
}

fn environment(
    servers: &Servers,
    cores: usize,
    rounds: u32,
    duration: Duration,
    accounts: u64,
) -> anyhow::Result<String> {
    let first_line = |path: &str, key: &str| -> String {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.trim_start_matches(key).trim_matches(['\t', ' ', ':', '=', '"']).to_owned()
    };
    let ours = match &servers.programs {
        Some(programs) => programs.version()?,
        None => "skipped, saslauthd-rs and saslpasswd-rs are not built yet".to_owned(),
    };
    let memory: u64 = first_line("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse()?;
    let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output()?.stdout;
    Ok(format!(
        "- Date: {}; commit {}\n- Machine: {}, {} cores, {} GiB; Linux {}; {}\n\
         - Peers: Dovecot {}; Cyrus SASL {}\n- Ours: {ours}\n\
         - {accounts} accounts; {rounds} interleaved rounds of {} s for each row and side; medians\n",
        humantime::format_rfc3339_seconds(SystemTime::now()),
        String::from_utf8_lossy(&commit).trim(),
        first_line("/proc/cpuinfo", "model name"),
        cores,
        memory / (1 << 20),
        fs::read_to_string("/proc/sys/kernel/osrelease")?.trim(),
        first_line("/etc/os-release", "PRETTY_NAME"),
        servers.machine.shell("dovecot --version")?,
        servers.machine.shell("dpkg-query -W -f '${Version}' sasl2-bin")?,
        duration.as_secs_f64(),
    ))
}

fn cells<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn peer_name(row: &Row) -> &'static str {
    match row.peer {
        Some(PeerOf::Dovecot(Stored::Cleartext)) => "Dovecot, cleartext",
        Some(PeerOf::Dovecot(Stored::Scram)) => "Dovecot, {SCRAM-SHA-256}",
        Some(PeerOf::Dovecot(Stored::Bcrypt)) => "Dovecot, {BLF-CRYPT}",
        Some(PeerOf::Cyrus) => "saslauthd -a sasldb",
        None => "–",
    }
}

/// Server CPU time for each exchange.
fn costs(rows: &[Row], measures: &Measures) -> String {
    let head = ["server CPU for each exchange, µs", "peer", "floor", "peer's", "ours", "ours / floor", "peer's / ours"];
    let mut lines = vec![[cells(head), cells(["target", "met"])].concat()];
    for (place, row) in rows.iter().enumerate() {
        let cpu = |side| Measure::median(&measures[&(place, side)]).map(|measure| measure.cpu);
        let (floor, peer, ours) = (cpu(Side::Floor), cpu(Side::Peer), cpu(Side::Ours));
        let ratio = |above: Option<f64>, below: Option<f64>| Some(above? / below?);
        let (target, limit) = match row.target {
            Target::TimesFloor(times) => (format!("{times} × floor"), floor.map(|floor| floor * times)),
            Target::Microseconds(limit) => (format!("{limit} µs"), Some(limit)),
            Target::None => ("–".to_owned(), None),
        };
        let met = ours.zip(limit).map_or("–", |(ours, limit)| if ours <= limit { "yes" } else { "**no**" });
        let mut line = vec![row.what.clone(), peer_name(row).to_owned()];
        line.extend([floor, peer, ours, ratio(ours, floor), ratio(peer, ours)].map(figure));
        line.extend([target, met.to_owned()]);
        lines.push(line);
    }
    table(&lines)
}

fn latencies(rows: &[Row], measures: &Measures) -> String {
    let mut lines = vec![cells(["rate and latency", "server", "a second", "p50 µs", "p90 µs", "p99 µs", "max µs"])];
    for (place, row) in rows.iter().enumerate() {
        for side in Side::ALL {
            let Some(measure) = Measure::median(&measures[&(place, side)]) else { continue };
            let name = match side {
                Side::Floor => "echo",
                Side::Peer => peer_name(row),
                Side::Ours => "ours",
            };
            let figures = [measure.rate, measure.p50, measure.p90, measure.p99, measure.max].map(number);
            lines.push([vec![row.what.clone(), name.to_owned()], figures.to_vec()].concat());
        }
    }
    table(&lines)
}

fn subjects(servers: &Servers) -> Vec<(&'static str, Subject)> {
    let dovecot = &servers.dovecot[&Stored::Cleartext];
    let mut subjects =
        vec![("Dovecot auth", Subject { socket: dovecot.socket.clone(), processes: dovecot.processes.clone() })];
    subjects.extend(ours(servers).map(|subject| ("ours", subject)));
    subjects
}

fn ours(servers: &Servers) -> Option<Subject> {
    let ours = servers.ours.as_ref()?;
    Some(Subject { socket: ours.dovecot.clone(), processes: ours.processes.clone() })
}

fn memory(servers: &Servers) -> io::Result<String> {
    let mut lines = vec![cells([MEMORY, "processes", "resident", "private", "1,000 connections: resident", "private"])];
    lines.push(cells(["target for ours", "–", "–", "8", "–", "20"]));
    let megabytes = |kibibytes: u64| number(kibibytes as f64 / 1024.0);
    for (name, subject) in subjects(servers) {
        let (idle, held) = idle_memory(&subject)?;
        let figures = [idle.resident, idle.private, held.resident, held.private].map(megabytes);
        lines.push([vec![name.to_owned(), subject.processes.pids().len().to_string()], figures.to_vec()].concat());
    }
    let processes = &servers.cyrus.processes;
    let Memory { resident, private } = crate::process::memory(processes);
    let figures = [megabytes(resident), megabytes(private), "–".to_owned(), "–".to_owned()];
    lines.push([vec!["saslauthd".to_owned(), processes.pids().len().to_string()], figures.to_vec()].concat());
    Ok(table(&lines))
}

/// Once for each server: Dovecot takes seconds to answer at all. The second time at ours the processor is not full of fast logins,
/// and slow checks take all that these leave.
fn slow(servers: &Servers, accounts: u64) -> io::Result<String> {
    const PACE: u32 = 1000;
    let users: Vec<User> = (0..accounts).map(User::numbered).collect();
    let order = order(accounts, Spread::Uniform).1;
    let head = [BESIDE_SLOW, "slow ones checked in 9 s", "given up", "fast a second", "p50 µs", "p99 µs", "max µs"];
    let mut lines = vec![cells(head), cells(["target for ours", "–", "–", "–", "–", "5,000", "–"])];
    let mut subjects: Vec<_> = subjects(servers).into_iter().map(|(name, subject)| (name, subject, None)).collect();
    subjects.extend(ours(servers).map(|subject| ("ours, 1,000 fast ones a second", subject, Some(PACE))));
    for (name, subject, rate) in subjects {
        let Beside { fast, checked, given_up } = beside_slow(&subject, &users, &order, rate)?;
        let of = |figure: fn(&Measure) -> f64| fast.as_ref().map(figure);
        let figures = [of(|m| m.rate), of(|m| m.p50), of(|m| m.p99), of(|m| m.max)].map(figure);
        lines.push([vec![name.to_owned(), checked.to_string(), given_up.to_string()], figures.to_vec()].concat());
    }
    Ok(table(&lines))
}

fn making(servers: &Servers, rounds: u32) -> io::Result<String> {
    let mut times: HashMap<Maker, Vec<f64>> = HashMap::new();
    for round in 0..rounds {
        for maker in Maker::ALL {
            times.entry(maker).or_default().extend(make_accounts(servers, maker, round)?);
        }
    }
    let mut lines = vec![cells([MAKING, "shell alone", "saslpasswd2 -p -c", "saslpasswd-rs -p -c", "target"])];
    let medians = Maker::ALL.map(|maker| figure(median(times.remove(&maker).unwrap_or_default())));
    lines.push([vec!["start to end, database present".to_owned()], medians.to_vec(), cells(["5.00"])].concat());
    Ok(table(&lines))
}
