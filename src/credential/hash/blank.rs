//! Hashes without salt and digest, for decoys.

/// The text of a hash, as [`PasswordHash`](super::PasswordHash) spells it, with every character of salt and digest replaced. What
/// says how costly it is stays.
pub(super) fn blank(text: &str) -> String {
    let (label, rest) = text.split_at(text.find('}').map_or(0, |brace| brace.saturating_add(1)));
    // A zero in base64 and in the alphabet of crypt(3), and a digit in hex.
    let filling = match label {
        "{PBKDF2}" => 'a',
        "" | "{CRYPT}" if !rest.starts_with("$argon2") => '.',
        _ => 'A',
    };
    let fields: Vec<&str> = rest.split('$').collect();
    let kept = |place: usize| match (label, fields.get(1).copied().unwrap_or_default()) {
        // $1$salt$iterations$digest
        ("{PBKDF2}", _) => place == 1 || place == 3,
        // $2b$cost$salt and digest
        (_, "2a" | "2b" | "2y") => place <= 2,
        // $id$parameters$salt$digest, where some have no parameters
        _ => place.saturating_add(2) < fields.len(),
    };
    let written = fields.iter().enumerate().map(|(place, field)| {
        // $7$, log2 N in one character, r and p in five each, and then the salt.
        let scrypt = fields.get(1) == Some(&"7") && place == 2;
        let keep = if scrypt {
            11
        } else if kept(place) {
            field.len()
        } else {
            0
        };
        let fill = |(at, c): (usize, char)| if at < keep || c == '=' { c } else { filling };
        field.chars().enumerate().map(fill).collect::<String>()
    });
    format!("{label}{}", written.collect::<Vec<_>>().join("$"))
}
