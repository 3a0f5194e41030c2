//! digest-response of DIGEST-MD5 (RFC 2831, section 2.1.2), read as real clients write it.

use std::borrow::Cow;

use crate::mechanism::{MAX_IDENTITY, Malformed, hex};

use super::directives::Directives;
use super::proof::NONCE_COUNT;

/// The RFC's own limit: a response is shorter than this.
const MAX_RESPONSE: usize = 4096;

/// digest-response, checked as far as that goes without knowing nonce and password.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DigestResponse<'a> {
    /// username-value as sent, in whatever character set.
    pub(super) username: Cow<'a, [u8]>,
    /// realm-value; absent is the same as empty for the hash.
    pub(super) realm: Option<Cow<'a, [u8]>>,
    pub(super) nonce: Cow<'a, [u8]>,
    pub(super) cnonce: Cow<'a, [u8]>,
    pub(super) digest_uri: Cow<'a, [u8]>,
    pub(super) response: [u8; 16],
    /// Part of A1 where it was sent, even if empty.
    pub(super) authzid: Option<Cow<'a, [u8]>>,
}

impl<'a> DigestResponse<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        if message.len() >= MAX_RESPONSE {
            return Err(Malformed::TooLong);
        }
        let mut fields = Fields::default();
        for directive in Directives::of(message) {
            let (name, value) = directive?;
            let Some(field) = fields.by_name(name) else { continue };
            if field.replace(value).is_some() {
                return Err(Malformed::Syntax);
            }
        }
        fields.check()
    }
}

type Field<'a> = Option<Cow<'a, [u8]>>;

/// Every directive that counts; the others (`maxbuf`, `cipher`, what is yet unknown) are passed over.
#[derive(Default)]
struct Fields<'a> {
    username: Field<'a>,
    realm: Field<'a>,
    nonce: Field<'a>,
    cnonce: Field<'a>,
    nonce_count: Field<'a>,
    qop: Field<'a>,
    digest_uri: Field<'a>,
    response: Field<'a>,
    authzid: Field<'a>,
    charset: Field<'a>,
}

