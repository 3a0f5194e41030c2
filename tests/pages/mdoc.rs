//! Text of the definitions as mdoc(7).
//!
//! In a text `--option`, VALUE, `name(8)`, /a/path and what stands between backticks get the macros that mean such.

use crate::definition::Vocabulary;

/// No line of text is longer, which mandoc's check wants.
const WIDTH: usize = 79;

/// One way to call the program: by `words` and what is written as `[-f FILE] {--at TIME | --never} USER`.
pub(crate) fn usage(words: &str, rest: &str) -> String {
    let called = if words.is_empty() { ".Nm\n".to_owned() } else { format!(".Nm\n.Cm {words}\n") };
    called + &groups(rest).iter().map(|group| format!(".{}\n", inline(group))).collect::<String>()
}

/// The parts of a usage that stand in no bracket together, each option with its value.
fn groups(usage: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    for word in usage.split_whitespace() {
        let continues = depth > 0 || word == "..." || found.last().is_some_and(|last| takes(last, word));
        depth += word.matches(['[', '{']).count();
        depth -= word.matches([']', '}']).count();
        match found.last_mut() {
            Some(last) if continues => *last += &format!(" {word}"),
            _ => found.push(word.to_owned()),
        }
    }
    found
}

/// Whether `word` is the value of the option before it.
fn takes(before: &str, word: &str) -> bool {
    before.starts_with('-') && !before.contains(' ') && !word.starts_with(['-', '[', '{'])
}

/// A usage, or options and values in it, in one line of macros.
pub(crate) fn inline(usage: &str) -> String {
    let spread = ["...", "[", "]", "{", "}"]
        .iter()
        .fold(usage.to_owned(), |text, part| text.replace(part, &format!(" {part} ")));
    let mut words: Vec<String> = Vec::new();
    let mut bracketed = false;
    for word in spread.split_whitespace() {
        let made = match word {
            "[" => "Oo".to_owned(),
            "]" => "Oc".to_owned(),
            "{" => "Bro".to_owned(),
            "}" => "Brc".to_owned(),
            "..." if bracketed => "Ns ...".to_owned(),
            "..." | "|" | "," => word.to_owned(),
            option if option.starts_with('-') => format!("Fl {}", &option[1..]),
            value => format!("Ar {}", value.to_lowercase()),
        };
        bracketed = word == "]";
        words.push(made);
    }
    // One option in brackets has a macro of its own.
    match words.as_slice() {
        [open, inner @ .., close] if open == "Oo" && close == "Oc" => format!("Op {}", inner.join(" ")),
        _ => words.join(" "),
    }
}

/// Paragraphs of text, a sentence beginning a line each.
pub(crate) fn paragraphs(text: &str, vocabulary: &Vocabulary) -> String {
    let text = with_default(text);
    let made: Vec<_> = text.split("\n\n").map(|paragraph| self::paragraph(paragraph, vocabulary)).collect();
    made.join(".Pp\n")
}

/// What the definitions write as ` [default: all]`, as a sentence.
fn with_default(text: &str) -> String {
    let parts = text.split_once(" [default: ").and_then(|(before, rest)| Some((before, rest.split_once(']')?)));
    parts.map_or(text.to_owned(), |(before, (default, after))| format!("{before}. Default: {default}.{after}"))
}

fn paragraph(text: &str, vocabulary: &Vocabulary) -> String {
    let mut made = Lines::default();
    let mut words = words(text).into_iter().peekable();
    while let Some(mut word) = words.next() {
        let next = words.peek();
        if next.is_none() && !word.ends_with(['.', ':']) {
            word.push('.');
        }
        made.add(&word, vocabulary);
        if word.ends_with('.') && next.is_none_or(|next| next.starts_with(char::is_uppercase)) {
            made.end();
        }
    }
    made.end();
    made.text
}

/// The words of a text; what stands between backticks is one.
fn words(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = false;
    for word in text.split_whitespace() {
        let continues = open;
        open ^= word.matches('`').count() % 2 == 1;
        match found.last_mut() {
            Some(last) if continues => *last += &format!(" {word}"),
            _ => found.push(word.to_owned()),
        }
    }
    found
}

/// A line of text as several, where it is too long.
pub(crate) fn filled(line: &str) -> String {
    if line.len() <= WIDTH {
        return format!("{line}\n");
    }
    let mut made = Lines::default();
    line.split_whitespace().for_each(|word| made.add_word(word));
    made.end();
    made.text
}

#[derive(Default)]
struct Lines {
    text: String,
    line: String,
}

impl Lines {
    fn add(&mut self, word: &str, vocabulary: &Vocabulary) {
        let inner = word.trim_start_matches('(').trim_end_matches(['.', ',', ';', ':']);
        let inner = if inner.contains('(') { inner } else { inner.trim_end_matches([')', '.']) };
        let Some(made) = markup(inner, vocabulary) else { return self.add_word(&word.replace('\\', "\\e")) };
        self.end();
        let (before, after) = word.split_once(inner).unwrap_or_default();
        // With its punctuation beside it, a delimiter is none.
        let before: String = before.chars().map(|mark| format!("{mark} ")).collect();
        let after: String = after.chars().map(|mark| format!(" {mark}")).collect();
        let (name, arguments) = made.split_at(2);
        self.text += &format!(".{name} {before}{}{after}\n", arguments.trim_start());
    }

    fn add_word(&mut self, word: &str) {
        if !self.line.is_empty() && self.line.len() + 1 + word.len() > WIDTH {
            self.end();
        }
        let guard = if self.line.is_empty() { if word.starts_with(['.', '\'']) { "\\&" } else { "" } } else { " " };
        self.line += &format!("{guard}{word}");
    }

    fn end(&mut self) {
        if !self.line.is_empty() {
            self.text += &format!("{}\n", std::mem::take(&mut self.line));
        }
    }
}

/// The macro that says what a word is, where it is not just a word.
fn markup(word: &str, vocabulary: &Vocabulary) -> Option<String> {
    if let Some(literal) = word.strip_prefix('`') {
        let literal = literal.trim_end_matches('`');
        // A mark of punctuation would not be taken for an argument.
        return Some(format!("Ql {}{literal}", if literal.len() == 1 { "\\&" } else { "" }));
    }
    if let Some((name, section)) = word.split_once('(') {
        let section = section.trim_end_matches(')');
        return section.parse::<u8>().is_ok().then(|| format!("Xr {name} {section}"));
    }
    if let Some(option) = word.strip_prefix('-') {
        return option
            .starts_with(|first: char| first == '-' || first.is_ascii_alphabetic())
            .then(|| format!("Fl {option}"));
    }
    if word.len() > 1 && word.starts_with('/') {
        return Some(format!("Pa {word}"));
    }
    let parts: Vec<_> = word.split('@').collect();
    let known = parts.iter().all(|part| vocabulary.knows(part));
    known.then(|| {
        let names: Vec<_> = parts.iter().map(|part| format!("Ar {}", part.to_lowercase())).collect();
        names.join(" Ns @ Ns ")
    })
}
