//! One connection of the userdb protocol, without the connection: whether accounts exist, and nothing else about them. Pure.

use crate::authenticator::{Existence, Inquiry};
use crate::credential::Who;
use crate::event::Event;
use crate::exchange::Fault;
use crate::identity::Authcid;
use crate::protocol::dovecot::{Breach, RequestId, UserdbCommand, UserdbDecoder, UserdbReply, encode_userdb_greeting};
use crate::runtime::Moment;

use super::session::{Origin, Serial, Turn, VERDICT_WITHIN};

/// The most look-ups that are under way at once on a connection; those beyond fail.
const MAX_OPEN: usize = 1024;

/// One connection.
#[derive(Debug)]
pub struct UserdbSession {
    decoder: UserdbDecoder,
    /// VERSION has come.
    is_greeted: bool,
    open: Vec<Asking>,
    last: Serial,
}

/// A look-up that is under way.
#[derive(Debug)]
struct Asking {
    serial: Serial,
    id: RequestId,
    /// When it was asked for.
    arrived: Moment,
}

impl UserdbSession {
    /// Begins with the greeting.
    pub fn begin(origin: Origin, turn: &mut Turn<'_>) -> Self {
        encode_userdb_greeting(origin.server_pid, &mut turn.actions.send);
        Self { decoder: UserdbDecoder::default(), is_greeted: false, open: Vec::new(), last: Serial::default() }
    }

    /// Takes what the client sent.
    pub fn receive(&mut self, bytes: &[u8], turn: &mut Turn<'_>) {
        let mut decoder = core::mem::take(&mut self.decoder);
        let mut rest = bytes;
        while let Some(command) = decoder.take(&mut rest) {
            if let Err(breach) = command.and_then(|command| self.obey(command, turn)) {
                turn.actions.events.push(Event::Breach(breach));
                turn.actions.close = true;
                return;
            }
        }
        self.decoder = decoder;
    }

    fn obey(&mut self, command: UserdbCommand<'_>, turn: &mut Turn<'_>) -> Result<(), Breach> {
        if command == UserdbCommand::Version {
            self.is_greeted = true;
            return Ok(());
        }
        if !self.is_greeted {
            return Err(Breach::NoHandshake);
        }
        match command {
            UserdbCommand::Version => {}
            UserdbCommand::User { id, name } => self.look_up(id, &name, turn),
            UserdbCommand::Pass(id) => UserdbReply::Fail(id).encode(&mut turn.actions.send),
            UserdbCommand::List(id) => UserdbReply::ListRefused(id).encode(&mut turn.actions.send),
        }
        Ok(())
    }

    fn look_up(&mut self, id: RequestId, name: &[u8], turn: &mut Turn<'_>) {
        // A name that no account can have needs no store to be told apart from one that an account has.
        let Ok(name) = Authcid::from_wire(name) else {
            return UserdbReply::NotFound(id).encode(&mut turn.actions.send);
        };
        if self.open.len() >= MAX_OPEN {
            return UserdbReply::Fail(id).encode(&mut turn.actions.send);
        }
        self.last = self.last.next();
        self.open.push(Asking { serial: self.last, id, arrived: turn.moment });
        let identity = turn.settings.policy.realms.resolve(&name, None);
        turn.actions.inquiries.push((self.last, Who::Account(identity.key()), Inquiry::Existence));
    }

    /// Takes what came of a look-up.
    pub fn answer(&mut self, serial: Serial, existence: Existence, turn: &mut Turn<'_>) {
        // One that was given up meanwhile needs no answer.
        let Some(place) = self.open.iter().position(|asking| asking.serial == serial) else { return };
        let Asking { id, .. } = self.open.remove(place);
        let reply = match existence {
            Existence::Present(identity) => UserdbReply::User { id, name: identity.to_string().into_bytes().into() },
            Existence::Absent => UserdbReply::NotFound(id),
            Existence::Unavailable(fault) => {
                turn.actions.events.push(Event::ExistenceUnknown(fault));
                UserdbReply::Fail(id)
            }
        };
        reply.encode(&mut turn.actions.send);
    }

    /// When [`Self::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        self.open.first().map(|oldest| oldest.arrived.saturating_add(VERDICT_WITHIN))
    }

    /// Time has passed: gives up what the store has not answered. chasquid waits five seconds for all that it asks.
    pub fn tick(&mut self, turn: &mut Turn<'_>) {
        while self.deadline().is_some_and(|at| at <= turn.moment)
            && let Some(oldest) = self.open.first().map(|asking| asking.serial)
        {
            self.answer(oldest, Existence::Unavailable(Fault::Overdue), turn);
        }
    }

    /// Whether no look-up is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.open.is_empty()
    }
}
