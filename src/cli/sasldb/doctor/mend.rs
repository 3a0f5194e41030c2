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
        let above = self.text.lines().take_while(|line| !line.trim_start().starts_with('['));
        match (1_u32..).zip(above).find(|(_, line)| assigns(line, key)) {
            Some((number, _)) => format!("sed -i {} {}", quote(&format!("{number}c {line}")), word(self.file)),
            None if self.text.is_empty() => self.add(&[line]),
            None => format!("sed -i {} {}", quote(&format!("1i {line}")), word(self.file)),
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
        let lines: Vec<(u32, &str)> = (1_u32..).zip(self.text.lines()).collect();
        let Some(at) = lines.iter().position(|(_, line)| line.trim() == path) else {
            return self.name_all(config, socket, values);
        };
        let is_head = |(_, line): &&(u32, &str)| line.trim_start().starts_with('[');
        let (before, after) = lines.split_at(at);
        let table = || {
            let above = before.iter().rev().take_while(|line| !is_head(line));
            above.chain(after.iter().take_while(|line| !is_head(line)))
        };
        let own = after.first().map_or(0, |(number, _)| *number);
        let (mut changed, mut added) = (Vec::new(), Vec::new());
        for (key, value) in values {
            match table().find(|(_, line)| assigns(line, key)) {
                // A list over several lines is for a person to change.
                Some((_, line)) if line.contains('[') && !line.contains(']') => return Vec::new(),
                Some((number, _)) => changed.push(format!("{number}c {key} = {value}")),
                None => added.push(format!("{own}a {key} = {value}")),
            }
        }
        // What is added moves the lines below.
        let scripts = changed.into_iter().chain(added);
        scripts.map(|script| format!("sed -i {} {}", quote(&script), word(self.file))).collect()
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

/// What follows the name of a program of ours, to make it read this configuration file.
pub(super) fn config_option(file: &Path) -> String {
    if file == Path::new(DEFAULT_FILE) { String::new() } else { format!(" --config {}", word(file)) }
}

/// The helper's processes that read this configuration file, without those that it starts itself.
pub(super) fn helpers(file: &Path) -> Vec<Process> {
    let is_own = |process: &Process| {
        let arguments = &process.arguments;
        let named = arguments.iter().skip_while(|argument| *argument != "--config").nth(1);
        let inner = arguments.iter().any(|argument| argument == "--learner" || argument == "--storekeeper");
        !inner && named.map_or(Path::new(DEFAULT_FILE), Path::new) == file
    };
    processes::named(HELPER).into_iter().filter(is_own).collect()
}

/// Starts the helper, again if it runs.
pub(super) fn restart_helper(config: &Config, file: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    if machine::has_systemd() && file == Path::new(DEFAULT_FILE) {
        lines.push(format!("systemctl restart {HELPER}"));
        return lines;
    }
    for process in helpers(file) {
        lines.push(format!("kill {0}; while kill -0 {0} 2>/dev/null; do sleep 0.1; done", process.pid));
    }
    for (_, socket) in config.sockets() {
        let folder = socket.path.as_path().parent().unwrap_or(Path::new("/"));
        let line = format!("mkdir -m 755 {}", word(folder));
        if !folder.exists() && !lines.contains(&line) {
            lines.push(line);
        }
    }
    let program = word(&machine::beside_us(HELPER));
    lines.push(format!("setsid {program}{} </dev/null >>{LOG} 2>&1 &", config_option(file)));
    lines
}

/// Starts a service again, by the first of its names that this machine knows. No command where nothing here does that.
pub(super) fn restart_service(names: &[&str]) -> Vec<String> {
    let script = |name: &&&str| Path::new("/etc/init.d").join(name).is_file();
    if machine::has_systemd() {
        let unit = |name: &&&str| {
            let folders = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
            folders.iter().any(|folder| Path::new(folder).join(format!("{name}.service")).exists())
        };
        let known = names.iter().find(|name| unit(name) || script(name));
        return known.map(|name| format!("systemctl restart {name}")).into_iter().collect();
    }
    names.iter().find(script).map(|name| format!("/etc/init.d/{name} restart")).into_iter().collect()
}
