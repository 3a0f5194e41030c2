//! Who logs in, as a mail client would have it configured.

use base64ct::{Base64Url, Encoding};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::mechanism::client::ClientStart;
use crate::runtime::{Entropy, SystemEntropy};
use crate::secret::Password;
use crate::vocabulary::Mechanism;

/// The user of a login.
pub(super) struct Who<'a> {
    user: &'a str,
    realm: Option<&'a str>,
    qualified: String,
    password: &'a Password,
    service: &'a str,
    host: String,
}

impl<'a> Who<'a> {
    /// `realm` is the realm of a `user` without one.
    pub(super) fn new(user: &'a str, realm: Option<&'a str>, password: &'a Password, service: &'a str) -> Self {
        let realm = realm.filter(|_| !user.contains('@'));
        let qualified = realm.map_or_else(|| user.to_owned(), |realm| format!("{user}@{realm}"));
        let host = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { user, realm, qualified, password, service, host }
    }

    /// What the client side of `mechanism` begins with. DIGEST-MD5 alone has a place for the realm; elsewhere it goes into
    /// the name.
    pub(super) fn start<'s>(&'s self, mechanism: Mechanism, nonce: &'s str) -> ClientStart<'s> {
        let has_place = mechanism == Mechanism::DigestMd5;
        ClientStart {
            mechanism,
            authcid: if has_place { self.user } else { &self.qualified },
            authzid: None,
            password: self.password,
            realm: if has_place { self.realm } else { None },
            service: self.service,
            host: &self.host,
            nonce,
        }
    }

    /// The name with its realm.
    pub(super) fn qualified(&self) -> &str {
        &self.qualified
    }
}

/// A nonce for one side of one exchange.
pub(super) fn nonce() -> Result<String, Failure> {
    let mut bytes = [0; 18];
    SystemEntropy.fill(&mut bytes).map_err(|fault| Failure::new(Exit::Unavailable, fault))?;
    Ok(Base64Url::encode_string(&bytes))
}
