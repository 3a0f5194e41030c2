//! The part of the page that tells of denied logins.

use std::fmt::{self, Write as _};

use super::super::facts::Failures;
use super::chart::{Bar, Part};
use super::html::{Grouped, Name, Number};

pub(super) fn denied(out: &mut String, failures: Option<&Failures>) -> fmt::Result {
    out.write_str("<section>\n<h2>Denied logins</h2>\n")?;
    let Some(failures) = failures else {
        return out.write_str(
            "<p class=\"none\">They are in the helper's log, which this page was made without.</p>\n</section>\n",
        );
    };
    writeln!(
        out,
        "<p class=\"muted\">The log tells of {} logins: {} authenticated, {} denied, {} unavailable, {} abandoned.</p>",
        Grouped(failures.logins),
        Grouped(failures.authenticated),
        Grouped(failures.denied),
        Grouped(failures.unavailable),
        Grouped(failures.abandoned)
    )?;
    if failures.lost > 0 {
        writeln!(out, "<p class=\"warning\">{} lines of the log were lost.</p>", Grouped(failures.lost))?;
    }
    if failures.denied == 0 {
        return out.write_str("</section>\n");
    }
    let reasons = failures.reasons.iter().map(|row| (row.reason.as_str(), row.denied));
    bars(out, "By reason", "failures.reasons", reasons)?;
    out.write_str("<div class=\"pair apart\">\n<div>\n")?;
    let sources = failures.sources.iter().map(|row| (row.source.as_str(), row.denied));
    bars(out, "By address", "failures.sources", sources)?;
    more(out, failures.of_no_address, "came without an address")?;
    out.write_str("</div>\n<div>\n")?;
    let accounts = failures.accounts.iter().map(|row| (row.account.as_str(), row.denied));
    bars(out, "By account", "failures.accounts", accounts)?;
    more(out, failures.of_no_account, "named no account that there is")?;
    more(out, failures.of_nobody, "named nobody")?;
    out.write_str("</div>\n</div>\n")?;
    if failures.at_most_missed > 0 {
        writeln!(
            out,
            "<p class=\"muted\">There were too many to tell all apart: each number may be too low by {}.</p>",
            Grouped(failures.at_most_missed)
        )?;
    }
    out.write_str("</section>\n")
}

fn more(out: &mut String, number: u64, what: &str) -> fmt::Result {
    if number == 0 { Ok(()) } else { writeln!(out, "<p class=\"muted\">{} more {what}.</p>", Grouped(number)) }
}

/// `fact` is what the JSON calls the numbers.
fn bars<'r>(
    out: &mut String,
    title: &str,
    fact: &'static str,
    rows: impl Iterator<Item = (&'r str, u64)> + Clone,
) -> fmt::Result {
    let full = rows.clone().map(|(_, number)| number).max().unwrap_or_default();
    writeln!(out, "<h3>{title}</h3>\n<table class=\"bars names\">")?;
    for (name, number) in rows {
        let parts = [Part { class: "denied", name: "denied", number }];
        let bar = Bar { parts: &parts, full, class: "" };
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"bar\">{bar}</td><td class=\"number\">{}</td></tr>",
            Name(name),
            Number(fact, number)
        )?;
    }
    out.write_str("</table>\n")
}
