//! `sasldb-rs verify`: a login without a helper. Client and server side of a mechanism talk to each other here, and the
//! exchange asks the database as it always does.

use std::sync::Arc;

use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure, refused_name};
use crate::cli::output::Data;
use crate::cli::prompt;
use crate::cli::site::{self, Named, Site};
use crate::credential::{self, Label, Lookup};
use crate::exchange::{self, Authenticated, Context, Fault, Outcome, Policy, Progress, Reason};
use crate::identity::IdentityError;
use crate::mechanism::client::{self, Opening};
use crate::store::sqlite::Reader;
use crate::store::{Answer, CredentialLookup, StoreError, Ticket};
use crate::vocabulary::{InitialResponse, Mechanism};

use super::options::Verify;
use super::who::{Who, nonce};

/// PLAIN tries whatever secret is there. The others find a password that is not for PLAIN.
const MECHANISMS: [Mechanism; 6] = [
    Mechanism::Plain,
    Mechanism::ScramSha256,
    Mechanism::ScramSha1,
    Mechanism::ScramSha512,
    Mechanism::DigestMd5,
    Mechanism::CramMd5,
];

pub(super) fn verify(site: &Site, verify: &Verify) -> Result<Exit, Failure> {
    Named::parse(&verify.user, None)?;
    let user = verify.user.to_str().ok_or_else(|| refused_name("user name", IdentityError::NotUtf8))?;
    let password = prompt::password()?;
    let mut reader = site.reader()?;
    let realms = site.realms_of_reader(&mut reader)?;
    let policy = Arc::new(Policy {
        mechanisms: Mechanism::ALL.into_iter().collect(),
        plaintext_needs_tls: false,
        realms,
        hostname: "localhost".to_owned(),
        learn: Vec::new(),
    });
    let (exit, answer) = match judge(&policy, &mut reader, &Who::new(user, None, &password, "verify"))? {
        Judgement::Right(authenticated) => (Exit::Success, right(&policy, &authenticated)),
        Judgement::Wrong(reason) => (Exit::Failure, format!("wrong: {reason}")),
    };
    failure::written(Data::new().text(format_args!("{answer}\n")))?;
    Ok(exit)
}

enum Judgement {
    Right(Authenticated),
    Wrong(Reason),
}

fn judge(policy: &Arc<Policy>, reader: &mut Reader, who: &Who<'_>) -> Result<Judgement, Failure> {
    let mut first_reason = None;
    for mechanism in MECHANISMS {
        match log_in(policy, reader, mechanism, who)? {
            Some(Outcome::Authenticated(authenticated)) => return Ok(Judgement::Right(authenticated)),
            Some(Outcome::Unavailable(unavailable)) => {
                return Err(match unavailable.fault() {
                    Fault::Store(fault) => fault.clone().into(),
                    fault => Failure::new(Exit::Unavailable, fault.clone()),
                });
            }
            Some(Outcome::Denied(denied)) => {
                let reason = first_reason.get_or_insert_with(|| denied.reason().clone());
                // What stands against the account stands against every mechanism.
                if !matches!(denied.reason(), Reason::Mismatch | Reason::MechanismNotForAccount) {
                    return Ok(Judgement::Wrong(reason.clone()));
                }
            }
            None => {}
        }
    }
    Ok(Judgement::Wrong(first_reason.unwrap_or(Reason::Mismatch)))
}

/// One login by `mechanism`; nothing if the client cannot go on, as with a password that the mechanism cannot carry.
fn log_in(
    policy: &Arc<Policy>,
    reader: &mut Reader,
    mechanism: Mechanism,
    who: &Who<'_>,
) -> Result<Option<Outcome>, Failure> {
    let (client_nonce, server_nonce) = (nonce()?, nonce()?);
    let Opening { initial, next: mut client } = client::begin(who.start(mechanism, &client_nonce));
    let initial =
        initial.as_ref().map_or(InitialResponse::Absent, |message| InitialResponse::Present(message.expose()));
    let mut progress = exchange::begin(policy, Context::default(), mechanism, initial, &server_nonce, site::now());
    loop {
        progress = match progress {
            Progress::Challenge { data, next } => {
                let Ok((response, client_next)) = client.challenge(&data) else { return Ok(None) };
                client = client_next;
                next.respond(response.expose())
            }
            Progress::LookUp { who, next } => next.answer(look_up(reader, who), site::now()),
            Progress::Compute(work) => Progress::Done(work.run()),
            Progress::Done(outcome) => return Ok(Some(outcome)),
        };
    }
}

pub(super) fn look_up(reader: &mut Reader, who: credential::Who) -> Result<Lookup, StoreError> {
    reader.begin_turn();
    let answer = reader.look_up(who, Ticket(0));
    reader.end_turn();
    match answer {
        Answer::Now(answer) => answer,
        Answer::Later => Err(StoreError::Busy),
    }
}

fn right(policy: &Policy, authenticated: &Authenticated) -> String {
    let identity = authenticated.identity();
    let default = identity.realm.same(policy.realms.default_realm());
    let realm =
        if default { format!("{} (the default)", identity.realm.as_str()) } else { identity.realm.as_str().to_owned() };
    let label = authenticated.label().map_or("-", Label::as_str);
    let limits = if authenticated.mechanism().is_plaintext() { "" } else { "; not for PLAIN and LOGIN" };
    format!("right: account {identity}, realm {realm}, password {label}{limits}")
}
