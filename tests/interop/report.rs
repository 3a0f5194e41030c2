//! The report's page, made of real logins and looked at in a real browser.

use std::path::Path;
use std::process::Stdio;

use crate::helper::{Ours, REALM, SOCKET};
use crate::machine::{Machine, project, wait_for};

/// Where the screenshots of the last run are.
const FOLDER: &str = "target/report";

const DAY: i64 = 86_400;

/// Width and height, and whether the person prefers dark pages.
const VIEWS: [(&str, u32, u32, bool); 4] = [
    ("wide", 1280, 2150, false),
    ("wide-dark", 1280, 2150, true),
    ("phone", 390, 3900, false),
    ("phone-dark", 390, 3900, true),
];

struct Place {
    machine: Machine,
    helper: Ours,
}

impl Place {
    /// Logs in as a mail server would.
    fn log_in(&self, user: &str, password: &str, mechanism: &str, from: &str) {
        let socket = self.machine.shared().join(SOCKET);
        let options = ["test", "--secured", "--mechanism", mechanism, "--remote", from, "--dovecot"];
        let all = [&options[..], &[socket.to_str().unwrap(), user]].concat();
        let ran = self.helper.sasldb_with(&all, password);
        assert_eq!(ran.status, if password == "secret" { 0 } else { 1 }, "{user} by {mechanism}: {}", ran.text);
    }

    /// Moves what has been written down into the past: the whole record, and the uses of some.
    fn grow_old(&self) {
        let accounts = rusqlite::Connection::open(self.helper.folder().join("accounts.db")).unwrap();
        accounts.execute("UPDATE accounts SET created = created - ?1, changed = changed - ?1", [800 * DAY]).unwrap();
        let activity = self.helper.folder().join("accounts.db.activity/activity.db");
        let activity = rusqlite::Connection::open(activity).unwrap();
        activity.execute("UPDATE periods SET since = since - ?1", [500 * DAY]).unwrap();
        for (number, days) in [(4, 3), (5, 20), (6, 45), (7, 120), (8, 200), (9, 210), (10, 400)] {
            let changed =
                activity.execute("UPDATE uses SET last = last - ?1 WHERE name = ?2", (days * DAY, user(number)));
            assert!(changed.unwrap() > 0, "{number}");
        }
    }
}

fn user(number: u32) -> String {
    ["mailman", "postmaster", "ann", "bob", "cleo", "dan", "eve", "finn", "gil", "hana", "ida", "jon", "kim", "lea"]
        [usize::try_from(number).unwrap()]
    .to_owned()
}

/// Accounts with logins by many mechanisms, and failures from some addresses.
fn furnish() -> Place {
    let machine = Machine::over(&["browser"]);
    let mut helper = Ours::beside(&machine);
    helper.configure(
        "realm = \"example.com\"\nfailure_delay = \"10ms\"\nscram_iterations = 4096\nweak_passwords = \"allow\"\n",
    );
    for number in 0..14 {
        helper.saslpasswd(&["-p", "-c"], &user(number), "secret");
    }
    // A name that is written from right to left, and one that would be an element.
    for name in ["<b>O'Neil&amp;", "\u{5d3}\u{5df}"] {
        helper.saslpasswd(&["-p", "-c"], name, "secret");
    }
    helper.start();
    let place = Place { machine, helper };
    place.helper.sasldb(&["account", "disable", "lea"]);
    for (number, mechanisms) in [
        (0, &["SCRAM-SHA-256", "PLAIN"][..]),
        (1, &["SCRAM-SHA-256"]),
        (2, &["SCRAM-SHA-1"]),
        (3, &["DIGEST-MD5"]),
        (4, &["CRAM-MD5"]),
        (5, &["CRAM-MD5", "SCRAM-SHA-256"]),
        (6, &["DIGEST-MD5"]),
        (7, &["LOGIN"]),
        (8, &["PLAIN"]),
        (9, &["CRAM-MD5"]),
        (10, &["PLAIN"]),
    ] {
        mechanisms.iter().for_each(|mechanism| place.log_in(&user(number), "secret", mechanism, "192.0.2.10"));
    }
    place.log_in("<b>O'Neil&amp;", "secret", "CRAM-MD5", "192.0.2.11");
    for (user, from, times) in [
        ("mailman", "198.51.100.66", 9),
        ("ann", "198.51.100.66", 4),
        ("<b>O'Neil&amp;", "2001:db8::66", 3),
        ("admin", "203.0.113.5", 6),
        ("hunter2-typed-as-a-name", "203.0.113.5", 2),
    ] {
        (0..times).for_each(|_| place.log_in(user, "wrong", "PLAIN", from));
    }
    place
}

/// What the browser prints or draws of the page.
fn browse(machine: &Machine, arguments: &[&str], dark: bool) -> String {
    let fixed = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--user-data-dir=/tmp/browser",
    ];
    let shade =
        if dark { "--blink-settings=preferredColorScheme=0" } else { "--blink-settings=preferredColorScheme=1" };
    let all = [&fixed[..], &[shade], arguments, &["file:///run/sasldb-rs/report.html"]].concat();
    let ran = machine.command("chromium-headless-shell", &all).stderr(Stdio::null()).output().unwrap();
    assert!(ran.status.success(), "chromium-headless-shell {arguments:?}: {ran:?}");
    machine.shell("rm -rf /tmp/browser");
    String::from_utf8(ran.stdout).unwrap()
}

