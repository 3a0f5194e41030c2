//! Why a program stops short: what failed, on what, what to do, and the exit status. Here alone errors become words.

use std::fmt;
use std::io;

use crate::config::ConfigError;
use crate::identity::{IdentityError, MAX_PART};
use crate::secret::{Password, PasswordError};
use crate::store::{KeyFault, StoreError};

use super::exit::Exit;
use super::output::{self, Program};

/// A failure, ready to be told.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    cause: anyhow::Error,
    hint: Option<String>,
    cyrus_words: CyrusWords,
}

/// How the first line of a failure, which is the Cyrus program's own, comes about.
#[derive(Debug)]
enum CyrusWords {
    /// By the exit status.
    OfStatus,
    /// The cause is told in them already.
    OfCause,
    /// They are these.
    Own(String),
}

impl Failure {
    /// A failure that ends the program with `exit`.
    pub(super) fn new(exit: Exit, cause: impl Into<anyhow::Error>) -> Self {
        Self { exit, cause: cause.into(), hint: None, cyrus_words: CyrusWords::OfStatus }
    }

    /// What is called `name` could not be read.
    pub(super) fn cannot_read(name: impl fmt::Display, fault: io::Error) -> Self {
        Self::new(Exit::Failure, anyhow::Error::new(fault).context(format!("cannot read {name}")))
    }

    /// What is called `name` could not be written.
    pub(super) fn cannot_write(name: impl fmt::Display, fault: io::Error) -> Self {
        Self::new(Exit::Failure, anyhow::Error::new(fault).context(format!("cannot write {name}")))
    }

    /// Says that the cause is already in the words that the Cyrus program has for it.
    #[must_use]
    pub(super) fn in_cyrus_words(mut self) -> Self {
        self.cyrus_words = CyrusWords::OfCause;
        self
    }

    /// Says in which words the Cyrus program would tell it, where these do not follow from the exit status.
    #[must_use]
    pub(super) fn cyrus_words(mut self, words: impl Into<String>) -> Self {
        self.cyrus_words = CyrusWords::Own(words.into());
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure with another exit status.
    #[must_use]
    pub(super) fn ending_in(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Whether what was asked for can never be, with whatever store.
    pub(super) fn is_about_parameters(&self) -> bool {
        self.exit == Exit::BadParameter
    }

    /// The failure and what to do about it, for where there is one line.
    pub(super) fn in_one_line(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{self}; {hint}"),
            None => self.to_string(),
        }
    }

    /// Tells it as `sasldb-rs` and `saslauthd-rs` do; gives the exit status.
    pub(super) fn tell(&self, program: &Program) -> Exit {
        program.complain(format_args!("{:#}", self.cause));
        self.hint.iter().for_each(output::hint);
        self.exit
    }

    /// Tells it as the Cyrus programs do: first their words, which scripts may look for, then ours. Of their statuses we
    /// need three: the fault of a parameter, of an account that is not there, and the general one.
    pub(super) fn tell_as_cyrus(&self, program: &Program) -> Exit {
        let (exit, words) = match self.exit {
            Exit::BadParameter => (Exit::BadParameter, "invalid parameter supplied"),
            Exit::NoUser => (Exit::NoUser, "user not found"),
            _ => (Exit::Failure, "generic failure"),
        };
        match &self.cyrus_words {
            CyrusWords::OfStatus => program.complain(words),
            CyrusWords::OfCause => {}
            CyrusWords::Own(words) => program.complain(words),
        }
        self.tell(program);
        exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.cause)
    }
}

/// What came of writing to stdout.
pub(super) fn written<T>(result: io::Result<T>) -> Result<T, Failure> {
    result.map_err(|fault| Failure::new(Exit::Failure, anyhow::Error::new(fault).context("cannot write to stdout")))
}

/// A part of an identity that cannot be taken. `what` is `user name` or `realm`.
pub(super) fn refused_name(what: &str, fault: IdentityError) -> Failure {
    let hint = match fault {
        IdentityError::Empty => "an account is called NAME@REALM, and neither part is empty".to_owned(),
        IdentityError::TooLong => format!("names and realms have at most {MAX_PART} bytes"),
        IdentityError::NotUtf8 => "write names and realms in UTF-8".to_owned(),
        IdentityError::Forbidden(_) => {
            "names and realms hold no control character and none of @ : \" \\; an account is called NAME@REALM"
                .to_owned()
        }
    };
    Failure::new(Exit::BadParameter, anyhow::anyhow!("the {what} {fault}")).hint(hint)
}

impl From<PasswordError> for Failure {
    fn from(fault: PasswordError) -> Self {
        let hint = match fault {
            PasswordError::Empty => "give the password on stdin or at the prompt".to_owned(),
            PasswordError::TooLong => format!("passwords have at most {} bytes", Password::MAX),
            PasswordError::Nul => "no protocol can carry a NUL byte in a password".to_owned(),
        };
        Self::new(Exit::BadParameter, fault).hint(hint)
    }
}

impl From<ConfigError> for Failure {
    fn from(fault: ConfigError) -> Self {
        Self::new(Exit::Configuration, fault)
    }
}

impl From<StoreError> for Failure {
    fn from(fault: StoreError) -> Self {
        let hint = hint_for(&fault);
        let exit = if matches!(fault, StoreError::Refused(_)) { Exit::Failure } else { Exit::Unavailable };
        let failure = Self::new(exit, fault);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

fn hint_for(fault: &StoreError) -> Option<String> {
    Some(match fault {
        StoreError::Missing(_) => "saslpasswd-rs -c NAME makes it together with the first account".to_owned(),
        StoreError::Unreachable { path, .. } if matches!(path.try_exists(), Ok(false)) => {
            format!("make it: install -d -o root -g sasldb-rs -m 2750 {}", path.display())
        }
        StoreError::Unreachable { path, .. } if path.is_dir() || path.is_symlink() => {
            "name the file itself with -f, or as `database` in the configuration file".to_owned()
        }
        StoreError::Unreachable { path, .. } => {
            format!("the accounts belong to root: run the program as root, or see who may open {}", path.display())
        }
        StoreError::Busy => "another program is writing; try again".to_owned(),
        StoreError::Full => "make room on the disk; what was written before stays, and nothing is half done".to_owned(),
        StoreError::NotOurs(_) => "name another file with -f; it has not been touched".to_owned(),
        StoreError::TooNew { .. } => "use the version of saslpasswd-rs that made it, or a later one".to_owned(),
        StoreError::Damaged(_) => "restore the database and its key file from a backup".to_owned(),
        StoreError::Activity { path, .. } => format!(
            "the accounts are whole; move {} away and start the helper again, which begins a new one",
            path.display()
        ),
        StoreError::Key { path, fault } => match fault {
            KeyFault::Missing => format!("put the key file back at {}, or name it with key_file", path.display()),
            KeyFault::Unreadable => "run the program as root, or as a user that may read it".to_owned(),
            KeyFault::OpenToAll => {
                format!("chmod o= {}, then set the passwords anew if others could read it", path.display())
            }
            KeyFault::Malformed => "restore it from a backup".to_owned(),
            KeyFault::OtherKey => "a database opens only with the key file that was made with it".to_owned(),
        },
        StoreError::Refused(_) | StoreError::NoEntropy => return None,
    })
}
