//! The list that both sides of DIGEST-MD5 send: `name=value` with commas between (RFC 2831, section 7.1).

use std::borrow::Cow;

use crate::mechanism::Malformed;

/// Cuts a challenge or a response into its directives. Clients put spaces around the commas (GNU SASL) and quote what need not
/// be quoted (curl), so both are taken everywhere.
pub(in crate::mechanism) struct Directives<'a> {
    rest: &'a [u8],
}

/// A name and its value, unquoted.
pub(in crate::mechanism) type Directive<'a> = (&'a [u8], Cow<'a, [u8]>);

impl<'a> Directives<'a> {
    pub(in crate::mechanism) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn directive(&mut self) -> Result<Directive<'a>, Malformed> {
        let name = self.take_while(|byte| byte.is_ascii_graphic() && !matches!(byte, b'=' | b',' | b'"'));
        if name.is_empty() {
            return Err(Malformed::Syntax);
        }
        self.skip_space();
        if !self.take_byte(b'=') {
            return Err(Malformed::Syntax);
        }
        self.skip_space();
        let value = if self.take_byte(b'"') { self.quoted()? } else { Cow::Borrowed(self.token()?) };
        self.skip_space();
        // What follows a value is the next comma or the end; anything else is a quote that was not escaped.
        match self.rest {
            [] | [b',', ..] => Ok((name, value)),
            _ => Err(Malformed::Syntax),
        }
    }

    /// What is inside the quotes; a backslash takes the next byte as it is.
    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        let plain = self.take_while(|byte| is_text(byte) && !matches!(byte, b'"' | b'\\'));
        if self.take_byte(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut value = plain.to_vec();
        loop {
            let (byte, rest) = match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Ok(Cow::Owned(value));
                }
                [b'\\', byte, rest @ ..] => (*byte, rest),
                [b'\\'] | [] => return Err(Malformed::Syntax),
                [byte, rest @ ..] => (*byte, rest),
            };
            if !is_text(byte) {
                return Err(Malformed::Syntax);
            }
            value.push(byte);
            self.rest = rest;
        }
    }

    fn token(&mut self) -> Result<&'a [u8], Malformed> {
        let token = self.take_while(|byte| is_text(byte) && !matches!(byte, b',' | b'"' | b' ' | b'\t'));
        if token.is_empty() { Err(Malformed::Syntax) } else { Ok(token) }
    }

    fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().position(|&byte| !keep(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn take_byte(&mut self, wanted: u8) -> bool {
        match self.rest {
            [byte, rest @ ..] if *byte == wanted => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn skip_space(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    }
}

/// Bytes of a value: no control characters but the tab. Bytes over 127 are of the character set, whichever it is.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}

impl<'a> Iterator for Directives<'a> {
    type Item = Result<Directive<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        // Empty elements of the list are allowed.
        self.take_while(|byte| matches!(byte, b',' | b' ' | b'\t' | b'\r' | b'\n'));
        if self.rest.is_empty() {
            return None;
        }
        let directive = self.directive();
        if directive.is_err() {
            self.rest = &[];
        }
        Some(directive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Malformed> {
        Directives::of(message)
            .map(|d| d.map(|(name, value)| (String::from_utf8(name.to_vec()).unwrap(), value.into_owned())))
            .collect()
    }

    #[test]
    fn lists_are_read_as_clients_write_them() {
        for (message, expected) in [
            (b"".as_slice(), vec![]),
            (b",, ,", vec![]),
            (b"a=1,b=\"2\"", vec![("a", b"1".as_slice()), ("b", b"2")]),
            (b"a = 1 ,\tb=\r\n \"2\" , c=\"\"", vec![("a", b"1"), ("b", b"2"), ("c", b"")]),
            (b"a=\"x,y=\\\"z\\\\\"", vec![("a", b"x,y=\"z\\")]),
            (b"a=\"\\x\\y\",b=c==", vec![("a", b"xy"), ("b", b"c==")]),
            (b"a=\"j\xF6rg\"", vec![("a", b"j\xF6rg")]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(n, v)| (n.to_owned(), v.to_vec())).collect();
            assert_eq!(read(message), Ok(expected), "{}", message.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for message in [
            b"a".as_slice(),
            b"a=",
            b"=1",
            b"a=,b=1",
            b"a=\"1",
            b"a=\"1\\",
            b"a=\"1\\\"",
            b"a=\"b\"c\"",
            b"a=\"1\"2",
            b"a=1 2",
            b"a b=1",
            b"a=\"x\0y\"",
            b"a=\"x\\\0y\"",
            b"a=x\0",
            b"\0",
        ] {
            assert_eq!(read(message), Err(Malformed::Syntax), "{}", message.escape_ascii());
        }
    }
}
