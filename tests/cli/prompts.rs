//! What is special at a terminal; the dialogue itself is in tests/compliance, beside that of saslpasswd2.

use std::process::Command;

use nix::sys::termios::{LocalFlags, tcgetattr};
use rexpect::process::{Signal, WaitStatus};
use rexpect::session::{PtySession, spawn_command};

use crate::shell::{SASLDB, SASLPASSWD, Shell};

/// Long enough for a machine under load; only a test that fails waits for it.
const PATIENCE: Option<u64> = Some(30_000);

const CTRL_C: char = 'c';

/// Starts the program on a terminal that echoes, as a person's does.
fn start(shell: &Shell, program: &str, arguments: &[&str]) -> PtySession {
    let plain = shell.command(program, arguments);
    let mut command = Command::new("sh");
    command.current_dir(shell.path("")).args(["-c", "stty echo; exec \"$@\"", "sh", program]).args(plain.get_args());
    spawn_command(command, PATIENCE).unwrap()
}

fn saslpasswd(shell: &Shell, arguments: &[&str]) -> PtySession {
    start(shell, SASLPASSWD, arguments)
}

fn echoes(session: &PtySession) -> bool {
    tcgetattr(session.process().get_file_handle().unwrap()).unwrap().local_flags.contains(LocalFlags::ECHO)
}

fn assert_status(session: &PtySession, code: i32) {
    match session.process().wait().unwrap() {
        WaitStatus::Exited(_, found) => assert_eq!(found, code),
        other => panic!("{other:?}"),
    }
}

fn assert_killed(session: &PtySession, by: Signal) {
    match session.process().wait().unwrap() {
        WaitStatus::Signaled(_, found, _) => assert_eq!(found, by),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signal_at_the_prompt_kills_and_gives_the_echo_back() {
    let shell = Shell::new();
    let before = shell.files();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        let mut session = saslpasswd(&shell, &["mailman"]);
        session.exp_string("Password: ").unwrap();
        assert!(!echoes(&session));
        if signal == Signal::SIGINT {
            session.send_control(CTRL_C).unwrap();
        } else {
            session.process_mut().signal(signal).unwrap();
        }
        assert_killed(&session, signal);
        assert!(echoes(&session), "{signal}");
    }
    assert_eq!(shell.files(), before);
}

#[test]
fn an_existing_password_is_asked_for_once() {
    let shell = Shell::new();
    shell.make_mailman();
    let mut session = start(&shell, SASLDB, &["verify", "mailman"]);
    assert_eq!(session.exp_string("Password: ").unwrap(), "");
    session.send_line("secret").unwrap();
    assert!(session.exp_eof().unwrap().starts_with("\r\nright: "));
    assert_status(&session, 0);
}
