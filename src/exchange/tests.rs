//! The policy, rule by rule: each against a proof that fits, so that the rule alone decides.

use std::sync::Arc;

use super::*;
use crate::credential::{
    Account, AccountState, IterationCensus, Iterations, Label, Lookup, PasswordFacts, Recipe, SaltKey, ServiceName,
    StoredPassword, Who, derive,
};
use crate::identity::{Identity, Name, Realm, Realms};
use crate::mechanism::Malformed;
use crate::runtime::UnixTime;
use crate::secret::Password;
use crate::store::StoreError;
use crate::vocabulary::{InitialResponse, Mechanism, MechanismSet, Scheme, ScramHash};

const NOW: UnixTime = UnixTime(1_000);
const NAME: &str = "Mailman";

fn realm(text: &str) -> Realm {
    Realm::new(text).unwrap()
}

fn realms() -> Realms {
    Realms::new(realm("example.com"), [realm("mx1")])
}

fn policy() -> Policy {
    Policy {
        mechanisms: Mechanism::ALL.into_iter().collect(),
        plaintext_needs_tls: true,
        realms: realms(),
        hostname: "mx1".to_owned(),
        learn: Vec::new(),
    }
}

fn context() -> Context {
    Context { service: "smtp".into(), secured: true, ..Context::default() }
}

/// An account with a password for each (label, password) given.
fn account(passwords: &[(&str, &str)]) -> Account {
    let identity = Identity::new(Name::new(NAME).unwrap(), realm("example.com"));
    let stored = |(label, password): &(&str, &str)| StoredPassword {
        facts: PasswordFacts::unlimited(Label::new(label).unwrap()),
        secrets: derive(
            &Password::new(password.as_bytes().to_vec()).unwrap(),
            &Recipe {
                identity: &identity,
                realms: &realms(),
                salt_key: &SaltKey::new([7; 32]),
                schemes: &[Scheme::DigestMd5, Scheme::CramMd5],
                iterations: Iterations { usual: 4096, bound: &[] },
            },
        ),
    };
    Account {
        passwords: passwords.iter().map(stored).collect(),
        identity,
        state: AccountState::default(),
        revision: 1,
        created: NOW,
        changed: NOW,
        mechanisms: None,
    }
}

fn lookup(who: Who, account: Account, known: bool) -> Lookup {
    Lookup {
        known,
        account: Arc::new(account),
        who,
        salt_key: Arc::new(SaltKey::new([7; 32])),
        census: Arc::new(IterationCensus::new(4096, Vec::new())),
    }
}

/// The look-up that PLAIN with `message` asks for, answered with `account`; `known` as the store says.
fn looked_up(policy: Policy, context: Context, account: Account, known: bool, message: &[u8]) -> Progress {
    let started = begin(&Arc::new(policy), context, Mechanism::Plain, InitialResponse::Present(message), "nonce", NOW);
    let Progress::LookUp { who, next } = started else { return started };
    next.answer(Ok(lookup(who, account, known)), NOW)
}

