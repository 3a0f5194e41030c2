//! A report as tables: for people with headings, for scripts with a word before each row.

use std::io;

use crate::cli::output::{self, Data, Reader, or_dash, printable};

use super::facts::{Facts, Failures};

/// One table. `word` begins each of its lines: scripts count on it and on the columns; new ones are added at the end.
pub(super) struct Section {
    pub(super) word: &'static str,
    pub(super) title: String,
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Section {
    fn new(word: &'static str, title: impl Into<String>, columns: &[&'static str], rows: Vec<Vec<String>>) -> Self {
        Self { word, title: title.into(), columns: columns.to_vec(), rows }
    }
}

/// Everything that the report says.
pub(super) fn sections(facts: &Facts) -> Vec<Section> {
    let since = &facts.since;
    let mut sections = vec![
        Section::new("made", "Made", &["TIME"], vec![vec![facts.made.clone()]]),
        Section::new("database", "Database", &["PATH"], vec![vec![printable(facts.database.as_ref())]]),
        Section::new("since", "\"Lately\" means since", &["TIME"], vec![vec![since.clone()]]),
        Section::new(
            "activity-since",
            "Every login is known since",
            &["TIME"],
            vec![vec![or_dash(facts.activity_since.clone())]],
        ),
        Section::new(
            "accounts",
            "Accounts",
            &["ALL", "ACTIVE", "DISABLED", "EXPIRED"],
            vec![numbers([
                facts.accounts.total,
                facts.accounts.active,
                facts.accounts.disabled,
                facts.accounts.expired,
            ])],
        ),
        Section::new(
            "usage",
            format!("Used since {since}"),
            &["USED", "UNUSED", "TOO-NEW", "UNKNOWN"],
            vec![numbers([facts.usage.used, facts.usage.unused, facts.usage.too_new, facts.usage.unknown])],
        ),
        Section::new(
            "last-use",
            "Last known use, by how long ago",
            &["AGO", "ACCOUNTS", "BY"],
            facts.last_use.iter().map(|age| vec![age.age.to_owned(), age.accounts.to_string(), by(&age.by)]).collect(),
        ),
        Section::new(
            "mechanism",
            format!("Accounts that used a mechanism since {since}"),
            &["MECHANISM", "LOGGED-IN", "HANDED-OUT-ONLY"],
            facts
                .mechanisms
                .iter()
                .map(|used| vec![used.mechanism.to_owned(), used.used.to_string(), used.handed_out.to_string()])
                .collect(),
        ),
        Section::new(
            "scheme",
            "Accounts that have a scheme",
            &["SCHEME", "ACCOUNTS"],
            facts.schemes.iter().map(|row| vec![row.scheme.to_owned(), row.accounts.to_string()]).collect(),
        ),
        Section::new(
            "needs",
            "Accounts that still need a mechanism, and those that use it beside a stronger one",
            &["MECHANISM", "NEED-IT", "BESIDE-STRONGER"],
            facts
                .needs
                .iter()
                .map(|need| {
                    vec![need.mechanism.to_owned(), need.accounts.to_string(), need.beside_stronger.to_string()]
                })
                .collect(),
        ),
        Section::new(
            "needs-account",
            "The latest of those that need it",
            &["MECHANISM", "ACCOUNT", "PASSWORD", "LAST"],
            facts
                .needs
                .iter()
                .flat_map(|need| need.latest.iter().map(|one| (need.mechanism, one)))
                .map(|(mechanism, one)| {
                    vec![mechanism.to_owned(), one.account.clone(), printable(one.password.as_ref()), one.last.clone()]
                })
                .collect(),
        ),
        Section::new(
            "unused",
            format!("Unused since {since}, the longest first"),
            &["ACCOUNT", "STATE", "LAST"],
            facts
                .unused
                .iter()
                .map(|unused| vec![unused.account.clone(), unused.state.to_owned(), or_dash(unused.last.clone())])
                .collect(),
        ),
    ];
    sections.extend(facts.failures.iter().flat_map(of_failures));
    sections
}

fn of_failures(failures: &Failures) -> [Section; 6] {
    [
        Section::new(
            "log",
            "The log",
            &["LOGINS", "OTHER-LINES", "LOST", "AT-MOST-MISSED"],
            vec![numbers([failures.logins, failures.other_lines, failures.lost, failures.at_most_missed])],
        ),
        Section::new(
            "logins",
            "Logins in it",
            &["AUTHENTICATED", "DENIED", "UNAVAILABLE", "ABANDONED"],
            vec![numbers([failures.authenticated, failures.denied, failures.unavailable, failures.abandoned])],
        ),
        Section::new(
            "denied",
            "Denied logins that belong to no account or no address",
            &["NO-ACCOUNT", "NOBODY-NAMED", "NO-ADDRESS"],
            vec![numbers([failures.of_no_account, failures.of_nobody, failures.of_no_address])],
        ),
        Section::new(
            "reason",
            "Denied logins by reason",
            &["DENIED", "REASON"],
            failures.reasons.iter().map(|row| vec![row.denied.to_string(), printable(row.reason.as_ref())]).collect(),
        ),
        Section::new(
            "denied-from",
            "Denied logins by address",
            &["DENIED", "ADDRESS"],
            failures.sources.iter().map(|row| vec![row.denied.to_string(), row.source.clone()]).collect(),
        ),
        Section::new(
            "denied-account",
            "Denied logins by account",
            &["DENIED", "ACCOUNT"],
            failures.accounts.iter().map(|row| vec![row.denied.to_string(), row.account.clone()]).collect(),
        ),
    ]
}

fn numbers<const N: usize>(numbers: [u64; N]) -> Vec<String> {
    numbers.iter().map(u64::to_string).collect()
}

fn by(counts: &std::collections::BTreeMap<&'static str, u64>) -> String {
    let each: Vec<String> = counts.iter().map(|(mechanism, accounts)| format!("{mechanism}={accounts}")).collect();
    or_dash(each.join(","))
}

/// Prints them: on a terminal those that have rows, under headings; elsewhere a line for each row.
pub(super) fn print(sections: &[Section]) -> io::Result<Reader> {
    let mut data = Data::new();
    let for_people = output::is_terminal();
    for section in sections.iter().filter(|section| !section.rows.is_empty()) {
        let reader = if for_people {
            let mut table = output::table(section.columns.iter().copied());
            table.add_rows(&section.rows);
            data.line(&section.title)?;
            data.rows(&table)?;
            data.line("")?
        } else {
            let lines: Vec<String> =
                section.rows.iter().map(|row| format!("{}\t{}", section.word, row.join("\t"))).collect();
            data.line(lines.join("\n"))?
        };
        if reader == Reader::Gone {
            return Ok(Reader::Gone);
        }
    }
    data.finish()
}
