//! As much of SQL as tells where a statement ends, and its words from its texts.

use crate::secret::SecretBytes;

/// Where a step has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// Somewhere in a statement.
    Inside,
    /// Behind a comment.
    Comment,
    /// Behind a statement.
    End,
}

/// Finds the end of a statement, byte by byte.
#[derive(Debug, Default)]
pub(super) struct Walk {
    within: Within,
    last: u8,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Within {
    #[default]
    Nothing,
    /// `'...'`, where `''` is one quote: it seems to end and begin again.
    Text,
    /// `E'...'`, where `\'` is one too.
    EscapedText,
    /// `"..."`.
    Name,
    /// From `--` to the end of the line.
    Comment,
}

impl Walk {
    /// Takes the next byte.
    pub(super) fn step(&mut self, byte: u8) -> At {
        let last = core::mem::replace(&mut self.last, byte);
        let (within, at) = match (self.within, byte) {
            (Within::Nothing, b';') => (Within::Nothing, At::End),
            (Within::Nothing, b'\'') if matches!(last, b'E' | b'e') => (Within::EscapedText, At::Inside),
            (Within::Nothing, b'\'') => (Within::Text, At::Inside),
            (Within::Nothing, b'"') => (Within::Name, At::Inside),
            (Within::Nothing, b'-') if last == b'-' => (Within::Comment, At::Inside),
            (Within::Comment, b'\n') => (Within::Nothing, At::Comment),
            (Within::Text, b'\'') | (Within::Name, b'"') => (Within::Nothing, At::Inside),
            (Within::EscapedText, b'\'') if last != b'\\' => (Within::Nothing, At::Inside),
            // A backslash that is escaped itself escapes nothing.
            (Within::EscapedText, b'\\') if last == b'\\' => {
                self.last = 0;
                (Within::EscapedText, At::Inside)
            }
            (within, _) => (within, At::Inside),
        };
        self.within = within;
        at
    }
}

/// A part of a statement.
#[derive(Debug)]
pub(super) enum Token {
    /// A keyword, or a name without quotes.
    Word(Vec<u8>),
    /// A name in quotes.
    Name(Vec<u8>),
    /// A text, which may be a password.
    Text(SecretBytes),
    /// Anything else.
    Sign,
}

impl Token {
    /// Whether it is this keyword, which is given in capitals.
    pub(super) fn is(&self, keyword: &[u8]) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// As the name of a role: without quotes capitals do not count.
    pub(super) fn name(&self) -> Vec<u8> {
        match self {
            Self::Word(word) => word.to_ascii_lowercase(),
            Self::Name(name) => name.clone(),
            Self::Text(_) | Self::Sign => Vec::new(),
        }
    }

    pub(super) fn string(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text.expose()),
            _ => None,
        }
    }
}

/// The parts of a statement that is complete. Escapes in texts stay as they are: no verifier has any.
pub(super) fn tokens(statement: &[u8]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = statement;
    while let Some((&first, after)) = rest.split_first() {
        rest = match first {
            b'\'' | b'"' => {
                let (content, after) = quoted(after, first);
                tokens.push(if first == b'"' { Token::Name(content) } else { Token::Text(SecretBytes::new(content)) });
                after
            }
            b'E' | b'e' if after.first() == Some(&b'\'') => after,
            b'-' if after.first() == Some(&b'-') => {
                let end = memchr::memchr(b'\n', after).unwrap_or(after.len());
                after.get(end..).unwrap_or_default()
            }
            _ if is_of_word(first) => {
                let end = rest.iter().position(|byte| !is_of_word(*byte)).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                tokens.push(Token::Word(word.to_vec()));
                after
            }
            _ if first.is_ascii_whitespace() => after,
            _ => {
                tokens.push(Token::Sign);
                after
            }
        };
    }
    tokens
}

/// What stands before the quote that ends it, with two quotes as one, and what comes after.
fn quoted(rest: &[u8], quote: u8) -> (Vec<u8>, &[u8]) {
    let (written, after) = rest.split_at(end_of_quoted(rest, quote));
    // As long as it can become, so that no copy of a password is outgrown and left behind; and no longer, since there may be
    // thousands in a statement.
    let mut content = Vec::with_capacity(written.len());
    let mut is_first_of_two = false;
    for &byte in written {
        is_first_of_two = byte == quote && !is_first_of_two;
        if !is_first_of_two {
            content.push(byte);
        }
    }
    (content, after.get(1..).unwrap_or_default())
}

/// Where the quote stands that no other follows; at the end, if there is none.
fn end_of_quoted(rest: &[u8], quote: u8) -> usize {
    let mut end = 0usize;
    loop {
        end = match rest.get(end..).unwrap_or_default() {
            [first, second, ..] if *first == quote && *second == quote => end.saturating_add(2),
            [first, ..] if *first != quote => end.saturating_add(1),
            _ => return end,
        };
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_takes_its_own_room_and_not_that_of_what_follows() {
        let behind = [b' '; 1000];
        for (written, content) in [("'", ""), ("a'", "a"), ("a''b'", "a'b"), ("''''''''''x'", "'''''x")] {
            let rest = [written.as_bytes(), &behind].concat();
            let (found, after) = quoted(&rest, b'\'');
            assert_eq!((found.as_slice(), after), (content.as_bytes(), behind.as_slice()), "{written}");
            assert!(found.capacity() < 100, "{written}");
        }
        for (written, content) in [("", ""), ("a", "a"), ("a''", "a'")] {
            assert_eq!(quoted(written.as_bytes(), b'\''), (content.into(), [].as_slice()), "{written}");
        }
    }
}
