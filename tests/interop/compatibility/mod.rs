//! Every client with every mechanism it has, at every server, with our helper and with Dovecot's auth service as the
//! measure. The outcome is the table in docs/compatibility.md.

mod gaps;
mod table;

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::clients::{Client, Login, Report};
use crate::machine::wait_for;
use crate::place::{Helper, Place};
use crate::servers::Server;
use crate::site::{Site, token};

/// The accounts of every run; the second holds what ASCII does not.
const ACCOUNTS: [(&str, &str); 2] = [("mailman", "secret"), ("jörg", "pä55")];

/// How a user types name and password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Typed {
    BareName,
    Address,
    Capitals,
    NotAscii,
    NotAsciiAddress,
    WrongPassword,
}

impl Typed {
    const ALL: [Self; 6] = [
        Self::BareName,
        Self::Address,
        Self::Capitals,
        Self::NotAscii,
        Self::NotAsciiAddress,
        // At the end: whoever fails often is slowed down.
        Self::WrongPassword,
    ];

    fn login(self, mechanism: &'static str) -> Login<'static> {
        let right = Login::right(mechanism);
        match self {
            Self::BareName => right,
            Self::Address => right.user("mailman@example.com"),
            Self::Capitals => right.user("MailMan@Example.COM"),
            Self::NotAscii => right.user("jörg").password("pä55"),
            Self::NotAsciiAddress => right.user("jörg@example.com").password("pä55"),
            Self::WrongPassword => right.password("wrong"),
        }
    }

    /// The name that the server is told.
    fn canonical(self) -> &'static str {
        match self {
            Self::NotAscii | Self::NotAsciiAddress => "jörg@example.com",
            _ => "mailman@example.com",
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Attempt {
    helper: Helper,
    server: Server,
    client: Client,
    mechanism: &'static str,
    typed: Typed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// The message is at the next hop.
    Accepted,
    /// The server's reply.
    Refused(String),
    /// The client gave up by itself.
    Cannot(String),
}

/// Who answers which server.
type Pair = (Helper, Server);

const PAIRS: [Pair; 6] = [
    (Helper::Ours, Server::Postfix),
    (Helper::Ours, Server::Exim),
    (Helper::Ours, Server::Chasquid),
    (Helper::Dovecot, Server::Postfix),
    (Helper::Dovecot, Server::Exim),
    (Helper::Dovecot, Server::Chasquid),
];

fn attempts() -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for typed in Typed::ALL {
        for (helper, server) in PAIRS {
            for client in Client::ALL {
                let both = server.mechanisms().iter().filter(|it| client.mechanisms().contains(it));
                attempts.extend(both.map(|mechanism| Attempt { helper, server, client, mechanism, typed }));
            }
        }
    }
    attempts
}

/// Makes all attempts, as many at once as the machine bears, and says how each ended, in their order.
fn make(attempts: &[Attempt], places: &[Place]) -> Vec<Outcome> {
    let at_once = 4 * std::thread::available_parallelism().map_or(1, usize::from);
    let next = Mutex::new(attempts.iter().enumerate());
    let reports = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let Some((number, attempt)) = next.lock().unwrap().next() else { break };
                    let place = PAIRS.iter().position(|pair| *pair == (attempt.helper, attempt.server)).unwrap();
                    let login = attempt.typed.login(attempt.mechanism);
                    let report = attempt.client.send(&places[place].site.machine, &login, &token());
                    reports.lock().unwrap().insert(number, report);
                }
            });
        }
    });
    let reports = reports.into_inner().unwrap();
    let mut outcomes = vec![Outcome::Accepted; attempts.len()];
    for (pair, place) in PAIRS.iter().zip(places) {
        let here = |(_, (attempt, _)): &(usize, (&Attempt, &Report))| (attempt.helper, attempt.server) == *pair;
        let here: Vec<_> = attempts.iter().zip(reports.values()).enumerate().filter(here).collect();
        let sent: Vec<_> = here.iter().filter(|(_, (_, report))| report.status == 0).collect();
        let arrived = wait_for("what the clients sent to be at the next hop", || {
            let arrived = place.site.arrived();
            sent.iter().all(|(_, (_, report))| find(&arrived, report).is_some()).then_some(arrived)
        });
        let log = place.site.log();
        for (number, (attempt, report)) in here {
            outcomes[number] = match find(&arrived, report) {
                Some(message) => match attempt.server.login_of(&log, message) {
                    Some(login) if !is_of(attempt, &login) => Outcome::Cannot(format!("came in as {login:?}")),
                    _ => Outcome::Accepted,
                },
                None => report.refusal().map_or_else(|| Outcome::Cannot(report.text.clone()), Outcome::Refused),
            };
        }
    }
    outcomes
}

/// The message of this report. Its token ends a line; another's may begin with it.
fn find<'a>(arrived: &'a [String], report: &Report) -> Option<&'a String> {
    arrived.iter().find(|message| message.lines().any(|line| line.trim_end().ends_with(&report.token)))
}

/// A client may fall back to another mechanism, and a server may know another user: neither counts as accepted.
fn is_of(attempt: &Attempt, (mechanism, user): &(String, String)) -> bool {
    // What is not ASCII looks different in each log.
    let shown = match attempt.server {
        Server::Exim => r"\303\266",
        _ => "ö",
    };
    mechanism == attempt.mechanism && *user == attempt.typed.canonical().replace('ö', shown)
}

/// Whether an attempt ended as it has to. A gap that has closed is to be taken from the list, where that is kept.
fn is_as_expected(attempt: &Attempt, outcome: &Outcome, may_close: bool) -> bool {
    match (gaps::reason(attempt), attempt.typed) {
        (Some(_), _) => may_close || *outcome != Outcome::Accepted,
        (None, Typed::WrongPassword) => matches!(outcome, Outcome::Refused(reply) if reply.starts_with("535 ")),
        (None, _) => *outcome == Outcome::Accepted,
    }
}

#[test]
fn every_client_logs_in_by_every_mechanism_it_has() {
    let sites = std::thread::scope(|scope| {
        PAIRS.map(|(_, server)| scope.spawn(move || Site::of(server))).map(|site| site.join().unwrap())
    });
    let places: Vec<_> =
        sites.into_iter().zip(PAIRS).map(|(site, pair)| Place::furnish(site, pair.0, &ACCOUNTS)).collect();
    let attempts = attempts();
    let outcomes = make(&attempts, &places);
    let outcomes: Vec<_> = attempts.into_iter().zip(outcomes).collect();
    let kept = table::Kept::read();
    let may_close = !kept.is_of(&places[0].site.machine);
    let wrong: Vec<_> = outcomes
        .iter()
        .filter(|(attempt, outcome)| !is_as_expected(attempt, outcome, may_close))
        .map(|(attempt, outcome)| format!("{attempt:?}: {outcome:?}"))
        .collect();
    assert!(wrong.is_empty(), "{} of {} attempts:\n{}", wrong.len(), outcomes.len(), wrong.join("\n"));
    kept.compare(&outcomes, &places);
}
