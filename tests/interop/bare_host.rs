//! A host on which nobody has prepared anything: the first account makes what it needs, as saslpasswd2 makes `/etc/sasldb2` there.

use crate::installed::copy_built;
use crate::machine::{Machine, Ran, wait_for};

/// With our programs in it.
fn host() -> Machine {
    let machine = Machine::over(&["sasl"]);
    copy_built(&machine.shared());
    machine.shell("ln -s /run/sasldb-rs/*-rs /usr/bin/");
    assert!(!machine.has("/etc/sasldb-rs") && !machine.has("/var/lib/sasldb-rs"));
    machine
}

fn modes(machine: &Machine, paths: &str) -> Vec<String> {
    machine.shell(&format!("stat -c '%a %U:%G %n' {paths}")).lines().map(str::to_owned).collect()
}

#[test]
fn two_commands_and_somebody_logs_in() {
    let machine = host();
    let ran = machine.run_with("saslpasswd-rs", &["-p", "-c", "mailman"], "s3cr3t pass\n");
    assert_eq!((ran.status, ran.text.as_str()), (0, ""));
    assert_eq!(
        modes(&machine, "/etc/sasldb-rs /var/lib/sasldb-rs /etc/sasldb-rs/accounts.key /var/lib/sasldb-rs/accounts.db"),
        [
            "750 root:root /etc/sasldb-rs",
            "750 root:root /var/lib/sasldb-rs",
            "600 root:root /etc/sasldb-rs/accounts.key",
            "640 root:root /var/lib/sasldb-rs/accounts.db",
        ]
    );
    machine.shell("saslauthd-rs >/dev/null 2>&1 </dev/null &");
    let socket = machine.shared().join("auth");
    wait_for("the helper to listen", || std::os::unix::net::UnixStream::connect(&socket).ok());
    let test = |password: &str| {
        machine.run_with("sasldb-rs", &["test", "--secured", "--dovecot", "/run/sasldb-rs/auth", "mailman"], password)
    };
    assert_eq!(test("s3cr3t pass").status, 0, "{}", test("s3cr3t pass").text);
    assert_eq!(test("other").status, 1);
}

#[test]
fn the_folders_are_of_the_group_that_the_helper_has() {
    let machine = host();
    machine.write("/root/config.toml", "user = \"daemon\"\n");
    let ran = machine.run_with("saslpasswd-rs", &["--config", "/root/config.toml", "-p", "-c", "mailman"], "secret");
    assert_eq!((ran.status, ran.text.as_str()), (0, ""));
    assert_eq!(
        modes(&machine, "/etc/sasldb-rs /var/lib/sasldb-rs /etc/sasldb-rs/accounts.key /var/lib/sasldb-rs/accounts.db"),
        [
            "2750 root:daemon /etc/sasldb-rs",
            "2750 root:daemon /var/lib/sasldb-rs",
            "640 root:daemon /etc/sasldb-rs/accounts.key",
            "640 root:daemon /var/lib/sasldb-rs/accounts.db",
        ]
    );
}

#[test]
fn folders_that_somebody_named_or_that_are_for_nobody_yet_are_not_made() {
    let machine = host();
    machine.write("/root/nobody.toml", "user = \"no-such-user\"\n");
    let fails = |arguments: &[&str]| -> Ran { machine.run_with("saslpasswd-rs", arguments, "secret") };
    for arguments in [
        &["-p", "-c", "--config", "/root/nobody.toml", "mailman"][..],
        &["-p", "-c", "-f", "/var/lib/other/accounts.db", "mailman"],
    ] {
        let ran = fails(arguments);
        assert_eq!(ran.status, 1, "{}", ran.text);
        assert!(ran.text.contains("the folder does not exist\nhint: make it: install -d"), "{}", ran.text);
    }
    // Nor by somebody who is not root.
    let ran = machine.run_with(
        "setpriv",
        &["--reuid", "1000", "--clear-groups", "saslpasswd-rs", "-c", "-p", "joe"],
        "secret",
    );
    assert_eq!(ran.status, 1, "{}", ran.text);
    for made in ["/etc/sasldb-rs", "/var/lib/sasldb-rs", "/var/lib/other"] {
        assert!(!machine.has(made), "{made}");
    }
}
