//! PLAIN: the input is the message. The verdict has to be that of a reading by RFC 4616, section 2.

use sasldb::vocabulary::Mechanism;

use super::oracle::{self, MAX_NAME};
use super::site::{self, Account};

pub fn target(data: &[u8]) {
    let expected = expected(data);
    site::check(&site::begin(Mechanism::Plain, None, Some(data)).ending(), expected);
    // The same message in answer to an empty challenge.
    let waiting = site::begin(Mechanism::Plain, None, None);
    assert_eq!(waiting.challenge(), Some(b"".as_slice()));
    site::check(&waiting.respond(data).ending(), expected);
}

fn expected(message: &[u8]) -> Option<&'static Account> {
    let parts: Vec<&[u8]> = message.split(|byte| *byte == 0).collect();
    let [authzid, authcid, password] = parts[..] else { return None };
    login(Some(authzid), authcid, None, password)
}

/// The account that a name, perhaps with a realm beside it, and a password in the clear let in.
pub(crate) fn login(
    authzid: Option<&[u8]>,
    authcid: &[u8],
    realm: Option<&[u8]>,
    password: &[u8],
) -> Option<&'static Account> {
    if authcid.len() > MAX_NAME || authzid.is_some_and(|authzid| authzid.len() > MAX_NAME) || password.len() > 4096 {
        return None;
    }
    let account = oracle::account(authcid, realm)?;
    let good = !account.disabled && oracle::acts_for(authzid, authcid, realm, account);
    (good && account.passwords.iter().any(|right| is(password, right, account))).then_some(account)
}

/// The bytes as they were set, or what SASLprep or NFC make of other characters that mean the same; in ISO 8859-1 too where
/// DIGEST-MD5 has a hash for that.
fn is(typed: &[u8], right: &str, account: &Account) -> bool {
    let prepared = sasldb::prep::other_password_form(typed);
    typed == right.as_bytes()
        || prepared.is_some_and(|prepared| prepared.as_slice() == right.as_bytes())
        || (!account.scram_only && typed == oracle::latin1(right))
}
