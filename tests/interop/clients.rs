//! The programs that people and scripts send mail with, each as its manual says.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use crate::machine::{Machine, PATIENCE, Ran};
use crate::site::CERTIFICATE;
use crate::{mailers, programs};

pub(crate) const SERVER: &str = "mail.example.com";
pub(crate) const SENDER: &str = "mailman@example.com";
pub(crate) const RECIPIENT: &str = "friend@elsewhere.example";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Swaks,
    Gsasl,
    Msmtp,
    Curl,
    Alpine,
    Neomutt,
    NetSmtp,
    Smtplib,
    Nodemailer,
    Camel,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Login<'a> {
    pub(crate) mechanism: &'a str,
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    pub(crate) tls: bool,
}

impl<'a> Login<'a> {
    /// The right login of the account in every test: PLAIN and LOGIN under TLS, the others without.
    pub(crate) fn right(mechanism: &'a str) -> Self {
        Self { mechanism, user: "mailman", password: "secret", tls: matches!(mechanism, "PLAIN" | "LOGIN") }
    }

    pub(crate) fn user(self, user: &'a str) -> Self {
        Self { user, ..self }
    }

    pub(crate) fn password(self, password: &'a str) -> Self {
        Self { password, ..self }
    }
}

/// What a client said about one attempt to send a message.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) status: i32,
    pub(crate) text: String,
    /// A word that only this message holds.
    pub(crate) token: String,
}

impl Report {
    /// The server's reply that refused the login: code and text.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.text.lines().find_map(|line| {
            let start = ["435 ", "454 ", "501 ", "503 ", "504 ", "530 ", "534 ", "535 ", "538 "]
                .iter()
                .find_map(|code| line.find(code))?;
            line.get(start..).map(|reply| reply.trim().to_owned())
        })
    }
}

impl Client {
    pub(crate) const ALL: [Self; 10] = [
        Self::Swaks,
        Self::Gsasl,
        Self::Msmtp,
        Self::Curl,
        Self::Alpine,
        Self::Neomutt,
        Self::NetSmtp,
        Self::Smtplib,
        Self::Nodemailer,
        Self::Camel,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Swaks => "swaks",
            Self::Gsasl => "gsasl",
            Self::Msmtp => "msmtp",
            Self::Curl => "curl",
            Self::Alpine => "alpine",
            Self::Neomutt => "neomutt",
            Self::NetSmtp => "Perl Net::SMTP",
            Self::Smtplib => "Python smtplib",
            Self::Nodemailer => "nodemailer",
            Self::Camel => "Evolution (Camel)",
        }
    }

    /// The package it comes in.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::NetSmtp => "perl",
            Self::Smtplib => "python3-minimal",
            Self::Nodemailer => "node-nodemailer",
            Self::Camel => "gir1.2-camel-1.2",
            _ => self.name(),
        }
    }

    /// The mechanisms of ours that the client has, in Debian's build.
    pub(crate) fn mechanisms(self) -> &'static [&'static str] {
        match self {
            Self::Gsasl | Self::Msmtp | Self::Neomutt => {
                &["DIGEST-MD5", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN", "LOGIN"]
            }
            Self::Swaks | Self::Curl | Self::NetSmtp | Self::Camel => &["DIGEST-MD5", "CRAM-MD5", "PLAIN", "LOGIN"],
            Self::Alpine | Self::Smtplib | Self::Nodemailer => &["CRAM-MD5", "PLAIN", "LOGIN"],
        }
    }

    pub(crate) fn send(self, machine: &Machine, login: &Login<'_>, token: &str) -> Report {
        let Ran { status, text } = match self {
            Self::Swaks => swaks(machine, Some(login), token),
            Self::Gsasl => gsasl(machine, login, token),
            Self::Msmtp => msmtp(machine, login, token),
            Self::Curl => curl(machine, login, token),
            Self::Alpine => mailers::alpine(machine, login, token),
            Self::Neomutt => mailers::neomutt(machine, login, token),
            Self::NetSmtp => programs::net_smtp(machine, login, token),
            Self::Smtplib => programs::smtplib(machine, login, token),
            Self::Nodemailer => programs::nodemailer(machine, login, token),
            Self::Camel => programs::camel(machine, login, token),
        };
        Report { status, text, token: token.to_owned() }
    }
}

