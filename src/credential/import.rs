//! A stored password of another program, told apart by its label into the schemes that are kept here.

use base64ct::{Base64, Encoding as _};

use crate::secret::{Password, PasswordError, SecretArray, SecretBytes};
use crate::vocabulary::ScramHash;

use super::account::{CramMd5States, ScramKeys, ScramSalt};
use super::hash::{Encoding, HashError, Labelled, PasswordHash};

/// What another program stored of a password.
#[derive(Debug)]
pub enum Imported {
    /// A one-way hash: serves PLAIN and LOGIN.
    Hash(PasswordHash),
    /// The password itself, of which every scheme can be made.
    Plaintext(Password),
    /// `{CRAM-MD5}`, Dovecot's form.
    CramMd5(CramMd5States),
    /// `{DIGEST-MD5}`: the hash of one spelling, which the text does not tell. Dovecot hashes (name, realm) of `name@realm`.
    DigestMd5(SecretArray<16>),
    /// `{SCRAM-*}`, with a salt of its own.
    Scram(ScramKeys),
}

/// Why a stored password cannot be imported. Nothing of it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is refused as a hash, and is nothing else.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// It is in the clear, and no password.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// More iterations would keep the client, and a PLAIN login here, busy for longer than half a second.
const MAX_ITERATIONS: u32 = 1_000_000;

impl Imported {
    /// Reads a stored password as Dovecot's passwd-file has it, with a label, or a crypt(3) string without one; and SCRAM keys as
    /// PostgreSQL has them (RFC 5803, section 2): `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub fn parse(text: &str) -> Result<Self, ImportError> {
        let Some(labelled) = Labelled::split(text) else {
            return match scram_of_rfc_5803(text) {
                Some(keys) => Ok(Self::Scram(keys?)),
                None => Ok(Self::Hash(PasswordHash::parse(text)?)),
            };
        };
        match labelled.scheme() {
            "PLAIN" | "CLEAR" | "CLEARTEXT" => {
                let bytes = labelled.bytes_as_written()?;
                Ok(Self::Plaintext(Password::new(bytes.expose().to_vec())?))
            }
            "CRAM-MD5" | "HMAC-MD5" => {
                let bytes = fixed(&labelled, "CRAM-MD5")?;
                Ok(Self::CramMd5(CramMd5States::from_dovecot(bytes.expose())))
            }
            "DIGEST-MD5" => Ok(Self::DigestMd5(fixed(&labelled, "DIGEST-MD5")?)),
            "SCRAM-SHA-1" => Ok(Self::Scram(scram(ScramHash::Sha1, &labelled)?)),
            "SCRAM-SHA-256" => Ok(Self::Scram(scram(ScramHash::Sha256, &labelled)?)),
            "SCRAM-SHA-512" => Ok(Self::Scram(scram(ScramHash::Sha512, &labelled)?)),
            _ => Ok(Self::Hash(PasswordHash::parse(text)?)),
        }
    }
}

fn fixed<const N: usize>(labelled: &Labelled<'_>, scheme: &'static str) -> Result<SecretArray<N>, HashError> {
    let bytes = labelled.bytes(Encoding::Hex, Some(N));
    let array = bytes.and_then(|bytes| bytes.expose().try_into().ok());
    array.map(SecretArray::new).ok_or(HashError::Malformed(scheme))
}

/// `iterations,salt,StoredKey,ServerKey`, the last three in base64.
fn scram(hash: ScramHash, labelled: &Labelled<'_>) -> Result<ScramKeys, HashError> {
    let text = labelled.text()?;
    let fields: Vec<&str> = text.split(',').collect();
    let fields: [&str; 4] = fields.try_into().map_err(|_| malformed(hash))?;
    scram_keys(hash, fields)
}

/// `MECHANISM$iterations:salt$StoredKey:ServerKey`. None if it does not begin with a mechanism.
fn scram_of_rfc_5803(text: &str) -> Option<Result<ScramKeys, HashError>> {
    let (mechanism, rest) = text.split_once('$')?;
    let hash = ScramHash::ALL.into_iter().find(|hash| hash.mechanism().name() == mechanism)?;
    let fields = rest.split_once('$').and_then(|(parameters, keys)| {
        let (iterations, salt) = parameters.split_once(':')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        Some([iterations, salt, stored_key, server_key])
    });
    Some(fields.ok_or(malformed(hash)).and_then(|fields| scram_keys(hash, fields)))
}

const fn malformed(hash: ScramHash) -> HashError {
    HashError::Malformed(hash.mechanism().name())
}

