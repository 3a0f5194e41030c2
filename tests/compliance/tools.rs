//! What the command lines of the cases call besides the programs themselves. This binary answers to all these names.

use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use crate::subject::Subject;

/// Links to this binary.
pub(crate) const NAMES: [&str; 4] = ["holds", "in-pieces", "logged", "typing"];

/// Does what `name` stands for; `None` where that is none of them.
pub(crate) fn called(name: &str, arguments: &[OsString]) -> Option<i32> {
    Some(match name {
        "holds" => holds(arguments),
        "in-pieces" => in_pieces(arguments),
        "logged" => logged(arguments),
        "typing" => crate::terminal::typing(arguments),
        _ => return None,
    })
}

/// Splits `FIRST... -- COMMAND...`.
pub(crate) fn split(arguments: &[OsString]) -> (&[OsString], &[OsString]) {
    let at = arguments.iter().position(|argument| argument == "--").expect("-- before the command");
    (&arguments[..at], &arguments[at + 1..])
}

/// `holds FILE USER PASSWORD`: whether that is the user's password.
fn holds(arguments: &[OsString]) -> i32 {
    let [file, user, password] = arguments else { panic!("holds FILE USER PASSWORD") };
    if !Path::new(file).exists() {
        println!("no file");
        return 1;
    }
    let (right, more) = match Subject::named(&std::env::var("SUBJECT").unwrap()).unwrap() {
        Subject::Cyrus => (stored(file, user.as_bytes()).as_deref() == Some(password.as_bytes()), ""),
        Subject::Ours => verified(file, user, password.as_bytes()),
    };
    println!("{}{more}", if right { "right" } else { "wrong" });
    i32::from(!right)
}

/// The password that stands in a sasldb2, in the clear.
fn stored(file: &OsString, user: &[u8]) -> Option<Vec<u8>> {
    let host = nix::unistd::gethostname().unwrap();
    let mut parts = user.splitn(2, |&byte| byte == b'@');
    let (name, realm) = (parts.next()?, parts.next().unwrap_or(host.as_bytes()));
    let wanted = [name, b"\0", realm, b"\0userPassword"].concat();
    let dump = Command::new("db5.3_dump").arg(file).output().unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let text = String::from_utf8(dump.stdout).unwrap();
    let records: Vec<Vec<u8>> = text.lines().filter_map(|line| line.strip_prefix(' ')).map(from_hex).collect();
    records.chunks(2).find(|record| record[0] == wanted).map(|record| record[1].clone())
}

fn from_hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// As our tool has it, and for what it is not good.
fn verified(file: &OsString, user: &OsString, password: &[u8]) -> (bool, &'static str) {
    let mut verify = Command::new("sasldb-rs");
    verify.args(["verify", "-f"]).arg(file).arg("--").arg(user).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut verify = verify.stderr(Stdio::piped()).spawn().unwrap();
    // One newline at the end is not part of a password.
    verify.stdin.take().unwrap().write_all(&[password, b"\n"].concat()).unwrap();
    let output = verify.wait_with_output().unwrap();
    let limited = String::from_utf8_lossy(&output.stdout).contains("not for PLAIN and LOGIN");
    let more = if limited { ", but not for PLAIN and LOGIN" } else { "" };
    match output.status.code() {
        Some(0) => (true, more),
        // A password that nobody can have is not this one either.
        Some(1 | 7 | 20) => (false, more),
        other => panic!("verify: {other:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// `in-pieces PIECE... -- COMMAND...`, with control characters as for `typing`: each piece is a write of its own, and no read gives more than one of them, whenever it
/// comes: that is what this kind of socket does.
fn in_pieces(arguments: &[OsString]) -> i32 {
    let (pieces, command) = split(arguments);
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap();
    let mut child = Command::new(&command[0]).args(&command[1..]).stdin(Stdio::from(theirs)).spawn().unwrap();
    let mut ours = fs::File::from(ours);
    for piece in pieces {
        // Who has read enough may have gone.
        let _ = ours.write_all(&with_controls(piece));
    }
    drop(ours);
    child.wait().unwrap().code().unwrap()
}

/// `logged COMMAND...`: what it writes to the system's log goes to standard output.
fn logged(arguments: &[OsString]) -> i32 {
    const LOG: &str = "/dev/log";
    let log = UnixDatagram::bind(LOG).unwrap();
    log.set_nonblocking(true).unwrap();
    let status = Command::new(&arguments[0]).args(&arguments[1..]).status().unwrap();
    fs::remove_file(LOG).unwrap();
    let mut line = [0; 8192];
    while let Ok(length) = log.recv(&mut line) {
        println!("{}", same_everywhere(&String::from_utf8_lossy(&line[..length])));
    }
    status.code().unwrap()
}

/// A line of the log without date, process id and MAC.
fn same_everywhere(line: &str) -> String {
    let (priority, mut rest) = line.split_once('>').unwrap();
    // `Nov 24 20:29:21 `, which our program leaves to the log.
    if rest.as_bytes().get(15) == Some(&b' ') && rest.as_bytes().get(9) == Some(&b':') {
        rest = &rest[16..];
    }
    let mut line = format!("{priority}>{rest}");
    for (before, after, stands) in [("[", "]", "PID"), ("head=", "", "MAC")] {
        let Some(start) = line.find(before).map(|at| at + before.len()) else { continue };
        let end = line[start..].find(after).filter(|_| !after.is_empty()).map_or(line.len(), |at| start + at);
        line.replace_range(start..end, stands);
    }
    line.trim_end_matches('\0').to_owned()
}

/// All that is left to read, as far as it can be.
pub(crate) fn rest_of(file: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes));
    bytes
}

/// An argument in which `^X` stands for the control character X.
pub(crate) fn with_controls(argument: &OsString) -> Vec<u8> {
    let mut bytes = argument.clone().into_vec().into_iter();
    let mut typed = Vec::new();
    while let Some(byte) = bytes.next() {
        typed.push(if byte == b'^' { bytes.next().unwrap() & 0x1f } else { byte });
    }
    typed
}
