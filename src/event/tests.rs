use super::quoted::Quoted;
use super::*;
use crate::exchange::Reason;
use crate::mechanism::Malformed;
use proptest::prelude::*;

fn login(service: &str) -> Login {
    Login { remote: Some(IpAddr::from([192, 0, 2, 7])), service: service.into(), secured: true }
}

#[test]
fn client_text_cannot_look_like_anything_else() {
    for (text, shown) in [
        ("X\"\ndenied 198.51.100.66 \\ \u{e9}", r"X\x22\x0adenied 198.51.100.66 \x5c \xc3\xa9"),
        ("\" rip=198.51.100.66 user=\"", r"\x22 rip=198.51.100.66 user=\x22"),
        ("\r\ndenied 2001:db8::66 secured PLAIN", r"\x0d\x0adenied 2001:db8::66 secured PLAIN"),
        ("\x1b[2K\x1b[1Gdenied\x07\x7f\0\t", r"\x1b[2K\x1b[1Gdenied\x07\x7f\x00\x09"),
        ("\u{202e}\u{2028}\u{85}\u{9b}", r"\xe2\x80\xae\xe2\x80\xa8\xc2\x85\xc2\x9b"),
    ] {
        let event = Event::Ended(login(text), Ending::Refused(Refusal::UnknownMechanism(text.to_owned())));
        assert_eq!(
            event.line(false),
            format!(
                "denied 192.0.2.7 secured - reason=\"unknown mechanism\" mechanism=\"{shown}\" service=\"{shown}\""
            )
        );
    }
}

#[test]
fn the_page_names_every_reason_and_every_mechanism() {
    let page = include_str!("../../docs/log.md");
    let malformed = [Malformed::Syntax, Malformed::TooLong, Malformed::Nonce, Malformed::NotOffered];
    let reasons = [
        Reason::UnknownAccount,
        Reason::Mismatch,
        Reason::AccountDisabled,
        Reason::AccountExpired,
        Reason::PasswordLimited("phone".to_owned()),
        Reason::MechanismNotOffered,
        Reason::MechanismNotForAccount,
        Reason::PlaintextWithoutTls,
        Reason::OtherAuthzid,
        Reason::TooManyFailures,
    ];
    for reason in reasons.into_iter().chain(malformed.map(Reason::Malformed)) {
        let quoted = Quoted(reason).to_string();
        assert!(page.contains(&quoted.replace('"', "`")), "{quoted}");
    }
    for mechanism in Mechanism::ALL {
        assert!(page.contains(&format!("`{mechanism}`")), "{mechanism}");
    }
}

#[test]
fn long_text_is_cut() {
    assert_eq!(Quoted("a".repeat(128)).to_string().len(), 130);
    assert_eq!(Quoted("a".repeat(129)).to_string(), format!("\"{}\"...", "a".repeat(128)));
    assert_eq!(Quoted("\n".repeat(40)).to_string(), format!("\"{}\"...", "\\x0a".repeat(32)));
    // Text that comes in pieces is counted as one.
    let pieces = format_args!("{}{}{}", "a".repeat(100), "b".repeat(100), "c").to_string();
    assert_eq!(
        Quoted(format_args!("{}{}{}", "a".repeat(100), "b".repeat(100), "c")).to_string(),
        Quoted(pieces).to_string()
    );
    assert_eq!(Quoted(format_args!("{}\n{}", "a".repeat(126), "b")).to_string(), format!("\"{}\"...", "a".repeat(126)));
}

#[test]
fn an_address_that_is_not_known_is_a_dash() {
    let login = Login { remote: None, secured: false, ..login("imap") };
    let event = Event::Ended(login, Ending::Abandoned(Mechanism::CramMd5, Abandonment::Expired));
    assert_eq!(event.line(false), "abandoned - open CRAM-MD5 reason=\"no response came\" service=\"imap\"");
}

/// Any text. A `String` of proptest's own has no control characters.
fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 0..60).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn a_line_is_one_line_of_ascii(name in text(), service in text()) {
        let event = Event::Ended(login(&service), Ending::Refused(Refusal::UnknownMechanism(name)));
        let line = event.line(true);
        prop_assert!(line.bytes().all(|b| b.is_ascii_graphic() || b == b' '));
        prop_assert_eq!(line.matches('"').count(), 6);
    }

    /// Every form that a refusal or a giving up has; the other endings are read back where logins are real (tests/report.rs).
    #[test]
    fn what_is_written_is_read(name in text(), service in text(), remote in any::<IpAddr>(), secured: bool, form in 0..8u8) {
        let mechanism = Mechanism::ALL[usize::from(form)];
        let (ending, called) = match form {
            0 => (Ending::Refused(Refusal::UnknownMechanism(name.clone())), Some(&name)),
            1 => (Ending::Refused(Refusal::InvalidBase64(mechanism)), None),
            2 => (Ending::Refused(Refusal::NoRequest(RequestFault::TooLong)), None),
            3 => (Ending::Refused(Refusal::TooManyRequests(mechanism)), None),
            4 => (Ending::Refused(Refusal::NoEntropy(mechanism)), None),
            5 => (Ending::Abandoned(mechanism, Abandonment::Closed), None),
            _ => (Ending::Refused(Refusal::UnexpectedResponse(mechanism)), None),
        };
        let remote = remote.to_canonical();
        let line = Event::Ended(Login { remote: Some(remote), service: service.clone().into(), secured }, ending).line(true);
        let logged = Logged::read(&line);
        let Some(Logged::Login(login)) = &logged else { return Err(TestCaseError::fail(line)) };
        prop_assert_eq!((login.remote, login.secured), (Some(remote), secured));
        prop_assert_eq!(login.called.map(Shown::is_cut), called.map(|name| login.called.unwrap().text() != *name));
        prop_assert!(login.service.is_cut() || login.service.text() == service);
        prop_assert_eq!(login.to_string(), line);
    }

    /// Whatever is taken for a line is one that the writer makes.
    #[test]
    fn what_is_read_is_what_is_written(line in near_a_line()) {
        if let Some(logged) = Logged::read(&line) {
            prop_assert_eq!(logged.to_string(), line);
        }
    }
}

