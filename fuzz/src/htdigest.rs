//! Files of Apache's htdigest: `user:realm:hash`; the input is the file.

use sasldb::credential::{DigestSpelling, Imported};
use sasldb::import::Htdigest;

use super::lines::{self, Taken};
use super::oracle;

pub fn target(data: &[u8]) {
    lines::check_each(&mut Htdigest, data, |line| Some(wanted(line)));
}

fn wanted(line: &[u8]) -> (Option<Vec<u8>>, Option<Taken>) {
    let (user, rest) = lines::fields(line);
    let [realm, hash @ ..] = &rest[..] else { return (None, None) };
    if hash.is_empty() {
        return (None, None);
    }
    let who = [user, b" in realm ", realm].concat();
    let hash = hash.join(&b':');
    let is_hash = hash.len() == 32 && hash.iter().all(u8::is_ascii_hexdigit);
    let value = is_hash.then(|| Imported::parse(&format!("{{DIGEST-MD5}}{}", oracle::text(&hash))).unwrap());
    let spelling = DigestSpelling { username: oracle::text(user), realm: oracle::text(realm) };
    // A name that has its realm keeps it.
    let realm_of_account: &[u8] = if user.contains(&b'@') { b"" } else { realm };
    (Some(who), value.and_then(|value| lines::account(user, realm_of_account, vec![value], spelling)))
}
