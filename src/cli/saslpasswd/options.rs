//! The options of `saslpasswd-rs`, and what they ask for.

use std::ffi::{OsStr, OsString};

use clap::{CommandFactory, FromArgMatches, Parser, ValueHint};

use crate::cli::cyrus::{self, Manners};
use crate::cli::exit::Exit;
use crate::cli::output::Program;

/// Behind `NAME: usage: NAME `; the original's text.
const USAGE: &str = "\
[-v] [-c [-p] [-n]] [-d] [-a appname] [-f sasldb] [-u DOM] userid
\t-p\tpipe mode -- no prompt, password read on stdin
\t-c\tcreate -- ask mechs to create the account
\t-d\tdisable -- ask mechs to disable/delete the account
\t-n\tno userPassword -- don't set plaintext userPassword property
\t  \t                   (only set mechanism-specific secrets)
\t-f sasldb\tuse given file as sasldb
\t-a appname\tuse appname as application name
\t-u DOM\tuse DOM for user domain
\t-v\tprint version numbers and exit
";

/// Make and change accounts for mail servers
#[derive(Debug, Parser)]
#[command(
    name = "saslpasswd-rs",
    disable_help_flag = true,
    disable_version_flag = true,
    args_override_self = true,
    override_usage = "saslpasswd-rs [-c] [-p] [-n] [-u REALM] [-f FILE] [--config FILE] USERID\n       \
                      saslpasswd-rs {-d | --disable | --enable} [-u REALM] [-f FILE] [--config FILE] USERID\n       \
                      saslpasswd-rs --list [--json] [-f FILE] [--config FILE] [PATTERN]",
    after_help = "The password of USERID is set, asked for twice on a terminal, else read from stdin.\n\
                  USERID is a name, or NAME@REALM. A bare name means the realm of -u, else the default realm.\n\
                  PATTERN may hold * and ?; without an @ it is compared with the name alone."
)]
pub(super) struct Options {
    /// Read the password from stdin without prompts, up to its end, less one final newline; on a terminal one line, with echo
    #[arg(short = 'p', long)]
    pub(super) pipe: bool,
    /// Make the account; without it an account that is missing is made all the same
    #[arg(short = 'c', long, conflicts_with = "delete")]
    create: bool,
    /// Delete the account; no error if there is none
    #[arg(short = 'd', long)]
    delete: bool,
    /// Set secrets for the challenge mechanisms only: PLAIN and LOGIN are refused with this password
    #[arg(short = 'n', long)]
    pub(super) no_plaintext: bool,
    /// The realm of a bare USERID; an empty one counts as none
    #[arg(short = 'u', long, value_name = "REALM")]
    pub(super) realm: Option<OsString>,
    /// The account database, in place of the setting `database`
    #[arg(short = 'f', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) database: Option<OsString>,
    /// Taken for compatibility; has no effect
    #[arg(short = 'a', long, value_name = "NAME")]
    appname: Option<OsString>,
    /// The configuration file, in place of /etc/sasldb-rs/config.toml
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) config: Option<OsString>,
    /// List the accounts, or those that fit PATTERN
    #[arg(long, conflicts_with_all = ["pipe", "create", "delete", "no_plaintext", "realm", "disable", "enable"])]
    list: bool,
    /// With --list: as JSON
    #[arg(long, requires = "list")]
    json: bool,
    /// Keep the account but let nobody log in to it
    #[arg(long, conflicts_with_all = ["pipe", "create", "delete", "no_plaintext", "enable"])]
    disable: bool,
    /// Let a disabled account log in again
    #[arg(long, conflicts_with_all = ["pipe", "create", "delete", "no_plaintext"])]
    enable: bool,
    /// Print the version (with -v on stderr) and exit
    #[arg(short = 'v', long)]
    version: bool,
    /// Print this help and exit
    #[arg(long)]
    help: bool,
    /// Print the usage of the original program on stderr and exit with status 1
    #[arg(short = 'h', short_alias = '?')]
    usage: bool,
    /// The account; with --list a pattern
    #[arg(value_name = "USERID")]
    operands: Vec<OsString>,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Set the password of an account, making the account if need be.
    SetPassword(OsString),
    /// Delete an account.
    Delete(OsString),
    /// Switch an account off, or on again.
    Disable(OsString, bool),
    /// List accounts.
    List { pattern: Option<OsString>, json: bool },
}

impl Options {
    /// Reads the arguments; `Err` is the status to end with.
    pub(super) fn read(program: &Program, arguments: impl IntoIterator<Item = OsString>) -> Result<(Self, Task), Exit> {
        let matches = cyrus::read(program, manners(), arguments)?;
        let options = Self::from_arg_matches(&matches).ok();
        let task = options.as_ref().and_then(Self::task);
        options.zip(task).ok_or_else(|| cyrus::usage(program, USAGE))
    }

    /// One operand is wanted, for a listing at most one.
    fn task(&self) -> Option<Task> {
        let operand = self.operands.first().cloned();
        if self.operands.len() > 1 {
            return None;
        }
        if self.list {
            return Some(Task::List { pattern: operand, json: self.json });
        }
        Some(match operand? {
            userid if self.delete => Task::Delete(userid),
            userid if self.disable || self.enable => Task::Disable(userid, self.disable),
            userid => Task::SetPassword(userid),
        })
    }
}

fn manners() -> Manners {
    Manners { command: Options::command(), usage: USAGE, after_wrong_option: "", refuse: refuse_appname }
}

/// The original makes a file name of it.
fn refuse_appname(option: &str, value: &OsStr) -> Option<&'static str> {
    let slash = option == "appname" && value.as_encoded_bytes().contains(&b'/');
    slash.then_some("appname must not contain /")
}
