//! The definition of a program's options, as parts of a man page.

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, Command};

use crate::mdoc;

/// What stands below NAME.
pub(crate) fn name(program: &Command) -> String {
    let about = plain(program.get_about());
    let mut letters = about.trim_end_matches('.').chars();
    let first = letters.next().map(|letter| letter.to_lowercase().to_string()).unwrap_or_default();
    format!(".Nm {}\n.Nd {first}{}\n", program.get_name(), letters.as_str())
}

/// What stands below SYNOPSIS: the usage that the definition spells out, or one that says all.
pub(crate) fn synopsis(program: &Command) -> String {
    let spelled_out = program.clone().render_usage().to_string();
    if !spelled_out.contains("[OPTIONS]") {
        let lines = spelled_out.trim_start_matches("Usage:").lines();
        return lines.map(|line| mdoc::usage("", line.trim().trim_start_matches(program.get_name()))).collect();
    }
    let entries = entries(program);
    let own = if entries.is_empty() { usage(program) } else { usage(program) + " COMMAND ..." };
    let of = |(words, command): &(String, &Command)| mdoc::usage(words, &usage(command));
    mdoc::usage("", &own) + &entries.iter().map(of).collect::<String>()
}

/// The options of the program itself, or of all its subcommands.
pub(crate) fn options(program: &Command) -> String {
    // What clap adds is not of the program's own definition.
    let mut built = program.clone().disable_help_subcommand(true);
    built.build();
    list(built.get_arguments(), &Vocabulary::of(program))
}

/// The subcommands, by the words that call them.
pub(crate) fn subcommands(program: &Command) -> Vec<(String, String)> {
    let vocabulary = Vocabulary::of(program);
    let section = |command: &Command| {
        let about = plain(command.get_long_about().or(command.get_about()));
        mdoc::paragraphs(&about, &vocabulary) + &list(command.get_arguments(), &vocabulary)
    };
    entries(program).into_iter().map(|(words, command)| (words, section(command))).collect()
}

/// The names that stand for values; in a text they mean these.
pub(crate) struct Vocabulary(Vec<String>);

impl Vocabulary {
    fn of(program: &Command) -> Self {
        let commands = entries(program).into_iter().map(|(_, command)| command).chain([program]);
        let values = commands.flat_map(Command::get_arguments).filter(|arg| takes_value(arg)).map(value);
        let spelled_out = program.clone().render_usage().to_string();
        let words = spelled_out.split([' ', '[', ']', '\n']).filter(|word| word.chars().all(char::is_uppercase));
        Self(values.chain(words.filter(|word| !word.is_empty()).map(str::to_owned)).collect())
    }

    /// Whether the word is one of them.
    pub(crate) fn knows(&self, word: &str) -> bool {
        self.0.iter().any(|name| name == word)
    }
}

/// The subcommands that do something themselves, each with the words that call it.
fn entries(program: &Command) -> Vec<(String, &Command)> {
    let mut found = Vec::new();
    for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
        let words = command.get_name().to_owned();
        if !command.has_subcommands() || command.get_arguments().next().is_some() {
            found.push((words.clone(), command));
        }
        found.extend(entries(command).into_iter().map(|(rest, command)| (format!("{words} {rest}"), command)));
    }
    found
}

