//! Help and man pages name every option.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::shell::{LISTUSERS, SASLAUTHD, SASLDB, SASLPASSWD, Shell};

fn help(program: &str, subcommand: &str) -> String {
    let output = Command::new(program).args(subcommand.split_whitespace()).arg("--help").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn man(page: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(page)).unwrap()
}

/// The options that a help text shows: `-c`, `--create`.
fn options(help: &str) -> Vec<String> {
    let shown = help.lines().map(str::trim_start).filter(|line| line.starts_with('-') && !line.starts_with("- "));
    let words = shown.flat_map(|line| line.split("  ").next().unwrap().split([' ', ',', '=']));
    words.filter(|word| word.starts_with('-')).map(|word| word.trim_end_matches("...").to_owned()).collect()
}

/// An option as mdoc writes it: `.Fl c`, `.Fl -create`.
fn in_page(page: &str, option: &str) -> bool {
    let flag = format!("Fl {}", &option[1..]);
    let ends = |rest: &str| rest.chars().next().is_none_or(char::is_whitespace);
    page.match_indices(&flag).any(|(at, _)| ends(&page[at + flag.len()..]))
}

#[test]
fn every_option_is_in_help_and_man_page() {
    for (program, subcommand, page, known) in [
        (
            SASLPASSWD,
            "",
            "saslpasswd-rs.8",
            &[
                "-c",
                "-p",
                "-n",
                "-d",
                "-u",
                "-f",
                "-a",
                "-v",
                "-h",
                "--config",
                "--list",
                "--json",
                "--disable",
                "--enable",
                "--help",
                "--create",
                "--pipe",
                "--no-plaintext",
                "--delete",
                "--realm",
                "--database",
                "--appname",
                "--version",
            ][..],
        ),
        (LISTUSERS, "", "sasldblistusers-rs.8", &["-f", "-v", "-h", "--config", "--help", "--version", "--database"]),
        (
            SASLAUTHD,
            "",
            "saslauthd-rs.8",
            &[
                "-f",
                "--database",
                "--realm",
                "--dovecot",
                "--userdb",
                "--saslauthd",
                "--lookup",
                "--store",
                "--check-config",
                "--config",
            ],
        ),
        (SASLDB, "", "sasldb-rs.8", &["-h", "-V"]),
        (SASLDB, "test", "sasldb-rs.8", &["--dovecot", "--mechanism", "--service", "--realm", "--secured", "--remote"]),
        (SASLDB, "verify", "sasldb-rs.8", &["-f", "--database", "--config"]),
        (
            SASLDB,
            "password add",
            "sasldb-rs.8",
            &["--label", "--expires", "--service", "--network", "--generate", "--realm"],
        ),
        (SASLDB, "password set", "sasldb-rs.8", &["--label", "--generate", "--realm"]),
        (SASLDB, "account list", "sasldb-rs.8", &["--json", "--unused-for"]),
        (SASLDB, "account show", "sasldb-rs.8", &["--json", "--realm"]),
        (SASLDB, "account add", "sasldb-rs.8", &["--expires", "--generate", "--realm"]),
        (SASLDB, "account remove", "sasldb-rs.8", &["--unused-for", "--yes", "--dry-run", "--json", "--realm"]),
        (SASLDB, "account rename", "sasldb-rs.8", &["--dry-run", "--json", "--realm"]),
        (SASLDB, "account expire", "sasldb-rs.8", &["--at", "--never", "--unused-for", "--yes"]),
        (SASLDB, "apply", "sasldb-rs.8", &["--dry-run", "--prune", "--max-removals", "--json"]),
        (SASLDB, "check", "sasldb-rs.8", &["--realm", "--realm-alias", "--new-config", "--json"]),
        (SASLDB, "import", "sasldb-rs.8", &["--from", "--dry-run", "--replace", "--json"]),
        (SASLDB, "password list", "sasldb-rs.8", &["--json", "--realm"]),
        (SASLDB, "password remove", "sasldb-rs.8", &["--label", "--realm"]),
    ] {
        let found = options(&help(program, subcommand));
        let page_text = man(page);
        for option in known {
            assert!(
                found.iter().any(|o| o == option),
                "{option} is not in the help of {program} {subcommand:?}: {found:?}"
            );
        }
        for option in &found {
            assert!(in_page(&page_text, option), "{option} is not in {page}");
        }
    }
}

#[test]
fn every_setting_is_in_its_page() {
    let page = man("sasldb-rs.toml.5");
    // The refusal of an unknown setting names all that are known.
    for text in ["no_such_setting = 1", "[[dovecot]]\npath = \"/x\"\nno_such_setting = 1", "limits.no_such_setting = 1"]
    {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, text).unwrap();
        let fault = sasldb::config::Config::load(Some(&file)).unwrap_err().to_string();
        let known: Vec<&str> = fault.split("expected one of").nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        assert!(known.len() >= 3, "{fault}");
        for setting in known {
            let named = [
                format!("Cm {setting}\n"),
                format!("Cm {setting} ,"),
                format!(", {setting}\n"),
                format!("[{setting}]"),
            ];
            assert!(named.iter().any(|name| page.contains(name)), "{setting} is not in the page");
        }
    }
}

/// All but those that need a helper, which the quickstart runs, or a folder of the system.
#[test]
fn the_examples_of_the_tool_do_what_they_say() {
    let shell = Shell::new();
    shell.make_mailman();
    fs::write(shell.path("config.toml.new"), "realm = \"new.test\"").unwrap();
    let page = man("sasldb-rs.8");
    let examples: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix(".Dl sasldb-rs ")).collect();
    for (part, status, said) in [
        ("password add", Some(0), "-"),
        ("backup", Some(0), "accounts-copy.db\t1\t"),
        ("apply", Some(1), ""),
        ("account list", Some(75), ""),
        ("account rename", Some(20), ""),
        ("account remove", Some(1), ""),
        ("import", Some(1), "taken\tjoe@example.com\tas joe@example.com"),
        ("--realm mx2.example.com", Some(1), "cut off: as \"mailman\" by SCRAM-SHA-256"),
        ("--new-config", Some(1), "cut off: as \"mailman\" by SCRAM-SHA-256"),
    ] {
        let example = examples.iter().find(|example| example.contains(part)).unwrap();
        let sasldb2 = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sasldb2/le4096.db");
        let words = example.split(' ').map(|word| match word {
            "/etc/sasldb2" => sasldb2,
            "/var/backups/accounts.db" => "accounts-copy.db",
            other => other.trim_matches('\''),
        });
        let ran = shell.run(SASLDB, &words.collect::<Vec<_>>(), b"");
        assert_eq!(ran.status, status, "{example}: {ran:?}");
        assert!(ran.err.is_empty() || part == "import" || ran.out.is_empty(), "{example}: {ran:?}");
        assert!(ran.out.contains(said), "{example}: {ran:?}");
    }
    assert_eq!(examples.len(), 10, "one that is not run: {examples:?}");
}