impl<'a> Fields<'a> {
    fn by_name(&mut self, name: &[u8]) -> Option<&mut Field<'a>> {
        let mut lower = [0u8; 10];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        match &*lower {
            b"username" => Some(&mut self.username),
            b"realm" => Some(&mut self.realm),
            b"nonce" => Some(&mut self.nonce),
            b"cnonce" => Some(&mut self.cnonce),
            b"nc" => Some(&mut self.nonce_count),
            b"qop" => Some(&mut self.qop),
            b"digest-uri" => Some(&mut self.digest_uri),
            b"response" => Some(&mut self.response),
            b"authzid" => Some(&mut self.authzid),
            b"charset" => Some(&mut self.charset),
            _ => None,
        }
    }

    fn check(self) -> Result<DigestResponse<'a>, Malformed> {
        let required = |field: Field<'a>| field.filter(|value| !value.is_empty()).ok_or(Malformed::Syntax);
        if self.charset.is_some_and(|charset| !charset.eq_ignore_ascii_case(b"utf-8")) {
            return Err(Malformed::NotOffered);
        }
        if self.qop.is_some_and(|qop| *qop != *b"auth") {
            return Err(Malformed::NotOffered);
        }
        // A later count would be a second use of a nonce (section 2.2), and every nonce of ours is good for once.
        if self.nonce_count.is_some_and(|count| *count != *NONCE_COUNT) {
            return Err(Malformed::Nonce);
        }
        let username = required(self.username)?;
        let long = |name: &Field<'_>| name.as_ref().is_some_and(|name| name.len() > MAX_IDENTITY);
        if username.len() > MAX_IDENTITY || long(&self.realm) || long(&self.authzid) {
            return Err(Malformed::TooLong);
        }
        let digest_uri = required(self.digest_uri)?;
        // The host is not checked: clients put there what they were configured with, and curl puts the realm.
        if !digest_uri.contains(&b'/') {
            return Err(Malformed::Syntax);
        }
        Ok(DigestResponse {
            username,
            realm: self.realm,
            nonce: required(self.nonce)?,
            cnonce: required(self.cnonce)?,
            digest_uri,
            response: hex::decode(&required(self.response)?).ok_or(Malformed::Syntax)?,
            authzid: self.authzid,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "username=\"u\",realm=\"r\",nonce=\"n\",cnonce=\"c\",nc=00000001,qop=auth,digest-uri=\"smtp/h\",\
                        response=00112233445566778899aAbBcCdDeEfF,charset=utf-8,authzid=\"a\"";

    fn parse(text: &str) -> Result<DigestResponse<'_>, Malformed> {
        DigestResponse::parse(text.as_bytes())
    }

    #[test]
    fn what_clients_leave_out_quote_or_reorder_is_taken() {
        let reversed: Vec<_> = GOOD.split(',').rev().collect();
        assert_eq!(parse(&reversed.join(" ,\t")), Ok(parse(GOOD).unwrap()));
        assert_eq!(parse(&GOOD.replace("nc=00000001", "nc=\"00000001\"")), Ok(parse(GOOD).unwrap()));
        assert_eq!(parse(&GOOD.replace("qop=auth,", "")), Ok(parse(GOOD).unwrap()));
        assert_eq!(parse(&GOOD.replace("nc=00000001,", "maxbuf=1024,cipher=rc4,maxbuf=1,")), Ok(parse(GOOD).unwrap()));
        assert_eq!(parse(&GOOD.replace(",charset=utf-8", "")), Ok(parse(GOOD).unwrap()));
        assert_eq!(parse(&GOOD.replace("realm=\"r\",", "")).unwrap().realm, None);
        assert_eq!(parse(&GOOD.replace("realm=\"r\"", "realm=\"\"")).unwrap().realm.as_deref(), Some(b"".as_slice()));
        assert_eq!(parse(&GOOD.replace("smtp/h", "smtp/")).unwrap().digest_uri.as_ref(), b"smtp/");
    }

    #[test]
    fn nothing_comes_twice() {
        for field in GOOD.split(',') {
            assert_eq!(parse(&format!("{GOOD},{field}")), Err(Malformed::Syntax), "{field}");
            let (name, value) = field.split_once('=').unwrap();
            let upper = name.to_uppercase();
            assert_eq!(parse(&format!("{upper}={value},{GOOD}")), Err(Malformed::Syntax), "{field}");
        }
    }

    #[test]
    fn what_is_needed_must_be_there_and_be_ours() {
        for name in ["username", "nonce", "cnonce", "digest-uri", "response"] {
            let without: Vec<_> = GOOD.split(',').filter(|f| f.split('=').next() != Some(name)).collect();
            assert_eq!(parse(&without.join(",")), Err(Malformed::Syntax), "{name}");
        }
        for (from, to, fault) in [
            ("username=\"u\"", "username=\"\"", Malformed::Syntax),
            ("smtp/h", "smtp", Malformed::Syntax),
            ("nc=00000001", "nc=00000002", Malformed::Nonce),
            ("nc=00000001", "nc=1", Malformed::Nonce),
            ("qop=auth", "qop=auth-int", Malformed::NotOffered),
            ("charset=utf-8", "charset=iso-8859-1", Malformed::NotOffered),
            ("eEfF", "eEf", Malformed::Syntax),
            ("eEfF", "eEfFf0", Malformed::Syntax),
            ("eEfF", "eEfg", Malformed::Syntax),
        ] {
            assert_eq!(parse(&GOOD.replace(from, to)), Err(fault), "{to}");
        }
        assert_eq!(parse(&GOOD.replace("\"c\"", &format!("\"{}\"", "c".repeat(4096)))), Err(Malformed::TooLong));
        assert_eq!(parse(&GOOD.replace("\"u\"", &format!("\"{}\"", "u".repeat(1025)))), Err(Malformed::TooLong));
    }
}
