//! One connection of the Dovecot protocol, without the connection: bytes, answers and time in, [`Actions`] out.
//!
//! A session holds the exchanges that its client has open. It never waits and never looks anything up; who drives it
//! carries out what it asks for and comes back with the result.

mod answer;
mod authenticate;
mod handshake;
mod late;
mod open;
mod turn;

use core::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::authenticator::Inquiry;
use crate::config::MAX_FAILURE_DELAY;
use crate::credential::Who;
use crate::event::{Abandonment, Ending, Event, Refusal};
use crate::exchange::{Asked, Outcome, Progress, Reason};
use crate::protocol::dovecot::{
    Breach, Command, CommandDecoder, Cookie, FailCode, FrameError, Greeting, Reply, RequestFault, RequestId,
    decode_base64,
};
use crate::runtime::Moment;
use crate::vocabulary::Mechanism;

use super::limits::Judgement;
use answer::Answer;
use handshake::Handshake;
use late::LateReplies;
pub use open::Serial;
use open::{OpenRequests, Request, Stage};
pub use turn::{Actions, Origin, Settings, Turn};

/// How long an exchange waits for its client. Postfix and Exim never cancel: they leave one behind for every mail client
/// that gives up. Dovecot waits as long.
pub const PATIENCE: Duration = Duration::from_secs(150);

/// An exchange that has no verdict this long after its client's last message is unavailable: every answer is out before
/// [`MAX_FAILURE_DELAY`], whatever the store and the pool do.
pub const VERDICT_WITHIN: Duration = Duration::from_millis(4500);

const _: () = assert!(VERDICT_WITHIN.as_millis() < MAX_FAILURE_DELAY.as_millis());

/// Data that cannot be read: what stands in a line with too many fields.
const NOT_BASE64: &[u8] = b"*";

/// One connection.
#[derive(Debug)]
pub struct Session {
    origin: Origin,
    decoder: CommandDecoder,
    handshake: Handshake,
    open: OpenRequests,
    late: LateReplies,
    expiry: Option<Moment>,
    service: Arc<str>,
}

impl Session {
    /// Begins with the greeting.
    pub fn begin(origin: Origin, turn: &mut Turn<'_>) -> Self {
        let mut cookie = Cookie::default();
        if turn.entropy.fill(&mut cookie).is_ok() {
            let Origin { server_pid, connection, listed } = origin;
            // Only a listed peer is believed about certificates, and Apache's module crashes at a mechanism without flags.
            let works = |mechanism: &Mechanism| listed || *mechanism != Mechanism::External;
            let mechanisms = turn.settings.policy.mechanisms.iter().filter(works).collect();
            Greeting { mechanisms, server_pid, connection, cookie }.encode(&mut turn.actions.send);
        } else {
            turn.actions.close = true;
        }
        Self {
            origin,
            decoder: CommandDecoder::default(),
            handshake: Handshake::default(),
            open: OpenRequests::default(),
            late: LateReplies::default(),
            expiry: None,
            service: Arc::default(),
        }
    }

    /// Takes what the client sent.
    pub fn receive(&mut self, bytes: &[u8], turn: &mut Turn<'_>) {
        let mut decoder = core::mem::take(&mut self.decoder);
        let mut rest = bytes;
        while let Some(command) = decoder.take(&mut rest) {
            let obeyed = match command {
                Ok(command) => self.obey(command, turn),
                Err(FrameError::Request { id, fault: RequestFault::ExtraField }) => self.respond(id, NOT_BASE64, turn),
                Err(FrameError::Connection(breach)) => Err(breach),
            };
            if let Err(breach) = obeyed {
                turn.actions.events.push(Event::Breach(breach));
                turn.actions.close = true;
            }
            if turn.actions.close {
                return;
            }
        }
        self.decoder = decoder;
    }

    fn obey(&mut self, command: Command<'_>, turn: &mut Turn<'_>) -> Result<(), Breach> {
        match command {
            Command::Version { minor } => self.handshake.version(minor),
            Command::ClientPid(pid) => self.handshake.client_pid(pid),
            Command::Auth(request) => self.authenticate(&request, turn),
            Command::Continue { id, data } => self.respond(id, data, turn),
            Command::Cancel(id) => self.cancel(id, turn),
        }
    }

