//! What a server says first, in one write and before it reads: Exim up to 4.98, Radicale, Halon and others wait for it.

use crate::vocabulary::{Mechanism, MechanismSet};

use super::{VERSION, push_number, push_version};

/// 16 fresh random bytes for each connection. Dovecot's own clients refuse a greeting without them.
pub type Cookie = [u8; 16];

/// The greeting of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// The mechanisms, announced strongest first.
    pub mechanisms: MechanismSet,
    /// The server's process id.
    pub server_pid: u32,
    /// Another number for each connection.
    pub connection: u32,
    /// See [`Cookie`].
    pub cookie: Cookie,
}

impl Greeting {
    /// Appends the greeting to `out`. It stays below 512 bytes, because qmail-dovecot-checkpassword reads it at one go. MECH
    /// comes before SPID: Postfix and Exim take the other order for a socket of another kind.
    pub fn encode(&self, out: &mut Vec<u8>) {
        push_version(VERSION, out);
        for mechanism in self.mechanisms.iter() {
            out.extend_from_slice(b"\nMECH\t");
            out.extend_from_slice(mechanism.name().as_bytes());
            out.extend_from_slice(flags(mechanism).as_bytes());
        }
        out.extend_from_slice(b"\nSPID\t");
        push_number(self.server_pid, out);
        out.extend_from_slice(b"\nCUID\t");
        push_number(self.connection, out);
        out.extend_from_slice(b"\nCOOKIE\t");
        for byte in self.cookie {
            out.extend([byte.wrapping_shr(4), byte & 15].map(hex_digit));
        }
        out.extend_from_slice(b"\nDONE\n");
    }
}

/// What Dovecot 2.3 and 2.4 say of each mechanism. A line without flags makes Apache's mod_authn_dovecot crash: one more
/// reason to announce EXTERNAL only where it is wanted.
const fn flags(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::ScramSha512 | Mechanism::ScramSha256 | Mechanism::ScramSha1 => "\tmutual-auth",
        Mechanism::DigestMd5 => "\tdictionary\tactive\tmutual-auth",
        Mechanism::CramMd5 => "\tdictionary\tactive",
        Mechanism::Login | Mechanism::Plain => "\tplaintext",
        Mechanism::External => "",
    }
}

const fn hex_digit(value: u8) -> u8 {
    if value < 10 { value.saturating_add(b'0') } else { value.saturating_sub(10).saturating_add(b'a') }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(mechanisms: MechanismSet) -> String {
        let cookie = [0x4e, 0xaa, 0x7e, 0xf4, 0xf4, 0x15, 0xd6, 0x1b, 0x0d, 0x7d, 0xeb, 0x57, 0x34, 0x6c, 0xa5, 0x7a];
        let mut out = Vec::new();
        Greeting { mechanisms, server_pid: 11121, connection: 1, cookie }.encode(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_lines_of_dovecot_in_our_order() {
        assert_eq!(
            greeting(Mechanism::ALL.into_iter().collect()),
            "VERSION\t1\t2\nMECH\tSCRAM-SHA-512\tmutual-auth\nMECH\tSCRAM-SHA-256\tmutual-auth\n\
             MECH\tSCRAM-SHA-1\tmutual-auth\nMECH\tDIGEST-MD5\tdictionary\tactive\tmutual-auth\n\
             MECH\tCRAM-MD5\tdictionary\tactive\nMECH\tLOGIN\tplaintext\nMECH\tPLAIN\tplaintext\nMECH\tEXTERNAL\n\
             SPID\t11121\nCUID\t1\nCOOKIE\t4eaa7ef4f415d61b0d7deb57346ca57a\nDONE\n"
        );
    }

    #[test]
    fn it_fits_one_small_read() {
        let mut out = Vec::new();
        let mechanisms = Mechanism::ALL.into_iter().collect();
        Greeting { mechanisms, server_pid: u32::MAX, connection: u32::MAX, cookie: [255; 16] }.encode(&mut out);
        assert!(out.len() < 512, "{}", out.len());
    }
}
