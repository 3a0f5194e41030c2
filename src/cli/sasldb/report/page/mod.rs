//! The report as one page for a browser: no script, nothing from elsewhere, readable on a phone, light or dark, and of the same size
//! however many accounts there are.

mod chart;
mod denied;
mod html;

use std::fmt::{self, Write as _};

use base64ct::{Base64, Encoding as _};
use sha2::{Digest as _, Sha256};

use super::facts::{Age, Facts, MechanismUse, Need, SchemeUse};
use chart::{Bar, Legend, Part};
use html::{Day, Grouped, Name, Number, Share, Text};

const STYLE: &str = include_str!("style.css");

/// The families of mechanisms that have a colour: class, name, and the mechanisms.
const FAMILIES: [(&str, &str, &[&str]); 5] = [
    ("scram", "SCRAM", &["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"]),
    ("digest", "DIGEST-MD5", &["DIGEST-MD5"]),
    ("cram", "CRAM-MD5", &["CRAM-MD5"]),
    ("plain", "PLAIN and LOGIN", &["PLAIN", "LOGIN"]),
    ("external", "EXTERNAL", &["EXTERNAL"]),
];

/// The page.
pub(super) fn page(facts: &Facts) -> String {
    let mut page = String::new();
    // A String takes whatever is written to it.
    let _ = write_page(&mut page, facts);
    page
}

fn write_page(out: &mut String, facts: &Facts) -> fmt::Result {
    // The hash lets this style in and no other.
    let style = Base64::encode_string(&Sha256::digest(STYLE));
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>Accounts and logins</title>\n<style>{STYLE}</style>\n</head>\n<body>"
    )?;
    header(out, facts)?;
    out.write_str("<main>\n")?;
    tiles(out, facts)?;
    usage(out, facts)?;
    last_use(out, &facts.last_use, facts.accounts.total)?;
    out.write_str("<div class=\"pair\">\n")?;
    mechanisms(out, &facts.mechanisms, facts.accounts.total)?;
    schemes(out, &facts.schemes, facts.accounts.total)?;
    out.write_str("</div>\n<div class=\"pair\">\n")?;
    facts.needs.iter().try_for_each(|need| needing(out, need))?;
    out.write_str("</div>\n")?;
    unused(out, facts)?;
    denied::denied(out, facts.failures.as_ref())?;
    writeln!(
        out,
        "</main>\n<footer>\n<p>A password needs DIGEST-MD5 or CRAM-MD5 if it was used by it lately and by no stronger mechanism. \
         What libsasl2 was handed out for a login counts as a use. What is not known is never called unused.</p>\n\
         <p>sasldb-rs {}</p>\n</footer>\n</body>\n</html>",
        env!("CARGO_PKG_VERSION")
    )
}

fn header(out: &mut String, facts: &Facts) -> fmt::Result {
    let made = facts.made.replace('T', " ").replace('Z', " UTC");
    writeln!(
        out,
        "<header>\n<h1>Accounts and logins</h1>\n<p class=\"muted\"><time datetime=\"{}\">{}</time> · \
         <span class=\"path\">{}</span></p>\n<p class=\"muted\">“Lately” means since {}.",
        Text(&facts.made),
        Text(made),
        Text(&facts.database),
        Day(&facts.since)
    )?;
    match &facts.activity_since {
        Some(since) => writeln!(out, "Every login is known since {}.</p>", Day(since))?,
        None => writeln!(out, "</p>")?,
    }
    if facts.usage.unknown > 0 {
        let why = match &facts.activity_since {
            Some(_) => "The record of logins does not reach back that far",
            None => "Logins are missing in the record until now, or there is none",
        };
        writeln!(
            out,
            "<p class=\"warning\">{why}: nobody can tell whether {} accounts were used.</p>",
            Grouped(facts.usage.unknown)
        )?;
    }
    out.write_str("</header>\n")
}

