//! Our programs installed in the machine itself, as the README says, and a mail server set up by what `sasldb-rs setup` prints.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::machine::{Machine, wait_for};
use crate::pages::block;
use crate::sasl::site::plugin;
use crate::servers::Server;
use crate::site::Site;

/// What the README's settings are, and what makes tests quick.
const SETTINGS: &str = "\
realm = \"example.com\"
user = \"sasldb-rs\"
realm_aliases = [\"mail\", \"mail.example.com\"]
scram_iterations = 4096
weak_passwords = \"allow\"
failure_delay = \"1ms\"
";

/// As systemd would, which is not in the machine.
pub(crate) const START_HELPER: &str = "\
mkdir -p /run/sasldb-rs
setsid saslauthd-rs </dev/null >>/var/log/saslauthd-rs.log 2>&1 &";

/// Copies what a build makes to here, for everybody to run.
pub(crate) fn copy_built(folder: &Path) {
    let beside = Path::new(env!("CARGO_BIN_EXE_saslauthd-rs")).parent().unwrap();
    let programs = ["saslpasswd-rs", "sasldblistusers-rs", "sasldb-rs", "saslauthd-rs"].map(|name| beside.join(name));
    for program in programs.iter().map(PathBuf::as_path).chain([plugin()]) {
        let copy = folder.join(program.file_name().unwrap());
        std::fs::copy(program, &copy).unwrap();
        std::fs::set_permissions(copy, PermissionsExt::from_mode(0o755)).unwrap();
    }
}

/// Puts the programs where the README says, and makes the account of every test.
pub(crate) fn install(machine: &Machine) {
    copy_built(&machine.shared());
    let lines = block("README.md", "## Install", "useradd").replace("sudo ", "");
    let lines: Vec<&str> =
        lines.lines().filter(|line| !line.starts_with("cargo ") && !line.starts_with("cd ")).collect();
    machine.shell(&format!(
        "cp -r /run/sasldb-rs /root/built; umount /run/sasldb-rs /var/spool/postfix/private/sasldb-rs
         rmdir /var/spool/postfix/private/sasldb-rs; cd /root/built; {}
         cp libsasldb_rs.so /usr/local/sbin/; ln -s /usr/local/sbin/*-rs /usr/sbin/",
        lines.join("\n")
    ));
    machine.write("/etc/sasldb-rs/config.toml", SETTINGS);
    let ran = machine.run_with("saslpasswd-rs", &["-p", "-c", "mailman"], "secret\n");
    assert_eq!(ran.status, 0, "{}", ran.text);
}

pub(crate) fn start_helper(machine: &Machine) {
    machine.shell(START_HELPER);
    let sockets =
        "sed -n 's/^path = \"\\(.*\\)\"/\\1/p' /etc/sasldb-rs/config.toml | while read -r path; do test -S $path; done";
    wait_for("the helper", || (machine.run("bash", &["-ec", sockets]).status == 0).then_some(()));
}

/// Does what `sasldb-rs setup` says, but for the commands, which it gives.
pub(crate) fn follow(machine: &Machine, program: &str) -> String {
    let ran = machine.run("sasldb-rs", &["setup", program, "--json"]);
    assert_eq!(ran.status, 0, "{}", ran.text);
    let steps: Vec<Value> = serde_json::from_str(&ran.text).unwrap();
    let mut commands = String::new();
    for step in &steps {
        let part = |name: &str| step[name].as_str().unwrap_or_default();
        let (file, line, text) = (part("file"), part("line"), part("text"));
        let whole = || machine.run("cat", &[file]).text;
        match part("do") {
            // What has to be there before the next file is written.
            "run" if text.starts_with("install ") => _ = machine.shell(text),
            "run" => commands.push_str(text),
            "write" => machine.write(file, text),
            "add" => machine.write(file, &(whole() + text)),
            "insert-after" => {
                machine.write(file, &whole().replacen(&format!("{line}\n"), &format!("{line}\n{text}"), 1))
            }
            "insert-before" => {
                machine.write(file, &whole().replacen(&format!("{line}\n"), &format!("{text}{line}\n"), 1))
            }
            other => panic!("{other}"),
        }
    }
    commands
}

/// A mail server beside our programs, set up by what they say; all run.
pub(crate) fn set_up(server: Server) -> Site {
    let site = Site::prepared(server);
    install(&site.machine);
    let commands = follow(&site.machine, setup_name(server));
    start_helper(&site.machine);
    // By what an administrator starts it again with.
    match server {
        Server::Exim | Server::SaslExim => {
            _ = site.machine.shell("/etc/init.d/exim4 start </dev/null >/var/log/start.log 2>&1")
        }
        _ => server.start_with(&site.machine, &commands),
    }
    site.wait_for_banner();
    site
}

fn setup_name(server: Server) -> &'static str {
    match server {
        Server::Postfix => "postfix",
        Server::Exim => "exim",
        Server::Chasquid => "chasquid",
        Server::Sendmail => "sendmail",
        Server::SaslPostfix => "postfix-libsasl2",
        Server::SaslExim => "exim-libsasl2",
        Server::OpenSmtpd => panic!("{server:?} has no lines of its own"),
    }
}

#[test]
fn postfix_set_up_by_setup_relays() {
    set_up(Server::Postfix).relays_for_those_who_log_in_only();
}

#[test]
fn exim_set_up_by_setup_relays() {
    set_up(Server::Exim).relays_for_those_who_log_in_only();
}

#[test]
fn chasquid_set_up_by_setup_relays() {
    set_up(Server::Chasquid).relays_for_those_who_log_in_only();
}

#[test]
fn sendmail_set_up_by_setup_relays() {
    set_up(Server::Sendmail).relays_for_those_who_log_in_only();
}

#[test]
fn postfix_set_up_by_setup_relays_by_libsasl2() {
    set_up(Server::SaslPostfix).relays_for_those_who_log_in_only();
}

#[test]
fn exim_set_up_by_setup_relays_by_libsasl2() {
    set_up(Server::SaslExim).relays_for_those_who_log_in_only();
}
