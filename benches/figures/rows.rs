//! What is measured: the rows of the table, and what each has to reach.

use crate::mechanisms::Mechanism;
use crate::peers::Stored;
use crate::users::Spread;

/// How a row loads its sockets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
    pub(crate) fresh: bool,
    pub(crate) rate: Option<u32>,
    pub(crate) wrong: u64,
    pub(crate) spread: Spread,
}

/// One protocol's login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    Dovecot(Mechanism),
    Mux,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum PeerOf {
    Dovecot(Stored),
    Cyrus,
}

/// The most CPU time that one exchange may cost us.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    TimesFloor(f64),
    Microseconds(f64),
    None,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) login: Login,
    pub(crate) shape: Shape,
    /// Round trips of the echo that is its floor.
    pub(crate) round_trips: usize,
    pub(crate) peer: Option<PeerOf>,
    pub(crate) ours: bool,
    pub(crate) target: Target,
}

const KEPT: Shape =
    Shape { connections: 32, in_flight: 1, fresh: false, rate: None, wrong: 0, spread: Spread::Uniform };
const PIPELINED: Shape = Shape { connections: 4, in_flight: 32, ..KEPT };
const FRESH: Shape = Shape { connections: 1, fresh: true, ..KEPT };

pub(crate) fn all() -> Vec<Row> {
    let mut rows = kept();
    rows.extend(paced());
    rows.extend(fresh());
    rows.extend(pipelined());
    rows.extend(others());
    rows
}

fn row(what: &str, mechanism: Mechanism, shape: Shape, peer: Option<Stored>, target: Target) -> Row {
    let round_trips = match mechanism {
        Mechanism::Plain => 1,
        Mechanism::CramMd5 => 2,
        _ => 3,
    };
    let peer = peer.map(PeerOf::Dovecot);
    let login = Login::Dovecot(mechanism);
    Row { what: format!("{mechanism}, {what}"), login, shape, round_trips, peer, ours: true, target }
}

/// Connections that stay, as Postfix holds them.
fn kept() -> Vec<Row> {
    use Mechanism::{CramMd5, DigestMd5, Login, Plain, ScramSha1, ScramSha256, ScramSha512};
    use Stored::{Bcrypt, Cleartext, Scram};
    let what = "32 connections";
    vec![
        row(what, Plain, KEPT, Some(Cleartext), Target::TimesFloor(1.3)),
        row(what, Login, KEPT, Some(Cleartext), Target::None),
        row(what, CramMd5, KEPT, Some(Cleartext), Target::TimesFloor(1.3)),
        row(what, DigestMd5, KEPT, Some(Cleartext), Target::TimesFloor(1.3)),
        row(what, ScramSha1, KEPT, None, Target::None),
        row(what, ScramSha256, KEPT, Some(Scram), Target::TimesFloor(1.4)),
        row(what, ScramSha512, KEPT, None, Target::None),
        Row { ours: false, ..row("the peer stores cleartext", ScramSha256, KEPT, Some(Cleartext), Target::None) },
        Row { ours: false, ..row("the peer stores bcrypt, cost 5", Plain, KEPT, Some(Bcrypt), Target::None) },
    ]
}

/// At a pace far below what any of the servers can do: each wakes up for nearly every message.
fn paced() -> Vec<Row> {
    use Mechanism::{CramMd5, DigestMd5, Plain, ScramSha256};
    let shape = Shape { rate: Some(5000), ..KEPT };
    let what = "32 connections, 5,000 a second";
    vec![
        row(what, Plain, shape, Some(Stored::Cleartext), Target::TimesFloor(1.3)),
        row(what, CramMd5, shape, Some(Stored::Cleartext), Target::TimesFloor(1.3)),
        row(what, DigestMd5, shape, Some(Stored::Cleartext), Target::TimesFloor(1.3)),
        row(what, ScramSha256, shape, Some(Stored::Scram), Target::TimesFloor(1.4)),
    ]
}

/// Connect, greeting, login, close, as Exim does.
fn fresh() -> Vec<Row> {
    let clients = |connections| Shape { connections, ..FRESH };
    let exim = |what, shape| row(what, Mechanism::Plain, shape, Some(Stored::Cleartext), Target::Microseconds(25.0));
    vec![
        exim("connect and close, 1 client", FRESH),
        exim("connect and close, 8 clients", clients(8)),
        Row {
            what: "PLAIN, saslauthd's mux, 8 clients".to_owned(),
            login: Login::Mux,
            shape: clients(8),
            round_trips: 1,
            peer: Some(PeerOf::Cyrus),
            ours: true,
            target: Target::Microseconds(15.0),
        },
    ]
}

fn pipelined() -> Vec<Row> {
    use Mechanism::{CramMd5, DigestMd5, Plain, ScramSha256};
    let what = "4 connections × 32 in flight";
    vec![
        row(what, Plain, PIPELINED, Some(Stored::Cleartext), Target::Microseconds(2.5)),
        row(what, CramMd5, PIPELINED, Some(Stored::Cleartext), Target::Microseconds(4.0)),
        row(what, DigestMd5, PIPELINED, Some(Stored::Cleartext), Target::Microseconds(6.0)),
        row(what, ScramSha256, PIPELINED, Some(Stored::Scram), Target::None),
    ]
}

fn others() -> Vec<Row> {
    let zipf = Shape { spread: Spread::Zipf, ..KEPT };
    // A failure is answered after a delay of seconds, so many have to wait at a time.
    let wrong = Shape { connections: 32, in_flight: 64, wrong: 100, ..KEPT };
    vec![
        row("32 connections, Zipf", Mechanism::Plain, zipf, Some(Stored::Cleartext), Target::None),
        row("wrong passwords, 32 connections × 64", Mechanism::Plain, wrong, Some(Stored::Cleartext), Target::None),
    ]
}
