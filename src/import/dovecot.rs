//! Dovecot's passwd-file: `user:password:uid:gid:gecos:home:shell:extra fields`.

use crate::credential::Network;
use crate::identity::text_from_wire;
use crate::secret::SecretBytes;

use super::colon;
use super::entry::{Entry, Fault, Format, Found, OtherFile, text};

/// Reads a passwd-file.
#[derive(Debug)]
pub struct Dovecot {
    default_scheme: Scheme,
}

/// The name of a password scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme(String);

impl Scheme {
    /// Accepts letters, digits and `-`, with `.HEX`, `.B64` or `.BASE64` behind them or not. Whether it is one of Dovecot's shows
    /// at the first password.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
        fits.then(|| Self(text.to_owned()))
    }
}

impl Default for Scheme {
    /// Dovecot's own for this file.
    fn default() -> Self {
        Self("CRYPT".to_owned())
    }
}

impl Dovecot {
    /// Passwords without a label are of `default_scheme`.
    #[must_use]
    pub fn new(default_scheme: Scheme) -> Self {
        Self { default_scheme }
    }

    fn entry(&self, user: &[u8], rest: &[u8]) -> Result<Entry, Fault> {
        let mut fields = rest.splitn(7, |&byte| byte == b':');
        let password = fields.next().unwrap_or_default();
        let extra = fields.nth(5).unwrap_or_default();
        let user = text_from_wire(user);
        let extra = Extra::read(extra, &user)?;
        // It begins as no hash does, so that none fits: how an account is locked.
        if password.is_empty() || matches!(password.first(), Some(b'!' | b'*')) {
            return Err(Fault::NoPassword);
        }
        let labelled = self.labelled(password)?;
        let mut entry = Entry::of(&user, text(labelled.expose())?)?;
        entry.networks = extra.networks;
        entry.disabled = extra.nologin.then_some("nologin");
        Ok(entry)
    }

    /// The password with the label that Dovecot gives it.
    fn labelled(&self, password: &[u8]) -> Result<SecretBytes, Fault> {
        let (label, rest) = match password {
            [b'{', ..] => ("", password),
            // Whatever the default is.
            [b'$', b'1', b'$', ..] => ("", password),
            // As libpam-pwdfile marks them.
            [b'$', ..] => (self.default_scheme.0.as_str(), password),
            [rest @ .., b'[', b'3', b'4', b']'] => ("PLAIN-MD5", rest),
            [rest @ .., b'[', b'5', b'6', b']'] => ("DIGEST-MD5", rest),
            [rest @ .., b'[', b'0'..=b'9', b'0'..=b'9', b']'] => ("CRYPT", rest),
            _ => (self.default_scheme.0.as_str(), password),
        };
        // As long as it will be: what is outgrown would leave a copy behind.
        let mut whole = Vec::with_capacity(label.len().saturating_add(rest.len()).saturating_add(2));
        if !label.is_empty() {
            whole.extend([b"{", label.as_bytes(), b"}"].concat());
        }
        whole.extend_from_slice(rest);
        Ok(SecretBytes::new(whole))
    }
}

impl Format for Dovecot {
    fn line(&mut self, number: u64, line: &[u8], tell: &mut dyn FnMut(Found)) -> Result<(), OtherFile> {
        // Dovecot passes over a line without a user.
        if line.first() != Some(&b':') {
            colon::line(number, line, "of the form USER:PASSWORD", tell, |user, rest| self.entry(user, rest));
        }
        Ok(())
    }
}

/// What the extra fields say of a login.
#[derive(Default)]
struct Extra {
    networks: Vec<Network>,
    nologin: bool,
}

impl Extra {
    /// Reads those that make a login stricter, and refuses those that make it what it cannot be here. The others, and all that
    /// are for the userdb, are of mailboxes and proxies.
    fn read(fields: &[u8], user: &str) -> Result<Self, Fault> {
        let mut extra = Self::default();
        let fields = text_from_wire(fields);
        for field in fields.split(' ').filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            match name {
                "nopassword" => return Err(Fault::Open),
                "noauthenticate" => {
                    return Err(Fault::Part { part: "noauthenticate", why: "another server checks its password" });
                }
                "user" | "login_user" if value != user => {
                    return Err(Fault::Part { part: "user", why: "it logs in as another account" });
                }
                "allow_nets" => extra.networks = networks(value)?,
                "nologin" => extra.nologin = true,
                _ => {}
            }
        }
        Ok(extra)
    }
}

