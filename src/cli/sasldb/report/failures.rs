//! What the helper's log tells of logins that failed, in bounded memory however long it is.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::net::{IpAddr, Ipv6Addr};

use crate::cli::input;
use crate::event::{Logged, LoginLine, User, Verdict};
use crate::identity::IdentityKey;

use super::counts::{Counts, count, top};
use super::facts::{AccountCount, Failures, ReasonCount, SourceCount};

/// The program as syslog names it.
const TAG: &str = "saslauthd-rs";

/// The most reasons that are told apart; there are about twenty, but for those that name a password or a fault.
const MOST_REASONS: usize = 100;
const OTHER_REASONS: &str = "other reasons";

/// A log, read.
pub(super) struct FailureLog {
    facts: Failures,
    sources: Counts<Source>,
    names: Counts<String>,
    named: u64,
    reasons: BTreeMap<String, u64>,
    /// The names that are accounts, with how they are spelled.
    accounts: BTreeMap<String, (String, u64)>,
}

/// An address, or all of an IPv6 /64, of which a host picks its lower half as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Source(IpAddr);

impl Source {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => Self(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
            address @ IpAddr::V4(_) => Self(address),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

impl FailureLog {
    /// Reads the log to its end. It may hold any bytes, and other programs' lines.
    pub(super) fn read(input: impl BufRead) -> io::Result<Self> {
        let mut log = Self {
            facts: Failures::default(),
            sources: Counts::new(),
            names: Counts::new(),
            named: 0,
            reasons: BTreeMap::new(),
            accounts: BTreeMap::new(),
        };
        input::lines(input, |line| {
            let text = line.and_then(|line| std::str::from_utf8(line).ok());
            log.add(text.and_then(logged));
        })?;
        Ok(log)
    }

    fn add(&mut self, logged: Option<Logged<'_>>) {
        match logged {
            None => count(&mut self.facts.other_lines),
            Some(Logged::LinesLost(lost)) => self.facts.lost = self.facts.lost.saturating_add(lost),
            Some(Logged::Login(login)) => {
                count(&mut self.facts.logins);
                count(match login.verdict {
                    Verdict::Authenticated => &mut self.facts.authenticated,
                    Verdict::Denied => &mut self.facts.denied,
                    Verdict::Unavailable => &mut self.facts.unavailable,
                    Verdict::Abandoned => &mut self.facts.abandoned,
                });
                if login.verdict == Verdict::Denied {
                    self.add_denied(&login);
                }
            }
        }
    }

    fn add_denied(&mut self, login: &LoginLine<'_>) {
        match login.remote {
            Some(address) => self.sources.add(Source::of(address)),
            None => count(&mut self.facts.of_no_address),
        }
        match login.user {
            User::Named(name) => {
                count(&mut self.named);
                self.names.add(name.text());
            }
            User::Nobody => count(&mut self.facts.of_no_account),
            User::Unsaid => count(&mut self.facts.of_nobody),
        }
        let reason = login.reason.map(|reason| reason.text()).unwrap_or_default();
        let is_one_too_many = self.reasons.len() >= MOST_REASONS && !self.reasons.contains_key(&reason);
        let reason = if is_one_too_many { OTHER_REASONS.to_owned() } else { reason };
        count(self.reasons.entry(reason).or_default());
    }

    /// Whether it tells of any login.
    pub(super) const fn has_logins(&self) -> bool {
        self.facts.logins > 0
    }

    /// Takes note that there is such an account. Names that are none are not shown: people type passwords where the name belongs.
    pub(super) fn there_is(&mut self, key: &IdentityKey, spelled: impl FnOnce() -> String) {
        let name = key.to_string();
        if let Some(count) = self.names.get(&name) {
            self.accounts.insert(name, (spelled(), count));
        }
    }

    /// The facts, once every account was there.
    pub(super) fn into_facts(self, most: usize) -> Failures {
        let at_most_missed = self.sources.missed().max(self.names.missed());
        let of_accounts = self.accounts.values().map(|(_, count)| count).fold(0u64, |sum, n| sum.saturating_add(*n));
        let reasons = top(self.reasons, usize::MAX);
        let sources = self.sources.top(most);
        let accounts = top(self.accounts.into_values(), most);
        Failures {
            at_most_missed,
            of_no_account: self.facts.of_no_account.saturating_add(self.named.saturating_sub(of_accounts)),
            reasons: reasons.into_iter().map(|(reason, denied)| ReasonCount { reason, denied }).collect(),
            sources: sources
                .into_iter()
                .map(|(source, denied)| SourceCount { source: source.to_string(), denied })
                .collect(),
            accounts: accounts.into_iter().map(|(account, denied)| AccountCount { account, denied }).collect(),
            ..self.facts
        }
    }
}

/// The helper's line, whether it came from the helper, from the journal, or through syslog.
fn logged(line: &str) -> Option<Logged<'_>> {
    Logged::read(line).or_else(|| Logged::read(message(line)?))
}

/// What stands behind the head that syslog and `journalctl` write: time, host, program. In what is behind it there may be
/// anything, so a head counts only where a line begins.
fn message(line: &str) -> Option<&str> {
    if let Some(message) = line.strip_prefix("MESSAGE=") {
        return Some(message);
    }
    let is_date = |text: &str| text.len() >= 19 && text.contains('T') && text.starts_with(|c: char| c.is_ascii_digit());
    let after_time = match line.split_once(' ') {
        Some((date, rest)) if is_date(date) => rest,
        // RFC 3164, section 4.1.2: `Nov  4 16:00:00`, always as long.
        _ => line.split_at_checked("Nov 24 16:00:00 ".len()).filter(|(time, _)| is_old_time(time))?.1,
    };
    let (_host, rest) = after_time.split_once(' ')?;
    let (tag, message) = rest.split_once(": ")?;
    let number = tag.strip_prefix(TAG)?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_tag = number.is_empty() || number.strip_prefix('[').and_then(|n| n.strip_suffix(']')).is_some_and(digits);
    is_tag.then_some(message)
}

fn is_old_time(time: &str) -> bool {
    time.bytes().zip(*b"Aaa d0 00:00:00 ").all(|(byte, form)| match form {
        b'A' => byte.is_ascii_uppercase(),
        b'a' => byte.is_ascii_lowercase(),
        b'd' => byte == b' ' || byte.is_ascii_digit(),
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Identity, Name, Realm};

    const LINE: &str =
        r#"denied 192.0.2.7 secured PLAIN reason="wrong password" user="joe@example.com" service="smtp""#;

    fn read(text: impl AsRef<[u8]>) -> FailureLog {
        FailureLog::read(text.as_ref()).unwrap()
    }

    #[test]
    fn lines_count_with_every_head_that_they_get() {
        for head in [
            "",
            "MESSAGE=",
            "Nov 24 16:00:00 mail saslauthd-rs[123]: ",
            "Nov  4 16:00:00 mail saslauthd-rs: ",
            "2026-11-24T16:00:00.123456+01:00 mail saslauthd-rs[123]: ",
            "2026-11-24T16:00:00Z mail saslauthd-rs[123]: ",
        ] {
            assert_eq!(read(format!("{head}{LINE}\n")).facts.denied, 1, "{head}");
        }
    }

    #[test]
    fn lines_of_others_do_not_count() {
        for head in [
            " ",
            "Nov 24 16:00:00 mail sshd[1]: ",
            "Nov 24 16:00:00 mail saslauthd-rs[]: ",
            "Nov 24 16:00:00 mail saslauthd-rs[1]:",
            "Nov 24 16:00:00 mail saslauthd[1]: ",
            "Nov 24 16:00:00 mail sshd[1]: Nov 24 16:00:00 mail saslauthd-rs[1]: ",
            "Nov 24 16:00:00 mail sshd[1]: saslauthd-rs[1]: ",
            "nov 24 16:00:00 mail saslauthd-rs[1]: ",
            "saslauthd-rs[1]: ",
            "x MESSAGE=",
        ] {
            let facts = read(format!("{head}{LINE}\n")).facts;
            assert_eq!((facts.denied, facts.other_lines), (0, 1), "{head}");
        }
        let long = format!("{}\n{LINE}\n", "a".repeat(10_000));
        let facts = read([long.as_bytes(), b"\xff\xfe\n", LINE.as_bytes()].concat()).facts;
        assert_eq!((facts.denied, facts.other_lines), (2, 2));
        // What is cut off a line that is too long is no line either.
        assert_eq!(read(format!("{}{LINE}\n", "a".repeat(4096))).facts.denied, 0);
    }

    #[test]
    fn denials_are_counted_by_source_account_and_reason() {
        let line = |from: &str, reason: &str, user: &str| {
            format!("denied {from} secured PLAIN reason=\"{reason}\"{user} service=\"smtp\"\n")
        };
        let text = [
            line("2001:db8::7", "wrong password", " user=\"joe@example.com\""),
            line("2001:db8::8", "wrong password", " user=\"joe@example.com\""),
            line("192.0.2.7", "no such account", " user=\"secret@example.com\""),
            line("192.0.2.7", "no such account", " user=-"),
            line("-", "unexpected response", ""),
            "authenticated - open EXTERNAL user=\"joe@example.com\" service=\"smtp\"\n".to_owned(),
            "7 log lines were lost: the log could not take them\n".to_owned(),
            "listening on /run/sasldb-rs/auth\n".to_owned(),
        ]
        .concat();
        let mut log = read(text);
        for name in ["Joe", "ann"] {
            let identity = Identity::new(Name::new(name).unwrap(), Realm::new("example.com").unwrap());
            log.there_is(&identity.key(), || identity.to_string());
        }
        let facts = log.into_facts(1);
        assert_eq!((facts.logins, facts.authenticated, facts.denied, facts.lost, facts.other_lines), (6, 1, 5, 7, 1));
        assert_eq!((facts.of_no_address, facts.of_no_account, facts.of_nobody), (1, 2, 1));
        assert_eq!((facts.sources[0].source.as_str(), facts.sources[0].denied), ("192.0.2.7", 2));
        assert_eq!((facts.accounts[0].account.as_str(), facts.accounts[0].denied), ("Joe@example.com", 2));
        let reasons: Vec<_> = facts.reasons.iter().map(|r| (r.reason.as_str(), r.denied)).collect();
        assert_eq!(reasons, [("no such account", 2), ("wrong password", 2), ("unexpected response", 1)]);
        assert_eq!((facts.sources.len(), facts.accounts.len()), (1, 1));
    }

    #[test]
    fn an_ipv6_host_is_its_64() {
        assert_eq!(Source::of("2001:db8:1:2:3::4".parse().unwrap()).to_string(), "2001:db8:1:2::/64");
        assert_eq!(Source::of("::ffff:192.0.2.7".parse().unwrap()).to_string(), "192.0.2.7");
    }
}