/// The parts of lines, in nearly the right order.
fn near_a_line() -> impl Strategy<Value = String> {
    let words = [
        "authenticated",
        "denied",
        "unavailable",
        "abandoned",
        "-",
        "192.0.2.7",
        "192.0.2.007",
        "2001:db8::7",
        "2001:DB8::7",
        "secured",
        "open",
        "PLAIN",
        "plain",
        "CRAM-MD5",
        "reason=\"wrong password\"",
        "reason=\"\\x22\"",
        "reason=\"\\x41\"",
        "password=\"main\"",
        "mechanism=\"X\"...",
        "user=-",
        "user=\"joe@x\"",
        "service=\"smtp\"",
        "",
        "7",
        "log lines were lost: the log could not take them",
    ];
    let word = proptest::sample::select(words.to_vec());
    let right = ["denied", "192.0.2.7", "open", "PLAIN", "reason=\"wrong password\"", "user=-", "service=\"smtp\""];
    proptest::collection::vec((0..right.len(), word), 0..4).prop_map(move |changes| {
        let mut line = right.map(str::to_owned).to_vec();
        for (place, word) in changes {
            line[place] = word.to_owned();
        }
        line.join(" ")
    })
}

#[test]
fn lines_are_read_in_every_form() {
    for line in [
        r#"authenticated 192.0.2.7 secured SCRAM-SHA-256 password="main" user="joe@example.com" service="smtp""#,
        r#"authenticated - open EXTERNAL user="joe@example.com" service="\xc3\xa9""#,
        r#"denied 2001:db8::7 secured PLAIN reason="wrong password" user="joe@example.com" service="smtp""#,
        r#"denied 2001:db8::7 secured PLAIN reason="no such account" user=- service="smtp"..."#,
        r#"denied - open - reason="unknown mechanism" mechanism="GSSAPI" service="imap""#,
        r#"denied - secured - reason="no password" service="imap""#,
        r#"unavailable - secured PLAIN reason="no verdict in time" service="imap""#,
        r#"abandoned - secured LOGIN reason="cancelled" service="imap""#,
        "12 log lines were lost: the log could not take them",
    ] {
        let logged = Logged::read(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(logged.to_string(), line);
    }
    let Some(Logged::Login(login)) =
        Logged::read(r#"denied - open PLAIN reason="x" user="j\x22\x5c\xc3\xa9\xff@e" service="smtp""#)
    else {
        panic!()
    };
    let User::Named(name) = login.user else { panic!() };
    assert_eq!(name.text(), "j\"\\é\u{fffd}@e");
}

#[test]
fn what_is_no_line_of_ours_is_not_read() {
    for line in [
        "",
        "denied",
        "stopping",
        "denied 192.0.2.7 secured PLAIN",
        r#"<5>denied 192.0.2.7 secured PLAIN reason="wrong password" user=- service="smtp""#,
        r#" denied 192.0.2.7 secured PLAIN reason="wrong password" user=- service="smtp""#,
        r#"denied  192.0.2.7 secured PLAIN reason="wrong password" user=- service="smtp""#,
        r#"denied 192.0.2.7 secured PLAIN reason="wrong password" user=- service="smtp" "#,
        r#"denied 192.0.2.7 secured PLAIN reason="wrong password" user=- service="smtp"...."#,
        r#"denied 192.0.2.7 secured PLAIN reason="wrong " password" user=- service="smtp""#,
        r#"denied 192.0.2.7 secured PLAIN reason="wrong\password" user=- service="smtp""#,
        r#"denied 192.0.2.7 secured PLAIN reason="wrong\x20password" user=- service="smtp""#,
        r#"denied 192.0.2.7 secured PLAIN reason="wrong\x2Fpassword" user=- service="smtp""#,
        r#"denied 192.0.2.7 secured PLAIN reason="é" user=- service="smtp""#,
        r#"denied 192.0.2.7 secured PLAIN reason="x" password="main" user=- service="smtp""#,
        r#"denied 192.0.2.7 secured PLAIN user="joe@example.com" service="smtp""#,
        r#"denied ::ffff:192.0.2.07 secured PLAIN reason="x" user=- service="smtp""#,
        r#"denied 2001:DB8::7 secured PLAIN reason="x" user=- service="smtp""#,
        r#"denied 2001:db8:0::7 secured PLAIN reason="x" user=- service="smtp""#,
        r#"authenticated 192.0.2.7 secured PLAIN user=- service="smtp""#,
        r#"unavailable 192.0.2.7 secured - reason="no verdict in time" service="smtp""#,
        r#"handed out to user 105 CRAM-MD5 user="joe@example.com" service="imap""#,
        "012 log lines were lost: the log could not take them",
        "-1 log lines were lost: the log could not take them",
    ] {
        assert_eq!(Logged::read(line), None, "{line}");
    }
    let long = format!("denied - open PLAIN reason=\"{}\" service=\"\"", "a".repeat(129));
    assert_eq!(Logged::read(&long), None);
}
