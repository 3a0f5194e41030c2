//! The messages of SCRAM (RFC 5802, section 7), cut into their parts.

use std::borrow::Cow;

use crate::mechanism::{MAX_IDENTITY, Malformed};

/// Longer than any honest message: two names with every character escaped, two nonces and some extensions.
const MAX_MESSAGE: usize = 8192;
/// Clients make nonces of 16 to 44 characters.
const MAX_NONCE: usize = 512;

/// client-first-message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFirst<'a> {
    /// gs2-header, which client-final-message has to repeat.
    pub(super) gs2_header: &'a [u8],
    pub(super) authzid: Option<Cow<'a, [u8]>>,
    /// client-first-message-bare.
    pub(super) bare: &'a [u8],
    pub(super) username: Cow<'a, [u8]>,
    pub(super) nonce: &'a [u8],
}

impl<'a> ClientFirst<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        let (flag, rest) = first_attribute(bounded(message)?)?;
        match flag {
            // `y`: the client would bind to the channel but thinks that we do not offer it, and so it is.
            b"n" | b"y" => {}
            [b'p', b'=', ..] => return Err(Malformed::NotOffered),
            _ => return Err(Malformed::Syntax),
        }
        let (authzid, bare) = first_attribute(rest)?;
        let authzid = match authzid {
            [] => None,
            [b'a', b'=', name @ ..] => Some(saslname(name)?),
            _ => return Err(Malformed::Syntax),
        };
        let header_length = message.len().saturating_sub(bare.len());
        let gs2_header = message.get(..header_length).ok_or(Malformed::Syntax)?;

        let mut attributes = bare.split(|&byte| byte == b',');
        let username = match attributes.next() {
            Some([b'n', b'=', name @ ..]) => saslname(name)?,
            // reserved-mext: an extension that we would have to understand.
            Some([b'm', b'=', ..]) => return Err(Malformed::NotOffered),
            _ => return Err(Malformed::Syntax),
        };
        let nonce = match attributes.next() {
            Some([b'r', b'=', nonce @ ..]) if is_nonce(nonce) => nonce,
            _ => return Err(Malformed::Syntax),
        };
        if nonce.len() > MAX_NONCE {
            return Err(Malformed::TooLong);
        }
        attributes.try_for_each(extension)?;
        Ok(Self { gs2_header, authzid, bare, username, nonce })
    }
}

/// client-final-message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFinal<'a> {
    /// client-final-message-without-proof.
    pub(super) without_proof: &'a [u8],
    /// The channel-binding attribute, in base64 as sent.
    pub(super) channel_binding: &'a [u8],
    pub(super) nonce: &'a [u8],
    /// The proof, in base64 as sent.
    pub(super) proof: &'a [u8],
}

impl<'a> ClientFinal<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        let comma = bounded(message)?.iter().rposition(|&byte| byte == b',').ok_or(Malformed::Syntax)?;
        let (without_proof, proof) = message.split_at_checked(comma).ok_or(Malformed::Syntax)?;
        let [b',', b'p', b'=', proof @ ..] = proof else { return Err(Malformed::Syntax) };
        let mut attributes = without_proof.split(|&byte| byte == b',');
        let Some([b'c', b'=', channel_binding @ ..]) = attributes.next() else { return Err(Malformed::Syntax) };
        let Some([b'r', b'=', nonce @ ..]) = attributes.next() else { return Err(Malformed::Syntax) };
        attributes.try_for_each(extension)?;
        Ok(Self { without_proof, channel_binding, nonce, proof })
    }
}

/// No message holds a NUL (`value-safe-char`, `printable` and base64 all leave it out).
fn bounded(message: &[u8]) -> Result<&[u8], Malformed> {
    if message.len() > MAX_MESSAGE {
        Err(Malformed::TooLong)
    } else if message.contains(&0) {
        Err(Malformed::Syntax)
    } else {
        Ok(message)
    }
}

/// Up to the first comma, and after it.
fn first_attribute(text: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let comma = text.iter().position(|&byte| byte == b',').ok_or(Malformed::Syntax)?;
    let (attribute, rest) = text.split_at_checked(comma).ok_or(Malformed::Syntax)?;
    Ok((attribute, rest.get(1..).ok_or(Malformed::Syntax)?))
}

/// An optional extension is passed over; `m` is the one that must not be.
fn extension(attribute: &[u8]) -> Result<(), Malformed> {
    match attribute {
        [b'm', b'=', ..] => Err(Malformed::NotOffered),
        [letter, b'=', _, ..] if letter.is_ascii_alphabetic() => Ok(()),
        _ => Err(Malformed::Syntax),
    }
}

/// `printable`: visible ASCII without the comma.
fn is_nonce(nonce: &[u8]) -> bool {
    !nonce.is_empty() && nonce.iter().all(|byte| byte.is_ascii_graphic() && *byte != b',')
}