/// As `[-f FILE] --label LABEL [--service NAME]... USER`.
fn usage(command: &Command) -> String {
    let mut words = Vec::new();
    let groups: Vec<_> = command.get_groups().filter(|group| group.is_required_set()).collect();
    let in_group = |arg: &Arg| groups.iter().any(|group| group.get_args().any(|id| id == arg.get_id()));
    for group in &groups {
        let of_group = shown(command.get_arguments()).filter(|arg| group.get_args().any(|id| id == arg.get_id()));
        words.push(format!("{{{}}}", of_group.map(flag).collect::<Vec<_>>().join(" | ")));
    }
    let (operands, options): (Vec<_>, Vec<_>) =
        shown(command.get_arguments()).filter(|arg| !in_group(arg)).partition(|arg| arg.is_positional());
    // What has to be there is seen best at the front.
    let (needed, others): (Vec<_>, Vec<_>) = options.into_iter().partition(|arg| arg.is_required_set());
    words.extend(needed.into_iter().map(flag));
    words.extend(others.into_iter().map(|arg| format!("[{}]{}", flag(arg), if repeats(arg) { "..." } else { "" })));
    words.extend(operands.into_iter().map(|arg| {
        let name = value(arg) + if repeats(arg) { " ..." } else { "" };
        if arg.is_required_set() { name } else { format!("[{name}]") }
    }));
    words.join(" ")
}

fn list<'a>(arguments: impl Iterator<Item = &'a Arg>, vocabulary: &Vocabulary) -> String {
    let (operands, options): (Vec<_>, Vec<_>) = shown(arguments).partition(|arg| arg.is_positional());
    let items: String = options.into_iter().chain(operands).map(|arg| item(arg, vocabulary)).collect();
    if items.is_empty() { items } else { format!(".Bl -tag -width Ds\n{items}.El\n") }
}

fn item(arg: &Arg, vocabulary: &Vocabulary) -> String {
    let names = arg.get_short().map(|short| format!("-{short}")).into_iter();
    let names = names.chain(arg.get_long().map(|long| format!("--{long}")));
    let value = if takes_value(arg) { value(arg) } else { String::new() };
    let spellings: Vec<_> = names.map(|name| format!("{name} {value}").trim_end().to_owned()).collect();
    let label = if arg.is_positional() { value } else { spellings.join(" , ") };
    let mut text = plain(arg.get_long_help().or(arg.get_help()));
    if arg.get_id() == "help" {
        // clap's own has more to say, which is of no use here.
        text = text.split(" (").next().unwrap_or_default().to_owned();
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| format!("`{}`", value.display())).collect();
    if takes_value(arg) && !defaults.is_empty() {
        text = format!("{}. Default: {}", text.trim_end_matches('.'), defaults.join(", "));
    }
    format!(".It {}\n{}{}", mdoc::inline(&label), mdoc::paragraphs(&text, vocabulary), values(arg, vocabulary))
}

/// What the value may be, where it is one of a few words.
fn values(arg: &Arg, vocabulary: &Vocabulary) -> String {
    let possible = if takes_value(arg) { arg.get_possible_values() } else { Vec::new() };
    let of = |value: &clap::builder::PossibleValue| {
        format!(".It Cm {}\n{}", value.get_name(), mdoc::paragraphs(&plain(value.get_help()), vocabulary))
    };
    let items: String = possible.iter().filter(|value| !value.is_hide_set()).map(of).collect();
    if items.is_empty() { items } else { format!(".Bl -tag -width Ds\n{items}.El\n") }
}

fn shown<'a>(arguments: impl Iterator<Item = &'a Arg>) -> impl Iterator<Item = &'a Arg> {
    arguments.filter(|arg| !arg.is_hide_set())
}

/// As it is written: `-f FILE`, `--json`.
fn flag(arg: &Arg) -> String {
    let name = match (arg.get_short(), arg.get_long()) {
        (Some(short), _) => format!("-{short}"),
        (None, long) => format!("--{}", long.unwrap_or_default()),
    };
    if takes_value(arg) { format!("{name} {}", value(arg)) } else { name }
}

fn value(arg: &Arg) -> String {
    let named = arg.get_value_names().and_then(<[_]>::first).map(|name| name.to_string());
    named.unwrap_or_else(|| arg.get_id().as_str().to_uppercase())
}

fn takes_value(arg: &Arg) -> bool {
    arg.is_positional() || arg.get_action().takes_values()
}

fn repeats(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

fn plain(text: Option<&StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}
