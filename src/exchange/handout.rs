//! What is handed out of an account for libsasl2 to check a login with. Nobody proves anything here: the policy permits, for this
//! peer, this account and its password `main`, and no more than a checked login could use.

use std::sync::Arc;

use crate::credential::scram::auth_password;
use crate::credential::{DigestMd5Hash, Label, Lookup, StoredPassword, Who};
use crate::identity::{Identity, Realm, text_from_wire};
use crate::protocol::lookup::{Answer, Form, Forms, LookupFault, Property, Request};
use crate::runtime::UnixTime;
use crate::secret::{SecretArray, SecretBytes};
use crate::store::StoreError;
use crate::vocabulary::{Mechanism, MechanismSet};

use super::attempt::asked_for;
use super::outcome::{Fault, Reason};
use super::policy::{Context, Policy, account_hindrance, mechanism_hindrance, usable_passwords};

/// What one peer may get.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grant {
    /// The realms whose accounts; `None` means all.
    pub realms: Option<Vec<Realm>>,
    /// For which mechanisms; `None` means all.
    pub mechanisms: Option<MechanismSet>,
}

/// Random bytes for what a decoy has: StoredKey and ServerKey, a hash for DIGEST-MD5, the states for CRAM-MD5. They are drawn for
/// every look-up, so that known and unknown names cost the same.
pub type DecoyKeys = SecretArray<176>;

/// A look-up on its way: what is wanted, and how the client spells its name.
#[derive(Debug)]
pub struct HandOut {
    policy: Arc<Policy>,
    grant: Arc<Grant>,
    context: Context,
    wanted: Forms,
    username: String,
    realm: String,
    decoy: DecoyKeys,
}

/// How it ended.
#[derive(Debug)]
#[must_use = "a look-up is to be answered"]
pub enum HandedOut {
    /// Secrets of this account, for these mechanisms.
    Given(Identity, Vec<Mechanism>, Answer),
    /// None, or what stands for them.
    Withheld {
        /// Whose account was asked for, and whether there is one.
        who: Who,
        /// Whether there is such an account.
        known: bool,
        /// Why.
        why: Withheld,
        /// Secrets that no password fits; nothing where the mechanism is not for this peer.
        answer: Answer,
    },
    /// Nobody can tell now.
    Unavailable(Fault),
}

/// Why nothing was handed out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// As a login would be refused.
    #[error("{0}")]
    Denied(Reason),
    /// The peer gets no accounts of this realm.
    #[error("realm not for this peer")]
    Realm,
    /// The peer gets nothing for these mechanisms, or the helper does not offer them.
    #[error("mechanism not for this peer")]
    Mechanism,
    /// The password was set without this secret, or the name is spelled as no hash has it.
    #[error("no such secret")]
    NoSecret,
}

impl HandOut {
    /// Begins a look-up: whose account it needs.
    #[must_use]
    pub fn begin(policy: &Arc<Policy>, grant: &Arc<Grant>, request: &Request<'_>, decoy: DecoyKeys) -> (Who, Self) {
        let realm = if request.realm.is_empty() { request.host } else { request.realm };
        // The one account that a name means through libsasl2, for whatever mechanism: the name's own realm, else the program's,
        // else the default.
        let who = asked_for(&policy.realms, request.name, Some(request.realm));
        let service = String::from_utf8_lossy(request.service);
        let hand_out = Self {
            policy: Arc::clone(policy),
            grant: Arc::clone(grant),
            context: Context { service: service.as_ref().into(), ..Context::default() },
            wanted: request.wanted,
            username: text_from_wire(request.name).into_owned(),
            realm: text_from_wire(realm).into_owned(),
            decoy,
        };
        (who, hand_out)
    }

    /// The service, in the words of the peer.
    #[must_use]
    pub fn service(&self) -> &Arc<str> {
        &self.context.service
    }

    /// Takes the store's answer; `now` decides what has expired.
    pub fn answer(&self, answer: Result<Lookup, StoreError>, now: UnixTime) -> HandedOut {
        let lookup = match answer {
            Ok(lookup) => lookup,
            Err(fault) => return HandedOut::Unavailable(fault.into()),
        };
        let (mut given, mut properties, mut why) = (Vec::new(), Vec::new(), Withheld::Mechanism);
        for form in Form::ALL.into_iter().filter(|form| self.wanted.contains(*form)) {
            match self.secret(form, &lookup, now).and_then(|value| property(form, value)) {
                Ok(property) => {
                    given.push(mechanism_of(form));
                    properties.push(property);
                }
                // Whoever asks for SCRAM wants all its hashes: that some are not for this peer says nothing about the account.
                Err(Withheld::Mechanism) => {}
                // With nothing libsasl2 would say that there is no such user, and some programs tell their clients.
                Err(reason) => {
                    properties.extend(self.decoy(form, &lookup).and_then(|decoy| property(form, decoy).ok()));
                    why = reason;
                }
            }
        }
        let answer = Answer::of(properties);
        if given.is_empty() {
            HandedOut::Withheld { who: lookup.who, known: lookup.known, why, answer }
        } else {
            HandedOut::Given(lookup.account.identity.clone(), given, answer)
        }
    }

