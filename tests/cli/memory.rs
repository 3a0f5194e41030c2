//! What is in the memory of a program that was given passwords, as a core dump or a swapped page would show it.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rexpect::session::spawn_command;

use crate::shell::{LISTUSERS, SASLDB, SASLPASSWD, Shell};

/// In passwords that are read, judged and made into secrets. In lower case, which judging changes them to.
const MARK: &str = "kwelg_vorban_mitz";

/// Enough for what came first to have left the buffers that are used again.
const ENTRIES: usize = 200;

const PATIENCE: Option<u64> = Some(30_000);

#[test]
fn apply_keeps_nothing_of_the_passwords_that_it_has_read() {
    let shell = Shell::new();
    let judging = fs::read_to_string(shell.config()).unwrap().replace("\"allow\"", "\"warn\"");
    fs::write(shell.config(), judging).unwrap();
    let mut apply = shell.command(SASLDB, &["apply", "-"]);
    let mut child = apply.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for number in 0..ENTRIES {
        let password = match number {
            0 => MARK.to_owned(),
            1 => format!("{MARK} \\u00fc {MARK}"),
            2 => format!("12345{MARK}12345{MARK}12345{MARK}"),
            _ => format!("another one of {number}"),
        };
        writeln!(stdin, "{{\"name\": \"joe{number}\", \"password\": \"{password}\"}}").unwrap();
    }
    // Its file is there before there is a database in it.
    while shell.run(LISTUSERS, &[] as &[&str], b"").out.lines().count() < ENTRIES {
        assert_eq!(child.try_wait().unwrap(), None);
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(found(child.id(), MARK), Vec::<String>::new());
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

/// The areas of memory that the process may write in which a text is.
fn found(process: u32, text: &str) -> Vec<String> {
    let areas = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let holds = |area: &&str| {
        let mut columns = area.split(' ');
        let (from, to) = columns.next().unwrap().split_once('-').unwrap();
        let [from, to] = [from, to].map(|edge| u64::from_str_radix(edge, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        // Some areas of the system's own cannot be read.
        let read = columns.next().unwrap().starts_with("rw") && memory.read_exact_at(&mut bytes, from).is_ok();
        read && memchr::memmem::find(&bytes, text.as_bytes()).is_some()
    };
    areas.lines().filter(holds).map(str::to_owned).collect()
}

#[test]
fn no_program_leaves_a_core() {
    let shell = Shell::new();
    for (program, arguments, prompt) in
        [(SASLPASSWD, &["-c", "mailman"][..], "Password: "), (SASLDB, &["verify", "mailman"], "Password: ")]
    {
        let plain = shell.command(program, arguments);
        let mut command = Command::new("sh");
        command.args(["-c", "echo process $$.; exec \"$@\"", "sh", program]).args(plain.get_args());
        let mut session = spawn_command(command, PATIENCE).unwrap();
        session.exp_string("process ").unwrap();
        let process = session.exp_string(".").unwrap();
        session.exp_string(prompt).unwrap();
        let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{program}");
    }
}
