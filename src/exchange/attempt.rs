//! The states of one exchange. Each is consumed by the step taken from it.

use std::sync::Arc;

use crate::credential::{Lesson, Lookup, PasswordSet, Who};
use crate::identity::Realms;
use crate::mechanism::{self, Awaiting, Computation, Question, Start, Step, Suspended, Verdict};
use crate::runtime::UnixTime;
use crate::store::StoreError;
use crate::vocabulary::{InitialResponse, Mechanism};

use super::outcome::{Authenticated, Denied, Fault, Outcome, Reason, Unavailable};
use super::policy::{Context, Policy, account_hindrance, mechanism_hindrance, usable_passwords};

/// What an exchange does next.
#[derive(Debug)]
#[must_use = "an exchange has to be carried on"]
pub enum Progress {
    /// Send `data` and wait for the response.
    Challenge {
        /// The challenge, raw.
        data: Vec<u8>,
        /// Takes the response.
        next: Waiting,
    },
    /// Look `who` up.
    LookUp {
        /// Whose account.
        who: Who,
        /// Takes the answer.
        next: Asked,
    },
    /// Run this where blocking is allowed.
    Compute(Work),
    /// It has ended.
    Done(Outcome),
}

/// What stays the same throughout an exchange.
#[derive(Debug)]
struct Attempt {
    policy: Arc<Policy>,
    context: Context,
    mechanism: Mechanism,
}

/// Begins an exchange. `nonce` must be fresh and unpredictable: see [`Start::nonce`].
pub fn begin(
    policy: &Arc<Policy>,
    context: Context,
    mechanism: Mechanism,
    initial: InitialResponse<'_>,
    nonce: &str,
    now: UnixTime,
) -> Progress {
    let start = Start {
        nonce,
        timestamp: u64::try_from(now.0).unwrap_or(0),
        hostname: &policy.hostname,
        realm: policy.realms.default_realm().as_str(),
        certificate_name: context.certificate_name.as_deref(),
    };
    let step = mechanism::begin(mechanism, &start, initial);
    Attempt { policy: Arc::clone(policy), context, mechanism }.go_on(step)
}

/// Begins the exchange of a password that somebody presents in another protocol than SASL: for the policy it is PLAIN.
pub fn present(policy: &Arc<Policy>, context: Context, name: &[u8], realm: Option<&[u8]>, password: &[u8]) -> Progress {
    let step = mechanism::present(name, realm, password);
    Attempt { policy: Arc::clone(policy), context, mechanism: Mechanism::Plain }.go_on(step)
}

impl Attempt {
    /// Carries a step out as far as nothing is known about the account yet.
    fn go_on(self, step: Step) -> Progress {
        match step {
            Step::Challenge { data, next } => {
                Progress::Challenge { data, next: Waiting { attempt: self, subject: None, awaiting: next } }
            }
            Step::Need(suspended) => {
                let question = suspended.question();
                let who = asked_for(&self.policy.realms, &question.authcid, question.realm.as_deref());
                Progress::LookUp { who, next: Asked { attempt: self, suspended, refused: false } }
            }
            // A verdict before any question can only be about the message itself.
            Step::Done(verdict) => Progress::Done(self.conclude(None, verdict)),
            Step::Compute(computation) => Progress::Done(self.conclude(None, computation.run())),
        }
    }

    /// Carries a step out once the account is known.
    fn go_on_with(self, subject: Subject, step: Step) -> Progress {
        match step {
            Step::Challenge { data, next } => {
                Progress::Challenge { data, next: Waiting { attempt: self, subject: Some(subject), awaiting: next } }
            }
            // A slow check whose verdict counts for nothing would only keep others waiting.
            Step::Compute(_) if subject.hindrance == Some(Reason::TooManyFailures) => {
                Progress::Done(self.conclude(Some(subject), Verdict::Mismatch))
            }
            Step::Compute(computation) => Progress::Compute(Work { attempt: self, subject, computation }),
            Step::Done(verdict) => Progress::Done(self.conclude(Some(subject), verdict)),
            // No mechanism asks twice; one that did would ask about somebody else.
            Step::Need(_) => Progress::Done(self.conclude(Some(subject), Verdict::Mismatch)),
        }
    }

    fn hindrance(&self) -> Option<Reason> {
        mechanism_hindrance(&self.policy, &self.context, self.mechanism)
    }

    /// The one place where a proof becomes a success: it takes a known account and nothing that stands against it.
    fn conclude(self, subject: Option<Subject>, verdict: Verdict) -> Outcome {
        let hindrance = self.hindrance();
        let Some(subject) = subject else {
            let reason = match (hindrance, verdict) {
                (Some(reason), _) => reason,
                (None, Verdict::Malformed(fault)) => Reason::Malformed(fault),
                (None, _) => Reason::UnknownAccount,
            };
            return Outcome::Denied(Denied { who: None, known: false, mechanism: self.mechanism, reason });
        };
        let Subject { lookup, hindrance: about_account } = subject;
        let label_of = |position: usize| lookup.account.passwords.get(position).map(|p| p.facts.label.clone());
        let reason = match (hindrance.or(about_account), verdict) {
            (None, Verdict::Proven { password, final_data, presented }) if lookup.known => {
                let lesson = presented.zip(password).and_then(|(presented, position)| {
                    Lesson::of(&lookup.account, position, presented, &self.policy.learn)
                });
                return Outcome::Authenticated(Authenticated {
                    identity: lookup.account.identity.clone(),
                    who: lookup.who,
                    label: password.and_then(label_of),
                    mechanism: self.mechanism,
                    final_data,
                    lesson: lesson.map(Box::new),
                });
            }
            (Some(reason), _) => reason,
            (None, _) if !lookup.known => Reason::UnknownAccount,
            (None, Verdict::Limited(position)) => {
                Reason::PasswordLimited(label_of(position).map_or_else(String::new, |label| label.as_str().to_owned()))
            }
            (None, Verdict::Malformed(fault)) => Reason::Malformed(fault),
            (None, Verdict::Mismatch | Verdict::Proven { .. }) => Reason::Mismatch,
        };
        Outcome::Denied(Denied { who: Some(lookup.who), known: lookup.known, mechanism: self.mechanism, reason })
    }
}

