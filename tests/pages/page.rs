//! A man page: regions that are made from the definition of the options, in prose that people write.
//!
//! A region begins with `.\" made: NAME` and ends with `.\" end`. Its name is `name`, `synopsis`, `options`, or the words of
//! a subcommand.

use clap::Command;

use crate::{definition, mdoc};

const BEGIN: &str = ".\\\" made: ";
const END: &str = ".\\\" end";

/// The page with its regions as `program` is defined now. A subcommand that has no region gets a section, behind the one that
/// is defined before it.
pub(crate) fn made_anew(page: &str, program: &Command) -> String {
    let mut regions = vec![
        ("name".to_owned(), definition::name(program)),
        ("synopsis".to_owned(), definition::synopsis(program)),
        ("options".to_owned(), definition::options(program)),
    ];
    regions.extend(definition::subcommands(program));
    let mut lines: Vec<String> = page.lines().map(str::to_owned).collect();
    let mut previous = None;
    for (name, made) in &regions {
        let at = begin(&lines, name).unwrap_or_else(|| {
            let at = previous.map_or(0, |previous| section_after(&lines, previous));
            let section = [format!(".Ss {name}"), format!("{BEGIN}{name}"), END.to_owned()];
            lines.splice(at..at, section);
            at + 1
        });
        let end = lines[at..].iter().position(|line| line == END).unwrap_or_else(|| panic!("{name:?} has no end")) + at;
        lines.splice(at + 1..end, made.lines().map(str::to_owned));
        previous = Some(at);
    }
    let known =
        |line: &&String| line.strip_prefix(BEGIN).is_some_and(|name| !regions.iter().any(|(known, _)| known == name));
    if let Some(unknown) = lines.iter().find(known) {
        panic!("{}: nothing of this name is defined; take it out of the page, and what is written about it", unknown);
    }
    wrapped(&lines.join("\n"))
}

/// The page with no line of text longer than mandoc's check wants it. What stands in a display stays as it is.
pub(crate) fn wrapped(page: &str) -> String {
    let mut made = String::new();
    let mut display = false;
    for line in page.lines() {
        display = (display || line.starts_with(".Bd")) && !line.starts_with(".Ed");
        let text = !display && !line.starts_with(['.', '\'']);
        made += &if text { mdoc::filled(line) } else { format!("{line}\n") };
    }
    made
}

fn begin(lines: &[String], name: &str) -> Option<usize> {
    lines.iter().position(|line| line.strip_prefix(BEGIN) == Some(name))
}

fn section_after(lines: &[String], line: usize) -> usize {
    let begins = |line: &String| line.starts_with(".Ss ") || line.starts_with(".Sh ");
    lines[line..].iter().position(begins).map_or(lines.len(), |distance| line + distance)
}
