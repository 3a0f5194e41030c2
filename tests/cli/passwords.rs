//! `sasldb-rs password`: what it prints and refuses.

use crate::shell::{Ran, SASLDB, Shell};

fn password(shell: &Shell, arguments: &[&str], stdin: &[u8]) -> Ran {
    shell.run(SASLDB, &[&["password"], arguments].concat(), stdin)
}

fn shell_with_phone() -> Shell {
    let shell = Shell::new();
    shell.make_mailman();
    let limits = ["--service", "SMTP", "--network", "192.0.2.7", "--expires", "2999-01-01T01:00:00+01:00"];
    password(&shell, &[&["add", "mailman", "--label", "my phone"], &limits[..]].concat(), b"second\n").quiet();
    shell
}

#[test]
fn lines_for_scripts_have_fixed_columns() {
    let shell = shell_with_phone();
    let ran = password(&shell, &["list", "mailman"], b"");
    let all = "digest-md5,cram-md5,scram-sha-1,scram-sha-256";
    let phone = format!("my phone\tactive\t2999-01-01T00:00:00Z\tsmtp\t192.0.2.7/32\t{all}");
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
    assert_eq!(ran.out, format!("main\tactive\t-\t-\t-\t{all}\n{phone}\n"));
}

#[test]
fn json_has_the_documented_shape() {
    let shell = shell_with_phone();
    let ran = password(&shell, &["list", "--json", "MAILMAN"], b"");
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let schemes = ["digest-md5", "cram-md5", "scram-sha-1", "scram-sha-256"];
    let expected = serde_json::json!({
        "account": "mailman@example.com",
        "passwords": [
            {
                "label": "main", "state": "active", "expires": null, "services": [], "networks": [],
                "schemes": schemes, "plaintext": true,
            },
            {
                "label": "my phone", "state": "active", "expires": "2999-01-01T00:00:00Z", "services": ["smtp"],
                "networks": ["192.0.2.7/32"], "schemes": schemes, "plaintext": true,
            },
        ],
    });
    assert_eq!(json, expected);
}

#[test]
fn on_a_terminal_the_list_is_a_table_and_the_password_is_asked_for_twice() {
    let shell = Shell::new();
    shell.make_mailman();
    let add = shell.command(SASLDB, &["password", "add", "--label", "phone", "mailman"]);
    let mut session = rexpect::session::spawn_command(add, Some(30_000)).unwrap();
    session.exp_string("Password: ").unwrap();
    session.send_line("second").unwrap();
    session.exp_string("Again (for verification): ").unwrap();
    session.send_line("second").unwrap();
    let rest = session.exp_eof().unwrap();
    assert!(!rest.contains("second"), "{rest}");
    assert_eq!((shell.verify("mailman", b"second"), shell.verify("mailman", b"secret")), (Some(0), Some(0)));

    let list = shell.command(SASLDB, &["password", "list", "mailman"]);
    let shown = rexpect::session::spawn_command(list, Some(30_000)).unwrap().exp_eof().unwrap();
    assert!(shown.trim_start().starts_with("LABEL") && !shown.contains('\t'), "{shown}");
    assert_eq!(shown.lines().count(), 3, "{shown}");
}

#[test]
fn the_realm_of_a_bare_user_can_be_given() {
    let shell = Shell::new();
    shell.saslpasswd(&["-c", "joe@example.org"], b"secret").quiet();
    password(&shell, &["add", "joe", "--realm", "example.org", "--label", "phone"], b"second").quiet();
    assert_eq!(shell.verify("joe@example.org", b"second"), Some(0));
    assert_eq!(password(&shell, &["list", "joe", "--realm", "example.org"], b"").out.lines().count(), 2);
}

#[test]
fn what_cannot_be_done_has_its_status_and_changes_nothing() {
    let shell = shell_with_phone();
    let before = shell.files();
    let only = "it is the account's only password";
    for (arguments, stdin, status, part) in [
        (&["add", "mailman"][..], &b"x"[..], 2, "--label <LABEL>"),
        (&["add", "mailman", "--label", ""], b"x", 2, "a label has 1 to 64 bytes"),
        (&["add", "mailman", "--label", "l", "--expires", "soon"], b"x", 2, "a duration such as 30d"),
        (&["add", "mailman", "--label", "l", "--service", "a b"], b"x", 2, "a service has"),
        (&["add", "mailman", "--label", "l", "--network", "here"], b"x", 2, "not an address or an address block"),
        (&["add", "mailman", "--label", "l", "--expires", "2020-01-01"], b"x", 7, "is over"),
        (&["add", "mailman", "--label", "l"], b"", 7, "the password is empty"),
        (&["add", "mail:man", "--label", "l"], b"x", 7, "holds the character ':'"),
        (&["add", "mailman", "--label", "my phone"], b"x", 1, "already has a password with the label \"my phone\""),
        (&["add", "nobody", "--label", "l"], b"x", 20, "there is no account nobody@example.com"),
        (&["list", "nobody"], b"", 20, "there is no account nobody@example.com"),
        (&["remove", "nobody", "--label", "l"], b"", 20, "there is no account nobody@example.com"),
        (&["remove", "mailman", "--label", "l"], b"", 20, "has no password with the label \"l\""),
    ] {
        let ran = password(&shell, arguments, stdin);
        assert_eq!((ran.status, ran.out.as_str()), (Some(status), ""), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(part), "{arguments:?}: {ran:?}");
        assert_eq!(shell.files(), before, "{arguments:?}");
    }
    password(&shell, &["remove", "mailman", "--label", "main"], b"").quiet();
    let ran = password(&shell, &["remove", "mailman", "--label", "my phone"], b"");
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.err.contains(only), "{ran:?}");
}
