//! `sasldb-rs import`: accounts of other programs log in afterwards, and nothing of their passwords stays.

use std::fs;
use std::path::Path;

use crate::shell::{Ran, SASLDB, Shell};

fn fixture(name: &str) -> String {
    golden("sasldb2", name)
}

fn golden(folder: &str, name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder).join(name).to_str().unwrap().to_owned()
}

fn import(shell: &Shell, arguments: &[&str]) -> Ran {
    shell.run(SASLDB, &[&["import", "--from", "sasldb2"], arguments].concat(), b"")
}

#[test]
fn a_sasldb2_is_taken_over_and_its_users_log_in() {
    let shell = Shell::new();
    let ran = import(&shell, &[&fixture("le512.db")]);
    assert_eq!(ran.status, Some(1), "some could not be taken");
    assert_eq!(ran.err, "45 taken, 0 kept, 10 skipped\n");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(
        lines.contains(
            &"taken\tjoe@example.com\tas joe@example.com\t-\tSCRAM-SHA-256,SCRAM-SHA-1,DIGEST-MD5,CRAM-MD5,LOGIN,PLAIN"
        ),
        "{}",
        ran.out
    );
    assert!(
        lines.contains(&"skipped\ttoolong@example.com\tthe password is longer than 4096 bytes\t-\t-"),
        "{}",
        ran.out
    );
    assert!(lines.iter().any(|line| line.starts_with("not-needed\tjoe@example.com cmusaslsecretDIGEST-MD5\t")));
    for (user, password) in [
        ("joe", b"secret".to_vec()),
        ("nowhere@", b"no realm".to_vec()),
        ("jörg", "pässwörd".into()),
        ("müller", b"schl\xFCssel".to_vec()),
        ("long", vec![b'x'; 2000]),
        ("user40@lists.example.com", b"password 40".to_vec()),
    ] {
        assert_eq!(shell.verify(user, &password), Some(0), "{user}");
        assert_eq!(shell.verify(user, b"wrong"), Some(1), "{user}");
    }
    for file in [shell.database(), shell.path("accounts.db-wal")] {
        let bytes = fs::read(file).unwrap();
        for password in ["pässwörd", "password 40", "no realm"] {
            assert!(!bytes.windows(password.len()).any(|part| part == password.as_bytes()));
        }
    }
}

#[test]
fn a_second_run_changes_nothing_and_a_dry_run_makes_not_even_a_database() {
    let shell = Shell::new();
    let dry = import(&shell, &["--dry-run", &fixture("db.hex")]);
    assert_eq!(dry.err, "45 would be taken, 0 would be kept, 10 would be skipped\n");
    assert!(!shell.database().exists() && !shell.key().exists());
    import(&shell, &[&fixture("db.hex")]);
    let before = fs::read(shell.database()).unwrap();
    let again = import(&shell, &[&fixture("be4096.db")]);
    assert_eq!(again.err, "0 taken, 45 kept, 10 skipped\n");
    assert_eq!(fs::read(shell.database()).unwrap(), before);
}

#[test]
fn only_with_replace_is_an_account_given_the_password_of_the_file() {
    let shell = Shell::new();
    shell.saslpasswd(&["-p", "-c", "joe"], b"own").quiet();
    import(&shell, &[&fixture("gdbm.dump")]);
    assert_eq!((shell.verify("joe", b"own"), shell.verify("joe", b"secret")), (Some(0), Some(1)));
    import(&shell, &["--replace", &fixture("gdbm.dump")]);
    assert_eq!((shell.verify("joe", b"own"), shell.verify("joe", b"secret")), (Some(1), Some(0)));
}