/// Runs PLAIN with `message` against `account`.
fn plain(policy: Policy, context: Context, account: Account, known: bool, message: &[u8]) -> Outcome {
    match looked_up(policy, context, account, known, message) {
        Progress::Done(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

fn reason(outcome: &Outcome) -> Option<&Reason> {
    match outcome {
        Outcome::Denied(denied) => Some(denied.reason()),
        _ => None,
    }
}

const RIGHT: &[u8] = b"\0mailman\0secret";

#[test]
fn a_right_password_authenticates_under_the_canonical_name() {
    for message in [RIGHT, b"\0MAILMAN@Example.com\0secret", b"\0mailman@mx1\0secret", b"mailman\0mailman\0secret"] {
        match plain(policy(), context(), account(&[("main", "secret")]), true, message) {
            Outcome::Authenticated(success) => {
                assert_eq!(success.identity().to_string(), "Mailman@example.com");
                assert_eq!(success.label().map(Label::as_str), Some("main"));
                assert_eq!(success.mechanism(), Mechanism::Plain);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn each_rule_denies_what_is_proven() {
    let with = |change: &dyn Fn(&mut Account)| {
        let mut account = account(&[("main", "secret")]);
        change(&mut account);
        account
    };
    let whole = || with(&|_| {});
    let cases: Vec<(Outcome, Reason)> = vec![
        (plain(policy(), context(), whole(), false, RIGHT), Reason::UnknownAccount),
        (plain(policy(), context(), whole(), true, b"\0mailman\0wrong"), Reason::Mismatch),
        (plain(policy(), Context { secured: false, ..context() }, whole(), true, RIGHT), Reason::PlaintextWithoutTls),
        (
            plain(Policy { mechanisms: MechanismSet::default(), ..policy() }, context(), whole(), true, RIGHT),
            Reason::MechanismNotOffered,
        ),
        (plain(policy(), context(), with(&|a| a.state.disabled = true), true, RIGHT), Reason::AccountDisabled),
        (plain(policy(), context(), with(&|a| a.state.expires = Some(NOW)), true, RIGHT), Reason::AccountExpired),
        (
            plain(policy(), context(), with(&|a| a.mechanisms = Some(MechanismSet::default())), true, RIGHT),
            Reason::MechanismNotForAccount,
        ),
        (plain(policy(), context(), whole(), true, b"joe\0mailman\0secret"), Reason::OtherAuthzid),
        (plain(policy(), context(), whole(), true, b"mailman@other.test\0mailman\0secret"), Reason::OtherAuthzid),
        (plain(policy(), context(), whole(), true, b"mailman"), Reason::Malformed(Malformed::Syntax)),
    ];
    for (outcome, expected) in cases {
        assert_eq!(reason(&outcome), Some(&expected), "{outcome:?}");
    }
}

/// One password is checked at once, the other one on the pool: a wrong password goes there, and a right one that cannot
/// succeed must not be told from it.
#[test]
fn a_right_password_that_may_not_succeed_goes_the_way_of_a_wrong_one() {
    let mixed = |change: &dyn Fn(&mut Account)| {
        let mut account = account(&[("main", "secret"), ("phone", "other")]);
        let [_, phone] = account.passwords.as_mut_slice() else { panic!("two passwords") };
        phone.secrets.digest_md5.clear();
        phone.secrets.cram_md5 = None;
        phone.secrets.hash =
            Some(crate::credential::PasswordHash::parse("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/").unwrap());
        change(&mut account);
        account
    };
    let run = |policy: Policy, account: Account, message: &[u8]| looked_up(policy, context(), account, true, message);
    let right = run(policy(), mixed(&|_| {}), RIGHT);
    assert!(matches!(right, Progress::Done(Outcome::Authenticated(_))), "{right:?}");
    let not_offered = Policy { mechanisms: MechanismSet::default(), ..policy() };
    for other in [
        run(policy(), mixed(&|_| {}), b"\0mailman\0wrong"),
        run(policy(), mixed(&|a| a.state.disabled = true), RIGHT),
        run(policy(), mixed(&|a| a.state.expires = Some(NOW)), RIGHT),
        run(policy(), mixed(&|_| {}), b"joe\0mailman\0secret"),
        run(not_offered, mixed(&|_| {}), RIGHT),
    ] {
        assert!(matches!(other, Progress::Compute(_)), "{other:?}");
    }
}

#[test]
fn a_password_counts_only_where_it_is_good_for() {
    let limited = |limit: &dyn Fn(&mut PasswordFacts)| {
        let mut account = account(&[("main", "secret"), ("phone", "other")]);
        account.passwords.iter_mut().take(1).for_each(|p| limit(&mut p.facts));
        account
    };
    let from = |address: &str| Context { remote: Some(address.parse().unwrap()), ..context() };
    let smtp = || ServiceName::new("SMTP").unwrap();
    let imap = || ServiceName::new("imap").unwrap();
    let net = "192.0.2.0/24".parse().unwrap();
    let denied = Reason::PasswordLimited("main".to_owned());
    let run = |context: Context, account: Account| plain(policy(), context, account, true, RIGHT);

    let good: Vec<Outcome> = vec![
        run(context(), limited(&|p| p.services = vec![imap(), smtp()])),
        run(context(), limited(&|p| p.expires = Some(UnixTime(NOW.0 + 1)))),
        run(from("::ffff:192.0.2.1"), limited(&|p| p.networks = vec![net])),
    ];
    for outcome in good {
        assert!(matches!(outcome, Outcome::Authenticated(_)), "{outcome:?}");
    }
    let bad: Vec<Outcome> = vec![
        run(context(), limited(&|p| p.services = vec![imap()])),
        run(context(), limited(&|p| p.expires = Some(NOW))),
        run(from("198.51.100.1"), limited(&|p| p.networks = vec![net])),
        run(context(), limited(&|p| p.networks = vec![net])),
    ];
    for outcome in bad {
        assert_eq!(reason(&outcome), Some(&denied), "{outcome:?}");
    }
    let other = plain(policy(), context(), limited(&|p| p.services = vec![imap()]), true, b"\0mailman\0other");
    assert!(
        matches!(&other, Outcome::Authenticated(s) if s.label().is_some_and(|l| l.as_str() == "phone")),
        "{other:?}"
    );
}

/// PLAIN as far as it gets at once; `refused` if its source has failed too often.
fn progress_of(account: Account, known: bool, message: &[u8], refused: bool) -> Progress {
    let initial = InitialResponse::Present(message);
    match begin(&Arc::new(policy()), context(), Mechanism::Plain, initial, "nonce", NOW) {
        Progress::LookUp { who, mut next } => {
            if refused {
                next.refuse();
            }
            next.answer(Ok(lookup(who, account, known)), NOW)
        }
        other => other,
    }
}

#[test]
fn a_source_that_failed_too_often_is_denied_whatever_it_proves_and_computes_nothing() {
    let disabled = |mut account: Account| {
        account.state.disabled = true;
        account
    };
    let whole = || account(&[("main", "secret")]);
    // Nothing is stored of it that is quick to check.
    let slow = || {
        let mut slow = whole();
        let recipe = Recipe {
            identity: &slow.identity,
            realms: &realms(),
            salt_key: &SaltKey::new([7; 32]),
            schemes: &[Scheme::Scram(ScramHash::Sha256)],
            iterations: Iterations { usual: 4096, bound: &[] },
        };
        let secrets = derive(&Password::new(b"secret".to_vec()).unwrap(), &recipe);
        slow.passwords.iter_mut().take(1).zip([secrets]).for_each(|(password, slow)| password.secrets = slow);
        slow
    };
    assert!(matches!(progress_of(slow(), true, RIGHT, false), Progress::Compute(_)));
    for (account, known, message) in [
        (whole(), true, RIGHT),
        (whole(), true, b"\0mailman\0wrong"),
        (whole(), false, RIGHT),
        (disabled(whole()), true, RIGHT),
        (slow(), true, RIGHT),
    ] {
        match progress_of(account, known, message, true) {
            Progress::Done(outcome) => assert_eq!(reason(&outcome), Some(&Reason::TooManyFailures)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_refusal_names_the_account_only_as_typed() {
    match plain(policy(), context(), account(&[("main", "secret")]), true, b"\0MailMan\0wrong") {
        Outcome::Denied(denied) => {
            assert_eq!(denied.name().unwrap().to_string(), "mailman@example.com");
            assert!(denied.known());
        }
        other => panic!("{other:?}"),
    }
    match plain(policy(), context(), account(&[("main", "secret")]), false, b"\0a@b@c\0wrong") {
        Outcome::Denied(denied) => assert!(denied.name().is_none() && !denied.known()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_store_that_fails_makes_the_login_unavailable_never_denied() {
    let started =
        begin(&Arc::new(policy()), context(), Mechanism::Plain, InitialResponse::Present(RIGHT), "nonce", NOW);
    let Progress::LookUp { who, next } = started else { panic!("{started:?}") };
    assert!(matches!(&who, Who::Account(key) if key.to_string() == "mailman@example.com"));
    let ended = next.answer(Err(StoreError::Busy), NOW);
    assert!(
        matches!(&ended, Progress::Done(Outcome::Unavailable(u)) if *u.fault() == Fault::Store(StoreError::Busy)),
        "{ended:?}"
    );
}

/// A lesson comes with a success by PLAIN only, and only where the policy wants schemes that are lacking.
#[test]
fn a_right_password_teaches_what_the_policy_wants() {
    let wanted = |learn: &[Scheme]| Policy { learn: learn.to_vec(), ..policy() };
    let learnt = |policy: Policy, message: &[u8], known: bool| {
        let account = account(&[("main", "other"), ("phone", "secret")]);
        plain(policy, context(), account, known, message).take_lesson()
    };
    let scram = Scheme::Scram(ScramHash::Sha256);
    let lesson = learnt(wanted(&[Scheme::DigestMd5, scram]), RIGHT, true).unwrap();
    assert_eq!((lesson.label.as_str(), lesson.revision), ("phone", 1));
    assert_eq!(lesson.password.expose(), b"secret");
    assert!(learnt(wanted(&[]), RIGHT, true).is_none());
    assert!(learnt(wanted(&[Scheme::DigestMd5]), RIGHT, true).is_none());
    assert!(learnt(wanted(&[scram]), b"\0mailman\0wrong", true).is_none());
    assert!(learnt(wanted(&[scram]), RIGHT, false).is_none());
}
