//! A person at a terminal.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::Command;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::termios::{LocalFlags, tcgetattr};
use rexpect::process::PtyProcess;

use crate::machine::PATIENCE;
use crate::tools::{rest_of, split, with_controls};

/// Sets a terminal up with echo, says so by a mark, runs a command when it may begin, and writes its status behind another mark when
/// it has ended: the shell is still there then, so that nothing shown before gets lost with the terminal. It gets the signals of the
/// keyboard, too, and outlives them.
const SCRIPT: &str = "exec 2>/dev/null; trap : INT QUIT; stty echo; printf '\\002'; \
     until [ -e \"$BEGIN\" ]; do sleep 0.01; done; (exec \"$@\" 2>\"$ERRORS\"); printf '\\001%s\\n' $?";

/// Stands before the status.
const MARK: u8 = 1;

/// The terminal is set up.
const READY: u8 = 2;

/// `typing [--unasked|--ahead LINE] ANSWER... -- COMMAND...`: runs the command on a terminal and gives it each answer, followed by Return,
/// when it has asked and the echo is off; unasked, when the echo is on. It ends as soon as the command does. In an answer `^D` is Ctrl-D,
/// and there is no Return after one that ends in a control character. Standard output is what the terminal shows, with a note of its echo
/// at each answer and at the end. With `--ahead` somebody types a line twice before the command begins; what is shown when is chance then.
pub(crate) fn typing(arguments: &[OsString]) -> i32 {
    let (mut answers, command) = split(arguments);
    let unasked = answers.first().is_some_and(|answer| answer == "--unasked");
    let ahead = answers.first().is_some_and(|answer| answer == "--ahead").then(|| &answers[1]);
    answers = &answers[usize::from(unasked) + 2 * usize::from(ahead.is_some())..];
    let [errors, begin] =
        ["errors", "begin"].map(|what| std::env::temp_dir().join(format!("{what}-{}", std::process::id())));
    let mut on_terminal = Command::new("sh");
    on_terminal.args(["-c", SCRIPT, "sh"]).args(command).env("ERRORS", &errors).env("BEGIN", &begin);
    let mut screen = Screen { process: PtyProcess::new(on_terminal).unwrap(), shown: Vec::new() };
    assert!(screen.waits_for(|screen| screen.shown.first() == Some(&READY)));
    screen.shown.remove(0);
    for line in ahead.into_iter().chain(ahead) {
        screen.type_in(line);
    }
    // The terminal has taken in what it echoes.
    let lines = 2 * usize::from(ahead.is_some());
    assert!(screen.waits_for(|screen| screen.shown.iter().filter(|&&byte| byte == b'\n').count() == lines));
    std::fs::write(&begin, "").unwrap();
    for answer in answers {
        if !screen.waits_for(if unasked { Screen::is_loud } else { Screen::asks }) {
            break;
        }
        screen.note_echo();
        screen.type_in(answer);
    }
    assert!(!screen.waits_for(|_| false));
    let status = screen.take_status();
    screen.note_echo();
    std::io::stdout().write_all(&screen.shown).unwrap();
    std::io::stderr().write_all(&rest_of(&errors)).unwrap();
    for file in [errors, begin] {
        let _ = std::fs::remove_file(file);
    }
    status
}

struct Screen {
    process: PtyProcess,
    shown: Vec<u8>,
}

impl Screen {
    /// The terminal's other end tells its settings as well.
    fn is_loud(&self) -> bool {
        tcgetattr(self.process.get_file_handle().unwrap()).unwrap().local_flags.contains(LocalFlags::ECHO)
    }

    fn asks(&self) -> bool {
        self.shown.ends_with(b": ") && !self.is_loud()
    }

    /// Whether it gets ready before it ends.
    fn waits_for(&mut self, ready: impl Fn(&Self) -> bool) -> bool {
        let start = Instant::now();
        while !ready(self) {
            if self.mark().is_some() {
                return false;
            }
            assert!(start.elapsed() < PATIENCE, "it waits: {:?}", self.shown.escape_ascii().to_string());
            self.look();
        }
        true
    }

    /// Takes in what is shown now or soon.
    fn look(&mut self) {
        let mut terminal = self.process.get_file_handle().unwrap();
        let mut ready = [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
        if poll(&mut ready, 20_u16).unwrap() > 0 {
            let mut piece = [0; 4096];
            // A terminal that everybody has left gives an error.
            let length = terminal.read(&mut piece).unwrap_or(0);
            self.shown.extend_from_slice(&piece[..length]);
        }
    }

    /// Where the mark stands, when the whole line of it is there.
    fn mark(&self) -> Option<usize> {
        self.shown.iter().position(|&byte| byte == MARK).filter(|_| self.shown.ends_with(b"\n"))
    }

    fn take_status(&mut self) -> i32 {
        let line = self.shown.split_off(self.mark().unwrap());
        std::str::from_utf8(&line[1..]).unwrap().trim_end().parse().unwrap()
    }

    fn note_echo(&mut self) {
        self.shown.extend_from_slice(if self.is_loud() { b"[echo]" } else { b"[no echo]" });
    }

    fn type_in(&self, answer: &OsString) {
        let mut typed = with_controls(answer);
        if typed.last().is_none_or(|&last| last >= b' ') {
            typed.push(b'\n');
        }
        // Who needed no answer may have gone.
        let _ = self.process.get_file_handle().unwrap().write_all(&typed);
    }
}
