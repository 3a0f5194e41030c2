//! Arguments read as getopt(3) of the GNU C library reads them, in their order.
//!
//! The definition of the options is clap's, which also makes the help and is held against the man page. clap itself
//! judges a command line as a whole, but a script that calls a Cyrus program counts on the order: what comes after `-v`
//! is never looked at, and two wrong options are two complaints. So the arguments are walked here, and clap gets the
//! long form of what the walk found, which it cannot misread.

use core::fmt;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::{Arg, ArgMatches, Command};

/// One thing that the walk met.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// An option with its value, if it takes one.
    Given {
        /// clap's name of the option.
        id: String,
        /// Its value.
        value: Option<OsString>,
        /// Whether it was spelled `--long`.
        long: bool,
    },
    /// An argument that is no option.
    Operand(OsString),
    /// An argument that getopt(3) complains about.
    Fault(Fault),
}

/// What getopt(3) complains about; displayed in its words.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// `-x` is no option.
    Invalid(u8),
    /// `-u` is the last argument, but takes a value.
    ValueMissing(u8),
    /// `--colour` is no option.
    Unrecognized(OsString),
    /// `--realm` is the last argument, but takes a value.
    LongValueMissing(OsString),
    /// `--create=yes`, but the option takes no value.
    ValueNotAllowed(OsString),
}

impl Fault {
    /// Whether it is about a long option, which the originals do not have.
    pub(super) fn is_long(&self) -> bool {
        !matches!(self, Self::Invalid(_) | Self::ValueMissing(_))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printable = super::output::printable;
        match self {
            Self::Invalid(byte) => write!(f, "invalid option -- '{}'", byte.escape_ascii()),
            Self::ValueMissing(byte) => write!(f, "option requires an argument -- '{}'", byte.escape_ascii()),
            Self::Unrecognized(name) => write!(f, "unrecognized option '--{}'", printable(name)),
            Self::LongValueMissing(name) => write!(f, "option '--{}' requires an argument", printable(name)),
            Self::ValueNotAllowed(name) => write!(f, "option '--{}' doesn't allow an argument", printable(name)),
        }
    }
}

/// The walk over the arguments, the program's name not among them.
pub(super) struct Walk<'a> {
    command: &'a Command,
    left: VecDeque<OsString>,
    /// The rest of a cluster such as `-cp`.
    cluster: VecDeque<u8>,
    operands_only: bool,
}

impl<'a> Walk<'a> {
    /// Walks over `arguments` by the definition of `command`.
    pub(super) fn new(command: &'a Command, arguments: impl IntoIterator<Item = OsString>) -> Self {
        let left = arguments.into_iter().collect();
        Self { command, left, cluster: VecDeque::new(), operands_only: false }
    }

    fn short(&mut self, byte: u8) -> Event {
        let Some(arg) = self.defined(|arg| has_short(arg, char::from(byte))) else {
            return Event::Fault(Fault::Invalid(byte));
        };
        if !takes_value(arg) {
            return given(arg, None, false);
        }
        let rest: Vec<u8> = self.cluster.drain(..).collect();
        if !rest.is_empty() {
            return given(arg, Some(OsString::from_vec(rest)), false);
        }
        // As with getopt(3), the next argument is the value whatever it looks like.
        match self.left.pop_front() {
            Some(value) => given(arg, Some(value), false),
            None => Event::Fault(Fault::ValueMissing(byte)),
        }
    }

    fn long(&mut self, text: &[u8]) -> Event {
        let (name, value) = match text.iter().position(|&b| b == b'=').and_then(|at| text.split_at_checked(at)) {
            Some((name, value)) => (name, Some(OsStr::from_bytes(value.get(1..).unwrap_or_default()).to_owned())),
            None => (text, None),
        };
        let own = || OsStr::from_bytes(name).to_owned();
        let Some(arg) = self.defined(|arg| arg.get_long().is_some_and(|long| long.as_bytes() == name)) else {
            return Event::Fault(Fault::Unrecognized(own()));
        };
        match (takes_value(arg), value) {
            (true, Some(value)) => given(arg, Some(value), true),
            (true, None) => match self.left.pop_front() {
                Some(value) => given(arg, Some(value), true),
                None => Event::Fault(Fault::LongValueMissing(own())),
            },
            (false, None) => given(arg, None, true),
            (false, Some(_)) => Event::Fault(Fault::ValueNotAllowed(own())),
        }
    }

    fn defined(&self, fits: impl Fn(&Arg) -> bool) -> Option<&'a Arg> {
        self.command.get_arguments().find(|arg| fits(arg))
    }
}

impl Iterator for Walk<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if let Some(byte) = self.cluster.pop_front() {
            return Some(self.short(byte));
        }
        let argument = self.left.pop_front()?;
        let bytes = argument.as_bytes();
        if self.operands_only || bytes.len() < 2 || bytes.first() != Some(&b'-') {
            return Some(Event::Operand(argument));
        }
        match bytes.strip_prefix(b"--") {
            Some([]) => {
                self.operands_only = true;
                self.next()
            }
            Some(text) => Some(self.long(text)),
            None => {
                self.cluster = bytes.iter().skip(1).copied().collect();
                self.next()
            }
        }
    }
}