#[test]
fn a_realm_that_is_an_alias_means_the_default_realm() {
    let shell = Shell::new();
    shell.configure("realm = \"example.com\"\nrealm_aliases = [\"lists.example.com\"]");
    let ran = import(&shell, &["--json", &fixture("le4096.db")]);
    let entries: Vec<serde_json::Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = serde_json::json!({
        "fate": "taken", "entry": "user7@lists.example.com", "why": "as user7@example.com", "line": null,
        "account": "user7@example.com",
        "mechanisms": ["SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "LOGIN", "PLAIN"],
    });
    assert!(entries.contains(&expected), "{}", ran.out);
    assert_eq!(shell.verify("user7", b"password 7"), Some(0));
}

#[test]
fn a_file_that_is_no_sasldb2_changes_nothing() {
    let shell = Shell::new();
    let cut = shell.path("cut.db");
    fs::write(&cut, &fs::read(fixture("le4096.db")).unwrap()[..20_000]).unwrap();
    for (file, said, hint) in [
        (cut.to_str().unwrap(), "cannot be imported: it is cut: 20000 bytes where it speaks of 24576", "db5.3_verify"),
        (&fixture("btree.db"), "cannot be imported: it is no sasldb2", "/etc/sasldb2"),
        (&fixture("mdb.print"), "mdb_dump -p does not tell a backslash from an escape", "make the dump anew"),
        ("missing", "cannot read missing: No such file", ""),
        (".", "cannot read .: Is a directory", ""),
    ] {
        let ran = import(&shell, &[file]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""), "{file}");
        assert!(ran.err.contains(said) && ran.err.contains(hint), "{}", ran.err);
    }
    assert!(!shell.database().exists());
}

/// What `import --from FORMAT` says of the golden file of the same name; sorted out by fate.
fn of_golden(shell: &Shell, format: &str, options: &[&str]) -> (Vec<String>, Vec<String>) {
    let ran = shell.run(SASLDB, &[&["import", "--from", format, &golden("imports", format)], options].concat(), b"");
    let (taken, left): (Vec<&str>, Vec<&str>) = ran.out.lines().partition(|line| line.starts_with("taken\t"));
    assert_eq!(ran.err, format!("{} taken, 0 kept, {} skipped\n", taken.len(), left.len()));
    assert_eq!(ran.status, Some(i32::from(!left.is_empty())));
    let own = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect();
    (own(taken), own(left))
}

#[test]
fn every_scheme_of_dovecot_says_by_which_mechanisms_it_logs_in_and_does() {
    let shell = Shell::new();
    let (taken, left) = of_golden(&shell, "dovecot", &[]);
    assert_eq!(
        left,
        [
            "skipped\totp@example.com\ta one-time password is not a password hash\t15\t-",
            "skipped\tplain-md4@example.com\tMD4 is not supported: its preimages are cheap to find\t18\t-",
            "skipped\tplain-trunc@example.com\ta part of a password in the clear is not a password hash\t20\t-",
        ]
    );
    let all = "SCRAM-SHA-256,SCRAM-SHA-1,DIGEST-MD5,CRAM-MD5,LOGIN,PLAIN";
    for line in &taken {
        let columns: Vec<&str> = line.split('\t').collect();
        let name = columns[1].strip_suffix("@example.com").unwrap();
        let mechanisms = match name {
            "plain" | "clear" | "cleartext" => all,
            "cram-md5" | "hmac-md5" => "CRAM-MD5,LOGIN,PLAIN",
            "joe" => "DIGEST-MD5,LOGIN,PLAIN",
            "scram-sha-1" => "SCRAM-SHA-1,LOGIN,PLAIN",
            "scram-sha-256" => "SCRAM-SHA-256,LOGIN,PLAIN",
            _ => "LOGIN,PLAIN",
        };
        assert_eq!(columns[4], mechanisms, "{line}");
        assert_eq!(shell.verify(name, b"secret pass"), Some(0), "{line}");
        assert_eq!(shell.verify(name, b"Secret pass"), Some(1), "{line}");
    }
    assert_eq!(taken.len(), 28);
    assert!(
        taken.contains(
            &"taken\tjoe@example.com\tas joe@example.com, DIGEST-MD5 as \"joe\" in realm \"example.com\" only\t11\t\
          DIGEST-MD5,LOGIN,PLAIN"
                .to_owned()
        )
    );
    let bytes = fs::read(shell.database()).unwrap();
    assert!(!bytes.windows(11).any(|part| part == b"secret pass"));
}

