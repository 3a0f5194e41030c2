//! `sasldb-rs export`: what leaves, what does not, and that it comes back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::shell::{Ran, SASLDB, Shell};

/// `openssl passwd -6 -salt saltstring secret`.
const CRYPT: &str =
    "$6$saltstring$AIsRs/Ee56G/tC8MEHhvReZTfx8u3rXXMl6eYrjCG9ibix19DxoMBLogdTET5Ukw9Sf7eZTITsuk0Ry5qulYz.";

fn sasldb(shell: &Shell, arguments: &[&str], stdin: &str) -> Ran {
    shell.run(SASLDB, arguments, stdin.as_bytes())
}

/// What is exported, all of it.
fn exported(shell: &Shell, arguments: &[&str]) -> String {
    let ran = sasldb(shell, &[&["export"], arguments].concat(), "");
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{arguments:?}");
    ran.out
}

fn revealed(shell: &Shell) -> String {
    exported(shell, &["--to", "sasldb-rs", "--reveal-secrets"])
}

fn apply(shell: &Shell, file: &str) -> Ran {
    sasldb(shell, &["apply", "-"], file)
}

/// An account of every kind.
fn furnished() -> Shell {
    let shell = Shell::new();
    shell.make_mailman();
    let limits = ["--service", "smtp", "--network", "192.0.2.0/24", "--expires", "2999-01-01"];
    let add = [&["password", "add", "mailman", "--label", "my \"phone\""], &limits[..]].concat();
    sasldb(&shell, &add, "second").quiet();
    shell.saslpasswd(&["-c", "-n", "Jörg"], "geheim\n".as_bytes()).quiet();
    let others = format!(
        "{{\"name\": \"old\", \"password_hash\": \"{CRYPT}\"}}\n\
         {{\"name\": \"off\", \"realm\": \"example.org\", \"disabled\": true, \"mechanisms\": [\"CRAM-MD5\"],\
          \"expires\": \"2999-12-31\", \"password\": \"third\"}}\n"
    );
    assert_eq!(apply(&shell, &others).status, Some(3));
    shell
}

#[test]
fn what_is_sealed_comes_back_where_the_key_is() {
    let shell = furnished();
    let sealed = exported(&shell, &["--to", "sasldb-rs"]);
    assert_eq!(sealed.lines().count(), 4);
    let same = apply(&shell, &sealed);
    assert_eq!((same.status, same.out.as_str()), (Some(0), ""), "{same:?}");

    let before = revealed(&shell);
    sasldb(&shell, &["account", "remove", "*", "--yes"], "");
    assert_eq!(revealed(&shell), "");
    assert_eq!(apply(&shell, &sealed).status, Some(3));
    assert_eq!(revealed(&shell), before);

    // The key alone makes another database that opens it.
    let elsewhere = Shell::new();
    fs::copy(shell.key(), elsewhere.key()).unwrap();
    elsewhere.make_mailman();
    assert_eq!(apply(&elsewhere, &sealed).status, Some(3));
    assert_eq!(revealed(&elsewhere), before);
    assert_eq!(elsewhere.verify("mailman", b"second"), Some(1));
    assert_eq!(elsewhere.verify("old", b"secret"), Some(0));
}

#[test]
fn what_is_sealed_opens_nowhere_else_and_for_nobody_else() {
    let shell = furnished();
    let sealed = exported(&shell, &["--to", "sasldb-rs", "mailman", "old"]);
    let elsewhere = Shell::new();
    elsewhere.make_mailman();
    let refused = apply(&elsewhere, &sealed);
    assert_eq!((refused.status, elsewhere.accounts().len()), (Some(1), 1));
    assert!(refused.err.contains("another key sealed it"), "{refused:?}");

    let mailman = sealed.lines().next().unwrap();
    for changed in [
        mailman.replace("\"name\":\"mailman\"", "\"name\":\"other\""),
        mailman.replace("192.0.2.0/24", "192.0.0.0/16"),
        mailman.replace("{SASLDB-SEALED}", "{SASLDB-SEALED}AAAA"),
    ] {
        assert_ne!(changed, mailman);
        let refused = apply(&shell, &changed);
        assert_eq!((refused.status, refused.out.as_str()), (Some(1), ""), "{changed}");
    }
}

#[test]
fn what_is_revealed_comes_back_under_any_key() {
    let shell = furnished();
    let before = revealed(&shell);
    assert!(before.contains(CRYPT) && before.contains("{SCRAM-SHA-256}4096,") && before.contains("{CRAM-MD5}"));
    let elsewhere = Shell::new();
    assert_eq!(apply(&elsewhere, &before).status, Some(3));
    assert_eq!(revealed(&elsewhere), before);
    let again = apply(&elsewhere, &before);
    assert_eq!((again.status, again.out.as_str()), (Some(0), ""), "{again:?}");
    for (user, password) in [("mailman", "secret"), ("Jörg", "geheim"), ("old", "secret"), ("off@example.org", "third")]
    {
        let verdict = elsewhere.verify(user, password.as_bytes());
        assert_eq!(verdict, shell.verify(user, password.as_bytes()), "{user}");
        assert_eq!(verdict, Some(i32::from(user == "off@example.org")), "{user}");
    }
}

