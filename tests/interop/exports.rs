//! What `sasldb-rs export` writes, read by the programs that it is for.

use std::fmt::Write as _;

use crate::clients::{Client, Login};
use crate::doveadm::auth_test;
use crate::helper::{Ours, REALM, SOCKET, start_dovecot_with};
use crate::site::Site;

/// Beside `mailman` an account for each of these hashes, called by its number.
pub(crate) fn accounts_with(ours: &Ours, hashes: &[String]) {
    ours.saslpasswd(&["-p", "-c"], "mailman", "secret\n");
    let entries = hashes.iter().enumerate().fold(String::new(), |mut entries, (number, hash)| {
        let entry = serde_json::json!({ "name": format!("user{number}"), "realm": REALM, "password_hash": hash });
        let _ = writeln!(entries, "{entry}");
        entries
    });
    let file = ours.folder().join("hashes.json");
    std::fs::write(&file, entries).unwrap();
    let applied = ours.sasldb(&["apply", file.to_str().unwrap()]);
    assert_eq!(applied.status, 3, "{}", applied.text);
}

/// Exports to a file, whatever is left out, and gives what is in it.
pub(crate) fn exported(ours: &Ours, arguments: &[&str]) -> String {
    let file = ours.folder().join("exported");
    let to = ["export", "--reveal-secrets", "--output", file.to_str().unwrap()];
    let ran = ours.sasldb(&[&to, arguments].concat());
    let text = std::fs::read_to_string(&file).unwrap_or_else(|fault| panic!("{fault}: {}", ran.text));
    std::fs::remove_file(&file).unwrap();
    text
}

#[test]
fn dovecot_lets_everybody_in_by_an_exported_passwd_file() {
    let site = Site::new();
    let ours = Ours::beside(&site.machine);
    let made = ["SHA512-CRYPT", "BLF-CRYPT", "MD5-CRYPT", "SSHA256", "PBKDF2", "ARGON2ID"]
        .map(|scheme| site.machine.shell(&format!("doveadm pw -s {scheme} -p secret")).trim().to_owned());
    accounts_with(&ours, &made);
    start_dovecot_with(&site.machine, SOCKET, &exported(&ours, &["--to", "dovecot"]));
    for name in (0..made.len()).map(|number| format!("user{number}")).chain(["mailman".to_owned()]) {
        let user = format!("{name}@{REALM}");
        let right = auth_test(&site.machine, &user, "secret");
        assert_eq!(right.status, 0, "{user} {made:?}: {}", right.text);
        assert_eq!(auth_test(&site.machine, &user, "wrong").status, 77, "{user}");
    }
    site.start();
    for (scheme, mechanism) in [
        ("scram-sha-256", "SCRAM-SHA-256"),
        ("scram-sha-1", "SCRAM-SHA-1"),
        ("cram-md5", "CRAM-MD5"),
        ("digest-md5", "DIGEST-MD5"),
    ] {
        let users = exported(&ours, &["--to", "dovecot", "--scheme", scheme, "mailman"]);
        assert!(users.starts_with(&format!("mailman@{REALM}:{{{mechanism}}}")), "{users}");
        // Dovecot reads it again, since its size is another; a reload would end some time, and with it a login under way.
        site.machine.write("/etc/dovecot/users", &users);
        site.relays(Client::Gsasl, &Login::right(mechanism));
        site.refuses(Client::Gsasl, &Login::right(mechanism).password("wrong"));
    }
}
