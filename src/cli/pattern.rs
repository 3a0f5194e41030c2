//! Patterns for account names: `*` for any text, `?` for one character.

use crate::identity::Identity;
use crate::prep;

/// A pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    parts: Vec<char>,
    with_realm: bool,
}

impl Pattern {
    /// Names are compared as the store compares them: ASCII in either case, composed or not.
    pub(super) fn new(text: &str) -> Self {
        Self { parts: folded(text), with_realm: text.contains('@') }
    }

    /// Whether the account's canonical name fits, or its name alone where the pattern has no `@`.
    pub(super) fn fits(&self, identity: &Identity) -> bool {
        let key = identity.key();
        let text = if self.with_realm { key.to_string() } else { key.name().to_owned() };
        fits(&self.parts, &text.chars().collect::<Vec<_>>())
    }
}

fn folded(text: &str) -> Vec<char> {
    prep::nfc(text).chars().map(|c| c.to_ascii_lowercase()).collect()
}

/// Goes back to the last `*` only: an earlier one could take no text that the last one cannot.
fn fits(pattern: &[char], text: &[char]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    let mut last_star: Option<(&[char], &[char])> = None;
    loop {
        match (pattern.split_first(), text.split_first()) {
            (Some(('*', rest)), _) => {
                last_star = Some((rest, text));
                pattern = rest;
            }
            (Some((p, pattern_rest)), Some((t, text_rest))) if *p == '?' || p == t => {
                (pattern, text) = (pattern_rest, text_rest);
            }
            (None, None) => return true,
            _ => {
                let Some((after_star, taken_from)) = last_star else { return false };
                let Some((_, text_rest)) = taken_from.split_first() else { return false };
                last_star = Some((after_star, text_rest));
                (pattern, text) = (after_star, text_rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Name, Realm};

    #[test]
    fn patterns_fit_names() {
        let identity = Identity::new(Name::new("Mail.Man").unwrap(), Realm::new("example.com").unwrap());
        for pattern in
            ["*", "mail.man", "MAIL*", "m*l?man", "*@example.com", "*@*", "mail.man@example.com", "m*m*@*e*m", "*n"]
        {
            assert!(Pattern::new(pattern).fits(&identity), "{pattern}");
        }
        for pattern in ["", "mail", "mail.man?", "*@example.org", "mail.man@", "?", "*x*", "@*"] {
            assert!(!Pattern::new(pattern).fits(&identity), "{pattern}");
        }
        let long = "a".repeat(250);
        let many = Identity::new(Name::new(&long).unwrap(), Realm::new("x").unwrap());
        assert!(!Pattern::new(&"*a".repeat(100).replace("aa", "ab")).fits(&identity));
        assert!(Pattern::new(&"*a".repeat(100)).fits(&many));
    }
}
