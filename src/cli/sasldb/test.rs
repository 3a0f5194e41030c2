//! `sasldb-rs test`: logs in as an MTA would, by each mechanism in turn.

use std::time::Instant;

use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure};
use crate::cli::output::Data;
use crate::cli::prompt;
use crate::vocabulary::Mechanism;

use super::connection::{Connection, Lost};
use super::login::{Ending, log_in};
use super::options::Test;
use super::who::{Who, nonce};

pub(super) fn test(test: &Test) -> Result<Exit, Failure> {
    let password = prompt::password()?;
    let who = Who::new(&test.user, test.realm.as_deref(), &password, &test.service);
    let announced = Connection::open(&test.dovecot).map_err(|lost| out_of_reach(test, lost))?.announced;
    let mechanisms = if test.mechanisms.is_empty() { announced.iter().collect() } else { test.mechanisms.clone() };
    let mut data = Data::new();
    let mut worst = if mechanisms.is_empty() { Exit::Unavailable } else { Exit::Success };
    for mechanism in mechanisms {
        let begun = Instant::now();
        let ending = if announced.contains(mechanism) {
            try_login(test, &who, mechanism, &nonce()?)
        } else {
            Ending::Unavailable("the server does not announce it".to_owned())
        };
        let milliseconds = begun.elapsed().as_secs_f64() * 1000.0;
        let (word, detail, exit) = match &ending {
            Ending::Accepted { user } => ("accepted", user, Exit::Success),
            Ending::Denied(reason) => ("denied", reason, Exit::Failure),
            Ending::Unavailable(reason) => ("unavailable", reason, Exit::Unavailable),
        };
        let line = format!("{:<13} {word:<11} {milliseconds:>9.1} ms  {detail}", mechanism.name());
        failure::written(data.text(format_args!("{}\n", line.trim_end())))?;
        worst = worse(worst, exit);
    }
    Ok(worst)
}

/// Each login has a connection of its own: a server that cannot tell closes it.
fn try_login(test: &Test, who: &Who<'_>, mechanism: Mechanism, nonce: &str) -> Ending {
    let ending = Connection::open(&test.dovecot).and_then(|connection| log_in(connection, test, who, mechanism, nonce));
    ending.unwrap_or_else(|lost| Ending::Unavailable(lost.to_string()))
}

fn out_of_reach(test: &Test, lost: Lost) -> Failure {
    let path = test.dovecot.as_path().display();
    let cause = anyhow::anyhow!(lost).context(format!("cannot log in on {path}"));
    Failure::new(Exit::Unavailable, cause).hint("see that saslauthd-rs runs and that you may open its socket")
}

/// What nobody can tell is worse than a denial: it says nothing about the password.
fn worse(one: Exit, other: Exit) -> Exit {
    match (one, other) {
        (Exit::Unavailable, _) | (_, Exit::Unavailable) => Exit::Unavailable,
        (Exit::Success, other) => other,
        (one, _) => one,
    }
}
