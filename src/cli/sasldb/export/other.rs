//! Forms that other programs read. They know one password of an account, and hardly any limits: what they would open
//! wider than it is here is left out.

use zeroize::Zeroizing;

use crate::credential::{Account, Network, PasswordHash, SaltKey, StoredPassword};
use crate::identity::Identity;
use crate::runtime::UnixTime;
use crate::vocabulary::{Scheme, ScramHash};

use super::Written;

/// What Dovecot reads, the strongest first: a password has one of them there.
const OF_DOVECOT: [Scheme; 5] = [
    Scheme::Scram(ScramHash::Sha256),
    Scheme::Scram(ScramHash::Sha1),
    Scheme::Hash,
    Scheme::CramMd5,
    Scheme::DigestMd5,
];

/// A line of a passwd-file.
pub(super) fn dovecot(mut account: Account, scheme: Option<Scheme>, salt_key: &SaltKey, now: UnixTime) -> Written {
    account.spell_out_salts(salt_key);
    let identity = &account.identity;
    one_password(&account, now, |password| {
        let schemes = OF_DOVECOT.into_iter().filter(|known| scheme.is_none_or(|wanted| wanted == *known));
        let text = schemes.filter_map(|scheme| text_of_dovecot(password, scheme, identity)).next();
        let text = text.ok_or_else(|| match scheme {
            Some(scheme) => format!("nothing that Dovecot reads is stored for {}", scheme.name()),
            None => "nothing that Dovecot reads is stored".to_owned(),
        })?;
        let networks: Vec<_> = password.facts.networks.iter().map(Network::to_string).collect();
        let extra = if networks.is_empty() { String::new() } else { format!("allow_nets={}", networks.join(",")) };
        Ok(Zeroizing::new(format!("{identity}:{}::::::{extra}", *text)))
    })
}

fn text_of_dovecot(password: &StoredPassword, scheme: Scheme, identity: &Identity) -> Option<Zeroizing<String>> {
    let secrets = &password.secrets;
    match scheme {
        Scheme::DigestMd5 => secrets.digest_md5.first()?.text(identity),
        Scheme::CramMd5 => Some(secrets.cram_md5.as_ref()?.text()),
        Scheme::Scram(hash) => secrets.scram_keys(hash)?.text(),
        Scheme::Hash => {
            let text = secrets.hash.as_ref()?.as_str();
            let label = match text {
                labelled if labelled.starts_with('{') => "",
                argon2 if argon2.starts_with("$argon2id$") => "{ARGON2ID}",
                argon2 if argon2.starts_with("$argon2i$") => "{ARGON2I}",
                _ => "{CRYPT}",
            };
            // A colon ends the field.
            (!text.contains(':')).then(|| Zeroizing::new(format!("{label}{text}")))
        }
    }
}

/// A line of a table of credentials. OpenSMTPD checks with the system's crypt(3).
pub(super) fn opensmtpd(account: &Account, now: UnixTime) -> Written {
    if account.identity.name.as_str().contains(char::is_whitespace) {
        return left_out("there is a blank in its name");
    }
    one_password(account, now, |password| {
        if !password.facts.networks.is_empty() {
            return Err("it is limited to networks".to_owned());
        }
        let hash = password.secrets.hash.as_ref().map(PasswordHash::as_str);
        let of_crypt = hash.filter(|text| !text.starts_with('{') && !text.starts_with("$argon2"));
        let text = of_crypt.ok_or("no hash of crypt(3) is stored")?;
        Ok(Zeroizing::new(format!("{} {text}", account.identity)))
    })
}

/// The line of the first password that has one. What is said of the account has to be sayable; that is asked first.
fn one_password(
    account: &Account,
    now: UnixTime,
    mut line: impl FnMut(&StoredPassword) -> Result<Zeroizing<String>, String>,
) -> Written {
    if let Some(why) = unsayable(account, now) {
        return left_out(why);
    }
    let mut written = Written::default();
    for password in &account.passwords {
        let made = match limits(password) {
            _ if written.line.is_some() => Err("one password of an account is all that can be said".to_owned()),
            Some(why) => Err(why.to_owned()),
            None => line(password),
        };
        match made {
            Ok(line) => written.line = Some(line),
            Err(why) => written.left_out.push(format!("password {}: {why}", password.facts.label)),
        }
    }
    written
}

fn unsayable(account: &Account, now: UnixTime) -> Option<&'static str> {
    match account.state.expires {
        _ if account.state.disabled => Some("it is disabled"),
        Some(end) if end <= now => Some("it has expired"),
        Some(_) => Some("that it ends cannot be said"),
        None if account.mechanisms.is_some() => Some("it has a list of mechanisms of its own"),
        None if account.identity.realm.as_str().is_empty() => Some("it has no realm"),
        None => None,
    }
}

fn limits(password: &StoredPassword) -> Option<&'static str> {
    match &password.facts {
        facts if facts.expires.is_some() => Some("that it ends cannot be said"),
        facts if !facts.services.is_empty() => Some("it is limited to services"),
        _ if password.secrets.no_plaintext => Some("PLAIN and LOGIN are refused with it"),
        _ => None,
    }
}

fn left_out(why: &str) -> Written {
    Written { line: None, left_out: vec![why.to_owned()] }
}
