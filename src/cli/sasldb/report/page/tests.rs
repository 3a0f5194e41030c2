use super::super::facts::{AccountCount, Failures, Needing, ReasonCount, SourceCount, UnusedAccount};
use super::*;

const HOSTILE: &str = "<script src=//evil.example>\"'&\u{202e}";

/// A report full of names that want to be more than names.
fn hostile() -> Facts {
    let text = || HOSTILE.to_owned();
    let age = |age, accounts| Age { age, accounts, by: [("PLAIN", accounts)].into() };
    Facts {
        made: "2026-11-28T04:00:00Z".to_owned(),
        database: text(),
        since: "2026-06-01T04:00:00Z".to_owned(),
        activity_since: None,
        accounts: super::super::facts::Accounts { total: 1_234_567, active: 1_234_567, disabled: 0, expired: 0 },
        usage: super::super::facts::Usages { used: 1_000_000, unused: 0, too_new: 0, unknown: 234_567 },
        last_use: vec![age("1d", 1_000_000), Age { age: "none-known", accounts: 234_567, by: [].into() }],
        mechanisms: vec![MechanismUse { mechanism: "PLAIN", used: 7, handed_out: 1 }],
        schemes: vec![SchemeUse { scheme: "digest-md5", accounts: 1 }],
        needs: vec![Need {
            mechanism: "DIGEST-MD5",
            accounts: 2,
            beside_stronger: 0,
            latest: vec![Needing { account: text(), password: text(), last: "2026-11-01T00:00:00Z".to_owned() }],
        }],
        unused: vec![UnusedAccount { account: text(), state: "active", last: None }],
        failures: Some(Failures {
            logins: 2,
            denied: 2,
            lost: 1,
            reasons: vec![ReasonCount { reason: text(), denied: 2 }],
            sources: vec![SourceCount { source: text(), denied: 2 }],
            accounts: vec![AccountCount { account: text(), denied: 2 }],
            of_no_account: 1,
            at_most_missed: 1,
            ..Failures::default()
        }),
    }
}

#[test]
fn names_stay_names() {
    let page = page(&hostile());
    assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{page}");
    assert_eq!(page.matches("&lt;script src=//evil.example&gt;&quot;&#39;&amp;\\u{202e}").count(), 7);
    // Every element that is opened is closed.
    for element in
        ["table", "section", "div", "ul", "li", "tr", "svg", "rect", "p", "figure", "bdi", "data", "small", "b"]
    {
        let opened = page.matches(&format!("<{element}>")).count() + page.matches(&format!("<{element} ")).count();
        assert_eq!(opened, page.matches(&format!("</{element}>")).count(), "{element}");
    }
}

/// A Content-Security-Policy keeps all else out; what it lets in has to be there.
#[test]
fn nothing_comes_from_elsewhere() {
    let page = page(&hostile());
    for word in
        ["http:", "https:", "url(", "@import", " src=", " href=", " style=", " onload=", "<link", "<img", "<iframe"]
    {
        let ours = page.replace("src=//evil.example", "");
        assert!(!ours.contains(word), "{word}");
    }
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = Base64::encode_string(&Sha256::digest(style));
    assert!(
        page.contains(&format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"))
    );
}
