//! Making, changing and deleting accounts.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use crate::shell::{LISTUSERS, SASLDB, SASLPASSWD, Shell, run};

#[test]
fn an_account_is_made_with_or_without_the_option_and_overwritten_in_silence() {
    let shell = Shell::new();
    shell.make_mailman();
    assert_eq!(shell.verify("mailman", b"secret\n"), Some(0));
    shell.saslpasswd(&["-c", "-p", "mailman"], b"second\n").quiet();
    assert_eq!((shell.verify("mailman", b"secret"), shell.verify("mailman", b"second")), (Some(1), Some(0)));
    shell.saslpasswd(&["mailman"], b"third").quiet();
    shell.saslpasswd(&["other"], b"x").quiet();
    assert_eq!((shell.verify("mailman", b"third"), shell.verify("other", b"x")), (Some(0), Some(0)));
    assert_eq!(shell.accounts(), ["mailman@example.com", "other@example.com"]);
}

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
fn the_realm_comes_from_the_name_then_the_option_then_the_default() {
    let shell = Shell::new();
    let long = "r".repeat(255);
    for (arguments, account) in [
        (&["u1"][..], "u1@example.com"),
        (&["u2@r1"], "u2@r1"),
        (&["-u", "r2", "u3"], "u3@r2"),
        (&["-u", "r2", "u4@r1"], "u4@r1"),
        (&["-u", "", "u5"], "u5@example.com"),
        (&["-ur6", "u6"], "u6@r6"),
        (&["--realm=r7", "u7"], "u7@r7"),
        (&["u8", "-u", "r8"], "u8@r8"),
        (&["u%r9"], "u%r9@example.com"),
        (&["-u", "EXAMPLE.Org", "Bob"], "Bob@EXAMPLE.Org"),
        (&["--", "-dash"], "-dash@example.com"),
        (&["--", "-"], "-@example.com"),
        (&["-u", &long, "u10"], &format!("u10@{long}")),
        (&["jörg 日本"], "jörg 日本@example.com"),
    ] {
        shell.saslpasswd(arguments, b"x").quiet();
        assert!(shell.accounts().contains(&account.to_owned()), "{arguments:?}: {:?}", shell.accounts());
        assert_eq!(shell.verify(account, b"x"), Some(0), "{account}");
    }
    // Another spelling is the same account, and the first spelling stays.
    shell.saslpasswd(&["-u", "example.org", "bOB"], b"y").quiet();
    assert_eq!(shell.verify("bob@example.org", b"y"), Some(0));
    assert!(shell.accounts().contains(&"Bob@EXAMPLE.Org".to_owned()) && shell.accounts().len() == 14);
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
fn a_password_is_every_byte_of_stdin_but_one_newline() {
    let shell = Shell::new();
    let longest = "p".repeat(4096);
    for (stdin, password) in [
        (&b"pw\n"[..], &b"pw"[..]),
        (b"pw", b"pw"),
        (b"pw\r\n", b"pw\r"),
        (b"pw\n\n", b"pw\n"),
        (b"a\nb\n", b"a\nb"),
        (b" lead and trail \n", b" lead and trail "),
        (b"latin-1 \xFC\n", b"latin-1 \xFC"),
        (b"tab\there\x01\n", b"tab\there\x01"),
        (longest.as_bytes(), longest.as_bytes()),
        (format!("{longest}\n").as_bytes(), longest.as_bytes()),
    ] {
        shell.saslpasswd(&["-c", "u"], stdin).quiet();
        // A newline is added, since `verify` takes one away too.
        let typed = [password, b"\n"].concat();
        assert_eq!(shell.verify("u", &typed), Some(0), "{:?}", stdin.escape_ascii().to_string());
    }
}

#[test]
fn a_password_written_in_pieces_is_read_whole() {
    let shell = Shell::new();
    // On a socket of this type no read gives more than what one write sent, whenever it comes.
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap();
    let mut command = shell.command(SASLPASSWD, &["-p", "-c", "u"]);
    let mut child = command.stdin(Stdio::from(theirs)).spawn().unwrap();
    drop(command);
    let mut ours = std::fs::File::from(ours);
    for piece in [&b"ab"[..], b"cd", b"\n"] {
        ours.write_all(piece).unwrap();
    }
    drop(ours);
    assert!(child.wait().unwrap().success());
    assert_eq!(shell.verify("u", b"abcd"), Some(0));
}

#[test]
fn deleting_is_quiet_whether_the_account_is_there_or_not() {
    let shell = Shell::new();
    shell.saslpasswd(&["-d", "nobody"], b"").quiet();
    assert!(shell.database().exists(), "made, as the original makes it");
    shell.make_mailman();
    shell.saslpasswd(&["-d", "nobody"], b"").quiet();
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
fn an_empty_file_becomes_a_database() {
    let shell = Shell::new();
    fs::write(shell.database(), b"").unwrap();
    shell.make_mailman();
    assert_eq!(shell.accounts(), ["mailman@example.com"]);
}

#[test]
fn an_empty_database_option_counts_as_none() {
    let shell = Shell::new();
    shell.saslpasswd(&["-f", "", "-c", "mailman"], b"secret").quiet();
    assert_eq!(shell.accounts(), ["mailman@example.com"]);
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