/// The colours of a picture, the most frequent first, with the part of all pixels that each covers in thousandths.
fn colours(machine: &Machine, name: &str) -> Vec<(String, u64)> {
    // Red, green, blue, luminance, count.
    let listed = machine.shell(&format!("pngtopnm /run/sasldb-rs/{name}.png | ppmhist -noheader"));
    let numbers = |line: &str| line.split_whitespace().map(|word| word.parse().unwrap()).collect::<Vec<u64>>();
    let rows: Vec<Vec<u64>> = listed.lines().map(numbers).collect();
    let all: u64 = rows.iter().map(|row| row[4]).sum();
    let colour = |row: &Vec<u64>| (format!("{:02x}{:02x}{:02x}", row[0], row[1], row[2]), row[4] * 1000 / all);
    rows.iter().map(colour).collect()
}

#[test]
fn the_page_says_in_a_browser_what_the_json_says() {
    let mut place = furnish();
    wait_for("the last denied login", || (place.helper.log().matches("denied").count() >= 24).then_some(()));
    place.helper.stop();
    place.grow_old();
    let log = place.machine.accounts().join("log");
    let page = place.machine.shared().join("report.html");
    let (log, page) = (log.to_str().unwrap().to_owned(), page.to_str().unwrap().to_owned());
    let ran = place.helper.sasldb(&["report", "--json", "--log", &log, "--html", &page]);
    assert_eq!(ran.status, 0, "{}", ran.text);
    let said: serde_json::Value = serde_json::from_str(&ran.text).unwrap();
    // The machine's root may be another user than this one.
    std::fs::set_permissions(&page, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();

    let dom = browse(&place.machine, &["--dump-dom"], false);
    assert!(dom.trim_end().ends_with("</body></html>"), "{dom}");
    let facts = |name: &str| -> Vec<u64> {
        let start = format!("data-fact=\"{name}\" value=\"");
        dom.split(start.as_str()).skip(1).map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
    };
    for (fact, number) in [
        ("accounts.total", 16),
        ("usage.used", 9),
        ("usage.unused", 7),
        ("needs.digest-md5", 2),
        ("needs.cram-md5", 2),
        ("failures.denied", 24),
    ] {
        assert_eq!(facts(fact), [number], "{fact}");
    }
    assert_eq!(facts("last_use.accounts"), [4 + 1, 1, 1, 1, 1, 2, 1, 4]);
    for (fact, array, member) in [
        ("last_use.accounts", &said["last_use"], "accounts"),
        ("schemes", &said["schemes"], "accounts"),
        ("failures.sources", &said["failures"]["sources"], "denied"),
        ("failures.accounts", &said["failures"]["accounts"], "denied"),
        ("failures.reasons", &said["failures"]["reasons"], "denied"),
    ] {
        let numbers: Vec<u64> = array.as_array().unwrap().iter().map(|row| row[member].as_u64().unwrap()).collect();
        assert_eq!(facts(fact), numbers, "{fact}");
    }
    assert_eq!(facts("failures.sources"), [13, 8, 3]);
    // The names are text in the browser too.
    let hostile = format!("<bdi dir=\"ltr\">&lt;b&gt;O'Neil&amp;amp;@{REALM}</bdi>");
    assert!(dom.matches(&hostile).count() >= 2 && dom.contains("<bdi dir=\"ltr\">\u{5d3}\u{5df}@"), "{dom}");
    assert!(!dom.contains("hunter2") && !dom.contains("<script"), "{dom}");

    let folder = project().join(FOLDER);
    std::fs::create_dir_all(&folder).unwrap();
    for (name, width, height, dark) in VIEWS {
        look(&place.machine, &folder, name, width, height, dark);
    }
}

/// Takes a picture, which has to show a page with bars in their colours and not only its background.
fn look(machine: &Machine, folder: &Path, name: &str, width: u32, height: u32, dark: bool) {
    let (size, file) = (format!("--window-size={width},{height}"), format!("--screenshot=/run/sasldb-rs/{name}.png"));
    browse(machine, &[&size, &file], dark);
    std::fs::copy(machine.shared().join(format!("{name}.png")), folder.join(format!("{name}.png"))).unwrap();
    let colours = colours(machine, name);
    let part = |colour: &str| colours.iter().find(|(c, _)| c == colour).map_or(0, |(_, part)| *part);
    let has = |colour: &str| colours.iter().any(|(c, _)| c == colour);
    let (paper, card, bars) = if dark {
        ("12161b", "1a2027", ["5d9fe3", "e07353", "e0707c"])
    } else {
        ("f6f7f8", "ffffff", ["2f6fb3", "c2492b", "b23a48"])
    };
    assert!(part(card) > 200 && part(paper) > 50 && part(paper) < 700, "{name}: {:?}", &colours[..8]);
    assert!(bars.iter().all(|bar| has(bar)), "{name}: {:?}", &colours[..20]);
    assert!(colours.len() > 100, "{name}: letters have edges");
}