fn scram_keys(hash: ScramHash, [iterations, salt, stored_key, server_key]: [&str; 4]) -> Result<ScramKeys, HashError> {
    let malformed = malformed(hash);
    if !iterations.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed);
    }
    let iterations: u32 = iterations.parse().map_err(|_| malformed)?;
    // RFC 5802, section 5.1, has clients refuse less.
    if iterations < 4096 {
        return Err(malformed);
    }
    if iterations > MAX_ITERATIONS {
        return Err(HashError::TooCostly { scheme: hash.mechanism().name(), limit: "1,000,000 iterations" });
    }
    let salt = Base64::decode_vec(salt).ok().filter(|salt| (1..=64).contains(&salt.len())).ok_or(malformed)?;
    let key = |text| {
        let bytes = Base64::decode_vec(text).ok().map(SecretBytes::new);
        bytes.filter(|bytes| bytes.expose().len() == hash.output_len()).ok_or(malformed)
    };
    Ok(ScramKeys {
        hash,
        salt: ScramSalt::Imported(salt),
        iterations,
        stored_key: key(stored_key)?,
        server_key: key(server_key)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::{DigestMd5Hash, scram, unhex};

    fn parse(text: &str) -> Imported {
        Imported::parse(text).unwrap()
    }

    fn fault(text: &str) -> String {
        Imported::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn passwords_in_the_clear_are_taken_as_they_are() {
        for text in ["{PLAIN}secret", "{clear}secret", "{CLEARTEXT.b64}c2VjcmV0", "{PLAIN.hex}736563726574"] {
            let Imported::Plaintext(password) = parse(text) else { panic!("{text}") };
            assert_eq!(password.expose(), b"secret");
        }
        assert_eq!(fault("{PLAIN}"), PasswordError::Empty.to_string());
        assert_eq!(fault("{PLAIN.hex}610062"), PasswordError::Nul.to_string());
        assert_eq!(fault("{PLAIN.hex}6"), "not a known form of password hash");
    }

    /// doveadm pw 2.3.19.1, password `secret`, DIGEST-MD5 for joe@example.org.
    #[test]
    fn challenge_secrets_of_dovecot_are_told_apart() {
        for text in [
            "{CRAM-MD5}cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56",
            "{HMAC-MD5}CD3BA7DEAAD6E5CA23448BA42E379747A9E0F7F1FBC00C8A81BBAAC395731B56",
            "{CRAM-MD5.B64}zTun3qrW5cojRIukLjeXR6ng9/H7wAyKgbuqw5VzG1Y=",
        ] {
            let Imported::CramMd5(states) = parse(text) else { panic!("{text}") };
            assert_eq!(states.mac(b"<1@x>"), CramMd5States::derive(b"secret").mac(b"<1@x>"));
        }
        let Imported::DigestMd5(hash) = parse("{DIGEST-MD5}9e350098094efc4af26cd456adf29a60") else { panic!() };
        assert!(hash.equals(DigestMd5Hash::hash(&[b"joe"], b"example.org", b"secret").expose()));

        let text =
            "{SCRAM-SHA-1}4096,zEM4yyfRd9L4nuOaSEOxrw==,QWBuXrmkVgJlkvCPPgEmJP9kHlE=,3oFtoiPoCeEI9JOMvHOP1BQ8aVo=";
        let Imported::Scram(keys) = parse(text) else { panic!() };
        let salt = unhex("cc4338cb27d177d2f89ee39a4843b1af");
        let salted = scram::salted_password(ScramHash::Sha1, b"secret", &salt, 4096);
        assert_eq!((&keys.salt, keys.iterations), (&ScramSalt::Imported(salt), 4096));
        assert!(keys.stored_key.equals(scram::stored_key(ScramHash::Sha1, &salted).expose()));
        assert!(keys.server_key.equals(scram::server_key(ScramHash::Sha1, &salted).expose()));

        let text =
            "SCRAM-SHA-1$4096:zEM4yyfRd9L4nuOaSEOxrw==$QWBuXrmkVgJlkvCPPgEmJP9kHlE=:3oFtoiPoCeEI9JOMvHOP1BQ8aVo=";
        let Imported::Scram(same) = parse(text) else { panic!() };
        assert_eq!((&same.salt, same.iterations), (&keys.salt, keys.iterations));
        assert!(same.stored_key.equals(keys.stored_key.expose()) && same.server_key.equals(keys.server_key.expose()));
    }

    #[test]
    fn the_rest_are_hashes_or_refused() {
        assert!(matches!(parse("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="), Imported::Hash(_)));
        assert!(matches!(parse("abxxB7HlIeckU"), Imported::Hash(_)));
        let keys = "zEM4yyfRd9L4nuOaSEOxrw==,QWBuXrmkVgJlkvCPPgEmJP9kHlE=,3oFtoiPoCeEI9JOMvHOP1BQ8aVo=";
        for (text, said) in [
            ("secret".to_owned(), "not a known form of password hash"),
            ("{PLAIN-TRUNC}6-secret".to_owned(), "a part of a password in the clear is not a password hash"),
            ("{CRAM-MD5}cd3b".to_owned(), "not a well-formed CRAM-MD5 hash"),
            (format!("{{SCRAM-SHA-1}}4095,{keys}"), "not a well-formed SCRAM-SHA-1 hash"),
            (format!("{{SCRAM-SHA-1}}+4096,{keys}"), "not a well-formed SCRAM-SHA-1 hash"),
            (format!("{{SCRAM-SHA-1}}4096,{keys},"), "not a well-formed SCRAM-SHA-1 hash"),
            (format!("{{SCRAM-SHA-256}}4096,{keys}"), "not a well-formed SCRAM-SHA-256 hash"),
            ("SCRAM-SHA-1$4096:zEM4yyfRd9L4nuOaSEOxrw==".to_owned(), "not a well-formed SCRAM-SHA-1 hash"),
            ("SCRAM-SHA-3$4096:x$y:z".to_owned(), "not a known form of password hash"),
            (
                "md50a0f3ae9b8d1d4b1c4c8a7d0e1f2a3b4".to_owned(),
                "PostgreSQL's md5 is not supported: it is made of the role's name and opens PostgreSQL as it stands",
            ),
            (
                format!("{{SCRAM-SHA-1}}1000001,{keys}"),
                "SCRAM-SHA-1 hash with a cost above the limit (1,000,000 iterations)",
            ),
        ] {
            assert_eq!(fault(&text), said, "{text}");
        }
    }
}
