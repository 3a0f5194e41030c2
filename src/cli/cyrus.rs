//! What `saslpasswd-rs` and `sasldblistusers-rs` have in common: the manners of the Cyrus programs on misuse, `-v` and `-h`.

use std::ffi::{OsStr, OsString};

use clap::{ArgMatches, Command};

use super::exit::Exit;
use super::getopt::{Event, Walk, WellFormed};
use super::output::{self, Data, Program};

/// The names that the definitions give to the options that end a program at once.
const VERSION: &str = "version";
const HELP: &str = "help";
const USAGE: &str = "usage";
const UNKNOWN: &str = "unknown";

/// How one program of the two behaves.
pub(super) struct Manners {
    /// The definition of its options.
    pub(super) command: Command,
    /// The usage text after `NAME: usage: NAME `.
    pub(super) usage: &'static str,
    /// A line after the usage text, where an option was wrong.
    pub(super) after_wrong_option: &'static str,
    /// Looks at an option's value as soon as it is met; a refusal ends the program there, and is told without its name.
    pub(super) refuse: fn(option: &str, value: &OsStr) -> Option<&'static str>,
}

/// Reads the arguments. `Err` is the status to end with; all is said then.
pub(super) fn read(
    program: &Program,
    manners: Manners,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<ArgMatches, Exit> {
    let Manners { mut command, usage, after_wrong_option, refuse } = manners;
    let mut seen = WellFormed::default();
    let (mut misused, mut wrong, mut wrong_long) = (false, false, false);
    for event in Walk::new(&command, arguments) {
        match event {
            Event::Given { id, long, .. } if id == VERSION => return Err(show_version(program, long)),
            Event::Given { id, .. } if id == HELP => return Err(show(&command.render_help().to_string())),
            Event::Given { id, .. } if id == USAGE => misused = true,
            Event::Given { id, .. } if id == UNKNOWN => (misused, wrong) = (true, true),
            Event::Given { id, value, .. } => {
                if let Some(refusal) = value.as_deref().and_then(|value| refuse(&id, value)) {
                    output::to_stderr(format_args!("{refusal}\n"));
                    return Err(Exit::Failure);
                }
                seen.option(&command, &id, value);
            }
            Event::Operand(operand) => seen.operand(operand),
            Event::Fault(fault) => {
                program.complain_as_getopt(&fault);
                (misused, wrong, wrong_long) = (true, true, wrong_long || fault.is_long());
            }
        }
    }
    let parsed = if misused { None } else { seen.parse(command).ok() };
    parsed.ok_or_else(|| {
        let exit = self::usage(program, usage);
        if wrong {
            output::to_stderr(after_wrong_option);
        }
        if wrong_long {
            output::hint(format_args!("{} --help lists the long options", program.name()));
        }
        exit
    })
}

/// The answer to a command line that makes no sense.
pub(super) fn usage(program: &Program, usage: &str) -> Exit {
    output::to_stderr(format_args!("{0}: usage: {0} {usage}", program.name()));
    Exit::Failure
}

/// `-v` answers on stderr, as the originals; `--version`, which they do not have, on stdout.
fn show_version(program: &Program, long: bool) -> Exit {
    let version = format!("{} {}\n", program.name(), env!("CARGO_PKG_VERSION"));
    if long {
        return show(&version);
    }
    output::to_stderr(version);
    Exit::Success
}

fn show(text: &str) -> Exit {
    match Data::new().text(text) {
        Ok(_) => Exit::Success,
        Err(_) => Exit::Failure,
    }
}
