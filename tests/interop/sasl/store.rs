//! Debian's own saslpasswd2, which our plugin lets write here.

use crate::machine::Ran;
use crate::pages::block;

use super::site::{PAGE, SaslSite, USER};

const MECHANISMS: [&str; 7] =
    ["PLAIN", "LOGIN", "DIGEST-MD5", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"];

impl SaslSite {
    fn saslpasswd2(&self, options: &[&str], password: &str) -> Ran {
        self.machine.run_with("saslpasswd2", options, password)
    }

    /// It has to succeed, and as silently as on its own database.
    #[track_caller]
    fn does(&self, options: &[&str], password: &str) {
        let ran = self.saslpasswd2(options, password);
        assert_eq!((ran.status, ran.text.as_str()), (0, ""), "{options:?}\n--- helper\n{}", self.helper.log());
    }

    /// Every mechanism takes this password, and none another one.
    #[track_caller]
    fn logs_in(&self, user: &str, right: &str, wrong: &str) {
        for mechanism in MECHANISMS {
            self.ends(&[mechanism, user, right], &format!("0 {user}"));
            self.ends(&[mechanism, user, wrong], "-13 ");
        }
    }
}

/// What saslpasswd2 writes is the host's own program's to read: PLAIN and LOGIN by the saslauthd socket, all else by the plugin.
fn site(more: &str) -> SaslSite {
    let site = SaslSite::without_database();
    site.tell("saslpasswd", &[&block(PAGE, "## saslpasswd2", "auxprop_plugin"), more].concat());
    site.tell_plugin("host", "pwcheck_method: saslauthd\nsaslauthd_path: /run/sasldb-rs/mux");
    site
}

#[test]
fn saslpasswd2_makes_changes_and_deletes_accounts() {
    let site = site("");
    site.does(&["-p", "-c", "alice"], "s3cr3t pass\n");
    site.logs_in("alice", "s3cr3t pass", "other");
    site.does(&["-p", "alice"], "pässwörd");
    site.logs_in("alice", "pässwörd", "s3cr3t pass");
    // An account that is missing is made without -c too.
    site.does(&["-p", "-u", "elsewhere.example", "bob"], "secret");
    site.logs_in("bob@elsewhere.example", "secret", "other");
    site.does(&["-p", "-c", "ann@mail"], "secret");
    site.logs_in("ann", "secret", "other");
    // What it is told not to store it does not send.
    site.does(&["-p", "-c", "-n", "alice"], "other");
    site.logs_in("alice", "pässwörd", "other");

    site.does(&["-d", "alice"], "");
    for mechanism in MECHANISMS {
        site.ends(&[mechanism, "alice", "pässwörd"], "-13 ");
    }
    site.does(&["-d", "alice"], "");
    site.logs_in("ann", "secret", "other");
    let log = site.helper.log();
    for line in ["password set user=\"alice@example.com\"", "deleted user=\"alice@example.com\""] {
        assert!(log.contains(line), "{log}");
    }
    assert_eq!(log.matches("password set user=").count(), 4, "{log}");
    assert!(!site.machine.has("/etc/sasldb2"));
}

#[test]
fn verifiers_that_saslpasswd2_makes_besides_change_nothing() {
    let site = site("scram_secret_generate: yes\n");
    site.does(&["-p", "-c", "alice"], "secret");
    site.logs_in("alice", "secret", "other");
}

#[test]
fn saslpasswd2_says_why_nothing_was_changed() {
    let mut site = site("");
    site.does(&["-p", "-c", "alice"], "secret");
    let fails = |site: &SaslSite, ran: &Ran, status: i32, words: &str| {
        let said = format!("saslpasswd2: {words}\n");
        assert_eq!((ran.status, ran.text.as_str()), (status, said.as_str()), "--- helper\n{}", site.helper.log());
    };
    for (name, password) in [("a\"b", "secret"), ("a:b", "secret"), ("@example.com", "secret"), ("alice", "a\0b")] {
        let ran = site.saslpasswd2(&["-p", "-c", name], password);
        fails(&site, &ran, 7, "invalid parameter supplied");
    }
    let change = ["--reuid", &USER.to_string(), "--clear-groups", "saslpasswd2"];
    for options in [&["-p", "-c", "alice"][..], &["-p", "mallory"], &["-d", "alice"]] {
        let ran = site.machine.run_with("setpriv", &[&change[..], options].concat(), "other");
        fails(&site, &ran, 14, "authorization failure");
    }
    assert!(site.helper.log().contains("is not among the peers of"), "{}", site.helper.log());
    site.helper.stop();
    let ran = site.saslpasswd2(&["-p", "alice"], "other");
    fails(&site, &ran, 24, "remote authentication server unavailable");
    site.start();
    site.logs_in("alice", "secret", "other");
}

#[test]
fn where_the_plugin_is_not_named_saslpasswd2_writes_as_ever() {
    let site = SaslSite::without_database();
    site.machine.shell("printf secret | saslpasswd2 -p -c -u mail.example.com alice");
    assert!(site.machine.shell("sasldblistusers2").contains("alice@mail.example.com: userPassword"));
    // With no other plugin there is nobody to write.
    site.machine.shell("rm /usr/lib/*/sasl2/libsasldb.so*");
    let ran = site.saslpasswd2(&["-p", "-c", "bob"], "secret");
    assert_ne!(ran.status, 0, "{}", ran.text);
}
