//! The lookup protocol: the input is what came over the socket, or after a `!` the lines of a message: a number, and its counted
//! texts. It is read as docs/lookup-protocol.md says. A request is answered for peers that may get everything, or little, and what
//! they are given is what a second reading of the accounts' passwords comes to, and no more.

use std::sync::Arc;

use sasldb::credential::CramMd5States;
use sasldb::exchange::{DecoyKeys, Grant, HandOut, HandedOut};
use sasldb::identity::Realm;
use sasldb::protocol::lookup::{Answer, Form, MAX_TEXT, MAX_VALUE, Property, Request};
use sasldb::vocabulary::Mechanism;

use super::counted::{self, Body, Input, Read, told};
use super::oracle::{self, Hash};
use super::site::{self, Account, ITERATIONS, NOW, REALM, SITE};

pub fn target(data: &[u8]) {
    let input = Input::of(data);
    let sent = input.sent();
    input.check(
        request,
        |sent| told(Request::parse(sent)),
        |parsed, (wanted, texts)| {
            let forms = Form::ALL.iter().filter(|form| parsed.wanted.contains(**form));
            let bits = forms.map(|form| 1 << (*form as u8 - 1)).sum::<u8>();
            bits == *wanted && [parsed.name, parsed.realm, parsed.host, parsed.service] == *texts
        },
    );
    input.check(
        answer,
        |sent| told(Answer::parse(sent)),
        |parsed, expected| {
            let ending = match parsed {
                Answer::Found(_) => 1,
                Answer::None => 2,
                Answer::Unavailable => 3,
            };
            (ending, properties(parsed)) == *expected
        },
    );
    if let Ok(Some(answer)) = Answer::parse(sent) {
        assert_eq!(answer.encode().expose(), sent, "there is one way to write an answer");
    }
    if let Ok(Some(request)) = Request::parse(sent) {
        let written = request.encode().unwrap();
        assert_eq!(Request::parse(&written), Ok(Some(request)));
        for grant in grants() {
            check_hand_out(&request, grant);
        }
    }
}

fn request(sent: &[u8]) -> Read<(u8, [&[u8]; 4])> {
    counted::message(sent, 2 + 4 * (2 + MAX_TEXT), |body| {
        let wanted = body.byte()? % 32;
        let mut text = || body.text(MAX_TEXT);
        let texts = [text()?, text()?, text()?, text()?];
        (wanted != 0 && !texts[0].is_empty()).then_some((wanted, texts))
    })
}

type Given = Vec<(u8, Vec<u8>)>;

fn answer(sent: &[u8]) -> Read<(u8, Given)> {
    counted::message(sent, 2 + 5 * (3 + MAX_VALUE), |body| {
        let ending = body.byte().filter(|ending| (1..=3).contains(ending))?;
        let mut given = Given::new();
        while let Some(form) = (ending == 1).then(|| body.byte()).flatten() {
            given.push((form, property(form, body)?));
        }
        let mut forms: Vec<u8> = given.iter().map(|(form, _)| *form).collect();
        forms.sort_unstable();
        forms.dedup();
        (forms.len() == given.len() && given.is_empty() == (ending != 1)).then_some((ending, given))
    })
}

fn property(form: u8, body: &mut Body<'_>) -> Option<Vec<u8>> {
    let value = body.text(MAX_VALUE)?;
    let fits = match form {
        1 => value.len() == 16,
        2 => value.len() == 32,
        3..=5 => !value.is_empty() && value.iter().all(|byte| (b'!'..=b'~').contains(byte)),
        _ => false,
    };
    fits.then(|| value.to_vec())
}

fn properties(answer: &Answer) -> Given {
    let Answer::Found(properties) = answer else { return Given::new() };
    let given = |property: &Property| (property.form() as u8, property.value().expose().to_vec());
    properties.iter().map(given).collect()
}

/// Of everybody everything, one realm only, and one mechanism only.
fn grants() -> [Grant; 3] {
    let all = Grant::default();
    let realms = Some(vec![Realm::new(REALM).unwrap()]);
    let mechanisms = Some([Mechanism::CramMd5].into_iter().collect());
    [all.clone(), Grant { realms, ..all.clone() }, Grant { mechanisms, ..all }]
}