#[test]
fn apaches_files_are_taken_into_the_realm_that_is_named() {
    let shell = Shell::new();
    let (taken, left) = of_golden(&shell, "htpasswd", &["--realm", "www.example.com"]);
    assert_eq!(left, ["skipped\tplain\tnot a known form of password hash\t6\t-"]);
    assert_eq!(taken[0], "taken\tbcrypt\tas bcrypt@www.example.com\t2\tLOGIN,PLAIN");
    for (name, password) in
        [("bcrypt", "secret pass"), ("md5", "secret pass"), ("sha", "secret pass"), ("crypt", "secret")]
    {
        assert_eq!(shell.verify(&format!("{name}@www.example.com"), password.as_bytes()), Some(0), "{name}");
        assert_eq!(shell.verify(&format!("{name}@www.example.com"), b"wrong"), Some(1), "{name}");
    }
    let (taken, _) = of_golden(&shell, "htdigest", &[]);
    assert_eq!(taken.len(), 1);
    assert_eq!(shell.verify("joe", b"secret pass"), Some(0));
}

#[test]
fn wrong_lines_are_told_by_number_and_the_others_are_whole() {
    let shell = Shell::new();
    let file = "joe:{PLAIN}one\nnonsense\n\nann:{PLAIN}two\njoe@example.com:{PLAIN}three\nbob:{BLF-CRYPT}$2y$17$\
                abcdefghijklmnopqrstuuwurWIdVVT4m5pTArtqnFNM69nySdHj.\n\
                eve:{PLAIN}four::::::nologin allow_nets=192.0.2.0/24\nsys:*\n";
    let import = |options: &[&str]| {
        shell.run(SASLDB, &[&["import", "--from", "dovecot", "-"], options].concat(), file.as_bytes())
    };
    let expected = |taken: &str, all: &str| {
        format!(
            "{taken}\tjoe\t{}\t1\t{all}\n\
             skipped\t-\tthe line is not of the form USER:PASSWORD\t2\t-\n\
             {taken}\tann\t{}\t4\t{all}\n\
             skipped\tjoe@example.com\tjoe@example.com is taken from another entry\t5\t-\n\
             skipped\tbob\tBLF-CRYPT hash with a cost above the limit (cost 13)\t6\t-\n\
             {taken}\teve\t{}\t7\t{all}\n\
             not-needed\tsys\tno password logs in to it\t8\t-\n",
            if taken == "taken" { "as joe@example.com" } else { "joe@example.com exists, and stays as it is" },
            if taken == "taken" { "as ann@example.com" } else { "ann@example.com exists, and stays as it is" },
            if taken == "taken" {
                "as eve@example.com, disabled (nologin), from 192.0.2.0/24 only"
            } else {
                "eve@example.com exists, and stays as it is"
            },
        )
    };
    let all = "SCRAM-SHA-256,SCRAM-SHA-1,DIGEST-MD5,CRAM-MD5,LOGIN,PLAIN";
    let dry = import(&["--dry-run"]);
    assert_eq!(dry.out, expected("taken", all));
    assert_eq!(dry.err, "3 would be taken, 0 would be kept, 3 would be skipped\n");
    assert!(!shell.database().exists());
    let ran = import(&[]);
    assert_eq!((ran.status, ran.out), (Some(1), expected("taken", all)));
    assert_eq!(import(&[]).out, expected("kept", "-"));
    assert_eq!((shell.verify("joe", b"one"), shell.verify("joe", b"three")), (Some(0), Some(1)));
    assert_eq!(shell.verify("eve", b"four"), Some(1));
    // Whom somebody let in again by hand keeps nothing of the file but what the file says.
    shell.run(SASLDB, &["account", "enable", "eve"], b"");
    let shown = shell.run(SASLDB, &["password", "list", "--json", "eve"], b"").out;
    assert!(shown.contains("192.0.2.0/24"), "{shown}");
    import(&["--replace"]);
    let shown = shell.run(SASLDB, &["account", "show", "eve"], b"").out;
    assert!(shown.contains("state\tdisabled\n"), "{shown}");
}

