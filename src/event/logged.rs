//! The log's lines about logins, read back. Only what [`Event::write_line`](super::Event::write_line) can have written is a
//! line; written again it is the same, byte for byte.

use core::fmt;
use core::net::IpAddr;

use crate::vocabulary::Mechanism;

use super::quoted::{MAX_TEXT, is_plain};

/// What stands behind the number of lines that were lost.
pub(super) const LOST: &str = " log lines were lost: the log could not take them";

/// A line of the log that tells something about logins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logged<'l> {
    /// How a login ended.
    Login(LoginLine<'l>),
    /// So many lines are missing.
    LinesLost(u64),
}

/// How a login ended, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginLine<'l> {
    /// In one word.
    pub verdict: Verdict,
    /// The mail client's address; none where the server that asked did not tell.
    pub remote: Option<IpAddr>,
    /// Whether the transport was protected.
    pub secured: bool,
    /// The mechanism; none for one that is not known.
    pub mechanism: Option<Mechanism>,
    /// Why, where it was no success.
    pub reason: Option<Shown<'l>>,
    /// The label of the password that fitted.
    pub password: Option<Shown<'l>>,
    /// What a mechanism was called that is not known.
    pub called: Option<Shown<'l>>,
    /// Whose account it was about.
    pub user: User<'l>,
    /// The service, in the words of the server that asked.
    pub service: Shown<'l>,
}

/// The first word of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A success.
    Authenticated,
    /// A refusal.
    Denied,
    /// A failure on our side.
    Unavailable,
    /// Nobody asked for a verdict any more.
    Abandoned,
}

/// Whose account a login was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User<'l> {
    /// The line does not say.
    Unsaid,
    /// A name that no account has.
    Nobody,
    /// This name.
    Named(Shown<'l>),
}

/// A text from outside, as a line shows it: escaped, perhaps cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'l> {
    escaped: &'l str,
    cut: bool,
}

impl Verdict {
    const ALL: [Self; 4] = [Self::Authenticated, Self::Denied, Self::Unavailable, Self::Abandoned];

    /// The word in the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Authenticated => "authenticated",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Abandoned => "abandoned",
        }
    }
}

impl<'l> Shown<'l> {
    /// Whether only the beginning is there.
    #[must_use]
    pub const fn is_cut(self) -> bool {
        self.cut
    }

    /// The text itself, as far as it is there. What is no UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn text(self) -> String {
        let mut bytes = Vec::with_capacity(self.escaped.len());
        let mut rest = self.escaped.as_bytes();
        while let Some((&first, after)) = rest.split_first() {
            let escaped = after.split_at_checked(3).and_then(|(code, after)| Some((hex(code)?, after)));
            match (first, escaped) {
                (b'\\', Some((byte, after))) => {
                    bytes.push(byte);
                    rest = after;
                }
                _ => {
                    bytes.push(first);
                    rest = after;
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads a text with its quotes; gives what follows.
    fn read(line: &'l str) -> Option<(Self, &'l str)> {
        let (escaped, after) = line.strip_prefix('"')?.split_once('"')?;
        let (cut, after) = match after.strip_prefix("...") {
            Some(after) => (true, after),
            None => (false, after),
        };
        (escaped.len() <= MAX_TEXT && is_escaped(escaped)).then_some((Self { escaped, cut }, after))
    }
}

/// The byte that `xNN` stands for.
fn hex(code: &[u8]) -> Option<u8> {
    let &[b'x', high, low] = code else { return None };
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a').and_then(|rest| rest.checked_add(10)),
        _ => None,
    };
    Some(digit(high)? << 4 | digit(low)?)
}

/// Whether the writer can have made this text: what is plain stands for itself, all else is escaped.
fn is_escaped(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if is_plain(first) {
            rest = after;
            continue;
        }
        let Some((code, after)) = after.split_at_checked(3) else { return false };
        if first != b'\\' || hex(code).is_none_or(is_plain) {
            return false;
        }
        rest = after;
    }
    true
}

impl<'l> Logged<'l> {
    /// Reads a line without its LF, and without what syslog puts before it.
    #[must_use]
    pub fn read(line: &'l str) -> Option<Self> {
        match line.strip_suffix(LOST) {
            Some(count) => count.parse().ok().filter(|number: &u64| number.to_string() == count).map(Self::LinesLost),
            None => LoginLine::read(line).map(Self::Login),
        }
    }
}

impl<'l> LoginLine<'l> {
    fn read(line: &'l str) -> Option<Self> {
        let mut head = line.splitn(5, ' ');
        let word = head.next()?;
        let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.word() == word)?;
        let remote = match head.next()? {
            "-" => None,
            text => Some(text.parse().ok().filter(|address: &IpAddr| address.to_string() == text)?),
        };
        let secured = match head.next()? {
            "secured" => true,
            "open" => false,
            _ => return None,
        };
        let mechanism = match head.next()? {
            "-" => None,
            name => Some(Mechanism::ALL.into_iter().find(|mechanism| mechanism.name() == name)?),
        };
        let mut rest = head.next()?;
        let reason = field(&mut rest, "reason=")?;
        let password = field(&mut rest, "password=")?;
        let called = field(&mut rest, "mechanism=")?;
        let user = match rest.strip_prefix("user=- ") {
            Some(after) => {
                rest = after;
                User::Nobody
            }
            None => field(&mut rest, "user=")?.map_or(User::Unsaid, User::Named),
        };
        let (service, "") = Shown::read(rest.strip_prefix("service=")?)? else { return None };
        let read = Self { verdict, remote, secured, mechanism, reason, password, called, user, service };
        read.makes_sense().then_some(read)
    }

    /// Whether a line of this verdict has these fields.
    fn makes_sense(&self) -> bool {
        let succeeded = self.verdict == Verdict::Authenticated;
        let is_denied = self.verdict == Verdict::Denied;
        self.reason.is_some() != succeeded
            && (self.password.is_none() || succeeded)
            && (self.mechanism.is_some() || is_denied)
            && (self.called.is_none() || is_denied && self.mechanism.is_none())
            && match self.user {
                User::Unsaid => !succeeded,
                User::Nobody => is_denied && self.mechanism.is_some(),
                User::Named(_) => succeeded || is_denied && self.mechanism.is_some(),
            }
    }
}

/// Takes a field off the line, with the space behind it: `Some(None)` if another one stands there, `None` if it is broken.
fn field<'l>(rest: &mut &'l str, name: &str) -> Option<Option<Shown<'l>>> {
    let Some(value) = rest.strip_prefix(name) else { return Some(None) };
    let (text, after) = Shown::read(value)?;
    *rest = after.strip_prefix(' ')?;
    Some(Some(text))
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"{}", self.escaped, if self.cut { "..." } else { "" })
    }
}

impl fmt::Display for Logged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login(login) => login.fmt(f),
            Self::LinesLost(count) => write!(f, "{count}{LOST}"),
        }
    }
}

impl fmt::Display for LoginLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verdict.word())?;
        match self.remote {
            Some(address) => write!(f, " {address}")?,
            None => f.write_str(" -")?,
        }
        let transport = if self.secured { "secured" } else { "open" };
        write!(f, " {transport} {}", self.mechanism.map_or("-", Mechanism::name))?;
        for (name, text) in [("reason", self.reason), ("password", self.password), ("mechanism", self.called)] {
            if let Some(text) = text {
                write!(f, " {name}={text}")?;
            }
        }
        match self.user {
            User::Unsaid => {}
            User::Nobody => f.write_str(" user=-")?,
            User::Named(text) => write!(f, " user={text}")?,
        }
        write!(f, " service={}", self.service)
    }
}
