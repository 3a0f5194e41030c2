//! Files of Apache's htpasswd: `user:hash`, then perhaps a colon and a note; the input is the file.

use sasldb::import::Htpasswd;

use super::lines::{self, Taken};

pub fn target(data: &[u8]) {
    lines::check_each(&mut Htpasswd, data, |line| Some(wanted(line)));
}

fn wanted(line: &[u8]) -> (Option<Vec<u8>>, Option<Taken>) {
    let (user, rest) = lines::fields(line);
    let Some(&hash) = rest.first() else { return (None, None) };
    // A label may stand before a password with colons.
    let text = if hash.first() == Some(&b'{') { rest.join(&b':') } else { hash.to_vec() };
    let is_locked = text.is_empty() || text[0] == b'!' || text[0] == b'*';
    (Some(user.to_vec()), (!is_locked).then(|| lines::of_text(user, &text)).flatten())
}