fn networks(list: &str) -> Result<Vec<Network>, Fault> {
    let fault = Fault::Part { part: "allow_nets", why: "it names what is no network" };
    let networks: Result<Vec<Network>, _> = list.split(',').map(|text| text.trim().parse()).collect();
    // An empty list lets nobody in, where none at all lets in everybody.
    networks.ok().filter(|networks| !networks.is_empty()).ok_or(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::entry::said::said;

    fn read(text: &str) -> Vec<String> {
        said(&mut Dovecot::new(Scheme::default()), text.as_bytes())
    }

    #[test]
    fn every_scheme_of_doveadm_is_taken_or_refused_with_a_reason() {
        let told = read(include_str!("../../tests/imports/dovecot"));
        let told: Vec<&str> = told.iter().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(
            told,
            [
                "argon2i@example.com: ARGON2I",
                "argon2id@example.com: ARGON2ID",
                "blf-crypt@example.com: BLF-CRYPT",
                "clear@example.com: password secret pass",
                "cleartext@example.com: password secret pass",
                "cram-md5@example.com: cram-md5",
                "crypt@example.com: BLF-CRYPT",
                "des-crypt@example.com: DES-CRYPT",
                "hmac-md5@example.com: cram-md5",
                "joe@example.com: digest-md5 of \"joe\" in \"example.com\"",
                "ldap-md5@example.com: LDAP-MD5",
                "md5@example.com: MD5-CRYPT",
                "md5-crypt@example.com: MD5-CRYPT",
                "otp@example.com: a one-time password is not a password hash",
                "pbkdf2@example.com: PBKDF2",
                "plain@example.com: password secret pass",
                "plain-md4@example.com: MD4 is not supported: its preimages are cheap to find",
                "plain-md5@example.com: LDAP-MD5",
                "plain-trunc@example.com: a part of a password in the clear is not a password hash",
                "scram-sha-1@example.com: scram-sha-1",
                "scram-sha-256@example.com: scram-sha-256",
                "sha@example.com: SHA",
                "sha1@example.com: SHA",
                "sha256@example.com: SHA256",
                "sha256-crypt@example.com: SHA256-CRYPT",
                "sha512@example.com: SHA512",
                "sha512-crypt@example.com: SHA512-CRYPT",
                "smd5@example.com: SMD5",
                "ssha@example.com: SSHA",
                "ssha256@example.com: SSHA256",
                "ssha512@example.com: SSHA512",
            ]
        );
    }

    #[test]
    fn lines_are_parted_as_dovecot_does() {
        for (line, expected) in [
            ("joe:{PLAIN}secret", "1 joe: password secret"),
            ("joe@a:{PLAIN}secret:", "1 joe@a: password secret"),
            ("joe:{PLAIN}s:1000:1000::/home:/bin/sh:x=y\r", "1 joe: password s"),
            ("jörg:{PLAIN.HEX}70c3a4", "1 jörg: password pä"),
            ("joe:{digest-md5}9e350098094efc4af26cd456adf29a60", "1 joe: digest-md5 of \"joe\" in \"\""),
            // Without a label.
            ("joe:Q/u3.RLFw0zbs", "1 joe: DES-CRYPT"),
            ("joe:Q/u3.RLFw0zbs[13]", "1 joe: DES-CRYPT"),
            ("joe:$1$abc$uAXS.Zj1ZDNcW9iX1TVH2/", "1 joe: MD5-CRYPT"),
            ("joe:5ebe2294ecd0e0f08eab7690d2a6ee69[34]", "1 joe: LDAP-MD5"),
            ("joe@b:9e350098094efc4af26cd456adf29a60[56]", "1 joe@b: digest-md5 of \"joe\" in \"b\""),
            // What makes no account.
            ("joe:*", "1 joe: no password logs in to it"),
            ("joe:!$1$abc$uAXS.Zj1ZDNcW9iX1TVH2/", "1 joe: no password logs in to it"),
            ("joe::1000", "1 joe: no password logs in to it"),
            ("joe:{PLAIN}", "1 joe: the password is empty"),
            ("joe:{WHAT}x", "1 joe: not a known form of password hash"),
            ("joe:secret", "1 joe: not a known form of password hash"),
            ("joe", "1 -: the line is not of the form USER:PASSWORD"),
            ("a@b@c:{PLAIN}x", "1 a@b@c: the name holds the character '@', which no name may hold"),
        ] {
            assert_eq!(read(line), [expected], "{line}");
        }
        assert_eq!(read("# joe:x\n\n:x\njoe:{PLAIN}x"), ["4 joe: password x"]);
    }

    #[test]
    fn extra_fields_may_make_a_login_stricter_and_nothing_else() {
        let with = |fields: &str| read(&format!("joe:{{PLAIN}}s::::/h::{fields}")).concat();
        for (fields, expected) in [
            ("userdb_quota_rule=*:bytes=1G  proxy_mech=plain", "password s"),
            ("allow_nets=192.0.2.0/24,2001:db8::/32 x", "password s from 192.0.2.0/24 from 2001:db8::/32"),
            ("nologin reason=moved", "password s disabled (nologin)"),
            ("user=joe", "password s"),
            ("user=ann", "user: it logs in as another account"),
            ("nopassword", "it logs in without a password"),
            ("noauthenticate=y", "noauthenticate: another server checks its password"),
            ("allow_nets=local,192.0.2.1", "allow_nets: it names what is no network"),
            ("allow_nets=", "allow_nets: it names what is no network"),
        ] {
            let told = with(fields);
            assert_eq!(told.strip_prefix("1 joe: "), Some(expected), "{fields}");
        }
    }

    #[test]
    fn another_scheme_may_be_the_default() {
        let mut plain = Dovecot::new(Scheme::new("plain").unwrap());
        for (password, expected) in [
            ("secret", "password secret"),
            ("$6$x", "password $6$x"),
            ("$1$abc$uAXS.Zj1ZDNcW9iX1TVH2/", "MD5-CRYPT"),
            ("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "SHA"),
        ] {
            assert_eq!(said(&mut plain, format!("joe:{password}").as_bytes()), [format!("1 joe: {expected}")]);
        }
        for text in ["", "A}B", "A B", &"A".repeat(33)] {
            assert_eq!(Scheme::new(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_named_and_not_repeated() {
        let mut format = Dovecot::new(Scheme::default());
        assert_eq!(
            said(&mut format, b"j\xF6rg:{PLAIN}p\xE4"),
            ["1 j\\xf6rg: password: it is not UTF-8, and its label does not say how it is encoded"]
        );
        assert_eq!(said(&mut format, b"j\xF6rg:{PLAIN}p"), ["1 j\\xf6rg: password p"]);
    }
}