    /// The secret of this form, or why there is none.
    fn secret(&self, form: Form, lookup: &Lookup, now: UnixTime) -> Result<SecretBytes, Withheld> {
        let mechanism = mechanism_of(form);
        let granted = self.grant.mechanisms.is_none_or(|mechanisms| mechanisms.contains(mechanism));
        if !granted || mechanism_hindrance(&self.policy, &self.context, mechanism).is_some() {
            return Err(Withheld::Mechanism);
        }
        let (Who::Account(key), true) = (&lookup.who, lookup.known) else {
            return Err(Withheld::Denied(Reason::UnknownAccount));
        };
        if self.grant.realms.as_ref().is_some_and(|realms| !realms.iter().any(|realm| key.is_in(realm))) {
            return Err(Withheld::Realm);
        }
        if let Some(reason) = account_hindrance(&lookup.account, mechanism, now) {
            return Err(Withheld::Denied(reason));
        }
        let password = self.main_password(lookup, now)?;
        self.form_of(password, form, lookup).ok_or(Withheld::NoSecret)
    }

    /// libsasl2 can take one secret for each mechanism, and learns nothing of labels: the password that nobody named.
    fn main_password<'a>(&self, lookup: &'a Lookup, now: UnixTime) -> Result<&'a StoredPassword, Withheld> {
        let (account, main) = (&lookup.account, Label::main());
        let mut passwords = account.passwords.iter().enumerate();
        let (position, password) = passwords.find(|(_, p)| p.facts.label == main).ok_or(Withheld::NoSecret)?;
        // The peer says for which service it asks; from where its client comes it does not say.
        if usable_passwords(account, &self.context, now).contains(position) {
            Ok(password)
        } else {
            Err(Withheld::Denied(Reason::PasswordLimited(main.as_str().to_owned())))
        }
    }

    /// What no password fits; for SCRAM under the salt and count that this name has or would have.
    fn decoy(&self, form: Form, lookup: &Lookup) -> Option<SecretBytes> {
        let (scram, md5) = self.decoy.expose().split_at(128);
        let (digest_md5, cram_md5) = md5.split_at(16);
        match form {
            Form::DigestMd5 => Some(digest_md5.into()),
            Form::CramMd5 => Some(cram_md5.into()),
            Form::ScramSha1 | Form::ScramSha256 | Form::ScramSha512 => {
                let hash = mechanism_of(form).scram_hash()?;
                let parameters = lookup.scram_parameters(hash);
                let (stored, server) = scram.split_at(64);
                let (stored, server) = (stored.get(..hash.output_len())?, server.get(..hash.output_len())?);
                Some(auth_password(hash, parameters.iterations, &parameters.salt, stored, server))
            }
        }
    }

    fn form_of(&self, password: &StoredPassword, form: Form, lookup: &Lookup) -> Option<SecretBytes> {
        let secrets = &password.secrets;
        match form {
            Form::DigestMd5 => {
                let (identity, realms) = (&lookup.account.identity, &self.policy.realms);
                let hashes = &secrets.digest_md5;
                let hash = DigestMd5Hash::of_libsasl2(hashes, identity, realms, &self.username, &self.realm)?;
                Some(hash.hash.expose().as_slice().into())
            }
            Form::CramMd5 => Some(secrets.cram_md5.as_ref()?.to_cyrus().expose().as_slice().into()),
            Form::ScramSha1 | Form::ScramSha256 | Form::ScramSha512 => {
                let keys = secrets.scram_keys(mechanism_of(form).scram_hash()?)?;
                let salt = lookup.salt_of(keys);
                let (stored, server) = (keys.stored_key.expose(), keys.server_key.expose());
                Some(auth_password(keys.hash, keys.iterations, &salt, stored, server))
            }
        }
    }
}

fn mechanism_of(form: Form) -> Mechanism {
    match form {
        Form::DigestMd5 => Mechanism::DigestMd5,
        Form::CramMd5 => Mechanism::CramMd5,
        Form::ScramSha1 => Mechanism::ScramSha1,
        Form::ScramSha256 => Mechanism::ScramSha256,
        Form::ScramSha512 => Mechanism::ScramSha512,
    }
}

/// A verifier imported with a salt of unusual length does not fit a property.
fn property(form: Form, value: SecretBytes) -> Result<Property, Withheld> {
    Property::new(form, value).map_err(|_: LookupFault| Withheld::NoSecret)
}