/// Undoes `=2C` and `=3D`; any other `=` is an error.
fn saslname(text: &[u8]) -> Result<Cow<'_, [u8]>, Malformed> {
    if text.is_empty() {
        return Err(Malformed::Syntax);
    }
    if text.len() > MAX_IDENTITY.saturating_mul(3) {
        return Err(Malformed::TooLong);
    }
    if !text.contains(&b'=') {
        return if text.len() > MAX_IDENTITY { Err(Malformed::TooLong) } else { Ok(Cow::Borrowed(text)) };
    }
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => break,
            [b'=', b'2', b'C' | b'c', rest @ ..] => {
                name.push(b',');
                rest
            }
            [b'=', b'3', b'D' | b'd', rest @ ..] => {
                name.push(b'=');
                rest
            }
            [b'=', ..] => return Err(Malformed::Syntax),
            [byte, rest @ ..] => {
                name.push(*byte);
                rest
            }
        };
    }
    if name.len() > MAX_IDENTITY { Err(Malformed::TooLong) } else { Ok(Cow::Owned(name)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_first_is_cut_where_the_rfc_cuts_it() {
        let first = ClientFirst::parse(b"n,a=ad=2Cmin,n=us=3Der,r=abc,x=y=z").unwrap();
        assert_eq!(first.gs2_header, b"n,a=ad=2Cmin,");
        assert_eq!(first.authzid.as_deref(), Some(b"ad,min".as_slice()));
        assert_eq!(first.bare, b"n=us=3Der,r=abc,x=y=z");
        assert_eq!(first.username.as_ref(), b"us=er");
        assert_eq!(first.nonce, b"abc");
        assert_eq!(ClientFirst::parse(b"y,,n=u,r=a").unwrap().gs2_header, b"y,,");
    }

    #[test]
    fn client_first_refuses_what_breaks_its_grammar() {
        for (message, fault) in [
            (b"".as_slice(), Malformed::Syntax),
            (b"n", Malformed::Syntax),
            (b"n,", Malformed::Syntax),
            (b"n,,", Malformed::Syntax),
            (b"n,,n=u", Malformed::Syntax),
            (b"n,,n=,r=a", Malformed::Syntax),
            (b"n,,n=u,r=", Malformed::Syntax),
            (b"n,,r=a,n=u", Malformed::Syntax),
            (b"n,,n=u,r=a b", Malformed::Syntax),
            (b"n,,n=u,r=a,", Malformed::Syntax),
            (b"n,,n=u,r=a,xy", Malformed::Syntax),
            (b"n,,n=u=2,r=a", Malformed::Syntax),
            (b"n,,n=u=,r=a", Malformed::Syntax),
            (b"n,,n=u=41,r=a", Malformed::Syntax),
            (b"n,,n=u\0,r=a", Malformed::Syntax),
            (b"n,a=,n=u,r=a", Malformed::Syntax),
            (b"n,b,n=u,r=a", Malformed::Syntax),
            (b"x,,n=u,r=a", Malformed::Syntax),
            (b"N,,n=u,r=a", Malformed::Syntax),
            (b"p=tls-unique,,n=u,r=a", Malformed::NotOffered),
            (b"n,,m=x,n=u,r=a", Malformed::NotOffered),
            (b"n,,n=u,r=a,m=x", Malformed::NotOffered),
        ] {
            assert_eq!(ClientFirst::parse(message), Err(fault), "{}", message.escape_ascii());
        }
        let long = [b"n,,n=u,r=".as_slice(), &[b'a'; MAX_NONCE + 1]].concat();
        assert_eq!(ClientFirst::parse(&long), Err(Malformed::TooLong));
        let long = [b"n,,n=".as_slice(), &[b'a'; MAX_IDENTITY + 1], b",r=a"].concat();
        assert_eq!(ClientFirst::parse(&long), Err(Malformed::TooLong));
    }

    #[test]
    fn client_final_ends_with_the_proof() {
        let last = ClientFinal::parse(b"c=biws,r=abc,x=1,p=cHJvb2Y=").unwrap();
        assert_eq!(last.without_proof, b"c=biws,r=abc,x=1");
        assert_eq!((last.channel_binding, last.nonce), (b"biws".as_slice(), b"abc".as_slice()));
        assert_eq!(last.proof, b"cHJvb2Y=");
        for message in
            [b"".as_slice(), b"c=biws,r=abc", b"r=abc,c=biws,p=eA==", b"c=biws,p=eA==", b"c=biws,r=a,p=eA==,x=1"]
        {
            assert_eq!(ClientFinal::parse(message), Err(Malformed::Syntax), "{}", message.escape_ascii());
        }
        assert_eq!(ClientFinal::parse(b"c=biws,r=a,m=1,p=eA=="), Err(Malformed::NotOffered));
    }
}
