//! Making, changing and deleting accounts.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::shell::{LISTUSERS, SASLDB, SASLPASSWD, Shell, run};

#[test]
fn the_line_of_the_recipe_works_without_any_configuration() {
    let shell = Shell::new();
    let mut command = std::process::Command::new(SASLPASSWD);
    command.arg("-p").arg("-c").arg("-f").arg(shell.database()).args(["-u", "example.com", "mailman"]);
    run(command, b"secret\n").quiet();
    let mut list = std::process::Command::new(LISTUSERS);
    list.arg("-f").arg(shell.database());
    let ran = run(list, b"");
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "mailman@example.com: userPassword\n"));
    let mut bare = std::process::Command::new(LISTUSERS);
    bare.arg(shell.database());
    assert_eq!(run(bare, b"").out, "mailman@example.com: userPassword\n");
}

#[test]
fn another_spelling_is_the_same_account_and_the_first_one_stays() {
    let shell = Shell::new();
    shell.saslpasswd(&["-u", "EXAMPLE.Org", "Bob"], b"x").quiet();
    shell.saslpasswd(&["--realm=example.org", "bOB"], b"y").quiet();
    assert_eq!(shell.verify("bob@example.org", b"y"), Some(0));
    assert_eq!(shell.accounts(), ["Bob@EXAMPLE.Org"]);
}

#[test]
fn without_a_setting_the_database_keeps_the_realm_that_it_was_made_under() {
    let shell = Shell::new();
    let host = nix::unistd::gethostname().unwrap().to_string_lossy().to_lowercase();
    shell.configure("");
    shell.saslpasswd(&["-u", "elsewhere.test", "first"], b"x").quiet();
    shell.saslpasswd(&["second"], b"x").quiet();
    let mut expected = vec!["first@elsewhere.test".to_owned(), format!("second@{host}")];
    expected.sort_by_key(|account| account.split_once('@').unwrap().1.to_owned());
    assert_eq!(shell.accounts(), expected);

    let other = Shell::new();
    other.configure("realm = \"noted.test\"\nrealm_aliases = [\"mx1\"]");
    other.make_mailman();
    other.configure("");
    other.saslpasswd(&["-u", "MX1", "second"], b"x").quiet();
    other.saslpasswd(&["third"], b"x").quiet();
    assert_eq!(other.accounts(), ["mailman@noted.test", "second@noted.test", "third@noted.test"]);
    other.configure("realm = \"mine.test\"");
    other.saslpasswd(&["fourth"], b"x").quiet();
    assert!(other.accounts().contains(&"fourth@mine.test".to_owned()));
}

#[test]
fn an_alias_with_an_account_of_its_own_is_refused_with_both_names() {
    let shell = Shell::new();
    shell.saslpasswd(&["joe@mx1"], b"x").quiet();
    shell.configure("realm = \"example.com\"\nrealm_aliases = [\"mx1\"]");
    let before = shell.files();
    // Whoever is meant: the alias is what is wrong.
    for (program, arguments, status) in [
        (SASLPASSWD, &["joe@mx1"][..], 1),
        (SASLPASSWD, &["mailman"], 1),
        (SASLPASSWD, &["-d", "mailman"], 1),
        (SASLDB, &["verify", "mailman"], 78),
    ] {
        let ran = shell.run(program, arguments, b"y");
        assert_eq!(ran.status, Some(status), "{ran:?}");
        let fault = "joe@mx1 is an account, but mx1 is also an alias of the default realm example.com";
        assert!(ran.err.contains(fault), "{ran:?}");
    }
    assert_eq!(shell.files(), before);
    shell.configure("realm = \"example.com\"\nrealm_aliases = []");
    assert_eq!(shell.verify("joe@mx1", b"x"), Some(0));
}

#[test]
fn deleting_takes_any_spelling() {
    let shell = Shell::new();
    shell.make_mailman();
    shell.saslpasswd(&["--delete", "Mailman@EXAMPLE.com"], b"").quiet();
    assert_eq!(shell.accounts(), [] as [&str; 0]);
    assert_eq!(shell.verify("mailman", b"secret"), Some(1));
}

#[test]
fn a_disabled_account_stays_but_logs_nobody_in() {
    let shell = Shell::new();
    shell.make_mailman();
    shell.saslpasswd(&["--disable", "mailman"], b"").quiet();
    assert_eq!((shell.verify("mailman", b"secret"), shell.accounts().len()), (Some(1), 1));
    // A new password does not let anybody in either.
    shell.saslpasswd(&["-c", "mailman"], b"new").quiet();
    assert_eq!(shell.verify("mailman", b"new"), Some(1));
    shell.saslpasswd(&["--enable", "mailman"], b"").quiet();
    assert_eq!(shell.verify("mailman", b"new"), Some(0));
    let ran = shell.saslpasswd(&["--disable", "nobody"], b"");
    assert_eq!((ran.status, ran.out.as_str()), (Some(20), ""));
    assert!(ran.err.starts_with("saslpasswd-rs: user not found\n"), "{}", ran.err);
}

#[test]
fn without_plaintext_the_password_is_good_for_challenge_mechanisms_only() {
    let shell = Shell::new();
    shell.saslpasswd(&["-c", "-n", "mailman"], b"secret").quiet();
    let ran = shell.run(crate::shell::SASLDB, &["verify", "mailman"], b"secret");
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.out.contains("not for PLAIN and LOGIN"), "{}", ran.out);
    assert_eq!(shell.verify("mailman", b"wrong"), Some(1));
}

#[test]
fn no_file_but_the_key_holds_the_password() {
    let shell = Shell::new();
    let password = b"correct horse battery staple";
    shell.saslpasswd(&["-c", "mailman"], password).quiet();
    for (path, bytes) in shell.contents() {
        assert!(!bytes.windows(password.len()).any(|window| window == password), "{}", path.display());
    }
}

#[test]
fn arguments_that_are_not_utf8_are_refused_not_mangled() {
    let shell = Shell::new();
    let before = shell.files();
    let ran = shell.saslpasswd(&[OsStr::from_bytes(b"j\xF6rg")], b"x");
    assert_eq!(ran.status, Some(7));
    assert!(ran.err.contains("the user name is not valid UTF-8"), "{}", ran.err);
    assert_eq!(shell.files(), before);
}
