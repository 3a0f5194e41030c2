//! What people wrote in the man pages. What is made from the definitions, tests/pages.rs looks at.

use std::fs;
use std::path::Path;

use crate::shell::{SASLDB, Shell};

fn man(page: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(page)).unwrap()
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
        ("export", Some(0), ""),
        ("account list", Some(75), ""),
        ("account rename", Some(20), ""),
        ("report", Some(0), "mailman@example.com\tactive\ttoo-new\t-\t-\t-\n"),
        ("retire", Some(75), ""),
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
    assert_eq!(examples.len(), 13, "one that is not run: {examples:?}");
}