/// Without a login it is a stranger's attempt.
pub(crate) fn swaks(machine: &Machine, login: Option<&Login<'_>>, token: &str) -> Ran {
    let subject = format!("Subject: {token}");
    let patience = PATIENCE.as_secs().to_string();
    let mut arguments = vec!["--server", SERVER, "--from", SENDER, "--to", RECIPIENT, "--header", &subject];
    arguments.extend(["--timeout", &patience]);
    if let Some(login) = login {
        arguments.extend(["--auth", login.mechanism, "--auth-user", login.user, "--auth-password", login.password]);
        if login.tls {
            arguments.extend(["--tls", "--tls-verify", "--tls-ca-path", CERTIFICATE]);
        }
    }
    machine.run("swaks", &arguments)
}

fn msmtp(machine: &Machine, login: &Login<'_>, token: &str) -> Ran {
    let mechanism = format!("--auth={}", login.mechanism.to_lowercase());
    let user = format!("--user={}", login.user);
    let password = format!("--passwordeval=echo {}", login.password);
    let trust = format!("--tls-trust-file={CERTIFICATE}");
    let from = format!("--from={SENDER}");
    let tls = if login.tls { "--tls=on" } else { "--tls=off" };
    let host = format!("--host={SERVER}");
    let arguments = ["--debug", &host, "--port=25", tls, &trust, &mechanism, &user, &password, &from, RECIPIENT];
    machine.run_with("msmtp", &arguments, &message(token, "\n"))
}

fn curl(machine: &Machine, login: &Login<'_>, token: &str) -> Ran {
    let url = format!("smtp://{SERVER}:25");
    let options = format!("AUTH={}", login.mechanism);
    let user = format!("{}:{}", login.user, login.password);
    let mut arguments = vec!["--verbose", "--no-progress-meter", &url, "--login-options", &options, "--user", &user];
    arguments.extend(["--mail-from", SENDER, "--mail-rcpt", RECIPIENT, "--upload-file", "-"]);
    if login.tls {
        arguments.extend(["--ssl-reqd", "--cacert", CERTIFICATE]);
    }
    machine.run_with("curl", &arguments, &message(token, "\r\n"))
}

/// gsasl logs in and then passes lines on to the server: the mail is spoken by hand.
fn gsasl(machine: &Machine, login: &Login<'_>, token: &str) -> Ran {
    let server = format!("{SERVER}:25");
    // Unbuffered, because gsasl polls the descriptor while a buffer would already have taken the lines from it.
    let mut arguments = vec!["-i0", "gsasl", "--smtp", "--connect", &server, "--hostname", SERVER];
    arguments.extend(["--mechanism", login.mechanism, "--authentication-id", login.user, "--password", login.password]);
    if login.tls {
        arguments.extend(["--starttls", "--x509-ca-file", CERTIFICATE]);
    } else {
        arguments.push("--no-starttls");
    }
    let mut child = machine
        .command("stdbuf", &arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    let mut say = |lines: &str| {
        // It may be gone already; then its words tell why.
        let _ = input.write_all(lines.as_bytes());
    };
    if login.mechanism == "DIGEST-MD5" {
        // Asked for a quality of protection and a realm it gets none: its own choice counts.
        say("\n\n");
    }
    let mut until = |end: fn(&str) -> bool| {
        loop {
            let mut line = String::new();
            let read = output.read_line(&mut line).unwrap();
            text.push_str(&line);
            if read == 0 || end(&line) {
                break;
            }
        }
    };
    until(|line| line.contains("235 "));
    // Postfix takes the message for an attempt to cheat when it comes before the 354.
    say(&format!("MAIL FROM:<{SENDER}>\nRCPT TO:<{RECIPIENT}>\nDATA\n"));
    until(|line| line.starts_with("354 ") || line.starts_with('5'));
    say(&format!("{}.\n", message(token, "\n")));
    until(|line| line.starts_with("250 ") || line.starts_with('5'));
    drop(input);
    output.read_to_string(&mut text).unwrap();
    let mut ran = Ran::from(child.wait_with_output().unwrap());
    ran.text.insert_str(0, &text);
    ran
}

pub(crate) fn message(token: &str, end: &str) -> String {
    [&format!("From: {SENDER}"), &format!("To: {RECIPIENT}"), &format!("Subject: {token}"), "", "Hello.", ""].join(end)
}
