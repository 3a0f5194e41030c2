//! PLAIN and LOGIN by the saslauthd socket, for those of Debian that speak to it: its own tester, libsasl2 and Exim.

use crate::helper::Ours;
use crate::machine::{Machine, wait_for};

use super::site::SaslSite;

const MUX: &str = "/run/sasldb-rs/mux";

/// Numbers of libsasl2.
const FAIL: &str = "-1 ";
const BADAUTH: &str = "-13 ";

/// No plugin is named: for these mechanisms nothing is looked up.
const BY_SASLAUTHD: &str =
    "pwcheck_method: saslauthd\nsaslauthd_path: /run/sasldb-rs/mux\nmech_list: PLAIN LOGIN\nauxprop_plugin: none\n";

/// Hides the database from the helper, or shows it again.
fn hide_database(helper: &Ours, hide: bool) {
    let (there, away) = (helper.folder().join("accounts.db"), helper.folder().join("away"));
    let (from, to) = if hide { (there, away) } else { (away, there) };
    std::fs::rename(from, to).unwrap();
}

#[test]
fn testsaslauthd_tells_right_from_wrong() {
    let site = SaslSite::with_accounts(&[("alice", "s3cr3t pass"), ("jürgen", "pässwörd")]);
    let test = |arguments: &[&str]| site.machine.run("testsaslauthd", &[&["-f", MUX], arguments].concat());
    let (good, bad) = ("0: OK \"Success.\"\n", "0: NO \"authentication failed\"\n");
    for (arguments, status, said) in [
        (&["-u", "alice", "-p", "s3cr3t pass"][..], 0, good),
        (&["-u", "alice", "-p", "s3cr3t pass", "-r", "example.com", "-s", "smtp"], 0, good),
        (&["-u", "alice", "-p", "s3cr3t pass", "-r", "mail"], 0, good),
        (&["-u", "alice@example.com", "-p", "s3cr3t pass"], 0, good),
        (&["-u", "jürgen", "-p", "pässwörd"], 0, good),
        (&["-u", "alice", "-p", "s3cr3t"], 255, bad),
        (&["-u", "alice", "-p", "s3cr3t pass", "-r", "elsewhere.example"], 255, bad),
        (&["-u", "nobody", "-p", "s3cr3t pass"], 255, bad),
    ] {
        let ran = test(arguments);
        assert_eq!((ran.status, ran.text.as_str()), (status, said), "{arguments:?}\n{}", site.helper.log());
    }
    let twice = test(&["-u", "alice", "-p", "s3cr3t pass", "-R", "2"]);
    assert_eq!((twice.status, twice.text), (0, [good, &good.replace('0', "1")].concat()));
    hide_database(&site.helper, true);
    let unavailable = test(&["-u", "alice", "-p", "s3cr3t pass"]);
    assert_eq!(unavailable.status, 255);
    assert!(!unavailable.text.contains("OK") && !unavailable.text.contains("NO"), "{}", unavailable.text);
}

#[test]
fn libsasl2_checks_plain_and_login_with_no_password_stored() {
    let long = "x".repeat(2000);
    let mut site = SaslSite::with_accounts(&[
        ("alice", "s3cr3t pass"),
        ("jürgen", "pässwörd"),
        ("日本", "ひみつ"),
        ("ann", &long),
    ]);
    site.tell("host", BY_SASLAUTHD);
    for mechanism in ["PLAIN", "LOGIN"] {
        for (user, password) in [("alice", "s3cr3t pass"), ("jürgen", "pässwörd"), ("日本", "ひみつ")] {
            site.ends(&[mechanism, user, password], &format!("0 {user}"));
        }
        site.ends(&[mechanism, "alice@example.com", "s3cr3t pass"], "0 alice@example.com");
        site.ends(&["-r", "example.com", mechanism, "alice", "s3cr3t pass"], "0 alice@example.com");
        site.ends(&["-r", "elsewhere.example", mechanism, "alice", "s3cr3t pass"], BADAUTH);
        site.ends(&["-r", "elsewhere.example", mechanism, "alice@example.com", "s3cr3t pass"], "0 alice@example.com");
        site.ends(&[mechanism, "alice", "wrong"], BADAUTH);
        site.ends(&[mechanism, "nobody", "s3cr3t pass"], BADAUTH);
    }
    site.ends(&["PLAIN", "ann", &long], "0 ann");
    site.ends(&["PLAIN", "ann", &long[1..]], BADAUTH);
    hide_database(&site.helper, true);
    site.ends(&["PLAIN", "alice", "s3cr3t pass"], FAIL);
    hide_database(&site.helper, false);
    wait_for("the database to be found", || {
        site.host(&["PLAIN", "alice", "s3cr3t pass"]).starts_with("0 ").then_some(())
    });
    site.helper.stop();
    site.ends(&["PLAIN", "alice", "s3cr3t pass"], FAIL);
    site.start();
    site.ends(&["PLAIN", "alice", "s3cr3t pass"], "0 alice");
}

/// The least that lets people log in. Debian's Exim looks for the socket where Debian's saslauthd has it.
const EXIM: &str = "\
primary_hostname = mail.example.com
disable_ipv6
keep_environment =
host_lookup =
rfc1413_hosts =
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if saslauthd{{$auth2}{$auth3}{smtp}}}
  server_set_id = $auth2
";

#[test]
fn exims_condition_tells_right_wrong_and_later() {
    let machine = Machine::over(&["exim", "mail"]);
    machine.write("/etc/exim4/exim4.conf", EXIM);
    machine.shell("ln -s /run/sasldb-rs /run/saslauthd");
    let mut helper = Ours::beside(&machine);
    let mux = machine.shared().join("mux");
    helper.configure(&format!("[[saslauthd]]\npath = \"{}\"\nmode = \"0666\"\n", mux.display()));
    helper.saslpasswd(&["-p", "-c"], "mailman", "s3cr3t pass");
    helper.start();
    // The last reply to a login, in a session that Exim plays with itself.
    let reply = |user: &str, password: &str| {
        let login = format!("'EHLO x' \"AUTH PLAIN $(printf '\\0{user}\\0{password}' | base64)\" QUIT");
        let said = machine.shell(&format!("printf '%s\\r\\n' {login} | exim4 -bh 192.0.2.1 2>/dev/null"));
        said.lines().rev().nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(reply("mailman", "s3cr3t pass"), "235 Authentication succeeded");
    assert_eq!(reply("mailman@example.com", "s3cr3t pass"), "235 Authentication succeeded");
    assert_eq!(reply("mailman", "wrong"), "535 Incorrect authentication data");
    assert_eq!(reply("nobody", "s3cr3t pass"), "535 Incorrect authentication data");
    hide_database(&helper, true);
    assert!(reply("mailman", "s3cr3t pass").starts_with("435 "), "{}", reply("mailman", "s3cr3t pass"));
}
