//! SMTP by hand, for what no polite client would say.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Stdio};

use crate::machine::Machine;

/// A connection to the server from the stranger's address; ended when dropped.
pub(crate) struct Dialogue {
    connection: Child,
    output: BufReader<ChildStdout>,
}

impl Dialogue {
    /// Connects and reads the banner.
    pub(crate) fn open(machine: &Machine) -> Self {
        let script = "exec 3<>/dev/tcp/mail.example.com/25; cat <&3 & cat >&3; kill %1";
        let mut connection =
            machine.command("bash", &["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(connection.stdout.take().unwrap());
        let mut dialogue = Self { connection, output };
        let banner = dialogue.reply();
        assert!(banner.starts_with("220 "), "{banner}");
        dialogue
    }

    /// Says a line and gives the whole reply.
    pub(crate) fn say(&mut self, line: &str) -> String {
        self.connection.stdin.as_mut().unwrap().write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.reply()
    }

    /// Says EHLO, and gives the line of mechanisms.
    pub(crate) fn offered(&mut self) -> String {
        let reply = self.say("EHLO client.example.org");
        reply.lines().find(|line| line.contains("AUTH ")).unwrap_or_default().to_owned()
    }

    fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            if self.output.read_line(&mut reply).unwrap() == 0 || reply.as_bytes().get(start + 3) != Some(&b'-') {
                return reply.trim_end().to_owned();
            }
        }
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        // This closes its input, at whose end it ends.
        let _ = self.connection.wait();
    }
}