/// The account of an exchange and what stands against it, whatever is proven.
#[derive(Debug)]
struct Subject {
    lookup: Lookup,
    hindrance: Option<Reason>,
}

/// Waiting for the client's response.
#[derive(Debug)]
pub struct Waiting {
    attempt: Attempt,
    subject: Option<Subject>,
    awaiting: Awaiting,
}

impl Waiting {
    /// Takes the response.
    pub fn respond(self, response: &[u8]) -> Progress {
        let step = self.awaiting.respond(response);
        match self.subject {
            Some(subject) => self.attempt.go_on_with(subject, step),
            None => self.attempt.go_on(step),
        }
    }

    /// Whose account it is about, once that is known.
    #[must_use]
    pub fn who(&self) -> Option<&Who> {
        self.subject.as_ref().map(|subject| &subject.lookup.who)
    }

    /// Whatever comes, it will be denied; the steps stay the same.
    pub fn refuse(&mut self) {
        if let Some(subject) = &mut self.subject {
            subject.hindrance = Some(Reason::TooManyFailures);
        }
    }
}

/// Waiting for a look-up.
#[derive(Debug)]
pub struct Asked {
    attempt: Attempt,
    suspended: Suspended,
    refused: bool,
}

impl Asked {
    /// Whatever comes, it will be denied: its source has failed too often. The steps stay the same.
    pub fn refuse(&mut self) {
        self.refused = true;
    }

    /// Takes the answer; `now` decides what has expired.
    pub fn answer(self, answer: Result<Lookup, StoreError>, now: UnixTime) -> Progress {
        let Self { attempt, suspended, refused } = self;
        let lookup = match answer {
            Ok(lookup) => lookup,
            Err(fault) => {
                let mechanism = attempt.mechanism;
                return Progress::Done(Outcome::Unavailable(Unavailable { mechanism, fault: fault.into() }));
            }
        };
        let account = &lookup.account;
        let hindrance = if acts_for_itself(&attempt.policy.realms, suspended.question(), &lookup.who) {
            account_hindrance(account, attempt.mechanism, now)
        } else {
            Some(Reason::OtherAuthzid)
        };
        let hindrance = match hindrance {
            _ if refused => Some(Reason::TooManyFailures),
            hindrance if lookup.known => hindrance,
            _ => None,
        };
        // Where nothing may succeed no password is good for anything, so that a right one makes as much work as a wrong one.
        let hindered = hindrance.is_some() || attempt.hindrance().is_some();
        let usable = usable_passwords(account, &attempt.context, now);
        let usable = if hindered { PasswordSet::default() } else { usable };
        let step = suspended.resume(lookup.clone(), usable);
        attempt.go_on_with(Subject { lookup, hindrance }, step)
    }
}

/// A slow check on its way to a thread that may block.
#[derive(Debug)]
pub struct Work {
    attempt: Attempt,
    subject: Subject,
    computation: Computation,
}

impl Work {
    /// Does it. Takes milliseconds of CPU time.
    pub fn run(self) -> Outcome {
        let verdict = self.computation.run();
        self.attempt.conclude(Some(self.subject), verdict)
    }

    /// Whose password is checked: only one check at a time runs for an account.
    #[must_use]
    pub fn who(&self) -> &Who {
        &self.subject.lookup.who
    }

    /// The mechanism, for the ending of a check that came to none.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.attempt.mechanism
    }

    /// Where the login comes from: only a few checks at a time run for a source.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.attempt.context
    }

    /// The ending of a check that found no thread to run on.
    pub fn overflow(self) -> Outcome {
        Outcome::Unavailable(Unavailable { mechanism: self.attempt.mechanism, fault: Fault::Overloaded })
    }
}

/// Whose account a client means by what it sent.
pub(super) fn asked_for(realms: &Realms, name: &[u8], realm: Option<&[u8]>) -> Who {
    match (realms.key_from_wire(name, realm), realm) {
        (Some(key), _) => Who::Account(key),
        (None, None) => Who::Nobody(name.to_owned()),
        (None, Some(realm)) => Who::Nobody([name, b"\0", realm].concat()),
    }
}

/// Whether the authorization identity, if there is one, is the user's own: as typed, or as it names an account.
fn acts_for_itself(realms: &Realms, question: &Question, who: &Who) -> bool {
    let Some(authzid) = question.authzid.as_deref().filter(|a| !a.is_empty()) else { return true };
    let names_it = |realm| match (realms.key_from_wire(authzid, realm), who) {
        (Some(named), Who::Account(key)) => named == *key,
        _ => false,
    };
    authzid == question.authcid || names_it(None) || names_it(question.realm.as_deref())
}
