//! Command lines: how the helper's configuration is edited, how services are started again.

use std::fs;
use std::path::Path;

use crate::cli::sasldb::machine;
use crate::cli::sasldb::processes::{self, Process};
use crate::cli::sasldb::shell::{quote, word};
use crate::config::{Config, DEFAULT_FILE};

/// The helper's program.
const HELPER: &str = "saslauthd-rs";
const LOG: &str = "/var/log/saslauthd-rs.log";

/// The helper's configuration file, and how commands change it.
pub(super) struct Settings<'a> {
    file: &'a Path,
    text: String,
}

impl<'a> Settings<'a> {
    pub(super) fn of(file: &'a Path) -> Self {
        Self { file, text: fs::read_to_string(file).unwrap_or_default() }
    }

    /// Gives a setting that stands above all tables this value, in TOML.
    pub(super) fn set(&self, key: &str, value: &str) -> String {
        let line = format!("{key} = {value}");
        let lines = self.lines();
        let above = lines.split(is_head).next().unwrap_or_default();
        match above.iter().position(|(_, line)| assigns(line, key)).and_then(|at| above.get(at..)) {
            Some(found) => self.edit(&format!("{}c {line}", numbers(found))),
            None if self.text.is_empty() => self.add(&[line]),
            None => self.edit(&format!("1i {line}")),
        }
    }

    /// Adds lines at the end.
    pub(super) fn add(&self, lines: &[String]) -> String {
        let words: Vec<String> = lines.iter().map(|line| quote(line)).collect();
        format!("printf '%s\\n' {} >>{}", words.join(" "), word(self.file))
    }

    /// Gives keys of the table of this socket these values. Where the file does not name the socket, all that are opened without
    /// being named have to be named.
    pub(super) fn set_in_socket(&self, config: &Config, socket: &Path, values: &[(&str, String)]) -> Vec<String> {
        let path = format!("path = {:?}", socket.display().to_string());
        let lines = self.lines();
        let Some(at) = lines.iter().position(|(_, line)| line.trim() == path) else {
            return self.name_all(config, socket, values);
        };
        let (before, after) = lines.split_at(at);
        let begin = before.iter().rposition(is_head).unwrap_or_default();
        let end = after.iter().position(is_head).map_or(lines.len(), |heads| at.saturating_add(heads));
        let table = lines.get(begin..end).unwrap_or_default();
        let within = tables_within(table, lines.get(end..).unwrap_or_default());
        let (mut changed, mut added) = (Vec::new(), Vec::new());
        for (key, value) in values {
            match table.iter().position(|(_, line)| assigns(line, key)).and_then(|at| table.get(at..)) {
                Some(found) => changed.push((found.first(), format!("{}c {key} = {value}", numbers(found)))),
                None => added.push(format!("\\|^ *{path}|a {key} = {value}")),
            }
            if let ("peers", [(first, _), ..], Some((last, _))) = (*key, within, within.last()) {
                changed.push((within.first(), format!("{first},{last}d")));
            }
        }
        // What is changed may become fewer lines, which moves those below.
        changed.sort_by_key(|(first, _)| std::cmp::Reverse(*first));
        let scripts = changed.into_iter().map(|(_, script)| script).chain(added);
        scripts.map(|script| self.edit(&script)).collect()
    }

    fn edit(&self, script: &str) -> String {
        format!("sed -i {} {}", quote(script), word(self.file))
    }

    /// With their numbers.
    fn lines(&self) -> Vec<(u32, &str)> {
        (1_u32..).zip(self.text.lines()).collect()
    }

    fn name_all(&self, config: &Config, socket: &Path, values: &[(&str, String)]) -> Vec<String> {
        if config.names_sockets() {
            return Vec::new();
        }
        let mut lines = Vec::new();
        for (protocol, own) in config.sockets() {
            lines.push(format!("[[{}]]", protocol.name()));
            lines.push(format!("path = {:?}", own.path.as_path().display().to_string()));
            if own.path.as_path() == socket {
                lines.extend(values.iter().map(|(key, value)| format!("{key} = {value}")));
            }
        }
        vec![self.add(&lines)]
    }
}

fn assigns(line: &str, key: &str) -> bool {
    line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
}

/// Whether a table begins on a line, rather than a list within a list.
fn is_head((_, line): &(u32, &str)) -> bool {
    let name = line.trim_start().strip_prefix('[').map(|rest| rest.trim_start_matches(['[', ' ']));
    name.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// Of the lines that follow a table those of the tables within it: a socket's peers may be written as `[[lookup.peers]]`.
fn tables_within<'l, 't>(table: &[(u32, &str)], rest: &'l [(u32, &'t str)]) -> &'l [(u32, &'t str)] {
    let head = table.first().and_then(|(_, line)| line.trim_start().split(']').next()).unwrap_or_default();
    let begin = format!("{head}.");
    let other = |line: &(u32, &str)| is_head(line) && !line.1.trim_start().starts_with(&begin);
    let within = rest.split(other).next().unwrap_or_default();
    let is_said = |(_, line): &(u32, &str)| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let last = within.iter().rposition(is_said);
    last.and_then(|last| within.get(..=last)).unwrap_or_default()
}

/// The lines of a value that begins on the first of these, as sed counts them: a list may go on over several.
fn numbers(lines: &[(u32, &str)]) -> String {
    let mut open = 0_i32;
    let whole = |(_, line): &&(u32, &str)| {
        open = open.saturating_add(open_brackets(line));
        open <= 0
    };
    match (lines.first(), lines.iter().find(whole).or(lines.last())) {
        (Some((first, _)), Some((last, _))) if last > first => format!("{first},{last}"),
        (first, _) => first.map_or(0, |(number, _)| *number).to_string(),
    }
}

