//! The case files: what is run, what Debian's programs answer, and what ours answer where that is something else.
//!
//! ```text
//! == the name of a case
//! What it is about.
//! $ printf 'secret\n' | saslpasswd2 -f db mailman
//! | a line of standard output
//! ! a line of standard error
//! = 7, the exit status where it is not 0
//! differs: names of differences
//! ! what our program says instead, all of it
//! ```
//!
//! A command goes on in lines that begin with `> `. A line of output that ends in a single backslash has no newline, other backslashes
//! and what cannot be shown are written as escapes. `<usage>` stands for the text of `texts/usage.txt`, `<version>` for our version.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::escape::{escaped, unescaped};

/// What a command line wrote, and how it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
    pub(crate) status: i32,
}

/// What differs on purpose in one answer, and what ours says.
#[derive(Debug, Clone)]
pub(crate) struct Otherwise {
    pub(crate) differences: Vec<String>,
    pub(crate) said: Said,
}

#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) command: String,
    pub(crate) cyrus: Said,
    pub(crate) ours: Option<Otherwise>,
}

#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    about: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// A file of cases.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    head: Vec<String>,
    pub(crate) cases: Vec<Case>,
}

/// The texts that stand in the sheets by name only.
#[derive(Debug)]
pub(crate) struct Texts(BTreeMap<String, String>);

impl Texts {
    pub(crate) fn read(folder: &Path) -> Self {
        let named = |path: &std::path::PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        let files = files(folder);
        Self(files.iter().map(|path| (named(path), std::fs::read_to_string(path).unwrap())).collect())
    }

    /// `text` without the names: what a program really says.
    fn spelled_out(&self, text: &str) -> String {
        let mut out = String::new();
        for line in text.split_inclusive('\n') {
            let name = line.trim_end().strip_prefix('<').and_then(|line| line.strip_suffix('>'));
            match name.and_then(|name| self.0.get(name)) {
                Some(text) => out.push_str(text),
                None => out.push_str(line),
            }
        }
        out.replace("<version>", env!("CARGO_PKG_VERSION"))
    }

    fn abbreviated(&self, text: &str) -> String {
        let mut text = text.replace(&format!(" {}\n", env!("CARGO_PKG_VERSION")), " <version>\n");
        for (name, long) in &self.0 {
            text = text.replace(long, &format!("<{name}>\n"));
        }
        text
    }
}

/// The files of a folder, in their order.
pub(crate) fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

impl Said {
    fn read(lines: &[&str], texts: &Texts) -> Result<Self, String> {
        let mut said = Self::default();
        let (mut out, mut err) = (String::new(), String::new());
        for line in lines {
            match line.split_at_checked(2) {
                Some(("| ", text)) => add_line(&mut out, text),
                Some(("! ", text)) => add_line(&mut err, text),
                Some(("= ", text)) => said.status = text.parse().map_err(|_| format!("no status: {line}"))?,
                _ => return Err(format!("not a line of an answer: {line:?}")),
            }
        }
        said.out = unescaped(&texts.spelled_out(&out))?;
        said.err = unescaped(&texts.spelled_out(&err))?;
        Ok(said)
    }

    /// The lines of the answer, as they stand in a sheet.
    pub(crate) fn written(&self, texts: &Texts) -> String {
        let mut text = String::new();
        for (mark, bytes) in [("| ", &self.out), ("! ", &self.err)] {
            let shown = texts.abbreviated(&escaped(bytes));
            for line in shown.split_inclusive('\n') {
                let _ = match line.strip_suffix('\n') {
                    Some(line) => writeln!(text, "{mark}{line}"),
                    None => writeln!(text, "{mark}{line}\\"),
                };
            }
        }
        if self.status != 0 {
            let _ = writeln!(text, "= {}", self.status);
        }
        text
    }
}

/// Adds a line of a sheet to the escaped output: with its newline, unless a single backslash says that there is none.
fn add_line(text: &mut String, line: &str) {
    let backslashes = line.len() - line.trim_end_matches('\\').len();
    if backslashes % 2 == 1 {
        text.push_str(&line[..line.len() - 1]);
    } else {
        text.push_str(line);
        text.push('\n');
    }
}

impl Step {
    fn read(command: String, lines: &[&str], texts: &Texts) -> Result<Self, String> {
        let at = lines.iter().position(|line| line.starts_with("differs: "));
        let (cyrus, ours) = lines.split_at(at.unwrap_or(lines.len()));
        let ours = match ours.split_first() {
            None => None,
            Some((names, ours)) => Some(Otherwise {
                differences: names["differs: ".len()..].split(", ").map(str::to_owned).collect(),
                said: Said::read(ours, texts)?,
            }),
        };
        Ok(Self { command, cyrus: Said::read(cyrus, texts)?, ours })
    }

    fn written(&self, texts: &Texts) -> String {
        let mut text = format!("$ {}\n", self.command.replace('\n', "\n> "));
        text.push_str(&self.cyrus.written(texts));
        if let Some(ours) = &self.ours {
            let _ = writeln!(text, "differs: {}", ours.differences.join(", "));
            text.push_str(&ours.said.written(texts));
        }
        text
    }
}

impl Sheet {
    pub(crate) fn read(text: &str, texts: &Texts) -> Result<Self, String> {
        let mut sheet = Self { head: Vec::new(), cases: Vec::new() };
        let mut lines = text.lines().filter(|line| !line.is_empty()).peekable();
        while let Some(line) = lines.next() {
            if let Some(name) = line.strip_prefix("== ") {
                sheet.cases.push(Case { name: name.to_owned(), about: Vec::new(), steps: Vec::new() });
            } else if let Some(command) = line.strip_prefix("$ ") {
                let mut command = command.to_owned();
                while let Some(more) = lines.next_if(|line| line.starts_with("> ")) {
                    command = format!("{command}\n{}", &more[2..]);
                }
                let mut answer = Vec::new();
                while let Some(line) = lines.next_if(|line| !line.starts_with("$ ") && !line.starts_with("== ")) {
                    answer.push(line);
                }
                let case = sheet.cases.last_mut().ok_or("a command before the first case")?;
                let step = Step::read(command, &answer, texts).map_err(|fault| format!("{}: {fault}", case.name))?;
                case.steps.push(step);
            } else {
                sheet.cases.last_mut().map_or(&mut sheet.head, |case| &mut case.about).push(line.to_owned());
            }
        }
        Ok(sheet)
    }

    pub(crate) fn written(&self, texts: &Texts) -> String {
        let mut text = self.head.join("\n") + "\n";
        for case in &self.cases {
            let _ = writeln!(text, "\n== {}", case.name);
            case.about.iter().for_each(|line| text.push_str(&format!("{line}\n")));
            case.steps.iter().for_each(|step| text.push_str(&step.written(texts)));
        }
        text
    }
}