#[test]
fn no_secret_leaves_that_is_not_to_be_revealed() {
    let shell = furnished();
    let secrets: Vec<_> = revealed(&shell)
        .lines()
        .flat_map(|line| {
            let account: serde_json::Value = serde_json::from_str(line).unwrap();
            let passwords = account["passwords"].as_array().unwrap().clone();
            passwords.into_iter().flat_map(|password| password["password_hash"].as_array().unwrap().clone())
        })
        .map(|text| text.as_str().unwrap().trim_start_matches(|c| c != '}').to_owned())
        .filter(|text| text.len() > 1)
        .collect();
    assert!(secrets.len() >= 16, "{secrets:?}");
    let open = exported(&shell, &["--to", "sasldb-rs"]) + &exported(&shell, &["--to", "csv"]);
    for secret in secrets {
        assert!(!open.contains(secret.trim_start_matches('}')), "{secret}");
    }
    for form in ["dovecot", "opensmtpd"] {
        let ran = sasldb(&shell, &["export", "--to", form], "");
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{form}");
        assert!(ran.err.contains("hint: --reveal-secrets"), "{ran:?}");
    }
}

#[test]
fn facts_are_csv() {
    let shell = furnished();
    let csv = exported(&shell, &["--to", "csv", "mail*", "off"]);
    let lines: Vec<_> = csv.lines().collect();
    let all = "\"digest-md5,cram-md5,scram-sha-1,scram-sha-256\"";
    assert_eq!(lines[0], "account,state,expires,passwords,schemes,mechanisms,changed");
    let (mailman, changed) = lines[1].rsplit_once(',').unwrap();
    assert_eq!(mailman, format!("mailman@example.com,active,-,\"main,my \"\"phone\"\"\",{all},-"));
    assert!(changed.ends_with('Z'));
    assert!(lines[2].starts_with(&format!("off@example.org,disabled,2999-12-31T00:00:00Z,main,{all},CRAM-MD5,")));
    assert_eq!(lines.len(), 3);
    // Nobody needs the key for it.
    fs::remove_file(shell.key()).unwrap();
    assert_eq!(exported(&shell, &["--to", "csv", "mail*", "off"]), csv);
}

#[test]
fn what_another_program_cannot_say_is_left_out_and_named() {
    let shell = furnished();
    let dovecot = sasldb(&shell, &["export", "--to", "dovecot", "--reveal-secrets"], "");
    assert_eq!(dovecot.status, Some(1));
    let mut lines = dovecot.out.lines();
    assert!(lines.next().unwrap().starts_with("mailman@example.com:{SCRAM-SHA-256}4096,"));
    assert_eq!(lines.next(), Some(format!("old@example.com:{{CRYPT}}{CRYPT}::::::").as_str()));
    assert_eq!(lines.next(), None);
    let left_out = "left out: Jörg@example.com: password main: PLAIN and LOGIN are refused with it\n\
                    left out: mailman@example.com: password my \"phone\": one password of an account is all that can be said\n\
                    left out: off@example.org: it is disabled\n";
    assert_eq!(dovecot.err, left_out);

    let opensmtpd = sasldb(&shell, &["export", "--to", "opensmtpd", "--reveal-secrets", "old", "mailman"], "");
    assert_eq!((opensmtpd.status, opensmtpd.out), (Some(1), format!("old@example.com {CRYPT}\n")));
    assert!(opensmtpd.err.contains("left out: mailman@example.com: password main: no hash of crypt(3) is stored\n"));
    assert!(opensmtpd.err.contains("password my \"phone\": that it ends cannot be said\n"));

    let scheme = ["export", "--to", "dovecot", "--reveal-secrets", "--scheme", "cram-md5", "old"];
    let cram = sasldb(&shell, &scheme, "");
    assert_eq!((cram.status, cram.out.as_str()), (Some(1), ""));
    assert_eq!(sasldb(&shell, &["export", "--to", "csv", "nobody"], "").status, Some(20));
}

#[test]
fn a_file_is_its_owners_and_never_written_over() {
    let shell = furnished();
    let to = ["export", "--to", "sasldb-rs", "--reveal-secrets", "--output", "accounts.json"];
    sasldb(&shell, &to, "").quiet();
    let file = shell.path("accounts.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_to_string(&file).unwrap(), revealed(&shell));

    fs::write(&file, "mine").unwrap();
    let refused = sasldb(&shell, &to, "");
    assert_eq!((refused.status, fs::read_to_string(&file).unwrap().as_str()), (Some(1), "mine"));
    assert!(refused.err.contains("hint: nothing is written over"), "{refused:?}");
    // One that is not wanted is not there.
    let nobody = sasldb(&shell, &["export", "--to", "csv", "--output", "none.csv", "nobody"], "");
    assert_eq!((nobody.status, shell.path("none.csv").exists()), (Some(20), false));
}