/// How many more brackets a line opens than it closes.
fn open_brackets(line: &str) -> i32 {
    let (mut open, mut text) = (0_i32, None);
    for c in line.chars() {
        match (c, text) {
            ('"' | '\'', None) => text = Some(c),
            (_, Some(quote)) if c == quote => text = None,
            ('#', None) => break,
            ('[' | '{', None) => open = open.saturating_add(1),
            (']' | '}', None) => open = open.saturating_sub(1),
            _ => {}
        }
    }
    open
}

/// What follows the name of a program of ours, to make it read this configuration file.
pub(super) fn config_option(file: &Path) -> String {
    if file == Path::new(DEFAULT_FILE) { String::new() } else { format!(" --config {}", word(file)) }
}

/// The helper's processes that read this configuration file, without those that it starts itself.
pub(super) fn helpers(file: &Path) -> Vec<Process> {
    let is_own = |process: &Process| {
        let arguments = &process.arguments;
        let joined = arguments.iter().find_map(|argument| argument.strip_prefix("--config="));
        let named = arguments.iter().skip_while(|argument| *argument != "--config").nth(1);
        let named = joined.or(named.map(String::as_str));
        let inner = arguments.iter().any(|argument| argument == "--learner" || argument == "--storekeeper");
        !inner && named.map_or(Path::new(DEFAULT_FILE), Path::new) == file
    };
    processes::named(HELPER).into_iter().filter(is_own).collect()
}

/// Starts the helper, again if it runs.
pub(super) fn restart_helper(config: &Config, file: &Path) -> Vec<String> {
    let by_service = if file == Path::new(DEFAULT_FILE) { machine::restart_service(&[HELPER]) } else { Vec::new() };
    if !by_service.is_empty() {
        return by_service;
    }
    let mut lines = Vec::new();
    for process in helpers(file) {
        lines.push(format!("kill {0}; while kill -0 {0} 2>/dev/null; do sleep 0.1; done", process.pid));
    }
    for (_, socket) in config.sockets() {
        let made = make_folder(socket.path.as_path().parent().unwrap_or(Path::new("/")));
        lines.extend(made.filter(|line| !lines.contains(line)));
    }
    let program = word(&machine::beside_us(HELPER));
    lines.push(format!("setsid {program}{} </dev/null >>{LOG} 2>&1 &", config_option(file)));
    lines
}

/// Makes a folder for sockets, where it is not there.
pub(super) fn make_folder(folder: &Path) -> Option<String> {
    if folder.exists() {
        return None;
    }
    let made = format!("mkdir -p -m 755 {}", word(folder));
    // /run is empty when the machine starts. The helper's own folder there is made by its unit.
    let kept = machine::has_systemd() && folder.starts_with("/run") && folder != Path::new("/run/sasldb-rs");
    let line = quote(&format!("d {} 0755", folder.display()));
    Some(if kept { format!("{made}; echo {line} >>/etc/tmpfiles.d/sasldb-rs-sockets.conf") } else { made })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
realm_aliases = [ # [two
    \"mx1\", \"]\",
]
[[dovecot]]
mode = \"0600\"
path = \"/run/a\"
peers = [
    \"exim\",
]
group = \"mail\"
[[lookup]]
path = \"/run/b\"
peers = [{ user = \"exim\", realms = [
    \"a\"] },
]
[[lookup]]
path = \"/run/c\"
[[lookup.peers]]
user = \"exim\"

[[lookup.peers]]
group = \"mail\"

# Another's.
[[userdb]]
path = \"/run/d\"
";

    fn settings() -> Settings<'static> {
        Settings { file: Path::new("/etc/f"), text: TEXT.to_owned() }
    }

    #[test]
    fn a_value_is_changed_with_all_its_lines() {
        assert_eq!(settings().set("realm_aliases", "[]"), "sed -i '1,3c realm_aliases = []' /etc/f");
        assert_eq!(settings().set("realm", "\"a\""), "sed -i '1i realm = \"a\"' /etc/f");
    }

    #[test]
    fn a_table_is_changed_from_below_and_only_the_one_of_the_socket() {
        let set = |socket: &str, values: &[(&str, &str)]| {
            let values: Vec<(&str, String)> = values.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
            settings().set_in_socket(&Config::default(), Path::new(socket), &values)
        };
        let peers = [("peers", "[]")];
        assert_eq!(
            set("/run/a", &[("mode", "1"), peers[0], ("group", "2"), ("owner", "3")]),
            [
                "sed -i '10c group = 2' /etc/f",
                "sed -i '7,9c peers = []' /etc/f",
                "sed -i '5c mode = 1' /etc/f",
                "sed -i '\\|^ *path = \"/run/a\"|a owner = 3' /etc/f",
            ]
        );
        assert_eq!(set("/run/b", &peers), ["sed -i '13,15c peers = []' /etc/f"]);
        assert_eq!(
            set("/run/c", &[peers[0], ("group", "2")]),
            [
                "sed -i 18,22d /etc/f",
                "sed -i '\\|^ *path = \"/run/c\"|a peers = []' /etc/f",
                "sed -i '\\|^ *path = \"/run/c\"|a group = 2' /etc/f",
            ]
        );
        assert_eq!(set("/run/d", &peers), ["sed -i '\\|^ *path = \"/run/d\"|a peers = []' /etc/f"]);
    }
}
