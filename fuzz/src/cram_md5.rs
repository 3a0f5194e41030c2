//! CRAM-MD5: the input is the response, in which `<right>` stands for the digest of the account's first password, `<second>`
//! for that of its second, `<wrong>` for that of another one, and `<near>` for the right one but for its last digit. The verdict has to be that of a reading by RFC 2195, section 2.

use sasldb::vocabulary::Mechanism;

use super::oracle::{self, Hash, MAX_NAME};
use super::site::{self, Account};

pub fn target(data: &[u8]) {
    let state = site::begin(Mechanism::CramMd5, None, None);
    let challenge = state.challenge().unwrap().to_vec();
    assert!(challenge.starts_with(b"<") && challenge.ends_with(b"@mail.example.org>"));

    let name_end = data.iter().rposition(|byte| *byte == b' ').unwrap_or(0);
    let passwords = oracle::account(&data[..name_end], None).map_or([].as_slice(), |account| account.passwords);
    let digest = |password: &str| oracle::hex(&Hash::Md5.hmac(password.as_bytes(), &challenge)).into_bytes();
    let nth = |n: usize| digest(passwords.get(n).copied().unwrap_or("secret"));
    let near = oracle::near(&nth(0));
    let words: [(&str, &[u8]); 4] =
        [("right", &nth(0)), ("second", &nth(1)), ("wrong", &digest("Secret")), ("near", &near)];
    let message = site::filled(data, &words);
    site::check(&state.respond(&message).ending(), expected(&message, &challenge));
}

fn expected(message: &[u8], challenge: &[u8]) -> Option<&'static Account> {
    let space = message.iter().rposition(|byte| *byte == b' ')?;
    let (name, digest) = (&message[..space], &message[space + 1..]);
    let account = oracle::account(name, None)?;
    let digest = digest.to_ascii_lowercase();
    let fits = |password: &&str| oracle::hex(&Hash::Md5.hmac(password.as_bytes(), challenge)).as_bytes() == digest;
    let good = name.len() <= MAX_NAME && !account.disabled && !account.scram_only;
    (good && account.passwords.iter().any(fits)).then_some(account)
}