fn has_short(arg: &Arg, letter: char) -> bool {
    arg.get_short() == Some(letter) || arg.get_all_short_aliases().is_some_and(|aliases| aliases.contains(&letter))
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

fn given(arg: &Arg, value: Option<OsString>, long: bool) -> Event {
    Event::Given { id: arg.get_id().to_string(), value, long }
}

/// What was walked over, in the form in which clap cannot read it otherwise: `--long`, `--long=VALUE`, and operands after
/// `--`.
#[derive(Debug, Default)]
pub(super) struct WellFormed {
    options: Vec<OsString>,
    operands: Vec<OsString>,
}

impl WellFormed {
    pub(super) fn option(&mut self, command: &Command, id: &str, value: Option<OsString>) {
        let long = command.get_arguments().find(|arg| arg.get_id() == id).and_then(Arg::get_long).unwrap_or(id);
        let mut text = OsString::from(format!("--{long}"));
        if let Some(value) = value {
            text.push("=");
            text.push(value);
        }
        self.options.push(text);
    }

    pub(super) fn operand(&mut self, operand: OsString) {
        self.operands.push(operand);
    }

    /// Gives it to clap, which finds out what excludes or misses what.
    pub(super) fn parse(self, command: Command) -> Result<ArgMatches, clap::Error> {
        let name = OsString::from(command.get_name().to_owned());
        let arguments = core::iter::once(name).chain(self.options).chain([OsString::from("--")]).chain(self.operands);
        command.try_get_matches_from(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ArgAction;

    fn command() -> Command {
        let flag = |id: &'static str, short| Arg::new(id).short(short).long(id).action(ArgAction::SetTrue);
        Command::new("tool")
            .disable_help_flag(true)
            .args([flag("create", 'c'), flag("pipe", 'p'), flag("usage", 'h').short_alias('?')])
            .args([Arg::new("realm").short('u').long("realm").action(ArgAction::Set)])
    }

    /// The events, one word each: `create`, `realm=x`, `:operand`, `!complaint`.
    fn walk(arguments: &[&str]) -> Vec<String> {
        let command = command();
        Walk::new(&command, arguments.iter().map(OsString::from))
            .map(|event| match event {
                Event::Given { id, value: None, .. } => id,
                Event::Given { id, value: Some(value), .. } => format!("{id}={}", value.display()),
                Event::Operand(operand) => format!(":{}", operand.display()),
                Event::Fault(fault) => format!("!{fault}"),
            })
            .collect()
    }

    #[test]
    fn arguments_are_read_as_getopt_does() {
        // Each line was compared with Debian's saslpasswd2; the long options are ours, as getopt_long(3) reads them.
        for (arguments, events) in [
            (&["-c", "-p", "u"][..], &["create", "pipe", ":u"][..]),
            (&["-cp", "u"], &["create", "pipe", ":u"]),
            (&["u", "-c"], &[":u", "create"]),
            (&["-uREALM", "u"], &["realm=REALM", ":u"]),
            (&["-u=r", "u"], &["realm==r", ":u"]),
            (&["-cur", "u"], &["create", "realm=r", ":u"]),
            (&["-u", "-c", "u"], &["realm=-c", ":u"]),
            (&["-u", "--", "u"], &["realm=--", ":u"]),
            (&["-u", "", "u"], &["realm=", ":u"]),
            (&["-c", "--", "-p", "--"], &["create", ":-p", ":--"]),
            (&["-", ""], &[":-", ":"]),
            (&["-cxy"], &["create", "!invalid option -- 'x'", "!invalid option -- 'y'"]),
            (&["-c-"], &["create", "!invalid option -- '-'"]),
            (&["-?", "-h"], &["usage", "usage"]),
            (&["u", "-cu"], &[":u", "create", "!option requires an argument -- 'u'"]),
            (&["--realm=a=b", "--create"], &["realm=a=b", "create"]),
            (&["--realm", "--create"], &["realm=--create"]),
            (&["--realm="], &["realm="]),
            (&["--realm"], &["!option '--realm' requires an argument"]),
            (&["--create=x"], &["!option '--create' doesn't allow an argument"]),
            (&["--creat", "u"], &["!unrecognized option '--creat'", ":u"]),
        ] {
            assert_eq!(walk(arguments), events, "{arguments:?}");
        }
    }

    #[test]
    fn clap_gets_what_was_walked_over() {
        let mut seen = WellFormed::default();
        seen.option(&command(), "realm", Some("=-x".into()));
        seen.option(&command(), "create", None);
        let matches = seen.parse(command()).unwrap();
        assert_eq!(matches.get_one::<String>("realm").unwrap(), "=-x");
        assert!(matches.get_flag("create") && !matches.get_flag("pipe"));
    }
}
