//! The dialogue on a terminal, compared with the recorded one of saslpasswd2.

use std::process::Command;

use nix::sys::termios::{LocalFlags, tcgetattr};
use rexpect::process::{Signal, WaitStatus};
use rexpect::session::{PtySession, spawn_command};

use crate::shell::{SASLDB, SASLPASSWD, Shell};

/// Long enough for a machine under load; only a test that fails waits for it.
const PATIENCE: Option<u64> = Some(30_000);

const CTRL_C: char = 'c';
const CTRL_D: char = 'd';

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
fn the_password_is_asked_for_twice_and_not_shown() {
    let shell = Shell::new();
    let mut session = saslpasswd(&shell, &["-c", "mailman"]);
    assert_eq!(session.exp_string("Password: ").unwrap(), "");
    assert!(!echoes(&session));
    session.send_line("se\tcr\u{e9}t").unwrap();
    assert_eq!(session.exp_string("Again (for verification): ").unwrap(), "\r\n");
    session.send_line("se\tcr\u{e9}t").unwrap();
    assert_eq!(session.exp_eof().unwrap(), "\r\n");
    assert!(echoes(&session));
    assert_status(&session, 0);
    assert_eq!(shell.verify("mailman", "se\tcr\u{e9}t".as_bytes()), Some(0));
}

#[test]
fn what_is_typed_ahead_answers_the_second_prompt() {
    let shell = Shell::new();
    let mut session = saslpasswd(&shell, &["mailman"]);
    session.exp_string("Password: ").unwrap();
    session.send("secret\nsecret\n").unwrap();
    session.flush().unwrap();
    session.exp_eof().unwrap();
    assert_status(&session, 0);
    assert_eq!(shell.verify("mailman", b"secret"), Some(0));
}

#[test]
fn passwords_that_differ_change_nothing() {
    let shell = Shell::new();
    shell.make_mailman();
    let before = shell.files();
    let mut session = saslpasswd(&shell, &["mailman"]);
    session.exp_string("Password: ").unwrap();
    session.send_line("one").unwrap();
    session.exp_string("verification): ").unwrap();
    // Found before the empty password is.
    session.send_line("").unwrap();
    let program = std::path::Path::new(SASLPASSWD).file_name().unwrap().to_str().unwrap();
    assert_eq!(session.exp_eof().unwrap(), format!("\r\n{program}: passwords don't match; aborting\r\n"));
    assert_status(&session, 7);
    assert_eq!(shell.files(), before);
}

#[test]
fn an_end_of_file_ends_a_line() {
    let shell = Shell::new();
    let mut session = saslpasswd(&shell, &["mailman"]);
    session.exp_string("Password: ").unwrap();
    session.send("secret").unwrap();
    session.send_control(CTRL_D).unwrap();
    assert_eq!(session.exp_string("Again (for verification): ").unwrap(), "\r\n");
    session.send("secret").unwrap();
    session.send_control(CTRL_D).unwrap();
    assert_eq!(session.exp_eof().unwrap(), "\r\n");
    assert_status(&session, 0);
    assert_eq!(shell.verify("mailman", b"secret"), Some(0));
}

#[test]
fn an_end_of_file_alone_is_an_empty_password() {
    let shell = Shell::new();
    let before = shell.files();
    let mut session = saslpasswd(&shell, &["mailman"]);
    session.exp_string("Password: ").unwrap();
    session.send_control(CTRL_D).unwrap();
    assert_eq!(session.exp_string("Again (for verification): ").unwrap(), "");
    session.send_control(CTRL_D).unwrap();
    assert!(session.exp_eof().unwrap().contains("invalid parameter supplied"));
    assert_status(&session, 7);
    assert_eq!(shell.files(), before);
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
fn with_the_pipe_option_a_terminal_gets_no_prompt_and_keeps_its_echo() {
    let shell = Shell::new();
    let mut session = saslpasswd(&shell, &["-p", "mailman"]);
    // Without a prompt nothing else tells that the terminal is set up.
    let set_up = (0..3000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        echoes(&session)
    });
    assert!(set_up);
    session.send_line("secret").unwrap();
    assert_eq!(session.exp_eof().unwrap(), "secret\r\n");
    assert_status(&session, 0);
    assert_eq!(shell.verify("mailman", b"secret"), Some(0));
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
