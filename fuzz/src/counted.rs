//! The frame and the counted texts of our own protocols, read a second time, by their tables in docs/lookup-protocol.md.

use super::random::Random;

/// What bytes of a message are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read<T> {
    /// The beginning of one, perhaps.
    More,
    /// No message, whatever follows.
    Never,
    Whole(T),
}

/// The message of `sent`, if it is whole and `parts` makes something of its body, up to the end.
pub(crate) fn message<'a, T>(
    sent: &'a [u8],
    longest: usize,
    parts: impl FnOnce(&mut Body<'a>) -> Option<T>,
) -> Read<T> {
    let [high, low, rest @ ..] = sent else { return Read::More };
    let length = usize::from(*high) * 256 + usize::from(*low);
    if length > longest || rest.len() > length {
        return Read::Never;
    }
    if rest.len() < length {
        return Read::More;
    }
    let mut body = Body(rest);
    let read = if body.byte() == Some(1) { parts(&mut body) } else { None };
    match read {
        Some(read) if body.0.is_empty() => Read::Whole(read),
        _ => Read::Never,
    }
}

/// What is left of a body.
pub(crate) struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(crate) fn text(&mut self, longest: usize) -> Option<&'a [u8]> {
        let length = usize::from(self.byte()?) * 256 + usize::from(self.byte()?);
        let text = self.0.get(..length).filter(|_| length <= longest)?;
        self.0 = &self.0[length..];
        Some(text)
    }
}

/// What came over a socket, and a byte too many.
pub(crate) struct Input {
    longer: Vec<u8>,
    cut: usize,
}

impl Input {
    /// The bytes themselves, or after a `!` the lines of a message.
    pub(crate) fn of(data: &[u8]) -> Self {
        let mut longer = match data.split_first() {
            Some((b'!', lines)) => framed(lines),
            _ => data.to_vec(),
        };
        longer.push(b'x');
        let cut = Random::of(data).below(longer.len());
        Self { longer, cut }
    }

    /// All of it, and nothing else.
    pub(crate) fn sent(&self) -> &[u8] {
        &self.longer[..self.longer.len() - 1]
    }

    /// Holds a parser to the second reading, with all of the bytes, with one too many, and with some of them. What it answers is
    /// compared by `same`.
    pub(crate) fn check<'a, T, U>(
        &'a self,
        expected: impl Fn(&'a [u8]) -> Read<T>,
        parsed: impl Fn(&'a [u8]) -> Read<U>,
        same: impl Fn(&U, &T) -> bool,
    ) {
        let whole = self.sent();
        for sent in [whole, &whole[..self.cut]] {
            let agree = match (expected(sent), parsed(sent)) {
                (Read::More, Read::More) | (Read::Never, Read::Never) => true,
                (Read::Whole(expected), Read::Whole(parsed)) => same(&parsed, &expected),
                _ => false,
            };
            assert!(agree, "{}", sent.escape_ascii());
        }
        // What is whole goes on no further, and what is none becomes none.
        assert!(matches!(parsed(whole), Read::More) || matches!(parsed(&self.longer), Read::Never));
    }
}

/// A message made of lines: the first is a number, one byte of the body, and of the others each is a counted text.
fn framed(lines: &[u8]) -> Vec<u8> {
    let mut lines = lines.split(|byte| *byte == b'\n');
    let number = std::str::from_utf8(lines.next().unwrap_or_default()).ok().and_then(|text| text.parse().ok());
    let mut body = vec![1, number.unwrap_or(0)];
    for text in lines {
        body.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        body.extend_from_slice(text);
    }
    [u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes().as_slice(), &body].concat()
}

/// What a parser of ours says.
pub(crate) fn told<T, E>(said: Result<Option<T>, E>) -> Read<T> {
    match said {
        Ok(Some(read)) => Read::Whole(read),
        Ok(None) => Read::More,
        Err(_) => Read::Never,
    }
}
