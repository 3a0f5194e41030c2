//! The audit's heads as the system's log has them: ` audit=NUMBER head=HEX` in a line.

use std::collections::BTreeMap;
use std::io::BufRead;

use crate::cli::audit_log::{HEAD, NUMBER};
use crate::store::{AuditHead, hex};

/// MACs by the number of their entry. A number may come with several: a database restored from a backup counts on from there.
pub(super) type Heads = BTreeMap<u64, Vec<[u8; 32]>>;

/// Reads the heads of all lines that have one. Lines are cut at their end only: a log may hold any bytes.
pub(super) fn read(mut input: impl BufRead) -> std::io::Result<Heads> {
    let mut heads = Heads::new();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? != 0 {
        if let Some(head) = head_of(&String::from_utf8_lossy(&line)) {
            let macs = heads.entry(head.number).or_default();
            if !macs.contains(&head.mac) {
                macs.push(head.mac);
            }
        }
        line.clear();
    }
    Ok(heads)
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
        let log = format!(
            "Nov 24 10:00:00 mx1 saslpasswd-rs[7]: password set: account=\"joe@x audit=9 head=00\" uid=0 audit=12 head={mac}\n\
             \u{FFFD} audit=13 head={mac} and more\n\
             audit=x head={mac}\n\
             a audit=14 head={mac}\r\n a audit=14 head={mac}\n a audit=14 head={}",
            "ab".repeat(32)
        );
        let found = read(log.as_bytes()).unwrap();
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [12, 14]);
        assert_eq!(found[&14], [[0x0f; 32], [0xab; 32]]);
        assert_eq!(AuditHead { number: 12, mac: found[&12][0] }.hex(), mac);
    }
}
