//! EXTERNAL: the first line is the name in the certificate, none if it is empty; the second one is the message.

use sasldb::vocabulary::Mechanism;

use super::oracle::{self, MAX_NAME};
use super::site;

pub fn target(data: &[u8]) {
    let lines: Vec<&[u8]> = data.splitn(2, |byte| *byte == b'\n').collect();
    let (name, authzid) = (lines[0], lines.get(1).copied().unwrap_or_default());
    let well_formed = name.len() <= MAX_NAME && authzid.len() <= MAX_NAME && !authzid.contains(&0);
    let account = oracle::account(name, None).filter(|account| !account.disabled && !name.is_empty());
    let expected = account.filter(|account| well_formed && oracle::acts_for(Some(authzid), name, None, account));

    let certificate = Some(name).filter(|name| !name.is_empty());
    site::check(&site::begin(Mechanism::External, certificate, Some(authzid)).ending(), expected);
    site::check(&site::begin(Mechanism::External, certificate, None).respond(authzid).ending(), expected);
    // The client's word alone is worth nothing.
    site::check(&site::begin(Mechanism::External, None, Some(authzid)).ending(), None);
}