#[test]
fn a_batch_ends_anywhere_and_stdin_may_be_any_format() {
    let shell = Shell::new();
    let line = |number: u32| format!("user{number}:{{SHA}}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
    fs::write(shell.path("file"), (0..12_345).map(line).collect::<String>()).unwrap();
    let ran = shell.run(SASLDB, &["import", "--from", "htpasswd", "file"], b"");
    assert_eq!(ran.err, "12345 taken, 0 kept, 0 skipped\n");
    assert!((0..).zip(ran.out.lines()).all(|(number, line)| line.starts_with(&format!("taken\tuser{number}\t"))));
    assert_eq!(shell.accounts().len(), 12_345);
    let ran = shell.run(SASLDB, &["import", "--from", "sasldb2", "-"], &fs::read(fixture("le512.db")).unwrap());
    assert_eq!(ran.err, "45 taken, 0 kept, 10 skipped\n");
}

#[test]
fn accounts_are_written_in_their_order_and_told_of_in_that_of_the_file() {
    const BCRYPT: &str = "$2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe";
    let shell = Shell::new();
    // One slow hash is enough for an account: that one does not get another.
    let telephone = format!("{{\"label\": \"telephone\", \"password_hash\": \"{BCRYPT}\"}}");
    let entry = format!("{{\"name\": \"user7\", \"passwords\": [{telephone}]}}\n");
    assert_eq!(shell.run(SASLDB, &["apply", "-"], entry.as_bytes()).status, Some(3));
    let file: String = (0..30).map(|number| format!("user{number}:{BCRYPT}\n")).collect();
    let ran = shell.run(SASLDB, &["import", "--replace", "--from", "htpasswd", "-"], file.as_bytes());
    assert_eq!((ran.status, ran.err.as_str()), (Some(1), "29 taken, 0 kept, 1 skipped\n"));
    for (number, line) in (0..30).zip(ran.out.lines()) {
        let fate = if number == 7 { "skipped\tuser7\tanother password" } else { &format!("taken\tuser{number}\tas ") };
        assert!(line.starts_with(fate), "{line}");
    }
    let log = shell.run(SASLDB, &["log"], b"").out;
    let name = |line: &str| line.split(['\t', '@']).nth(5).unwrap().to_owned();
    let written: Vec<String> = log.lines().skip(2).map(name).collect();
    assert!(written.len() == 29 && written.is_sorted(), "{log}");
    assert_eq!(shell.run(SASLDB, &["log", "verify"], b"").status, Some(0));
}

#[test]
fn shadow_ldif_postgresql_and_csv_are_taken_over() {
    let shell = Shell::new();
    let run = |from: &[&str], file: &str| {
        let ran = shell.run(SASLDB, &[&["import", "--from"], from, &[&golden("imports", file)]].concat(), b"");
        let fates: Vec<String> =
            ran.out.lines().map(|line| line.split('\t').take(3).collect::<Vec<_>>().join(" ")).collect();
        (ran.err, fates)
    };
    let (sum, fates) = run(&["shadow", "--realm", "unix"], "shadow");
    assert_eq!(sum, "7 taken, 0 kept, 1 skipped\n");
    assert!(fates.contains(&"taken locked as locked@unix, disabled (locked)".to_owned()), "{fates:?}");
    assert!(fates.contains(&"taken expired as expired@unix, expires 2020-01-31T00:00:00Z".to_owned()), "{fates:?}");
    assert!(fates.contains(&"not-needed root no password logs in to it".to_owned()), "{fates:?}");
    assert_eq!(shell.verify("joe@unix", b"secret pass"), Some(0));
    assert_eq!(shell.verify("locked@unix", b"secret pass"), Some(1));
    assert_eq!(shell.verify("expired@unix", b"secret pass"), Some(1));

    let (sum, _) = run(&["ldif", "--realm", "ldap"], "ldif");
    assert_eq!(sum, "24 taken, 0 kept, 2 skipped\n");
    let (sum, _) = run(&["ldif", "--name-attribute", "mail"], "ldif");
    assert_eq!(sum, "24 taken, 0 kept, 2 skipped\n");
    for scheme in ["ssha384", "pbkdf2-sha512", "apr1", "bigcrypt", "argon2", "plain", "both"] {
        assert_eq!(shell.verify(scheme, b"secret pass"), Some(0), "{scheme}");
        assert_eq!(shell.verify(&format!("{scheme}@ldap"), b"secret pass"), Some(0), "{scheme}");
        assert_eq!(shell.verify(scheme, b"secret"), Some(1), "{scheme}");
    }

    let (sum, fates) = run(&["postgresql"], "postgresql");
    assert_eq!(sum, "3 taken, 0 kept, 3 skipped\n");
    let until = "taken ann@example.com as ann@example.com, its password until 2099-01-31T11:00:00Z";
    assert!(fates.contains(&until.to_owned()), "{fates:?}");
    assert_eq!(shell.verify("joe", b"secret pass"), Some(0));
    assert_eq!(shell.verify("locked", b"secret pass"), Some(1));
    let (sum, fates) = run(&["csv", "--replace"], "csv");
    assert_eq!(sum, "3 taken, 0 kept, 0 skipped\n");
    assert!(fates.contains(&"taken locked as locked@example.com, disabled as before".to_owned()), "{fates:?}");
}

/// Some programs write one before UTF-8; it would be a character of the first name that nobody sees.
#[test]
fn a_byte_order_mark_is_no_part_of_the_file() {
    let shell = Shell::new();
    for (format, text) in [
        ("htpasswd", "ann:{PLAIN}secret\r\n"),
        ("dovecot", "bob:{PLAIN}secret\r\n"),
        ("ldif", "uid: eve\r\nuserPassword: secret\r\n"),
        ("csv", "user,password\r\njoe,secret\r\n"),
    ] {
        let text = format!("\u{FEFF}{text}");
        let ran = shell.run(SASLDB, &["import", "--from", format, "-"], text.as_bytes());
        assert_eq!(ran.status, Some(0), "{format}: {ran:?}");
    }
    assert_eq!(shell.accounts(), ["ann@example.com", "bob@example.com", "eve@example.com", "joe@example.com"]);
}

#[test]
fn a_name_that_was_read_as_iso_8859_1_is_told_so() {
    let shell = Shell::new();
    let remark = "as jörg@example.com, its name read as ISO 8859-1\t";
    let name = [b"j\xF6rg".as_slice(), "jörg".as_bytes()];
    for (place, (name, is_told)) in name.into_iter().zip([true, false]).enumerate() {
        let dump = [
            "VERSION=3\nformat=print\ntype=hash\nHEADER=END\n ",
            "\\00example.com\\00userPassword\n secret\nDATA=END\n",
        ];
        let escaped: String = name.iter().map(|byte| format!("\\{byte:02x}")).collect();
        for (format, file) in [
            ("csv", [b"user,password\n", name, b",secret\n"].concat()),
            ("sasldb2", [dump[0], &escaped, dump[1]].concat().into_bytes()),
        ] {
            fs::write(shell.path("file"), file).unwrap();
            let ran = shell.run(SASLDB, &["import", "--replace", "--from", format, "file"], b"");
            assert_eq!(ran.status, Some(0), "{format} {place}: {ran:?}");
            assert_eq!(ran.out.contains(remark), is_told, "{format} {place}: {ran:?}");
        }
    }
}

#[test]
fn a_heading_that_is_not_understood_changes_nothing() {
    let shell = Shell::new();
    let ran = shell.run(SASLDB, &["import", "--from", "csv", "-"], b"joe,secret\nann,secret\n");
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""));
    assert!(
        ran.err.contains("stdin cannot be imported: line 1: its column 1 has no heading of its own"),
        "{}",
        ran.err
    );
    assert!(!shell.database().exists());
}

#[test]
fn options_of_one_format_are_refused_with_another() {
    let shell = Shell::new();
    let import = |from: &str, option: &str, value: &str| {
        shell.run(SASLDB, &["import", "--from", from, option, value, "-"], b"joe:secret\n")
    };
    for (from, option, value) in [("htpasswd", "--default-scheme", "PLAIN"), ("dovecot", "--name-attribute", "mail")] {
        let ran = import(from, option, value);
        assert_eq!(ran.status, Some(2));
        assert!(ran.err.contains(&format!("{option} is about files of another program only")), "{}", ran.err);
    }
    assert_eq!(import("dovecot", "--default-scheme", "A B").status, Some(2));
    assert_eq!(import("dovecot", "--default-scheme", "plain").status, Some(0));
    assert_eq!(shell.verify("joe", b"secret"), Some(0));
}
