//! Which passwords serve which mechanisms.

use crate::credential::{Account, PasswordHash, ScramKeys, Secrets, StoredPassword};
use crate::runtime::UnixTime;
use crate::vocabulary::{Mechanism, MechanismSet, Scheme};

use super::report::{Finding, Kind, listed};

/// The mechanisms that are good for an account.
pub(super) fn permitted(account: &Account, announced: MechanismSet) -> impl Iterator<Item = Mechanism> {
    let own = account.mechanisms;
    announced.iter().filter(move |mechanism| own.is_none_or(|own| own.contains(*mechanism)))
}

/// What clients of an account will miss, of all that the helper announces: a mechanism that none of its passwords serves, and
/// a password that one of the others does not.
pub(super) fn missing(account: &Account, announced: MechanismSet, now: UnixTime) -> Vec<Finding> {
    let current = |password: &&StoredPassword| password.facts.expires.is_none_or(|at| at > now);
    let passwords: Vec<&StoredPassword> = account.passwords.iter().filter(current).collect();
    let (served, unserved): (Vec<Mechanism>, Vec<Mechanism>) = permitted(account, announced)
        .partition(|&mechanism| passwords.iter().any(|password| serves(account, password, mechanism)));
    let mut findings = Vec::new();
    let finding =
        |what: String, mechanisms| Finding::new(Kind::Mechanism, &account.identity, what).mechanisms(mechanisms);
    if !unserved.is_empty() && !passwords.is_empty() {
        let hashes: Vec<String> = passwords.iter().filter_map(|password| why(password)).collect();
        let why = if hashes.is_empty() { String::new() } else { format!(": {}", hashes.join("; ")) };
        let what = format!("has no password for {}, which the helper announces{why}", listed(&unserved));
        findings.push(finding(what, unserved));
    }
    for password in &passwords {
        // Who refuses PLAIN and LOGIN for a password means it.
        let wanted = |mechanism: &Mechanism| !(is_plaintext(*mechanism) && password.secrets.no_plaintext);
        let fails = |mechanism: &Mechanism| wanted(mechanism) && !serves(account, password, *mechanism);
        let failing: Vec<Mechanism> = served.iter().copied().filter(fails).collect();
        if !failing.is_empty() {
            let label = password.facts.label.as_str();
            let why = why(password).map(|why| format!(": {why}")).unwrap_or_default();
            let what = format!("cannot log in with its password {label:?} by {}{why}", listed(&failing));
            findings.push(finding(what, failing));
        }
    }
    findings
}

/// Schemes that are learnt, at the price of what protected the password until then, and that no client can use.
pub(super) fn learnt_for_nothing(learnt: &[Scheme], announced: MechanismSet) -> impl Iterator<Item = Finding> {
    let unused = move |mechanism: &Mechanism| !announced.contains(*mechanism);
    learnt.iter().filter_map(|scheme| scheme.mechanism()).filter(unused).map(|mechanism| {
        let what = format!("makes passwords ready for {mechanism}, which the helper does not announce");
        Finding::new(Kind::Mechanism, "learn", what).mechanisms(vec![mechanism])
    })
}

/// Passwords that are checked against a hash which others fit as well.
pub(super) fn loose(account: &Account) -> impl Iterator<Item = Finding> {
    account.passwords.iter().filter(|password| is_loose(&password.secrets)).map(|password| {
        let what = format!(
            "logs in with whatever begins like its password {:?}: the imported hash knows eight characters only, set it anew",
            password.facts.label.as_str()
        );
        Finding::new(Kind::Hash, &account.identity, what)
    })
}

fn is_loose(secrets: &Secrets) -> bool {
    // The hash is asked where nothing better is there.
    let asked = secrets.digest_md5.is_empty() && secrets.scram.is_empty() && !secrets.no_plaintext;
    asked && secrets.hash.as_ref().is_some_and(PasswordHash::is_loose)
}

fn is_plaintext(mechanism: Mechanism) -> bool {
    matches!(mechanism, Mechanism::Plain | Mechanism::Login)
}

/// Why a password cannot serve what others can.
fn why(password: &StoredPassword) -> Option<String> {
    let hash = password.secrets.hash.as_ref()?;
    let only = password.secrets.schemes().count() == 1;
    let label = password.facts.label.as_str();
    only.then(|| format!("of {label:?} an imported {} hash is all that is known, until it is set anew", hash.scheme()))
}

fn serves(account: &Account, password: &StoredPassword, mechanism: Mechanism) -> bool {
    let secrets = &password.secrets;
    match mechanism.scram_hash() {
        None => secrets.serves(mechanism),
        Some(hash) => {
            // One challenge goes to all passwords: the first decides, as in the exchange.
            let challenge = account.passwords.iter().find_map(|password| password.secrets.scram_keys(hash));
            let fits = |(challenge, keys): (&ScramKeys, &ScramKeys)| {
                challenge.salt == keys.salt && challenge.iterations == keys.iterations
            };
            challenge.zip(secrets.scram_keys(hash)).is_some_and(fits)
        }
    }
}
