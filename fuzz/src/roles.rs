//! PostgreSQL's roles, as SQL or as rows that psql shows; the input is the file. The second reading takes SQL apart as PostgreSQL's
//! lexer does, in one go.

use sasldb::import::PostgreSql;

use super::lines::{self, Taken, Verdict, Wanted};

pub fn target(data: &[u8]) {
    lines::check(&mut PostgreSql::default(), data, |file| Some(wanted(file)));
}

fn wanted(file: &[u8]) -> Vec<Wanted> {
    let lines = file.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines: Vec<(u64, &[u8])> = (1..).zip(lines).collect();
    let first = lines.iter().find(|(_, line)| !line.trim_ascii().is_empty());
    if first.is_some_and(|(_, line)| line.contains(&b'|')) {
        return lines.iter().filter_map(|(number, line)| row(*number, line.trim_ascii())).collect();
    }
    let mut reader = Reader { lines: &lines, line: 0, place: 0 };
    let mut wanted = Vec::new();
    while let Some(begins) = reader.next_statement() {
        match reader.statement() {
            Some(tokens) => wanted.extend(role(begins, &tokens)),
            None => wanted.push(Wanted { line: begins, who: None, entry: Verdict::Refused }),
        }
    }
    wanted
}

fn row(line: u64, text: &[u8]) -> Option<Wanted> {
    if text.is_empty() || text.starts_with(b"--") || (text[0] == b'(' && text.ends_with(b")")) {
        return None;
    }
    let columns: Vec<&[u8]> = text.split(|byte| *byte == b'|').map(<[u8]>::trim_ascii).collect();
    match columns[..] {
        [_] => Some(Wanted { line, who: None, entry: Verdict::Refused }),
        [_, b"rolpassword", ..] => None,
        [name, verifier, ref rest @ ..] => {
            let until = rest.first().copied();
            Some(Wanted { line, who: Some(name.to_vec()), entry: verdict(entry(name, Some(verifier)), until) })
        }
        [] => None,
    }
}

fn entry(name: &[u8], verifier: Option<&[u8]>) -> Option<Taken> {
    let verifier = verifier.filter(|text| text.starts_with(b"SCRAM-SHA-256$"))?;
    lines::of_text(name, verifier)
}

/// Times are not read a second time.
fn verdict(taken: Option<Taken>, until: Option<&[u8]>) -> Verdict {
    let is_plain = matches!(until.map(<[u8]>::trim_ascii), None | Some(b"" | b"infinity"));
    match taken {
        None => Verdict::Refused,
        Some(taken) if is_plain => Verdict::Taken(taken),
        Some(_) => Verdict::Any,
    }
}

#[derive(Debug)]
enum Token {
    /// In capitals.
    Word(String, Vec<u8>),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Sign,
}

struct Reader<'f> {
    lines: &'f [(u64, &'f [u8])],
    line: usize,
    place: usize,
}

impl Reader<'_> {
    /// The next byte; each line ends with a newline. None behind the last one.
    fn peek(&self) -> Option<u8> {
        let (_, line) = self.lines.get(self.line)?;
        Some(line.get(self.place).copied().unwrap_or(b'\n'))
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        if self.place < self.lines[self.line].1.len() {
            self.place += 1;
        } else {
            self.line += 1;
            self.place = 0;
        }
        Some(byte)
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|byte| byte != b'\n') {}
    }

    fn is_comment(&self) -> bool {
        self.lines
            .get(self.line)
            .is_some_and(|(_, line)| line.get(self.place..).is_some_and(|rest| rest.starts_with(b"--")))
    }

    /// Goes to where the next statement begins, and gives that line.
    fn next_statement(&mut self) -> Option<u64> {
        loop {
            let byte = self.peek()?;
            if self.is_comment() || (byte == b'\\' && self.place == 0) {
                self.skip_line();
            } else if byte.is_ascii_whitespace() {
                self.next();
            } else {
                return Some(self.lines[self.line].0);
            }
        }
    }

    /// The parts of a statement up to its semicolon; none if there is no such.
    fn statement(&mut self) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        loop {
            if self.is_comment() {
                self.skip_line();
                continue;
            }
            match self.next()? {
                b';' => return Some(tokens),
                b'"' => tokens.push(Token::Name(self.quoted(b'"', false)?)),
                b'\'' => tokens.push(Token::Text(self.quoted(b'\'', false)?)),
                b'e' | b'E' if self.peek() == Some(b'\'') => {
                    self.next();
                    tokens.push(Token::Text(self.quoted(b'\'', true)?));
                }
                byte if is_of_word(byte) => {
                    let mut word = vec![byte];
                    while let Some(byte) = self.peek().filter(|byte| is_of_word(*byte)) {
                        word.push(byte);
                        self.next();
                    }
                    tokens.push(Token::Word(String::from_utf8_lossy(&word).to_ascii_uppercase(), word));
                }
                byte if byte.is_ascii_whitespace() => {}
                _ => tokens.push(Token::Sign),
            }
        }
    }

    /// What stands in quotes, of which the first is behind us. A backslash stays, with what it escapes.
    fn quoted(&mut self, quote: u8, escapes: bool) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        loop {
            match self.next()? {
                b'\\' if escapes => content.extend([b'\\', self.next()?]),
                byte if byte != quote => content.push(byte),
                _ if self.peek() == Some(quote) => content.extend(self.next()),
                _ => return Some(content),
            }
        }
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

fn role(line: u64, tokens: &[Token]) -> Option<Wanted> {
    let word = |place: usize| match tokens.get(place) {
        Some(Token::Word(word, _)) => word.as_str(),
        _ => "",
    };
    let makes = match (word(0), word(1)) {
        ("CREATE", "ROLE") => true,
        ("CREATE" | "ALTER", "USER") | ("ALTER", "ROLE") => false,
        _ => return None,
    };
    if tokens.len() < 4 || ["SET", "RESET", "RENAME", "IN"].contains(&word(3)) {
        return None;
    }
    let name = match &tokens[2] {
        Token::Word(_, word) => word.to_ascii_lowercase(),
        Token::Name(name) => name.clone(),
        Token::Text(_) | Token::Sign => Vec::new(),
    };
    let (mut password, mut until, mut may_log_in, mut place) = (None, None, !makes, 3);
    while place < tokens.len() {
        let text = match tokens.get(place + 1) {
            Some(Token::Text(text)) => Some(text.as_slice()),
            _ => None,
        };
        match word(place) {
            "LOGIN" => may_log_in = true,
            "NOLOGIN" => may_log_in = false,
            "PASSWORD" => (password, place) = (text, place + 1),
            "UNTIL" => (until, place) = (text, place + 1),
            _ => {}
        }
        place += 1;
    }
    let mut taken = entry(&name, password);
    taken.iter_mut().for_each(|taken| taken.limits.disabled = !may_log_in);
    Some(Wanted { line, who: Some(name), entry: verdict(taken, until) })
}
