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
pub(super) struct Walk(Within);

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Within {
    #[default]
    Nothing,
    /// A word or a number.
    Word,
    /// `E` alone, which makes what is quoted behind it an `E'...'`.
    E,
    /// `-` alone.
    Dash,
    /// `'...'`, where `''` is one quote: it seems to end and begin again.
    Text,
    /// `E'...'`, where `\'` is one too.
    EscapedText,
    /// Behind a backslash in it.
    Escape,
    /// Behind a quote in it: of two that stand for one, or at its end.
    EscapedTextQuote,
    /// `"..."`.
    Name,
    /// From `--` to the end of the line.
    Comment,
}

impl Walk {
    /// Takes the next byte.
    pub(super) fn step(&mut self, byte: u8) -> At {
        let (within, at) = match (self.0, byte) {
            (Within::Text, b'\'') | (Within::Name, b'"') => (Within::Nothing, At::Inside),
            (within @ (Within::Text | Within::Name), _) => (within, At::Inside),
            (Within::EscapedText, b'\\') => (Within::Escape, At::Inside),
            (Within::EscapedText, b'\'') => (Within::EscapedTextQuote, At::Inside),
            (Within::EscapedText | Within::Escape, _) | (Within::EscapedTextQuote, b'\'') => {
                (Within::EscapedText, At::Inside)
            }
            (Within::Comment, b'\n') => (Within::Nothing, At::Comment),
            (Within::Comment, _) | (Within::Dash, b'-') => (Within::Comment, At::Inside),
            (_, b';') => (Within::Nothing, At::End),
            (Within::E, b'\'') => (Within::EscapedText, At::Inside),
            (_, b'\'') => (Within::Text, At::Inside),
            (_, b'"') => (Within::Name, At::Inside),
            (_, b'-') => (Within::Dash, At::Inside),
            (Within::Word | Within::E, byte) if is_of_word(byte) => (Within::Word, At::Inside),
            (_, b'E' | b'e') => (Within::E, At::Inside),
            (_, byte) if is_of_word(byte) => (Within::Word, At::Inside),
            _ => (Within::Nothing, At::Inside),
        };
        self.0 = within;
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
            b'"' => {
                let (content, after) = quoted(after, first, false);
                tokens.push(Token::Name(content));
                after
            }
            b'\'' => text(after, false, &mut tokens),
            b'E' | b'e' if after.first() == Some(&b'\'') => text(after.get(1..).unwrap_or_default(), true, &mut tokens),
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

/// Takes a text behind its first quote, and gives what comes after it.
fn text<'a>(rest: &'a [u8], escapes: bool, tokens: &mut Vec<Token>) -> &'a [u8] {
    let (content, after) = quoted(rest, b'\'', escapes);
    tokens.push(Token::Text(SecretBytes::new(content)));
    after
}

/// What stands before the quote that ends it, with two quotes as one, and what comes after. With `escapes` a quote behind a backslash
/// ends nothing; both stay.
fn quoted(rest: &[u8], quote: u8, escapes: bool) -> (Vec<u8>, &[u8]) {
    let (written, after) = rest.split_at(end_of_quoted(rest, quote, escapes));
    // As long as it can become, so that no copy of a password is outgrown and left behind; and no longer, since there may be
    // thousands in a statement.
    let mut content = Vec::with_capacity(written.len());
    let mut bytes = written.iter().copied();
    while let Some(byte) = bytes.next() {
        content.push(byte);
        if escapes && byte == b'\\' {
            content.extend(bytes.next());
        } else if byte == quote {
            // The first of two: none stands here alone.
            bytes.next();
        }
    }
    (content, after.get(1..).unwrap_or_default())
}

/// Where the quote stands that no other follows; at the end, if there is none.
fn end_of_quoted(rest: &[u8], quote: u8, escapes: bool) -> usize {
    let mut end = 0usize;
    loop {
        end = match rest.get(end..).unwrap_or_default() {
            [b'\\', _, ..] if escapes => end.saturating_add(2),
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
            let (found, after) = quoted(&rest, b'\'', false);
            assert_eq!((found.as_slice(), after), (content.as_bytes(), behind.as_slice()), "{written}");
            assert!(found.capacity() < 100, "{written}");
        }
        for (written, content) in [(r"a\'b'", r"a\'b"), (r"a''\\'", r"a'\\"), (r"\", r"\"), (r"a\'", r"a\'")] {
            assert_eq!(quoted(written.as_bytes(), b'\'', true).0, content.as_bytes(), "{written}");
        }
        for (written, content) in [("", ""), ("a", "a"), ("a''", "a'")] {
            assert_eq!(quoted(written.as_bytes(), b'\'', false), (content.into(), [].as_slice()), "{written}");
        }
    }
}
