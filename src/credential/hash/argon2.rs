//! `$argon2i$` and `$argon2id$` (RFC 9106) as PHC strings: `$argon2id$v=19$m=65536,t=3,p=1$salt$digest`.

use argon2::{Algorithm, Argon2, Params, Version};
use base64ct::{Base64Unpadded, Encoding};

use crate::secret::SecretBytes;

use super::cost::{MAX_ARGON2_WORK, MAX_MEMORY, count, too_costly};
use super::{HashError, PasswordHash};

#[derive(Clone, Copy)]
pub(super) enum Flavour {
    I,
    Id,
}

#[derive(Clone)]
pub(super) struct Method {
    flavour: Flavour,
    version: Version,
    parameters: Params,
    salt: Vec<u8>,
    length: usize,
}

impl Flavour {
    const fn name(self) -> &'static str {
        match self {
            Self::I => "ARGON2I",
            Self::Id => "ARGON2ID",
        }
    }

    const fn algorithm(self) -> Algorithm {
        match self {
            Self::I => Algorithm::Argon2i,
            Self::Id => Algorithm::Argon2id,
        }
    }
}

/// Reads `rest`, which follows the id in `text`.
pub(super) fn parse(flavour: Flavour, rest: &str, text: &str) -> Result<PasswordHash, HashError> {
    let malformed = HashError::Malformed(flavour.name());
    let (first, after) = rest.split_once('$').ok_or(malformed)?;
    // A string without a version is of the first one (PHC string format).
    let (version, parameters, after) = match first.strip_prefix("v=") {
        Some(version) => {
            let (parameters, after) = after.split_once('$').ok_or(malformed)?;
            (version, parameters, after)
        }
        None => ("16", first, after),
    };
    let version = match version {
        "19" => Version::V0x13,
        "16" => Version::V0x10,
        _ => return Err(malformed),
    };
    let [memory, passes, lanes] = costs(parameters).ok_or(malformed)?;
    let bytes = u64::from(memory).saturating_mul(1024);
    if bytes > MAX_MEMORY || bytes.saturating_mul(u64::from(passes)) > MAX_ARGON2_WORK {
        return Err(too_costly(flavour.name(), "256 MiB of memory; memory times passes 768 MiB"));
    }
    let (salt, digest) = after.split_once('$').ok_or(malformed)?;
    let salt = Base64Unpadded::decode_vec(salt).map_err(|_| malformed)?;
    let digest = SecretBytes::new(Base64Unpadded::decode_vec(digest).map_err(|_| malformed)?);
    let length = digest.expose().len();
    // RFC 9106, section 3.1, has 4 bytes and no upper end; a digest so short fits by chance.
    if !(8..=64).contains(&salt.len()) || !(12..=64).contains(&length) {
        return Err(malformed);
    }
    let lanes_fit = u64::from(memory) >= u64::from(lanes).saturating_mul(8);
    let parameters =
        lanes_fit.then(|| Params::new(memory, passes, lanes, Some(length)).ok()).flatten().ok_or(malformed)?;
    let method = Method { flavour, version, parameters, salt, length };
    Ok(PasswordHash::new(super::Method::Argon2(method), digest, text.to_owned()))
}

/// Memory in KiB, passes and lanes: `m=65536,t=3,p=1`, in this order, as every program writes them.
fn costs(text: &str) -> Option<[u32; 3]> {
    let mut fields = text.split(',');
    let mut next = |name: &str| count(fields.next()?.strip_prefix(name)?);
    let costs = [next("m=")?, next("t=")?, next("p=")?];
    fields.next().is_none().then_some(costs)
}

impl Method {
    pub(super) const fn name(&self) -> &'static str {
        self.flavour.name()
    }

    /// The digest of `password`; none where there is no memory for it.
    pub(super) fn digest(&self, password: &[u8]) -> Option<SecretBytes> {
        let argon2 = Argon2::new(self.flavour.algorithm(), self.version, self.parameters.clone());
        let mut made = vec![0; self.length];
        argon2.hash_password_into(password, &self.salt, &mut made).ok()?;
        Some(SecretBytes::new(made))
    }
}
