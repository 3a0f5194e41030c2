//! The audit's heads as the system's log has them: ` audit=NUMBER head=HEX` in a line.

use std::io::{self, BufRead};

use crate::cli::audit_log::{HEAD, NUMBER};
use crate::cli::input;
use crate::store::{AuditHead, hex};

/// Gives the head of each line that has one to `take`.
pub(super) fn each(input: impl BufRead, mut take: impl FnMut(AuditHead)) -> io::Result<()> {
    input::lines(input, |line| {
        if let Some(head) = line.and_then(|line| head_of(&String::from_utf8_lossy(line))) {
            take(head);
        }
    })
}

/// The last one of the line: an account's name stands before it and may look like one.
fn head_of(line: &str) -> Option<AuditHead> {
    let (before, mac) = line.trim_end().rsplit_once(HEAD)?;
    let (_, number) = before.rsplit_once(NUMBER)?;
    let mut head = AuditHead { number: number.parse().ok()?, mac: [0; 32] };
    hex::decode(mac, &mut head.mac).then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_found_wherever_the_line_has_them() {
        let mac = "0f".repeat(32);
        let other = "ab".repeat(32);
        let log = format!(
            "Nov 24 10:00:00 mx1 saslpasswd-rs[7]: password set: account=\"joe@x audit=9 head=00\" uid=0 audit=12 head={mac}\n\
             \u{FFFD} audit=13 head={mac} and more\n\
             audit=x head={mac}\n\
             a audit=14 head={mac}\r\n a audit=14 head={mac}\n a audit=14 head={other}"
        );
        let mut found = Vec::new();
        each(log.as_bytes(), |head| found.push((head.number, head.hex()))).unwrap();
        assert_eq!(found, [(12, mac.clone()), (14, mac.clone()), (14, mac), (14, other)]);
    }
}
