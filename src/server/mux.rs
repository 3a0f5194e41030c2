//! One connection of saslauthd's protocol, without the connection: one login, one reply. Pure.
//!
//! Nothing tells from where the login comes, so nothing is counted here and nobody is refused for what others did. That the
//! transport is protected is up to the program that asks: it has the password already.

use std::time::Duration;

use crate::authenticator::Inquiry;
use crate::event::{Abandonment, Ending, Event, Login, Refusal};
use crate::exchange::{self, Context, Outcome, Progress};
use crate::protocol::saslauthd::{Received, Reply, Request};
use crate::runtime::Moment;
use crate::vocabulary::Mechanism;

use super::session::{Serial, Turn, VERDICT_WITHIN};

/// How long a request may take to come in. Clients write it at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// One connection.
#[derive(Debug)]
pub struct MuxSession {
    stage: Stage,
    /// When [`MuxSession::tick`] has something to do.
    deadline: Moment,
}

/// Whose turn it is.
#[derive(Debug)]
enum Stage {
    /// The client's: some of the request is missing.
    Reading(Received),
    /// Ours: a look-up or a check is under way. Since when.
    Busy(Login, Moment),
    /// Nobody's: the failure waits for its time.
    Late,
    /// All is said.
    Over,
}

impl MuxSession {
    /// Begins, without a greeting.
    #[must_use]
    pub fn begin(turn: &Turn<'_>) -> Self {
        Self { stage: Stage::Reading(Received::default()), deadline: turn.moment.saturating_add(PATIENCE) }
    }

    /// Takes what the client sent.
    pub fn receive(&mut self, bytes: &[u8], turn: &mut Turn<'_>) {
        let Stage::Reading(received) = &mut self.stage else { return };
        match received.take(bytes) {
            Ok(Some(request)) => {
                let (login, progress) = present(&request, turn);
                self.stage = Stage::Busy(login, turn.moment);
                self.deadline = turn.moment.saturating_add(VERDICT_WITHIN);
                self.go_on(progress, turn);
            }
            Ok(None) => {}
            Err(fault) => {
                let login = Login { remote: None, service: "".into(), secured: true };
                turn.actions.events.push(Event::Ended(login, Ending::Refused(Refusal::NoRequest(fault))));
                self.reply(Reply::Refused(fault), turn);
            }
        }
    }

    /// Takes what came of the look-up.
    pub fn go_on(&mut self, progress: Progress, turn: &mut Turn<'_>) {
        match progress {
            Progress::LookUp { who, next } => {
                turn.actions.inquiries.push((Serial::default(), who, Inquiry::Exchange(next)));
            }
            Progress::Compute(work) => turn.actions.computations.push((Serial::default(), work)),
            // A password that is presented leaves nothing to be asked.
            Progress::Challenge { next, .. } => self.go_on(next.respond(b""), turn),
            Progress::Done(outcome) => self.conclude(outcome, turn),
        }
    }

    /// Gives the login its one ending. One that was given up meanwhile needs none.
    pub fn conclude(&mut self, mut outcome: Outcome, turn: &mut Turn<'_>) {
        let Stage::Busy(login, arrived) = core::mem::replace(&mut self.stage, Stage::Over) else { return };
        turn.actions.lessons.extend(outcome.take_lesson());
        let ending = match outcome {
            Outcome::Authenticated(success) => {
                self.reply(Reply::Ok, turn);
                Ending::Authenticated(success)
            }
            Outcome::Denied(denied) => {
                self.stage = Stage::Late;
                self.deadline = arrived.saturating_add(turn.settings.failure_delay);
                Ending::Denied(denied)
            }
            Outcome::Unavailable(failure) => {
                self.reply(Reply::Unavailable, turn);
                Ending::Unavailable(failure)
            }
        };
        turn.actions.events.push(Event::Ended(login, ending));
    }

    fn reply(&mut self, reply: Reply, turn: &mut Turn<'_>) {
        self.stage = Stage::Over;
        reply.encode(&mut turn.actions.send);
        turn.actions.close = true;
    }

    /// When [`Self::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Moment {
        self.deadline
    }

    /// Time has passed: sends a failure that is due, ends a login without a verdict, and closes a connection on which no
    /// request came.
    pub fn tick(&mut self, turn: &mut Turn<'_>) {
        if turn.moment < self.deadline {
            return;
        }
        match self.stage {
            Stage::Late => self.reply(Reply::No, turn),
            Stage::Busy(..) => self.conclude(Outcome::overdue(Mechanism::Plain), turn),
            Stage::Reading(_) | Stage::Over => turn.actions.close = true,
        }
    }

    /// The helper stops: a failure is sent at once.
    pub fn hurry(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.stage, Stage::Late) {
            self.reply(Reply::No, turn);
        }
    }

    /// Whether no reply is due.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Reading(_) | Stage::Over)
    }

    /// The connection is gone.
    pub fn close(self, turn: &mut Turn<'_>) {
        if let Stage::Busy(login, _) = self.stage {
            let ending = Ending::Abandoned(Mechanism::Plain, Abandonment::Closed);
            turn.actions.events.push(Event::Ended(login, ending));
        }
    }
}

/// Begins the login that a request asks for.
fn present(request: &Request<'_>, turn: &Turn<'_>) -> (Login, Progress) {
    let login = Login { remote: None, service: String::from_utf8_lossy(request.service).into(), secured: true };
    let context = Context { service: login.service.clone(), secured: true, ..Context::default() };
    let policy = &turn.settings.policy;
    (login, exchange::present(policy, context, request.login, Some(request.realm), request.password))
}
