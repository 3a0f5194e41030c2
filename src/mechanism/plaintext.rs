//! What PLAIN and LOGIN have in common: a name and a password that crossed the wire.

use crate::credential::{Lookup, PasswordSet, verify};
use crate::secret::{Password, PasswordError};

use super::{Asker, Computation, MAX_IDENTITY, Malformed, Question, Step, Suspended, Verdict, judge};

/// The password, until the name is looked up.
pub(super) struct Presented(Password);

/// Asks for the account of somebody who presents a password.
pub(super) fn ask(authcid: &[u8], realm: Option<&[u8]>, authzid: &[u8], password: &[u8]) -> Step {
    if authcid.len() > MAX_IDENTITY || authzid.len() > MAX_IDENTITY {
        return Step::malformed(Malformed::TooLong);
    }
    let password = match Password::new(password.to_vec()) {
        Ok(password) => password,
        Err(PasswordError::TooLong) => return Step::malformed(Malformed::TooLong),
        Err(PasswordError::Empty | PasswordError::Nul) => return Step::malformed(Malformed::Syntax),
    };
    let authzid = (!authzid.is_empty()).then(|| authzid.to_vec());
    let question = Question { authcid: authcid.to_vec(), realm: realm.map(<[u8]>::to_vec), authzid };
    Step::Need(Suspended { question, asker: Asker::Plaintext(Presented(password)) })
}

impl Presented {
    pub(super) fn resume(self, lookup: Lookup, usable: PasswordSet) -> Step {
        let passwords = lookup.account.passwords.iter().enumerate();
        let permitted = passwords.filter(|(_, p)| !p.secrets.no_plaintext).map(|(position, _)| position).collect();
        let wanted = usable.intersection(permitted);
        let found = verify::check_fast(&self.0, &lookup.account, wanted);
        if found.intersection(wanted).is_empty() && verify::needs_slow_check(&lookup.account) {
            return Step::Compute(Computation(SlowCheck { password: self.0, lookup, permitted, usable, found }));
        }
        Step::Done(judge(found.intersection(permitted), usable, |_| None).by(self.0))
    }
}

/// The check against secrets that take milliseconds.
pub(super) struct SlowCheck {
    password: Password,
    lookup: Lookup,
    /// The passwords that may be used in the clear.
    permitted: PasswordSet,
    usable: PasswordSet,
    /// Those that the fast check found.
    found: PasswordSet,
}

impl SlowCheck {
    pub(super) fn run(self) -> Verdict {
        let wanted = self.usable.intersection(self.permitted);
        let found = self.found.union(verify::check_slowly(&self.password, &self.lookup, wanted));
        judge(found.intersection(self.permitted), self.usable, |_| None).by(self.password)
    }
}