fn check_hand_out(request: &Request<'_>, grant: Grant) {
    let (at_home_only, is_limited) = (grant.realms.is_some(), grant.mechanisms.is_some());
    let (who, hand_out) = HandOut::begin(&SITE.policy, &Arc::new(grant), request, DecoyKeys::new([9; 176]));
    let (answer, is_given) = match hand_out.answer(Ok(site::look_up(who)), NOW) {
        HandedOut::Given(_, _, answer) => (answer, true),
        HandedOut::Withheld { answer, .. } => (answer, false),
        HandedOut::Unavailable(fault) => panic!("{fault:?}"),
    };
    let account = Realm::from_wire(request.realm).ok().and_then(|_| oracle::account(request.name, Some(request.realm)));
    let account = account.filter(|account| !account.disabled && (!at_home_only || account.realm == REALM));
    let mut given = properties(&answer);
    let mut has_secrets = false;
    for form in Form::ALL.into_iter().filter(|form| request.wanted.contains(*form)) {
        let value = given.iter().position(|(number, _)| *number == form as u8).map(|place| given.remove(place).1);
        let permitted = !is_limited || form == Form::CramMd5;
        let secret = account.filter(|_| permitted).and_then(|account| Secret::of(form, account, request));
        has_secrets |= secret.is_some();
        match (secret, value) {
            (Some(Secret::Is(expected)), value) => assert_eq!(value, Some(expected), "{form:?}"),
            (Some(Secret::Keys(hash, password)), Some(value)) => {
                let (made, value) = (keys(hash, password, &value), String::from_utf8(value).unwrap());
                assert_eq!(made, value, "{form:?}");
            }
            // A client of SCRAM is told a salt before anything is known about it, and no server is told who has no account.
            (None, Some(value)) => {
                assert!(permitted, "{form:?}");
                let Some(hash) = scram(form) else {
                    assert_eq!(value, vec![9; if form == Form::DigestMd5 { 16 } else { 32 }], "{form:?}");
                    continue;
                };
                let passwords = account.map_or(["secret"].as_slice(), |account| account.passwords);
                let value = String::from_utf8(value).unwrap();
                assert!(passwords.iter().all(|password| keys(hash, password, value.as_bytes()) != value), "{value}");
            }
            (None, None) => assert!(!permitted, "{form:?}"),
            (Some(Secret::Keys(..)), None) => panic!("{form:?} is missing"),
        }
    }
    assert!(given.is_empty(), "nobody asked for it");
    assert_eq!(is_given, has_secrets);
    assert!(answer.encode().expose().len() <= Answer::MAX);
}

/// What a form has to be.
enum Secret {
    Is(Vec<u8>),
    Keys(Hash, &'static str),
}

impl Secret {
    /// Of the password that was set without naming it, as libsasl2 hashes it.
    fn of(form: Form, account: &'static Account, request: &Request<'_>) -> Option<Self> {
        let password = account.passwords[0];
        match form {
            _ if account.scram_only && form != Form::ScramSha256 => None,
            Form::DigestMd5 => {
                let realm = if request.realm.is_empty() { request.host } else { request.realm };
                let name = oracle::text(request.name);
                oracle::has_digest(account, &name, realm).then(|| {
                    Self::Is(oracle::md5(&[&oracle::latin1(&name), b":", realm, b":", &oracle::latin1(password)]))
                })
            }
            Form::CramMd5 => Some(Self::Is(CramMd5States::derive(password.as_bytes()).to_cyrus().expose().to_vec())),
            _ => scram(form).map(|hash| Self::Keys(hash, password)),
        }
    }
}

fn scram(form: Form) -> Option<Hash> {
    match form {
        Form::ScramSha1 => Some(Hash::Sha1),
        Form::ScramSha256 => Some(Hash::Sha256),
        Form::ScramSha512 => Some(Hash::Sha512),
        Form::DigestMd5 | Form::CramMd5 => None,
    }
}

/// RFC 5803: what `password` comes to with the salt that stands in `value`.
fn keys(hash: Hash, password: &str, value: &[u8]) -> String {
    let text = std::str::from_utf8(value).unwrap();
    let parts: Vec<&str> = text.split(['$', ':']).collect();
    let [_, _, salt, _, _] = parts[..] else { panic!("{text}") };
    let name = match hash {
        Hash::Sha1 => "SCRAM-SHA-1",
        Hash::Sha256 => "SCRAM-SHA-256",
        _ => "SCRAM-SHA-512",
    };
    let salted = hash.hi(password.as_bytes(), &oracle::unbase64(salt.as_bytes()).unwrap(), ITERATIONS);
    let stored = oracle::base64(&hash.of(&hash.hmac(&salted, b"Client Key")));
    let server = oracle::base64(&hash.hmac(&salted, b"Server Key"));
    format!("{name}${ITERATIONS}:{salt}${stored}:{server}")
}
