//! `sasldb-rs doctor` beside real mail servers: what is made wrong on purpose is found, the commands that it prints are run as they
//! are, then it is not found any more and mail goes through.

use serde_json::Value;

use crate::clients::{Client, Login};
use crate::installed::{START_HELPER, install, set_up, setup_name};
use crate::machine::{Machine, wait_for};
use crate::servers::Server;
use crate::site::Site;

fn findings(machine: &Machine) -> Vec<Value> {
    let ran = machine.run("sasldb-rs", &["doctor", "--json"]);
    let findings: Vec<Value> = serde_json::from_str(&ran.text).unwrap_or_else(|fault| panic!("{fault}: {}", ran.text));
    assert_eq!(ran.status, i32::from(!findings.is_empty()), "{}", ran.text);
    findings
}

/// Runs the commands of the findings with this code, each line as it is; and what nobody in the machine starts again.
fn mend(site: &Site, findings: &[Value], code: &str) {
    let of_code: Vec<&Value> = findings.iter().filter(|finding| finding["code"] == code).collect();
    assert!(!of_code.is_empty(), "{code} is not found: {findings:#?}");
    for finding in of_code {
        let lines: Vec<&str> = finding["mend"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        assert!(!lines.is_empty(), "nothing mends {finding:#}");
        for line in lines {
            site.machine.shell(&format!("{{ {line}\n}} >>/var/log/mended 2>&1 || {{ cat /var/log/mended; exit 1; }}"));
        }
    }
    restart(site);
}

/// Mends what else was found: one thing that is wrong may hide another, or bring it along.
fn get_well(site: &Site) {
    for _ in 0..5 {
        let left = findings(&site.machine);
        let Some(first) = left.first() else { return };
        let code = first["code"].as_str().unwrap();
        eprintln!("then {code}");
        mend(site, &left, code);
        // A helper that was started is there a moment later.
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert_eq!(findings(&site.machine), [] as [Value; 0]);
}

/// The machine has no systemd, by which some servers are started only.
fn restart(site: &Site) {
    if site.server == Server::Chasquid {
        site.machine.shell(&format!("{FUNCTIONS}stop chasquid KILL"));
        site.server.start_with(&site.machine, "");
    }
}

/// A case is the code under which it has to be found, and the script that makes it. They come in turn, and between them all is well.
fn each_is_found_and_mended(server: Server, mechanism: &str, cases: &[(&str, &str)]) {
    let site = set_up(server);
    let machine = &site.machine;
    assert_eq!(findings(machine), [] as [Value; 0], "all is as setup says");
    site.relays(Client::Msmtp, &Login::right(mechanism));
    for (code, script) in cases {
        eprintln!("--- {} {code}", setup_name(server));
        machine.shell(&format!("{FUNCTIONS}start() {{\n{START_HELPER}\nsleep 0.5\n}}\n{script}"));
        mend(&site, &findings(machine), code);
        let is_left = |finding: &Value| finding["code"] == *code;
        wait_for(&format!("{code} to be mended"), || (!findings(machine).iter().any(is_left)).then_some(()));
        get_well(&site);
        site.wait_for_banner();
        site.relays(Client::Msmtp, &Login::right(mechanism));
    }
}

/// For scripts: `stop` ends a program, the helper if none is named, by TERM or another signal; the helper's settings are `$config`.
const FUNCTIONS: &str = "
run() { for comm in /proc/[0-9]*/comm; do if grep -qx $1 $comm 2>/dev/null; then basename $(dirname $comm); fi; done; }
stop() {
    for pid in $(run ${1:-saslauthd-rs}); do kill -${2:-TERM} $pid; done
    while [ -n \"$(run ${1:-saslauthd-rs})\" ]; do sleep 0.1; done
}
config=/etc/sasldb-rs/config.toml
";

#[test]
fn what_goes_wrong_with_postfix_is_found_and_mended() {
    each_is_found_and_mended(
        Server::Postfix,
        "DIGEST-MD5",
        &[
            ("postfix-auth-off", "postconf -e smtpd_sasl_auth_enable=no; postfix reload"),
            ("postfix-type", "postconf -e smtpd_sasl_type=cyrus; postfix reload"),
            ("postfix-path", "postconf -e smtpd_sasl_path=private/other; postfix reload"),
            ("postfix-path", "postconf -P smtp/inet/smtpd_sasl_path=private/other; postfix reload"),
            ("postfix-tls", "postconf -e smtpd_tls_auth_only=yes smtpd_tls_security_level=none; postfix reload"),
            ("postfix-anonymous", "postconf -e smtpd_sasl_security_options=noplaintext; postfix reload"),
            (
                "postfix-relay",
                "postconf -e smtpd_relay_restrictions=permit_mynetworks,reject_unauth_destination; postfix reload",
            ),
            ("helper-down", "stop"),
            ("unknown-user", "stop; echo 'group = \"mailers\"' >>$config"),
            ("not-a-peer", "stop; echo 'peers = [\"root\"]' >>$config; start"),
            (
                "socket-taken",
                "stop; cp /usr/local/sbin/saslauthd-rs /usr/local/sbin/dovecot
                 setsid /usr/local/sbin/dovecot --dovecot /var/spool/postfix/private/auth </dev/null >/dev/null 2>&1 &
                 while ! [ -S /var/spool/postfix/private/auth ]; do sleep 0.1; done",
            ),
            (
                "postfix-chroot",
                "stop dovecot; stop; sed -i -e '/^peers/d' -e 's|^path = .*|path = \"/run/sasldb-rs/auth\"|' $config; start
                 postconf -e smtpd_sasl_path=/run/sasldb-rs/auth
                 postconf -P smtp/inet/smtpd_sasl_path=/run/sasldb-rs/auth; postfix reload",
            ),
        ],
    );
}

/// Also those of every server that reaches its socket by a group.
#[test]
fn what_goes_wrong_with_exim_is_found_and_mended() {
    each_is_found_and_mended(
        Server::Exim,
        "SCRAM-SHA-256",
        &[
            ("exim-socket", "sed -i 's|/run/sasldb-rs/auth|/run/other/auth|' /etc/exim4/exim4.conf"),
            (
                "socket-closed",
                "groupadd mail-clients; stop; sed -i 's/^group = .*/group = \"mail-clients\"/' $config; start",
            ),
            ("socket-closed", "stop; sed -i '/^group = /d' $config; start"),
            ("folder-closed", "chmod 700 /run/sasldb-rs"),
            ("not-a-peer", "stop; echo 'peers = [\"root\"]' >>$config; start"),
            (
                "group-not-yet",
                "groupadd later; stop; sed -i 's/^group = .*/group = \"later\"/' $config; start; usermod -a -G later Debian-exim",
            ),
        ],
    );
}

#[test]
fn what_goes_wrong_with_chasquid_is_found_and_mended() {
    each_is_found_and_mended(
        Server::Chasquid,
        "PLAIN",
        &[
            ("chasquid-auth-off", "sed -i 's/^dovecot_auth: true/dovecot_auth: false/' /etc/chasquid/chasquid.conf"),
            ("chasquid-socket", "sed -i '/^dovecot_userdb_path/d' /etc/chasquid/chasquid.conf"),
            ("chasquid-socket", "sed -i 's|/run/sasldb-rs/auth\"|/run/other/auth\"|' /etc/chasquid/chasquid.conf"),
            ("chasquid-socket", "stop; sed -i '/^.*userdb/,$d' $config; start"),
            ("folder-closed", "chmod 700 /run/sasldb-rs"),
        ],
    );
}

#[test]
fn what_goes_wrong_with_sendmail_is_found_and_mended() {
    const REMAKE: &str =
        "m4 /etc/mail/sendmail.mc >/etc/mail/sendmail.cf; /etc/init.d/sendmail restart >/dev/null 2>&1";
    let again = |change: &str| format!("{change}\n{REMAKE}");
    let trust = again("sed -i 's/^TRUST_AUTH_MECH.*/TRUST_AUTH_MECH(`CRAM-MD5'\"'\"')dnl/' /etc/mail/sendmail.mc");
    let layers = again("sed -i '/confAUTH_MAX_BITS/d' /etc/mail/sendmail.mc");
    // The first of them counts; the second is Debian's own.
    const FILES: &str = "/etc/sasl2/Sendmail.conf /usr/lib/sasl2/Sendmail.conf";
    let settings = |change: &str| again(&format!("file=$(ls {FILES} 2>/var/log/ls | head -n 1 || true); {change}"));
    let missing = again(&format!("rm -f {FILES}"));
    let debians = settings("rm $file");
    let writable = settings("chmod o+w $file");
    let verifier = settings("sed -i 's/^pwcheck_method.*/pwcheck_method: auxprop/' $file");
    let mux = settings("sed -i 's|^saslauthd_path.*|saslauthd_path: /run/other/mux|' $file");
    let unnamed = settings("sed -i 's/^auxprop_plugin.*/auxprop_plugin: sasldb/' $file");
    let lookup = settings("sed -i '/^sasldb_rs_socket/d' $file; echo 'sasldb_rs_socket: /run/other/lookup' >>$file");
    let plugin = again("rm /usr/lib/*/sasl2/libsasldb_rs.so");
    each_is_found_and_mended(
        Server::Sendmail,
        "DIGEST-MD5",
        &[
            ("sendmail-trust", &trust),
            ("sendmail-layers", &layers),
            ("sasl-plugin", &debians),
            ("sasl-file-missing", &missing),
            ("sasl-file-writable", &writable),
            ("sasl-verifier", &verifier),
            ("sasl-mux", &mux),
            ("sasl-plugin", &unnamed),
            ("sasl-lookup", &lookup),
            ("plugin-missing", &plugin),
            ("not-a-peer", "stop; echo 'peers = [{ user = \"daemon\" }]' >>$config; start"),
            ("sasl-lookup", "stop; sed -i '/^.*lookup/,$d' $config; start"),
        ],
    );
}

/// In a machine with Cyrus's saslpasswd2.
#[test]
fn passwords_that_are_left_in_the_clear_are_found_and_taken_over() {
    let machine = Machine::over(&["sasl"]);
    install(&machine);
    machine.shell(START_HELPER);
    machine.shell("printf secret | saslpasswd2 -p -c -u example.com anna");
    let found = wait_for("the helper", || {
        let findings = findings(&machine);
        findings.iter().all(|finding| finding["code"] == "plaintext-left").then_some(findings)
    });
    assert_eq!(found.len(), 1, "{found:?}");
    for line in found[0]["mend"].as_array().unwrap() {
        machine.shell(line.as_str().unwrap());
    }
    assert_eq!(findings(&machine), [] as [Value; 0]);
    assert_ne!(machine.run("test", &["-e", "/etc/sasldb2"]).status, 0);
    assert_eq!(machine.run_with("sasldb-rs", &["verify", "anna"], "secret").status, 0);
}
