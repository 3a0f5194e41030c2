//! Programs of a few lines, as people write them with the libraries of their language.

use crate::clients::{Login, RECIPIENT, SENDER, SERVER, message};
use crate::machine::{Machine, Ran};
use crate::site::CERTIFICATE;

/// What each program is told, in the order in which it reads it.
fn arguments<'a>(login: &Login<'a>) -> [&'a str; 7] {
    let authority = if login.tls { CERTIFICATE } else { "" };
    [login.mechanism, login.user, login.password, authority, SERVER, SENDER, RECIPIENT]
}

pub(crate) fn smtplib(machine: &Machine, login: &Login<'_>, token: &str) -> Ran {
    let program = ["-c", include_str!("programs/smtplib.py")];
    machine.run_with("python3", &[&program[..], &arguments(login)].concat(), &message(token, "\r\n"))
}

pub(crate) fn net_smtp(machine: &Machine, login: &Login<'_>, token: &str) -> Ran {
    let program = ["-e", include_str!("programs/net-smtp.pl"), "--"];
    machine.run_with("perl", &[&program[..], &arguments(login)].concat(), &message(token, "\n"))
}

pub(crate) fn nodemailer(machine: &Machine, login: &Login<'_>, token: &str) -> Ran {
    let program = ["NODE_PATH=/usr/share/nodejs", "node", "-e", include_str!("programs/nodemailer.js"), "--"];
    machine.run("env", &[&program[..], &arguments(login), &[token]].concat())
}

pub(crate) fn camel(machine: &Machine, login: &Login<'_>, token: &str) -> Ran {
    let program = ["CAMEL_DEBUG=smtp", "python3", "-c", include_str!("programs/camel.py")];
    machine.run_with("env", &[&program[..], &arguments(login)].concat(), &message(token, "\r\n"))
}
