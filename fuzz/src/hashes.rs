//! Passwords that other programs stored: the first line is the hash, the rest a password to try. What is taken costs no more
//! than a second reading of its parameters allows, is written in one way, and can be checked.

use sasldb::credential::{Cost, Imported, PasswordHash};
use sasldb::secret::Password;

pub fn target(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let Ok(text) = std::str::from_utf8(lines.next().unwrap_or_default()) else { return };
    let tried = Password::new(lines.next().unwrap_or_default().to_vec());
    let hash = match Imported::parse(text) {
        Ok(Imported::Hash(hash)) => hash,
        Ok(Imported::Scram(keys)) => {
            assert!((4096..=1_000_000).contains(&keys.iterations));
            assert_eq!(keys.stored_key.expose().len(), keys.hash.output_len());
            return;
        }
        Ok(Imported::Plaintext(password)) => return assert!(!password.expose().is_empty()),
        Ok(Imported::CramMd5(_) | Imported::DigestMd5(_)) | Err(_) => return,
    };
    let again = PasswordHash::parse(hash.as_str()).unwrap_or_else(|error| panic!("{error}: {:?}", hash.as_str()));
    assert_eq!((again.as_str(), again.scheme(), again.cost()), (hash.as_str(), hash.scheme(), hash.cost()));

    let work = Work::of(hash.as_str());
    assert!(work.0 <= 1.0, "{:?} of {:?} costs {} times what is allowed", hash.scheme(), hash.as_str(), work.0);
    if let Ok(password) = tried {
        let _ = hash.fits_others_than(&password);
        // Of those that take milliseconds only the cheapest are checked: there are others to try.
        if hash.cost() == Cost::Fast || work.0 < 0.002 {
            assert_eq!(hash.verify(&password), again.verify(&password));
        }
    }
}

/// What a check costs, as a part of what is allowed.
struct Work(f64);

impl Work {
    /// Reads the parameters out of the text in the plainest way there is.
    fn of(text: &str) -> Self {
        let (label, text) = text.strip_prefix('{').and_then(|text| text.split_once('}')).unwrap_or(("", text));
        let fields: Vec<&str> = text.split('$').collect();
        let number = |text: &str| text.parse::<f64>().unwrap_or(f64::INFINITY);
        let field = |place: usize| fields.get(place).copied().unwrap_or_default();
        Self(match field(1) {
            // OpenLDAP's has the count first.
            _ if label == "PBKDF2-SHA1" => number(field(0)) / 4e6,
            _ if label == "PBKDF2-SHA256" => number(field(0)) / 3.5e6,
            _ if label == "PBKDF2-SHA512" => number(field(0)) / 7e5,
            "5" | "6" => field(2).strip_prefix("rounds=").map_or(5000.0, number) / 1e6,
            "2a" | "2b" | "2y" => (2f64).powf(number(field(2))) / 8192.0,
            "argon2i" | "argon2id" => {
                let costs = if field(2).starts_with("v=") { field(3) } else { field(2) };
                let costs: Vec<f64> = costs.split(',').map(|cost| number(&cost[2..])).collect();
                (costs[0] / 262_144.0).max(costs[0] * costs[1] / 786_432.0)
            }
            "y" => yescrypt_memory(field(2)) / f64::from(256 << 20),
            "7" => {
                let setting = field(2).as_bytes();
                let (n, r, p) = (sixes(&setting[..1]), sixes(&setting[1..6]), sixes(&setting[6..11]));
                (2f64).powf(n) * r * p * 128.0 / f64::from(128 << 20)
            }
            // Dovecot's PBKDF2 has the salt before the count, MD5-crypt ends with its digest.
            "1" if fields.len() == 5 => number(field(3)) / 4e6,
            "1" | "apr1" => 0.0015,
            _ => 0.001,
        })
    }
}

/// A number in crypt's base64, least digit first.
fn sixes(text: &[u8]) -> f64 {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let value = |digit: &u8| ALPHABET.iter().position(|other| other == digit).unwrap() as f64;
    text.iter().rev().fold(0.0, |number, digit| number * 64.0 + value(digit))
}

/// The memory of yescrypt's parameters: flavour, log2 N less 1, and r less 1. A number from 48 on takes two digits or more, and
/// beyond two it is beyond every limit.
fn yescrypt_memory(parameters: &str) -> f64 {
    let digits: Vec<f64> = parameters.bytes().map(|digit| sixes(&[digit])).collect();
    let (log_n, r) = match digits[..] {
        [_, log_n, r] => (log_n, r),
        [_, log_n, high, low] if high < 56.0 => (log_n, 48.0 + (high - 48.0) * 64.0 + low),
        _ => return f64::INFINITY,
    };
    (2f64).powf(log_n + 1.0) * (r + 1.0) * 128.0
}
