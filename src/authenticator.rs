//! The one place where an exchange meets a store. An exchange asks; the store answers at once, later, or says that it
//! cannot; the exchange goes on.

use std::collections::BTreeMap;

use crate::credential::{Lookup, Who};
use crate::exchange::{Asked, Fault, HandOut, HandedOut, Progress};
use crate::identity::{AliasClash, Identity, Realms};
use crate::runtime::UnixTime;
use crate::store::{Answer, CredentialLookup, StoreError, Ticket};

/// Whether an account exists. One that may not log in exists all the same: mail for it is still its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Existence {
    /// There is one, of this name.
    Present(Identity),
    /// There is none.
    Absent,
    /// Nobody can tell now.
    Unavailable(Fault),
}

/// The answer to an [`Inquiry`], of the same kind.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "it is passed on at once")]
pub enum Answered {
    /// An exchange goes on.
    Exchange(Progress),
    /// Whether an account exists.
    Existence(Existence),
    /// What is handed out.
    HandedOut(HandedOut),
}

/// What an account is looked up for.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly every inquiry is the large one")]
pub enum Inquiry {
    /// An exchange, which goes on with the answer.
    Exchange(Asked),
    /// Whether it exists.
    Existence,
    /// What libsasl2's plugin may get out of it.
    HandOut(Box<HandOut>),
}

impl Inquiry {
    /// Takes the store's answer; `now` decides what has expired.
    pub fn answer(self, answer: Result<Lookup, StoreError>, now: UnixTime) -> Answered {
        match self {
            Self::Exchange(asked) => Answered::Exchange(asked.answer(answer, now)),
            Self::Existence => Answered::Existence(existence(answer)),
            Self::HandOut(hand_out) => Answered::HandedOut(hand_out.answer(answer, now)),
        }
    }
}

fn existence(answer: Result<Lookup, StoreError>) -> Existence {
    match answer {
        Ok(lookup) if lookup.known => Existence::Present(lookup.account.identity.clone()),
        Ok(_) => Existence::Absent,
        Err(fault) => Existence::Unavailable(fault.into()),
    }
}

/// Answers what sessions ask. `T` says whose inquiry it is; it is handed back with the answer.
pub struct Authenticator<T> {
    store: Box<dyn CredentialLookup>,
    in_turn: bool,
    last: Ticket,
    under_way: BTreeMap<Ticket, (T, Inquiry)>,
}

impl<T> Authenticator<T> {
    /// Asks `store`.
    #[must_use]
    pub fn new(store: Box<dyn CredentialLookup>) -> Self {
        Self { store, in_turn: false, last: Ticket(0), under_way: BTreeMap::new() }
    }

    /// Answers an inquiry about `who`; none if the answer comes later, out of [`Self::completed`].
    pub fn ask(&mut self, who: Who, inquiry: Inquiry, from: T, now: UnixTime) -> Option<(T, Answered)> {
        if !self.in_turn {
            self.store.begin_turn();
            self.in_turn = true;
        }
        self.last = Ticket(self.last.0.wrapping_add(1));
        match self.store.look_up(who, self.last) {
            Answer::Now(answer) => Some((from, inquiry.answer(answer, now))),
            Answer::Later => {
                self.under_way.insert(self.last, (from, inquiry));
                None
            }
        }
    }

    /// Ends the turn that the first look-up began. What changes in the store from now on counts for the next.
    pub fn end_turn(&mut self) {
        if self.in_turn {
            self.store.end_turn();
            self.in_turn = false;
        }
    }

    /// An answer that came in since. The helper does not ask for any yet: its store answers at once.
    pub fn completed(&mut self, now: UnixTime) -> Option<(T, Answered)> {
        loop {
            let (ticket, answer) = self.store.completed()?;
            if let Some((from, inquiry)) = self.under_way.remove(&ticket) {
                return Some((from, inquiry.answer(answer, now)));
            }
        }
    }

    /// The default realm and its aliases as the store noted them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn realms(&mut self) -> Result<Realms, StoreError> {
        self.store.realms()
    }

    /// The aliases among `realms` that have accounts of their own.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn clashes(&mut self, realms: &Realms) -> Result<Vec<AliasClash>, StoreError> {
        realms.clashes(|alias| self.store.first_in(alias))
    }
}