    /// CONT: the client's response to a challenge, or to the mechanism's last word.
    fn respond(&mut self, id: RequestId, data: &[u8], turn: &mut Turn<'_>) -> Result<(), Breach> {
        self.handshake.minor()?;
        let Some(mut request) = self.open.take(id) else {
            // A request that has failed gets the one reply that is on its way.
            if !self.late.holds(id) {
                let reason = Some(b"Authentication request timed out"[..].into());
                Reply::Fail { id, user: None, code: None, reason }.encode(&mut turn.actions.send);
            }
            return Ok(());
        };
        request.arrived = turn.moment;
        match core::mem::replace(&mut request.stage, Stage::Busy) {
            Stage::Waiting(mut waiting) => {
                // Others may have failed since the look-up: many exchanges can be brought this far before any of them ends.
                if waiting.who().is_some_and(|who| judge(request.counted, who, turn)) {
                    waiting.refuse();
                }
                // Prosody writes `=` where it has nothing to say.
                let data = if data == b"=" { b"" } else { data };
                let Ok(response) = decode_base64(data, &mut turn.actions.decoded) else {
                    turn.actions.wipe();
                    let refusal = Refusal::InvalidBase64(request.mechanism);
                    refuse(request, refusal, turn);
                    return Ok(());
                };
                let progress = waiting.respond(response);
                turn.actions.wipe();
                self.carry_on(request, progress, turn);
            }
            // The last word has arrived; what the client says to it does not matter.
            Stage::Proven(success) => {
                let (reply, event) = answer::accept(request, success);
                reply.encode(&mut turn.actions.send);
                turn.actions.events.push(event);
            }
            Stage::Begun | Stage::Busy => {
                let refusal = Refusal::UnexpectedResponse(request.mechanism);
                refuse(request, refusal, turn);
            }
        }
        Ok(())
    }

    /// CANCEL: nobody wants the answer any more.
    fn cancel(&mut self, id: RequestId, turn: &mut Turn<'_>) -> Result<(), Breach> {
        self.handshake.minor()?;
        self.late.forget(id);
        if let Some(request) = self.open.take(id) {
            abandon(request, Abandonment::Cancelled, turn);
        }
        Ok(())
    }

    /// Marks an exchange whose source has failed too often, before its look-up is made. Not when it was asked for: others
    /// that came with it may have failed since.
    pub fn judge(&self, serial: Serial, who: &Who, asked: &mut Asked, turn: &mut Turn<'_>) {
        if judge(self.open.counted(serial), who, turn) {
            asked.refuse();
        }
    }

    /// Takes what came of a look-up.
    pub fn go_on(&mut self, serial: Serial, progress: Progress, turn: &mut Turn<'_>) {
        // A request that has ended meanwhile needs no answer.
        if let Some(request) = self.open.take_serial(serial) {
            self.carry_on(request, progress, turn);
        }
    }

    /// Takes the outcome of a computation.
    pub fn conclude(&mut self, serial: Serial, outcome: Outcome, turn: &mut Turn<'_>) {
        if let Some(request) = self.open.take_serial(serial) {
            self.end(request, outcome, turn);
        }
    }

    fn carry_on(&mut self, mut request: Request, progress: Progress, turn: &mut Turn<'_>) {
        match progress {
            Progress::Challenge { data, next } => {
                Reply::Continue { id: request.id, data: data.into() }.encode(&mut turn.actions.send);
                request.stage = Stage::Waiting(next);
                self.wait_for_client(request, turn);
            }
            Progress::LookUp { who, next } => {
                turn.actions.inquiries.push((request.serial, who, Inquiry::Exchange(next)));
                request.stage = Stage::Busy;
                self.open.put(request);
            }
            Progress::Compute(work) => {
                turn.actions.computations.push((request.serial, work));
                request.stage = Stage::Busy;
                self.open.put(request);
            }
            Progress::Done(outcome) => self.end(request, outcome, turn),
        }
    }

    /// Gives an exchange its one ending.
    fn end(&mut self, mut request: Request, mut outcome: Outcome, turn: &mut Turn<'_>) {
        count(&request, &outcome, turn);
        turn.actions.lessons.extend(outcome.take_lesson());
        let alone = request.alone && !self.open.any_owed() && self.late.is_empty();
        match answer::answer(&request, outcome, alone) {
            Answer::LastWord(success, data) => {
                Reply::Continue { id: request.id, data: data.into() }.encode(&mut turn.actions.send);
                request.stage = Stage::Proven(success);
                self.wait_for_client(request, turn);
            }
            Answer::Now(reply, ending) => {
                reply.encode(&mut turn.actions.send);
                turn.actions.events.push(Event::Ended(request.login, ending));
            }
            Answer::Late(reply, ending) => {
                self.reply_late(request.id, request.arrived, &reply, turn);
                turn.actions.events.push(Event::Ended(request.login, ending));
            }
            Answer::Close(ending) => {
                turn.actions.events.push(Event::Ended(request.login, ending));
                turn.actions.close = true;
            }
        }
    }

