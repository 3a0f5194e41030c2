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
}
