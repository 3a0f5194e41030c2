//! Passwords that somebody would guess.

use zeroize::Zeroizing;
use zxcvbn::{Score, zxcvbn};

use crate::config::WeakPasswords;
use crate::identity::Identity;
use crate::secret::Password;

use super::exit::Exit;
use super::failure::Failure;
use super::output::Program;

/// Below this a stolen database, or half a year of trying, gives the password away: fewer than 10^8 guesses.
const ENOUGH: Score = Score::Three;

/// Of a longer password this many characters are judged first: what they hold against, the rest nearly always adds to, and the time grows
/// faster than the length. Of shorter ones no part: it may look strong where the whole is a word or the account's name.
const BEGINNING: usize = 24;

/// Looks at a new password of `identity` as the setting `weak_passwords` wants it: warns, or refuses.
pub(super) fn heed(
    program: &Program,
    setting: WeakPasswords,
    password: &Password,
    identity: &Identity,
) -> Result<(), Failure> {
    let Some(weakness) = weakness(setting, password, identity) else { return Ok(()) };
    match setting {
        WeakPasswords::Allow => {}
        WeakPasswords::Warn => program.complain(format_args!("warning: {weakness}")),
        WeakPasswords::Refuse => {
            return Err(Failure::new(Exit::BadParameter, anyhow::anyhow!(weakness))
                .hint("take a longer one, of several words that do not belong together"));
        }
    }
    Ok(())
}

/// What is wrong with the password, if anything is and `setting` asks. Nothing of the password is repeated.
pub(super) fn weakness(setting: WeakPasswords, password: &Password, identity: &Identity) -> Option<String> {
    if setting == WeakPasswords::Allow {
        return None;
    }
    let text = Zeroizing::new(String::from_utf8_lossy(password.expose()).into_owned());
    let known = [identity.name.as_str(), identity.realm.as_str()];
    let beginning = text.char_indices().nth(BEGINNING).and_then(|(end, _)| text.get(..end));
    if beginning.is_some_and(|beginning| zxcvbn(beginning, &known).score() >= ENOUGH) {
        return None;
    }
    let judged = zxcvbn(&text, &known);
    if judged.score() >= ENOUGH {
        return None;
    }
    let guesses = judged.guesses_log10().ceil().max(0.0);
    let why = judged.feedback().and_then(zxcvbn::feedback::Feedback::warning);
    let why = why.map(|why| format!(": {}", why.to_string().trim_end_matches('.'))).unwrap_or_default();
    Some(format!("the password of {identity} is weak, guessed within 10^{guesses:.0} tries{why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Name, Realm};

    #[test]
    fn weak_passwords_are_told_and_never_repeated() {
        let joe = Identity::new(Name::new("joe.bloggs").unwrap(), Realm::new("example.com").unwrap());
        let judge = |text: &str, setting| weakness(setting, &Password::new(text.into()).unwrap(), &joe);
        for text in ["secret", "joe.bloggs1", "example.com", "qwertyuiop", "passw0rd!", "\u{fc}"] {
            let weakness = judge(text, WeakPasswords::Warn).unwrap_or_else(|| panic!("{text}"));
            assert!(!weakness.replace("joe.bloggs@example.com", "").contains(text), "{weakness}");
            assert_eq!(judge(text, WeakPasswords::Allow), None);
        }
        for text in ["abcd-efgh-ijkm-npqr", "correct horse battery staple", "kT7#qv!x0Lw"] {
            assert_eq!(judge(text, WeakPasswords::Refuse), None, "{text}");
        }
    }

    #[test]
    fn what_is_known_as_a_whole_is_not_strong_for_its_beginning() {
        let named = Identity::new(Name::new("kxwqzvgj.mnbtrqpl").unwrap(), Realm::new("example.com").unwrap());
        for text in ["kxwqzvgj.mnbtrqpl", "lpqrtbnm.jgvzqwxk", "gt5fr4de3sw2aq1", "71qa2ws3ed4rf5tg"] {
            let password = Password::new(text.into()).unwrap();
            assert!(weakness(WeakPasswords::Warn, &password, &named).is_some(), "{text}");
        }
    }
}