    /// Holds a reply back until the delay since the client's last message is over.
    fn reply_late(&mut self, id: RequestId, arrived: Moment, reply: &Reply<'_>, turn: &Turn<'_>) {
        self.late.put(arrived.saturating_add(turn.settings.failure_delay), id, reply);
    }

    fn wait_for_client(&mut self, request: Request, turn: &Turn<'_>) {
        self.open.put(request);
        if self.expiry.is_none() {
            self.expiry = Some(turn.moment.saturating_add(PATIENCE));
        }
    }

    /// When [`Self::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        let overdue = self.open.oldest_owed().map(|since| since.saturating_add(VERDICT_WITHIN));
        [self.late.due(), self.expiry, overdue].into_iter().flatten().min()
    }

    /// Time has passed: sends failures that are due, ends exchanges that have no verdict, forgets those that nobody
    /// carries on.
    pub fn tick(&mut self, turn: &mut Turn<'_>) {
        self.send_late(turn.moment, turn);
        if let Some(overdue) = turn.moment.checked_sub(VERDICT_WITHIN) {
            while !turn.actions.close
                && let Some(request) = self.open.take_owed_since(overdue)
            {
                let outcome = Outcome::overdue(request.mechanism);
                self.end(request, outcome, turn);
            }
        }
        if self.expiry.is_some_and(|at| at <= turn.moment) {
            let overdue = turn.moment.saturating_sub(PATIENCE);
            for request in self.open.take_waiting_since(overdue) {
                abandon(request, Abandonment::Expired, turn);
            }
            self.expiry = self.open.oldest_waiting().map(|since| since.saturating_add(PATIENCE));
        }
    }

    fn send_late(&mut self, until: Moment, turn: &mut Turn<'_>) {
        while let Some(line) = self.late.take(until) {
            turn.actions.send.extend_from_slice(&line);
        }
    }

    /// The helper stops: failures are sent at once. They tell what they would have told later, and a restart does not wait.
    pub fn hurry(&mut self, turn: &mut Turn<'_>) {
        self.send_late(Moment::MAX, turn);
    }

    /// Whether no exchange is open.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.open.is_empty() && self.late.is_empty()
    }

    /// The connection is gone.
    pub fn close(self, turn: &mut Turn<'_>) {
        self.open.into_iter().for_each(|request| abandon(request, Abandonment::Closed, turn));
    }
}

/// Whether a login from there is to be refused, whatever it proves.
fn judge(from: Option<IpAddr>, who: &Who, turn: &mut Turn<'_>) -> bool {
    turn.limits.judge(&turn.settings.limits, from, who, turn.moment) == Judgement::RefuseUnchecked
}

/// Counts an outcome for the source that it came from.
fn count(request: &Request, outcome: &Outcome, turn: &mut Turn<'_>) {
    let (from, settings) = (request.counted, &turn.settings.limits);
    match outcome {
        Outcome::Authenticated(success) => turn.limits.succeeded(settings, from, success.who()),
        Outcome::Denied(denied) if *denied.reason() == Reason::TooManyFailures => {}
        Outcome::Denied(denied) => turn.limits.failed(settings, from, denied.who(), turn.moment),
        Outcome::Unavailable(_) => {}
    }
}

/// Ends a request without an exchange having ended it: at once, because it tells nothing about any account.
fn refuse(request: Request, refusal: Refusal, turn: &mut Turn<'_>) {
    let (code, reason) = match (&refusal, &request.stage) {
        (Refusal::InvalidBase64(_), Stage::Begun) => {
            (Some(FailCode::InvalidBase64), "Invalid base64 data in initial response")
        }
        (Refusal::InvalidBase64(_), _) => (Some(FailCode::InvalidBase64), "Invalid base64 data in continued response"),
        (Refusal::UnexpectedResponse(_), _) => (None, "Unexpected continuation"),
        (refusal, _) => (refusal.is_ours().then_some(FailCode::TempFail), ""),
    };
    let reason = Some(reason.as_bytes().into()).filter(|_| !reason.is_empty());
    Reply::Fail { id: request.id, user: None, code, reason }.encode(&mut turn.actions.send);
    turn.actions.events.push(Event::Ended(request.login, Ending::Refused(refusal)));
}

fn abandon(request: Request, why: Abandonment, turn: &mut Turn<'_>) {
    turn.actions.events.push(Event::Ended(request.login, Ending::Abandoned(request.mechanism, why)));
}
