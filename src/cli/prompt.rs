//! Passwords from a terminal or a pipe; never from arguments or the environment, which other users can see.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use nix::sys::termios::{InputFlags, LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::secret::Password;

use super::exit::Exit;
use super::failure::Failure;
use super::output::Data;

/// A password may be this long, a newline may follow, and one byte more tells that it is too long.
const ENOUGH: usize = Password::MAX + 2;

/// Whether a person sits at stdin.
pub(super) fn is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Reads a new password: asked for twice on a terminal, else read from stdin. `pipe` is the option `-p`: no prompts.
pub(super) fn new_password(pipe: bool) -> Result<Password, Failure> {
    if !is_terminal() {
        return password_from_pipe();
    }
    let mut stdin = raw_stdin()?;
    if pipe {
        return finish(read_line(&mut stdin)?);
    }
    let silence = Silence::begin()?;
    let first = ask(&mut stdin, "Password: ")?;
    let second = ask(&mut stdin, "Again (for verification): ")?;
    drop(silence);
    let (first, second) = (without_newline(first), without_newline(second));
    if first.as_slice().ct_eq(&second).into() { into_password(first) } else { Err(mismatch()) }
}

/// Reads the password of an existing account: asked for once on a terminal, else read from stdin.
pub(super) fn password() -> Result<Password, Failure> {
    if !is_terminal() {
        return password_from_pipe();
    }
    let _silence = Silence::begin()?;
    finish(ask(&mut raw_stdin()?, "Password: ")?)
}

fn mismatch() -> Failure {
    Failure::new(Exit::BadParameter, anyhow::anyhow!("passwords don't match; aborting")).in_cyrus_words()
}

/// Reads until the writer is done, in however many pieces it writes.
fn password_from_pipe() -> Result<Password, Failure> {
    let mut stdin = raw_stdin()?;
    let mut typed = buffer();
    let mut filled = 0;
    while let Some(free) = typed.get_mut(filled..).filter(|free| !free.is_empty()) {
        match read(&mut stdin, free)? {
            0 => break,
            count => filled = filled.saturating_add(count),
        }
    }
    typed.truncate(filled);
    finish(typed)
}

/// Shows `prompt` and reads one line. The newline at its end is echoed by the terminal; where the line was ended by the
/// end-of-file character instead, we show it.
fn ask(stdin: &mut File, prompt: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let show = |text| Data::new().text(text).context("cannot write to stdout").map_err(failed);
    show(prompt)?;
    let line = read_line(stdin)?;
    if line.last().is_some_and(|&byte| byte != b'\n') {
        show("\n")?;
    }
    Ok(line)
}

/// Reads one line from the terminal, which hands it over in one piece.
fn read_line(stdin: &mut File) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut line = buffer();
    let count = read(stdin, &mut line)?;
    line.truncate(count);
    Ok(line)
}

fn finish(typed: Zeroizing<Vec<u8>>) -> Result<Password, Failure> {
    into_password(without_newline(typed))
}

/// Takes one final newline away, and no other byte.
fn without_newline(mut typed: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    if typed.last() == Some(&b'\n') {
        typed.pop();
    }
    typed
}

fn into_password(mut typed: Zeroizing<Vec<u8>>) -> Result<Password, Failure> {
    Ok(Password::new(std::mem::take(&mut *typed))?)
}

/// Full-size from the start: a buffer that grows leaves copies behind.
fn buffer() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(vec![0; ENOUGH])
}

fn read(stdin: &mut File, into: &mut [u8]) -> Result<usize, Failure> {
    loop {
        match stdin.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
            Ok(count) => return Ok(count),
        }
    }
}

/// Stdin without the standard library's buffer, which nobody wipes.
fn raw_stdin() -> Result<File, Failure> {
    let stdin = io::stdin().as_fd().try_clone_to_owned().context("cannot read from stdin").map_err(failed)?;
    Ok(File::from(stdin))
}

/// saslpasswd2 says the system's word for it and nothing else.
fn unreadable(error: io::Error) -> Failure {
    let told = error.to_string();
    let words = told.split(" (os error").next().unwrap_or_default().to_owned();
    failed(anyhow::Error::from(error).context("cannot read the password from stdin")).cyrus_words(words)
}

fn failed(cause: anyhow::Error) -> Failure {
    Failure::new(Exit::Failure, cause)
}

/// The terminal's settings from before, while echo is off; here so that the signal thread finds them.
static LOUD: Mutex<Option<Termios>> = Mutex::new(None);

/// While it lives, the terminal shows nothing of what is typed but the newline.
struct Silence;

impl Silence {
    fn begin() -> Result<Self, Failure> {
        let begin = || -> anyhow::Result<()> {
            guard_against_signals()?;
            let mut loud = LOUD.lock().unwrap_or_else(PoisonError::into_inner);
            *loud = Some(tcgetattr(io::stdin())?);
            // What was typed before could be read on the screen, and was perhaps meant for the shell.
            loud.as_ref().map_or(Ok(()), |loud| hush(loud, SetArg::TCSAFLUSH))
        };
        begin().context("cannot switch off the terminal's echo").map_err(failed)?;
        Ok(Self)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let mut loud = LOUD.lock().unwrap_or_else(PoisonError::into_inner);
        restore(loud.as_ref());
        *loud = None;
    }
}

fn hush(loud: &Termios, when: SetArg) -> anyhow::Result<()> {
    let mut quiet = loud.clone();
    quiet.local_flags.remove(LocalFlags::ECHO);
    quiet.local_flags.insert(LocalFlags::ICANON | LocalFlags::ECHONL | LocalFlags::ISIG);
    quiet.input_flags.insert(InputFlags::ICRNL);
    Ok(tcsetattr(io::stdin(), when, &quiet)?)
}

fn restore(loud: Option<&Termios>) {
    if let Some(loud) = loud {
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, loud);
    }
}

/// Gives the terminal its echo back before a signal ends or stops the program. The signal then does what it always does,
/// so that a shell sees who died of Ctrl-C. The thread stays for the rest of the program: its handlers cannot be undone.
fn guard_against_signals() -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let loud = LOUD.lock().unwrap_or_else(PoisonError::into_inner);
            restore(loud.as_ref());
            let _ = emulate_default_handler(signal);
            // Only a stopped program gets here, once it goes on.
            if let Some(loud) = loud.as_ref() {
                let _ = hush(loud, SetArg::TCSADRAIN);
            }
        }
    })?;
    Ok(())
}
