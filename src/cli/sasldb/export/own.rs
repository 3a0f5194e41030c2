//! Our own form: an account as it should be, a line of JSON that `sasldb-rs apply` reads.

use base64ct::{Base64, Encoding as _};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::sasldb::apply::SEALED;
use crate::cli::when::rfc3339;
use crate::credential::{Account, Network, SaltKey, ServiceName, StoredPassword};
use crate::identity::Identity;
use crate::runtime::SystemEntropy;
use crate::store::StoreError;
use crate::store::sqlite::Inspector;
use crate::vocabulary::Mechanism;

use super::Written;

pub(super) struct Form<'a> {
    pub(super) inspector: &'a Inspector,
    pub(super) salt_key: SaltKey,
    pub(super) reveals: bool,
}

/// `docs/apply.schema.json` describes it. Everything is said that may be otherwise where it is read.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    realm: Option<&'a str>,
    disabled: bool,
    expires: String,
    mechanisms: Vec<&'static str>,
    passwords: Vec<Password<'a>>,
}

#[derive(Serialize)]
struct Password<'a> {
    label: &'a str,
    password_hash: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    services: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    networks: Vec<String>,
}

impl Form<'_> {
    pub(super) fn of(&self, mut account: Account) -> Written {
        account.spell_out_salts(&self.salt_key);
        let Account { identity, passwords, .. } = &account;
        match passwords.iter().map(|password| self.texts(identity, password)).collect::<Result<Vec<_>, _>>() {
            Ok(texts) => Written { line: Some(line(&account, &texts)), left_out: Vec::new() },
            Err(fault) => Written { line: None, left_out: vec![fault.to_string()] },
        }
    }

    fn texts(&self, identity: &Identity, password: &StoredPassword) -> Result<Vec<Zeroizing<String>>, StoreError> {
        if self.reveals {
            return Ok(password.secrets.texts());
        }
        let sealed = self.inspector.seal_password(identity, password, &mut SystemEntropy)?;
        Ok(vec![Zeroizing::new(format!("{SEALED}{}", Base64::encode_string(&sealed)))])
    }
}

fn line(account: &Account, texts: &[Vec<Zeroizing<String>>]) -> Zeroizing<String> {
    let Identity { name, realm } = &account.identity;
    // Without a realm the name says so itself: a realm that is empty counts as none.
    let without_realm = realm.as_str().is_empty().then(|| format!("{}@", name.as_str()));
    let passwords = account.passwords.iter().zip(texts).map(|(StoredPassword { facts, secrets }, texts)| Password {
        label: facts.label.as_str(),
        password_hash: texts.iter().map(|text| text.as_str()).collect(),
        plaintext: secrets.no_plaintext.then_some(false),
        expires: facts.expires.map(rfc3339),
        services: facts.services.iter().map(ServiceName::as_str).collect(),
        networks: facts.networks.iter().map(Network::to_string).collect(),
    });
    let line = Line {
        name: without_realm.as_deref().unwrap_or(name.as_str()),
        realm: without_realm.is_none().then_some(realm.as_str()),
        disabled: account.state.disabled,
        expires: account.state.expires.map_or_else(|| "never".to_owned(), rfc3339),
        mechanisms: account.mechanisms.iter().flat_map(|set| set.iter()).map(Mechanism::name).collect(),
        passwords: passwords.collect(),
    };
    // Texts, lists and truths always have a JSON form.
    Zeroizing::new(serde_json::to_string(&line).unwrap_or_default())
}