fn tiles(out: &mut String, facts: &Facts) -> fmt::Result {
    let (accounts, usage) = (&facts.accounts, &facts.usage);
    out.write_str("<ul class=\"tiles\">\n")?;
    let others = format!("{} disabled, {} expired", Grouped(accounts.disabled), Grouped(accounts.expired));
    tile(out, Number("accounts.total", accounts.total), "accounts", &others)?;
    tile(out, Number("usage.used", usage.used), "used lately", &Share(usage.used, accounts.total).to_string())?;
    tile(out, Number("usage.unused", usage.unused), "unused", &Share(usage.unused, accounts.total).to_string())?;
    for need in &facts.needs {
        let fact = if need.mechanism == "DIGEST-MD5" { "needs.digest-md5" } else { "needs.cram-md5" };
        let beside = format!("{} use it beside a stronger one", Grouped(need.beside_stronger));
        tile(out, Number(fact, need.accounts), &format!("need {}", need.mechanism), &beside)?;
    }
    if let Some(failures) = &facts.failures {
        let all = format!("of {} in the log", Grouped(failures.logins));
        tile(out, Number("failures.denied", failures.denied), "logins denied", &all)?;
    }
    out.write_str("</ul>\n")
}

fn tile(out: &mut String, number: Number, what: &str, more: &str) -> fmt::Result {
    writeln!(out, "<li><b>{number}</b> <span>{}</span> <small>{}</small></li>", Text(what), Text(more))
}

fn usage(out: &mut String, facts: &Facts) -> fmt::Result {
    let usage = &facts.usage;
    let parts = [
        Part { class: "used", name: "used", number: usage.used },
        Part { class: "unused", name: "unused", number: usage.unused },
        Part { class: "new", name: "made or changed since, not used", number: usage.too_new },
        Part { class: "unknown", name: "unknown", number: usage.unknown },
    ];
    let whole = facts.accounts.total;
    writeln!(
        out,
        "<section>\n<h2>Used since {}</h2>\n<figure>\n{}\n{}</figure>\n</section>",
        Day(&facts.since),
        Bar { parts: &parts, full: whole, class: "tall" },
        Legend { parts: &parts, whole: Some(whole) }
    )
}

