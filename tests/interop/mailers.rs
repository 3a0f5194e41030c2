//! Mail programs for people at a terminal.

use std::fmt::Write as _;

use rexpect::ReadUntil;
use rexpect::session::PtySession;

use crate::clients::{Login, RECIPIENT, SENDER, SERVER};
use crate::machine::{Machine, PATIENCE, Ran, at_a_terminal};
use crate::servers::port_of;
use crate::site::CERTIFICATE;

/// neomutt takes the best mechanism that the server offers and can't be told another, so it goes to a port that offers
/// one only. It has ways of its own for PLAIN and LOGIN.
pub(crate) fn neomutt(machine: &Machine, login: &Login<'_>, token: &str) -> Ran {
    let user = login.user.bytes().fold(String::new(), |mut user, byte| {
        let _ = write!(user, "%{byte:02X}");
        user
    });
    let port = if login.tls { 25 } else { port_of(login.mechanism) };
    let url = format!("set smtp_url='smtp://{user}@{SERVER}:{port}'");
    let password = format!("set smtp_pass='{}'", login.password);
    let from = format!("set from='{SENDER}' use_from use_envelope_from realname='' record=''");
    let tls = if login.tls {
        let mechanism = login.mechanism.to_lowercase();
        format!(
            "set smtp_authenticators='{mechanism}' ssl_starttls ssl_force_tls ssl_ca_certificates_file='{CERTIFICATE}'"
        )
    } else {
        "set nossl_starttls nossl_force_tls".to_owned()
    };
    let log = format!("/tmp/{token}.log");
    let settings = ["-e", &url, "-e", &password, "-e", &from, "-e", &tls];
    let mail = ["-n", "-F", "/dev/null", "-d", "2", "-l", &log, "-s", token, RECIPIENT];
    let mut ran = machine.run_with("neomutt", &[&settings[..], &mail].concat(), "Hello.\n");
    ran.text += &machine.run("cat", &[log + "0"]).text;
    ran
}

/// alpine has no way but its screen: the message comes with the call, the keys from here.
pub(crate) fn alpine(machine: &Machine, login: &Login<'_>, token: &str) -> Ran {
    let home = format!("/tmp/{token}");
    let tls = if login.tls { "/tls" } else { "/notls" };
    let others = ["CRAM-MD5", "LOGIN", "PLAIN"].map(|name| if name == login.mechanism { "GSSAPI" } else { name });
    let settings = [
        "personal-name=Mailman",
        "user-domain=example.com",
        "inbox-path=/dev/null",
        "default-fcc=\"\"",
        &format!("smtp-server={SERVER}:25/user={}{tls}", login.user),
        &format!("disable-these-authenticators={}", others.join(",")),
        // Later than it would, it asks whether to go on waiting for the server.
        &format!("tcp-open-timeout={}", PATIENCE.as_secs()),
        &format!("tcp-read-warning-timeout={}", PATIENCE.as_secs()),
    ];
    machine.shell(&format!("mkdir {home}; cat >{home}/.pinerc <<'SETTINGS'\n{}\nSETTINGS", settings.join("\n")));
    // It is ended from within: of what enters a machine and outlives its parent, the machine's first process knows nothing.
    let start = "echo $$ >$HOME/pid; exec alpine -d imap=4 \"$@\"";
    let mut command = machine.endless("env");
    command.args([&format!("HOME={home}"), "TERM=vt100", "sh", "-c", start, "sh"]);
    command.args(["-url", &format!("mailto:{RECIPIENT}?subject={token}&body=Hello.")]);
    let mut screen = at_a_terminal(command);
    let end = alpine_sends(&mut screen, login.password);
    // A hangup lets it write out its log, in which the server's last answer may be.
    let gone = "for i in $(seq 600); do kill -0 $pid || exit 0; sleep 0.1; done; kill -KILL $pid";
    machine.shell(&format!("pid=$(cat {home}/pid); kill -HUP $pid && {{ {gone}; }} 2>/dev/null || true"));
    let _ = screen.process().wait();
    drop(screen);
    let log = machine.run("grep", &["-a", "IMAP DEBUG", &(home + "/.pine-debug1")]);
    Ran { status: i32::from(!matches!(end, Ok(true))), text: format!("{}\n{end:?}", log.text) }
}

/// Presses the keys; says whether the message went out.
fn alpine_sends(screen: &mut PtySession, password: &str) -> Result<bool, rexpect::error::Error> {
    screen.exp_string("Message Text")?;
    screen.send_control('x')?;
    let questions = ["Send message?", "PASSWORD: ", "Preserve password", "Message sent", "rror", "ailed"];
    let mut asked = 0;
    loop {
        let waited_for = questions.iter().map(|text| ReadUntil::String((*text).to_owned())).chain([ReadUntil::EOF]);
        let (before, question) = screen.exp_any(waited_for.collect())?;
        match question.as_str() {
            "Send message?" => {
                screen.send("y")?;
            }
            "PASSWORD: " if asked == 0 => {
                asked += 1;
                screen.send_line(password)?;
            }
            "Preserve password" => {
                screen.send("n")?;
            }
            "Message sent" => return Ok(true),
            // Where it has ended already, its last words come with the end.
            end => return Ok([before.as_str(), end].concat().contains("Message sent")),
        }
        screen.flush()?;
    }
}
