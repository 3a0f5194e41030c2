//! What a password may be limited to: services and networks.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use core::str::FromStr;

/// The name of a service as a server sends it, `smtp` or `imap`; kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServiceName(String);

impl ServiceName {
    /// Accepts 1 to 64 letters, digits, `-`, `_` and `.`.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Its text, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An address block in CIDR form. IPv4 addresses mapped into IPv6 count as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// A text that is no address block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address or an address block such as 192.0.2.0/24 or 2001:db8::/32")]
pub struct NetworkError;

impl Network {
    /// Whether `address` lies in the block.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(a)) => {
                masked(bits4(net.to_bits()), self.prefix) == masked(bits4(a.to_bits()), self.prefix)
            }
            (IpAddr::V6(net), IpAddr::V6(a)) => masked(net.to_bits(), self.prefix) == masked(a.to_bits(), self.prefix),
            _ => false,
        }
    }
}

/// The 32 bits of an IPv4 address at the top of 128, so that one mask serves both families.
fn bits4(bits: u32) -> u128 {
    u128::from(bits).wrapping_shl(96)
}

fn masked(bits: u128, prefix: u8) -> u128 {
    let mask = u128::MAX.checked_shl(128u32.saturating_sub(u32::from(prefix))).unwrap_or(0);
    bits & mask
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError)?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map_err(|_| NetworkError)?,
            Some(_) => return Err(NetworkError),
            None => widest,
        };
        if prefix > widest {
            return Err(NetworkError);
        }
        Ok(Self { address, prefix }.canonical())
    }
}

impl Network {
    /// A block of IPv4-mapped addresses is an IPv4 block.
    fn canonical(self) -> Self {
        match self.address {
            IpAddr::V6(v6) => match (v6.to_ipv4_mapped(), self.prefix.checked_sub(96)) {
                (Some(v4), Some(prefix)) => Self { address: IpAddr::V4(v4), prefix },
                _ => Self {
                    address: IpAddr::V6(Ipv6Addr::from_bits(masked(v6.to_bits(), self.prefix))),
                    prefix: self.prefix,
                },
            },
            IpAddr::V4(_) => self,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_their_addresses() {
        for (block, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9"),
            ("192.0.2.0/24", "::ffff:192.0.2.1", "::ffff:192.0.3.1"),
        ] {
            let net: Network = block.parse().unwrap();
            assert!(net.contains(inside.parse().unwrap()), "{block} {inside}");
            assert!(!net.contains(outside.parse().unwrap()), "{block} {outside}");
        }
        for wrong in ["", "/", "192.0.2.0/33", "::/129", "192.0.2.0/-1", "192.0.2.0/+8", "localhost"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
