//! What all sessions of a loop share: settings, time, randomness, the store, the pool and the log.

use crate::authenticator::Authenticator;
use crate::event::Event;
use crate::exchange::Outcome;
use crate::identity::Realms;
use crate::runtime::{Clock, Moment, SystemClock, UnixTime};
use crate::store::StoreError;

use super::SettingsSource;
use super::connection::Key;
use super::conversation::Conversation;
use super::entropy::Portions;
use super::learner::Lessons;
use super::limits::Limits;
use super::log::Log;
use super::pool::Pool;
use super::session::{Actions, Serial, Settings, Turn};

/// Whose look-up or computation it is.
pub(super) type Owner = (Key, Serial);

pub(super) struct Desk {
    source: Box<dyn SettingsSource>,
    settings: Settings,
    /// What the store notes about realms; none as long as it could not be asked.
    noted: Option<Realms>,
    clock: SystemClock,
    now: UnixTime,
    pub(super) moment: Moment,
    entropy: Portions,
    pub(super) actions: Actions,
    authenticator: Authenticator<Owner>,
    pool: Pool<Owner>,
    limits: Limits,
    lessons: Lessons,
    log: Log,
}

impl Desk {
    pub(super) fn new(
        source: Box<dyn SettingsSource>,
        authenticator: Authenticator<Owner>,
        pool: Pool<Owner>,
        lessons: Lessons,
        log: Log,
    ) -> Self {
        let clock = SystemClock::start();
        let mut desk = Self {
            settings: source.settings(None),
            source,
            noted: None,
            now: clock.now(),
            moment: clock.moment(),
            clock,
            entropy: Portions::new(),
            actions: Actions::default(),
            authenticator,
            pool,
            limits: Limits::default(),
            lessons,
            log,
        };
        if let Err(fault) = desk.ask_for_realms() {
            desk.note(Event::StoreLost(fault));
        }
        desk
    }

    /// Notes an event for the log.
    pub(super) fn note(&mut self, event: Event) {
        self.actions.events.push(event);
    }

    /// A turn of the loop begins: the time is what it is now.
    pub(super) fn begin_turn(&mut self) {
        self.now = self.clock.now();
        self.moment = self.clock.moment();
    }

    /// Requests have come, perhaps after a change of the store: an older view of it is none for them. And if it was out of
    /// reach it may be back, with realms of its own.
    pub(super) fn begin_requests(&mut self) {
        self.authenticator.end_turn();
        if self.noted.is_none() && self.ask_for_realms().is_ok() {
            self.note(Event::StoreFound);
        }
    }

    fn ask_for_realms(&mut self) -> Result<(), StoreError> {
        let noted = self.authenticator.realms()?;
        self.settings = self.source.settings(Some(&noted));
        let realm = self.settings.policy.realms.default_realm();
        let known = [noted.default_realm()].into_iter().chain(noted.aliases()).any(|other| other.same(realm));
        if !known {
            let (realm, noted) = (realm.as_str().to_owned(), noted.default_realm().as_str().to_owned());
            self.note(Event::ForeignRealm { realm, noted });
        }
        self.noted = Some(noted);
        for clash in self.authenticator.clashes(&self.settings.policy.realms)? {
            self.note(Event::OccupiedAlias(clash));
        }
        Ok(())
    }

    /// What a session needs, now.
    pub(super) fn turn(&mut self) -> Turn<'_> {
        Turn {
            settings: &self.settings,
            now: self.now,
            moment: self.moment,
            entropy: &mut self.entropy,
            limits: &mut self.limits,
            actions: &mut self.actions,
        }
    }

    /// Does what the session asked for, until it asks for nothing more that can be done at once.
    pub(super) fn carry_out(&mut self, key: Key, session: &mut Conversation) {
        while !self.actions.close && self.actions.wants_anything() {
            let mut inquiries = core::mem::take(&mut self.actions.inquiries);
            for (serial, who, mut inquiry) in inquiries.drain(..) {
                session.judge(serial, &who, &mut inquiry, &mut self.turn());
                if let Some((_, answered)) = self.authenticator.ask(who, inquiry, (key, serial), self.now) {
                    session.answer(serial, answered, &mut self.turn());
                }
            }
            if self.actions.inquiries.is_empty() {
                self.actions.inquiries = inquiries;
            }
            let computations = core::mem::take(&mut self.actions.computations);
            for (serial, work) in computations {
                if let Some((_, outcome)) = self.pool.submit((key, serial), work, self.moment) {
                    session.conclude(serial, outcome, &mut self.turn());
                }
            }
        }
        // A connection that is closed needs no answers.
        self.actions.inquiries.clear();
        self.actions.computations.clear();
    }

    /// A computation that has ended.
    pub(super) fn finished(&mut self) -> Option<(Owner, Outcome)> {
        self.pool.finished(self.moment)
    }

    /// When a computation has waited too long.
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.pool.deadline()
    }

    /// The learner has something to say.
    pub(super) fn hear_learner(&mut self) {
        self.lessons.hear(&mut self.actions.events);
    }

    /// Hands on what was learnt, now that all replies are out.
    fn teach(&mut self) {
        self.actions.lessons.drain(..).for_each(|lesson| self.lessons.take(lesson));
        self.lessons.send(&mut self.actions.events);
    }

    /// The turn ends.
    pub(super) fn end_turn(&mut self) {
        self.authenticator.end_turn();
        self.teach();
        self.log.take(&mut self.actions.events);
    }

    /// Reads the settings again. Where they cannot hold, the old ones do.
    pub(super) fn reload(&mut self) {
        match self.acceptable() {
            Ok(source) => {
                self.source = source;
                self.log.show_unknown_names(self.source.log_unknown_names());
                self.settings = self.source.settings(self.noted.as_ref());
                self.noted = None;
                if let Err(fault) = self.ask_for_realms() {
                    self.note(Event::StoreLost(fault));
                }
                self.note(Event::Reloaded);
                if !self.settings.policy.learn.is_empty() && !self.lessons.has_learner() {
                    let why = "there is no learner, and only a helper that starts may have the rights to make one";
                    self.note(Event::LearningOff(why.to_owned()));
                }
            }
            Err(fault) => self.note(Event::NotReloaded(fault)),
        }
    }

    /// The settings as they are now, if a helper would start with them.
    fn acceptable(&mut self) -> Result<Box<dyn SettingsSource>, String> {
        let source = self.source.read_again()?;
        // A store that cannot be asked says nothing against them; when it can, it will.
        let Ok(noted) = self.authenticator.realms() else { return Ok(source) };
        let realms = &source.settings(Some(&noted)).policy.realms;
        match self.authenticator.clashes(realms).unwrap_or_default().first() {
            Some(clash) => Err(clash.to_string()),
            None => Ok(source),
        }
    }
}
