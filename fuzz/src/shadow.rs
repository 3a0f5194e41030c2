//! shadow(5): nine fields, of which the second is the hash and the eighth the day on which the account ends; the input is the file.

use sasldb::import::Shadow;

use super::lines::{self, Taken};

pub fn target(data: &[u8]) {
    lines::check_each(&mut Shadow, data, |line| {
        let (name, rest) = lines::fields(line);
        Some(if rest.is_empty() { (None, None) } else { (Some(name.to_vec()), wanted(name, &rest)) })
    });
}

fn wanted(name: &[u8], rest: &[&[u8]]) -> Option<Taken> {
    let is_locked = rest[0].first() == Some(&b'!');
    let hash = if is_locked { &rest[0][1..] } else { rest[0] };
    if hash.is_empty() || b"!*{".contains(&hash[0]) || hash == b"x" {
        return None;
    }
    let mut taken = lines::of_text(name, hash)?;
    taken.limits.disabled = is_locked;
    taken.limits.expires = match rest.get(6).copied().unwrap_or_default() {
        b"" | b"-1" => None,
        day => Some(lines::days(day).filter(|at| *at >= 0)?),
    };
    Some(taken)
}
