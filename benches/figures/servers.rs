//! Everything that is measured, started once and measured in turn.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::client::{Generator, Load, Outcome};
use crate::ours::{Ours, Programs};
use crate::peers::{self, Machine, Peer, Stored};
use crate::process::{Processes, Running, on_server_core, wait_for_socket};
use crate::report::Measure;
use crate::rows::{Login, PeerOf, Row};
use crate::users::{Spread, User, order};
use crate::wire::Wire;

/// Who is measured in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Floor,
    Peer,
    Ours,
}

impl Side {
    pub(crate) const ALL: [Self; 3] = [Self::Floor, Self::Peer, Self::Ours];
}

pub(crate) struct Servers {
    pub(crate) ours: Option<Ours>,
    pub(crate) programs: Option<Programs>,
    pub(crate) dovecot: HashMap<Stored, Peer>,
    pub(crate) cyrus: Peer,
    echo: (PathBuf, Running),
    users: Vec<User>,
    orders: [Vec<u32>; 2],
    /// The prepared clients, by place of the row and side.
    wires: HashMap<(usize, Side), Wire>,
    // The last to go: the peers run in it.
    pub(crate) machine: Machine,
}

/// One server that a row can be measured on.
pub(crate) struct Subject {
    pub(crate) socket: PathBuf,
    pub(crate) processes: Processes,
}

impl Servers {
    pub(crate) fn start(folder: &Path, accounts: u64) -> io::Result<Self> {
        let users: Vec<User> = (0..accounts).map(User::numbered).collect();
        let machine = Machine::start(folder)?;
        let mut dovecot = HashMap::new();
        for stored in Stored::ALL {
            dovecot.insert(stored, peers::dovecot(&machine, stored, &users)?);
        }
        let cyrus = peers::saslauthd(&machine, &users)?;
        let programs = Programs::found();
        let ours = programs.as_ref().map(|programs| Ours::start(programs, folder, &users)).transpose()?;
        let socket = folder.join("echo");
        let echo = Running::start(on_server_core().arg(std::env::current_exe()?).arg("echo").arg(&socket))?;
        wait_for_socket(&socket)?;
        let orders = [Spread::Uniform, Spread::Zipf].map(|spread| order(accounts, spread).1);
        Ok(Self { ours, programs, dovecot, cyrus, echo: (socket, echo), users, orders, wires: HashMap::new(), machine })
    }

    /// The server that stands at `side` of a row; `None` where there is none.
    pub(crate) fn subject(&self, row: &Row, side: Side) -> Option<Subject> {
        let of_peer = |peer: &Peer| Subject { socket: peer.socket.clone(), processes: peer.processes.clone() };
        match (side, row.peer) {
            // What waits for a delay has no floor in an echo.
            (Side::Floor, _) if row.shape.wrong > 0 => None,
            (Side::Floor, _) => {
                Some(Subject { socket: self.echo.0.clone(), processes: Processes::Listed(vec![self.echo.1.pid()]) })
            }
            (Side::Peer, Some(PeerOf::Dovecot(stored))) => Some(of_peer(&self.dovecot[&stored])),
            (Side::Peer, Some(PeerOf::Cyrus)) => Some(of_peer(&self.cyrus)),
            (Side::Peer, None) => None,
            (Side::Ours, _) if !row.ours => None,
            (Side::Ours, _) => {
                let ours = self.ours.as_ref()?;
                let socket = if row.login == Login::Mux { ours.mux.clone()? } else { ours.dovecot.clone() };
                Some(Subject { socket, processes: ours.processes.clone() })
            }
        }
    }

    fn wire(&self, row: &Row, side: Side) -> Wire {
        let shared = side == Side::Peer && matches!(row.peer, Some(PeerOf::Dovecot(Stored::Bcrypt)));
        let users: Vec<User> =
            if shared { self.users.iter().cloned().map(User::sharing).collect() } else { self.users.clone() };
        match (side, row.login) {
            (Side::Floor, _) => Wire::echo(row.round_trips),
            (_, Login::Mux) => Wire::mux(&users),
            (_, Login::Dovecot(mechanism)) => Wire::dovecot(mechanism, &users, row.shape.wrong > 0),
        }
    }

    /// Measures a row at one side for `duration`. `place` is the row's among all.
    pub(crate) fn measure(
        &mut self,
        place: usize,
        row: &Row,
        side: Side,
        duration: Duration,
    ) -> io::Result<Option<Measure>> {
        let Some(subject) = self.subject(row, side) else { return Ok(None) };
        let shape = row.shape;
        let first_time = !self.wires.contains_key(&(place, side));
        let mut wire = self.wires.remove(&(place, side)).unwrap_or_else(|| self.wire(row, side));
        let scram = matches!(row.login, Login::Dovecot(mechanism) if mechanism.name().starts_with("SCRAM"));
        let makes_salts = matches!(row.peer, Some(PeerOf::Dovecot(Stored::Cleartext))) && side == Side::Peer;
        let derives = scram && first_time && side != Side::Floor && !makes_salts;
        let mut load = Load {
            socket: subject.socket,
            connections: shape.connections,
            in_flight: shape.in_flight,
            fresh: shape.fresh,
            rate: shape.rate,
            wrong: shape.wrong,
            warm_up: Duration::from_millis(200),
            // The first time, a client of SCRAM derives every account's keys; of 500, so many draws leave out one or two.
            warm_up_logins: if derives { 3000 } else { 0 },
            duration,
        };
        if load.wrong > 0 {
            // Failures come in waves, as far apart as their delay.
            load.warm_up = Duration::from_millis(2500);
            load.duration = duration.max(Duration::from_secs(4));
        }
        let order = &self.orders[usize::from(matches!(shape.spread, Spread::Zipf))];
        let (mut outcome, cpu) = run(&load, &mut wire, order, &subject.processes)?;
        self.wires.insert((place, side), wire);
        if let Some(error) = &outcome.first_error {
            eprintln!("warning: {}, {side:?}: {} errors, the first: {error}", row.what, outcome.errors);
        }
        Ok(Measure::new(&mut outcome, cpu))
    }
}

/// Runs one load; gives what came of it, and the CPU time of the server's processes meanwhile.
pub(crate) fn run(
    load: &Load,
    wire: &mut Wire,
    order: &[u32],
    processes: &Processes,
) -> io::Result<(Outcome, Duration)> {
    let mut marks = Vec::new();
    let outcome = Generator::new(load, wire, order)?.run(|| marks.push(processes.cpu_times()))?;
    let cpu = match &marks[..] {
        [begin, .., end] => end.since(begin),
        _ => Duration::ZERO,
    };
    Ok((outcome, cpu))
}
