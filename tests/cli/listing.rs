//! `--list` in its three forms.

use std::process::Stdio;

use crate::shell::{LISTUSERS, SASLPASSWD, Shell};

fn shell_with_three() -> Shell {
    let shell = Shell::new();
    shell.make_mailman();
    shell.saslpasswd(&["-c", "Ann@example.org"], b"x").quiet();
    shell.saslpasswd(&["-c", "-n", "joe"], b"x").quiet();
    shell.saslpasswd(&["--disable", "joe"], b"").quiet();
    shell
}

fn listed(shell: &Shell, arguments: &[&str]) -> String {
    let ran = shell.saslpasswd(&[&["--list"], arguments].concat(), b"");
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
    ran.out
}

#[test]
fn lines_for_scripts_have_fixed_columns() {
    let shell = shell_with_three();
    let out = listed(&shell, &[]);
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split('\t').collect()).collect();
    let all = "digest-md5,cram-md5,scram-sha-1,scram-sha-256";
    assert_eq!(rows.len(), 3);
    for (row, (account, state)) in rows.iter().zip([
        ("joe@example.com", "disabled"),
        ("mailman@example.com", "active"),
        ("Ann@example.org", "active"),
    ]) {
        assert_eq!(row[..6], [account, state, "-", "main", all, "-"]);
        assert!(row[6].starts_with("20") && row[6].ends_with('Z') && row[6].len() == 20, "{}", row[6]);
        assert_eq!(row.len(), 7);
    }
}

#[test]
fn a_pattern_picks_accounts() {
    let shell = shell_with_three();
    for (pattern, accounts) in [
        ("*@example.com", &["joe@example.com", "mailman@example.com"][..]),
        ("ANN", &["Ann@example.org"]),
        ("?o*", &["joe@example.com"]),
        ("nobody", &[]),
    ] {
        let out = listed(&shell, &[pattern]);
        let found: Vec<&str> = out.lines().map(|line| line.split('\t').next().unwrap()).collect();
        assert_eq!(found, accounts, "{pattern}");
    }
}

#[test]
fn json_is_an_array_of_accounts() {
    let shell = shell_with_three();
    let json: serde_json::Value = serde_json::from_str(&listed(&shell, &["--json"])).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 3);
    let joe = &json[0];
    assert_eq!(joe["account"], "joe@example.com");
    assert_eq!((joe["name"].as_str(), joe["realm"].as_str()), (Some("joe"), Some("example.com")));
    assert_eq!(joe["state"], "disabled");
    assert_eq!(joe["expires"], serde_json::Value::Null);
    assert_eq!(joe["mechanisms"], serde_json::Value::Null);
    assert_eq!(joe["schemes"][0], "digest-md5");
    assert_eq!(joe["passwords"][0]["label"], "main");
    assert!(joe["revision"].as_u64().unwrap() >= 2);
    let none: serde_json::Value = serde_json::from_str(&listed(&shell, &["--json", "nobody"])).unwrap();
    assert_eq!(none, serde_json::json!([]));
}

#[test]
fn on_a_terminal_the_listing_is_a_table() {
    let shell = shell_with_three();
    let mut session = rexpect::session::spawn_command(shell.command(SASLPASSWD, &["--list"]), Some(30_000)).unwrap();
    let shown = session.exp_eof().unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].trim_start().starts_with("ACCOUNT"), "{shown}");
    assert!(lines[1].contains("joe@example.com") && lines[1].contains("disabled"), "{shown}");
    let column = |line: &str| line.find("active").or(line.find("disabled")).unwrap();
    assert_eq!(column(lines[1]), column(lines[2]), "{shown}");
    assert!(!shown.contains('\t'));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let shell = shell_with_three();
    for (program, arguments) in [(SASLPASSWD, &["--list"][..]), (SASLPASSWD, &["--list", "--json"]), (LISTUSERS, &[])] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = shell.command(program, arguments);
        let output = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{arguments:?}");
    }
}
