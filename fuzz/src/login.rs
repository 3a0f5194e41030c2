//! LOGIN: the lines of the input are name and password. A third one is said after everything, and changes nothing.

use sasldb::vocabulary::Mechanism;

use super::oracle::MAX_NAME;
use super::{plain, site};

pub fn target(data: &[u8]) {
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let (name, password) = (lines[0], lines.get(1).copied().unwrap_or_default());
    let allowed = !name.is_empty() && !name.contains(&0) && name.len() <= MAX_NAME && !password.contains(&0);
    let expected = if allowed { plain::login(None, name, None, password) } else { None };

    let mut state = site::begin(Mechanism::Login, None, None);
    assert_eq!(state.challenge(), Some(b"Username:".as_slice()));
    for line in &lines {
        state = state.respond(line);
        assert!(state.challenge().is_none_or(|challenge| challenge == b"Password:"));
    }
    site::check(&state.ending(), if lines.len() > 1 { expected } else { None });

    // An initial response is the name; an empty one counts as none.
    if !name.is_empty() && lines.len() > 1 {
        site::check(&site::begin(Mechanism::Login, None, Some(name)).respond(password).ending(), expected);
    }
}
