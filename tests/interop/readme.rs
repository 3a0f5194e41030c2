//! The README, followed by its reader on a machine with Postfix.

use crate::machine::{Machine, at_a_terminal, wait_for};
use crate::pages::blocks;
use crate::servers::Server;
use crate::site::Site;
use crate::source;

const PAGE: &str = "README.md";

/// Gives a command that asks for a password, and answers.
fn type_at_a_terminal(machine: &Machine, command: &str, questions: &[&str]) {
    let mut shell = machine.endless("bash");
    shell.args(["-euc", &source::script(command)]);
    let mut terminal = at_a_terminal(shell);
    for question in questions {
        terminal.exp_string(question).unwrap();
        terminal.send_line("secret").unwrap();
    }
    let said = terminal.exp_eof().unwrap();
    assert_eq!(said.trim(), "", "{command}");
}

#[test]
fn postfix_relays_when_the_readme_has_been_followed() {
    let site = Site::prepared(Server::Postfix);
    let machine = &site.machine;
    source::put(machine);
    let paste = |block: &str, input: &str| {
        let ran = source::paste(machine, block, input);
        assert_eq!(ran.status, 0, "{}", ran.text);
        ran.text
    };
    let install = blocks(PAGE, "## Install");
    let [programs, realm, socket, account, start] = &install[..] else { panic!("{install:#?}") };
    paste(programs, "");
    machine.write("/etc/sasldb-rs/config.toml", &[realm, "\n", socket].concat());
    type_at_a_terminal(machine, account, &["Password: ", "Again (for verification): "]);
    // It stays in the foreground of a terminal of its own.
    paste(&format!("setsid {} </dev/null >/var/log/saslauthd-rs.log 2>&1 &", start.trim_end()), "");
    wait_for("the helper", || machine.has("/var/spool/postfix/private/auth").then_some(()));
    site.server.start_with(machine, &blocks(PAGE, "## Postfix")[0]);
    site.wait_for_banner();
    site.relays_for_those_who_log_in_only();

    let [logs_in, verifies] = &blocks(PAGE, "## Try it")[0].lines().map(str::to_owned).collect::<Vec<_>>()[..] else {
        panic!("two commands")
    };
    let said = paste(logs_in, "secret\n");
    assert_eq!(said.matches("accepted").count(), 6, "{said}");
    paste(verifies, "secret\n");
    let said = paste("sudo sasldb-rs doctor", "");
    assert!(!said.contains("mend:"), "{said}");
}
