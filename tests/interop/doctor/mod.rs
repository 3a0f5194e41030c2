//! `sasldb-rs doctor` beside real mail servers: what is made wrong on purpose is found, the commands that it prints are run as they
//! are, then it is not found any more and mail goes through.

mod chasquid;
mod exim;
mod in_the_clear;
mod postfix;
mod programs;
mod sasl;
mod sendmail;
mod systemd;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::clients::{Client, Login};
use crate::installed::START_HELPER;
use crate::machine::{Machine, project, wait_for};
use crate::site::Site;

/// A thing that is made wrong.
struct Case {
    /// The word for what has to be found.
    code: &'static str,
    /// What one of the command lines that mend it has to hold.
    by: &'static str,
    /// Makes it; see [`FUNCTIONS`].
    script: &'static str,
}

const fn case(code: &'static str, by: &'static str, script: &'static str) -> Case {
    Case { code, by, script }
}

/// All cases of this folder.
const CASES: [&[Case]; 12] = [
    postfix::CASES,
    exim::CASES,
    chasquid::CASES,
    sendmail::CASES,
    sasl::POSTFIX,
    sasl::EXIM,
    in_the_clear::CASES,
    programs::CYRUS,
    programs::SLAPD,
    programs::MEMCACHED,
    programs::SVNSERVE,
    programs::SASLPASSWD2,
];

/// For scripts: `stop` ends a program, the helper if none is named, by TERM or another signal, `start` starts the helper, whose
/// settings are `$config`.
const FUNCTIONS: &str = "
run() { for comm in /proc/[0-9]*/comm; do if grep -qx $1 $comm 2>/dev/null; then basename $(dirname $comm); fi; done; }
stop() {
    for pid in $(run ${1:-saslauthd-rs}); do kill -${2:-TERM} $pid || true; done
    while [ -n \"$(run ${1:-saslauthd-rs})\" ]; do sleep 0.1; done
}
config=/etc/sasldb-rs/config.toml
";

fn findings(machine: &Machine) -> Vec<Value> {
    let ran = machine.run("sasldb-rs", &["doctor", "--json"]);
    let findings: Vec<Value> = serde_json::from_str(&ran.text).unwrap_or_else(|fault| panic!("{fault}: {}", ran.text));
    assert_eq!(ran.status, i32::from(!findings.is_empty()), "{}", ran.text);
    findings
}

/// Makes a thing wrong.
fn make(machine: &Machine, script: &str) {
    machine.shell(&format!("{FUNCTIONS}start() {{\n{START_HELPER}\nsleep 0.5\n}}\n{script}"));
}

/// Runs the commands of the findings with this code, each line as it is, in the shell of an administrator.
fn mend(machine: &Machine, findings: &[Value], code: &str) -> Vec<String> {
    let of_code: Vec<&Value> = findings.iter().filter(|finding| finding["code"] == code).collect();
    assert!(!of_code.is_empty(), "{code} is not found: {findings:#?}");
    let mut all = Vec::new();
    for finding in of_code {
        let lines: Vec<&str> = finding["mend"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        assert!(!lines.is_empty(), "nothing mends {finding:#}");
        for line in lines {
            let script = format!(
                "export PATH=/usr/local/sbin:/usr/local/bin:$PATH
                 {{ {line}\n}} >>/var/log/mended 2>&1 || {{ cat /var/log/mended; exit 1; }}"
            );
            machine.shell(&script);
            all.push(line.to_owned());
        }
    }
    all
}

/// Mends what else was found: one thing that is wrong may hide another, or bring it along.
fn get_well(machine: &Machine) {
    for _ in 0..5 {
        let left = findings(machine);
        let Some(first) = left.first() else { return };
        let code = first["code"].as_str().unwrap();
        eprintln!("then {code}");
        mend(machine, &left, code);
        // A helper that was started is there a moment later.
        wait_for(&format!("what mends {code}"), || (findings(machine) != left).then_some(()));
    }
    assert_eq!(findings(machine), [] as [Value; 0]);
}

/// What is wrong has to be found, and mended by what is said then.
fn is_found_and_mended(machine: &Machine, case: &Case) {
    eprintln!("--- {} by {}", case.code, case.by);
    make(machine, case.script);
    let is_this = |finding: &Value| finding["code"] == case.code;
    // What the script started may not be there yet.
    let found = wait_for(&format!("{} to be found", case.code), || {
        let found = findings(machine);
        found.iter().any(is_this).then_some(found)
    });
    let lines = mend(machine, &found, case.code);
    assert!(lines.iter().any(|line| line.contains(case.by)), "{} by {}: {lines:#?}", case.code, case.by);
    wait_for(&format!("{} to be mended", case.code), || (!findings(machine).iter().any(is_this)).then_some(()));
    get_well(machine);
}

/// Somebody sends a message through the server.
fn mail_goes(site: &Site, mechanism: &str) {
    site.wait_for_banner();
    let report = site.send(Client::Msmtp, &Login::right(mechanism));
    assert!(report.status == 0 && report.text.contains("235 "), "{}\n{}", report.text, site.log());
    wait_for("the message", || site.arrived().iter().any(|message| message.contains(&report.token)).then_some(()));
}

/// The cases come in turn, and between them all is well.
fn each_is_found_and_mended(site: &Site, mechanism: &str, cases: &[Case]) {
    assert_eq!(findings(&site.machine), [] as [Value; 0], "all is as setup says");
    mail_goes(site, mechanism);
    for case in cases {
        is_found_and_mended(&site.machine, case);
        mail_goes(site, mechanism);
    }
}

/// The first column of the page's table is held to the list in the code by a unit test.
#[test]
fn every_finding_is_made_on_purpose_somewhere() {
    let page = std::fs::read_to_string(project().join("docs/doctor.md")).unwrap();
    let known: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(code, _)| code).collect();
    assert!(known.contains("database-missing"), "{known:?}");
    // There a case is a call of the function that has it found, mended, and somebody log in.
    let without_server = include_str!("../../doctor.rs");
    let called = without_server.split("is_mended \"").skip(1).filter_map(|rest| rest.split_once('"'));
    let made: BTreeSet<&str> =
        CASES.into_iter().flatten().map(|case| case.code).chain(called.map(|(code, _)| code)).collect();
    assert_eq!(known, made);
}