fn last_use(out: &mut String, ages: &[Age], total: u64) -> fmt::Result {
    let full = ages.iter().map(|age| age.accounts).max().unwrap_or_default();
    let in_family = |age: &Age, members: &[&str]| {
        members.iter().filter_map(|member| age.by.get(member)).fold(0u64, |sum, number| sum.saturating_add(*number))
    };
    writeln!(
        out,
        "<section>\n<h2>Last known use</h2>\n<figure>\n<figcaption>Accounts by how long ago somebody logged in last, and by \
         which mechanism</figcaption>\n<table class=\"bars\">"
    )?;
    for age in ages {
        let parts = FAMILIES.map(|(class, name, members)| Part { class, name, number: in_family(age, members) });
        // Where no use is known there is no mechanism either.
        let none = [Part { class: "unknown", name: "no use known", number: age.accounts }];
        let parts: &[Part<'_>] = if age.by.is_empty() { &none } else { &parts };
        let bar = Bar { parts, full, class: "" };
        row(out, words_of(age.age), &bar, Number("last_use.accounts", age.accounts), total)?;
    }
    let is_there = |(_, _, members): &(&str, &str, &[&str])| ages.iter().any(|age| in_family(age, members) > 0);
    let colours: Vec<Part<'_>> = FAMILIES
        .iter()
        .filter(|family| is_there(family))
        .map(|(class, name, _)| Part { class, name, number: 0 })
        .collect();
    writeln!(out, "</table>\n{}</figure>\n</section>", Legend { parts: &colours, whole: None })
}

fn words_of(age: &str) -> &str {
    match age {
        "1d" => "within a day",
        "7d" => "2–7 days",
        "30d" => "8–30 days",
        "90d" => "31–90 days",
        "180d" => "91–180 days",
        "365d" => "181–365 days",
        "older" => "longer ago",
        "none-known" => "none known",
        other => other,
    }
}

fn row(out: &mut String, name: &str, bar: &Bar<'_>, number: Number, whole: u64) -> fmt::Result {
    let share = Share(number.1, whole).to_string();
    writeln!(
        out,
        "<tr><th scope=\"row\">{}</th><td class=\"bar\">{bar}</td><td class=\"number\">{number}</td>\
         <td class=\"number share\">{}</td></tr>",
        Text(name),
        Text(share)
    )
}

fn mechanisms(out: &mut String, mechanisms: &[MechanismUse], total: u64) -> fmt::Result {
    writeln!(
        out,
        "<section>\n<h2>Mechanisms used lately</h2>\n<figure>\n<figcaption>Accounts that used each; some use several</figcaption>\n\
         <table class=\"bars\">"
    )?;
    let sum = |used: &MechanismUse| used.used.saturating_add(used.handed_out);
    let full = mechanisms.iter().map(sum).max().unwrap_or_default();
    for used in mechanisms {
        let family = FAMILIES.iter().find(|(_, _, members)| members.contains(&used.mechanism));
        let class = family.map_or("scram", |(class, ..)| class);
        let pale = format!("{class} handed");
        let parts = [
            Part { class, name: "logged in", number: used.used },
            Part { class: &pale, name: "secrets handed out only", number: used.handed_out },
        ];
        let bar = Bar { parts: &parts, full, class: "" };
        row(out, used.mechanism, &bar, Number("mechanisms", sum(used)), total)?;
    }
    out.write_str("</table>\n")?;
    if mechanisms.iter().any(|used| used.handed_out > 0) {
        out.write_str(
            "<p class=\"muted\">The pale part: secrets were handed out to libsasl2, and nobody knows how the logins ended.</p>\n",
        )?;
    }
    out.write_str("</figure>\n</section>\n")
}

fn schemes(out: &mut String, schemes: &[SchemeUse], total: u64) -> fmt::Result {
    writeln!(
        out,
        "<section>\n<h2>Schemes stored</h2>\n<figure>\n<figcaption>Accounts that have each, whether or not it is used</figcaption>\n\
         <table class=\"bars\">"
    )?;
    let full = schemes.iter().map(|scheme| scheme.accounts).max().unwrap_or_default();
    for scheme in schemes {
        let parts = [Part { class: "stored", name: "stored", number: scheme.accounts }];
        let bar = Bar { parts: &parts, full, class: "" };
        row(out, scheme.scheme, &bar, Number("schemes", scheme.accounts), total)?;
    }
    out.write_str("</table>\n</figure>\n</section>\n")
}

fn needing(out: &mut String, need: &Need) -> fmt::Result {
    writeln!(out, "<section>\n<h2>Who still needs {}</h2>", Text(need.mechanism))?;
    if need.latest.is_empty() {
        return out.write_str("<p class=\"none\">Nobody, as far as is known.</p>\n</section>\n");
    }
    the_first_of(out, need.latest.len(), need.accounts, "the latest")?;
    out.write_str(
        "<table class=\"list\">\n<thead><tr><th>account</th><th>password</th><th class=\"when\">last used</th></tr></thead>\n<tbody>\n",
    )?;
    for one in &need.latest {
        writeln!(
            out,
            "<tr><td>{}</td><td class=\"label\">{}</td><td class=\"when\">{}</td></tr>",
            Name(&one.account),
            Name(&one.password),
            Day(&one.last)
        )?;
    }
    out.write_str("</tbody>\n</table>\n</section>\n")
}

/// Says so where a list does not show all.
fn the_first_of(out: &mut String, shown: usize, of: u64, which: &str) -> fmt::Result {
    match u64::try_from(shown) {
        Ok(shown) if shown < of => {
            writeln!(out, "<p class=\"muted\">{} of {}, {which}</p>", Grouped(shown), Grouped(of))
        }
        _ => Ok(()),
    }
}

fn unused(out: &mut String, facts: &Facts) -> fmt::Result {
    writeln!(out, "<section>\n<h2>Unused since {}</h2>", Day(&facts.since))?;
    if facts.unused.is_empty() {
        let nobody = if facts.usage.unknown > 0 { "None of which that is known." } else { "None." };
        return writeln!(out, "<p class=\"none\">{nobody}</p>\n</section>");
    }
    the_first_of(out, facts.unused.len(), facts.usage.unused, "the longest unused")?;
    out.write_str(
        "<table class=\"list\">\n<thead><tr><th>account</th><th>state</th><th class=\"when\">last used</th></tr></thead>\n<tbody>\n",
    )?;
    for one in &facts.unused {
        let last = one.last.as_deref().map_or_else(|| "none known".to_owned(), |last| Day(last).to_string());
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"when\">{last}</td></tr>",
            Name(&one.account),
            Text(one.state)
        )?;
    }
    out.write_str("</tbody>\n</table>\n</section>\n")
}

#[cfg(test)]
mod tests;
