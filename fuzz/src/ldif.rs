//! LDIF (RFC 2849): the first line of the input names the attribute that holds the name, `uid` or `mail`; the rest is the file.

use sasldb::credential::Imported;
use sasldb::import::Ldif;
use sasldb::import::ldif::NameAttribute;
use sasldb::secret::Password;

use super::lines::{self, Verdict, Wanted};
use super::oracle;

pub fn target(data: &[u8]) {
    let (form, name, file) = match data {
        [b'u', b'i', b'd', b'\n', file @ ..] => (NameAttribute::Uid, "uid", file),
        [b'm', b'a', b'i', b'l', b'\n', file @ ..] => (NameAttribute::Mail, "mail", file),
        _ => return,
    };
    lines::check(&mut Ldif::new(form), file, |file| Some(wanted(file, name)));
}

/// An attribute in lower case and without options, and its value if that can be read.
struct Pair {
    line: u64,
    attribute: Vec<u8>,
    value: Option<Vec<u8>>,
}

fn wanted(file: &[u8], name: &str) -> Vec<Wanted> {
    let mut whole: Vec<(u64, Vec<u8>)> = Vec::new();
    for (number, line) in (1..).zip(file.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match whole.last_mut() {
            Some((_, before)) if !before.is_empty() && line.first() == Some(&b' ') => before.extend(&line[1..]),
            _ => whole.push((number, line.to_vec())),
        }
    }
    let records = whole.split(|(_, line)| line.is_empty());
    let wanted = records.flat_map(|lines| {
        let wrong = lines.iter().filter(|(_, text)| is_wrong(text));
        let wrong = wrong.map(|(line, _)| Wanted { line: *line, who: None, entry: Verdict::Refused });
        wrong.chain(record(&lines.iter().filter_map(pair).collect::<Vec<_>>(), name)).collect::<Vec<_>>()
    });
    wanted.collect()
}

/// Whether a line is neither a comment, nor the end of a change, nor an attribute.
fn is_wrong(text: &[u8]) -> bool {
    text[0] != b'#' && text != b"-" && !text.contains(&b':')
}

fn pair((line, text): &(u64, Vec<u8>)) -> Option<Pair> {
    let colon = text.iter().position(|byte| *byte == b':').filter(|_| text[0] != b'#')?;
    let (attribute, value) = (&text[..colon], &text[colon + 1..]);
    let attribute = attribute.split(|byte| *byte == b';').next().unwrap_or_default();
    let value = match value {
        [b':', text @ ..] => oracle::unbase64(text.trim_ascii()),
        [b'<', ..] => None,
        text => Some(text.trim_ascii_start().to_vec()),
    };
    Some(Pair { line: *line, attribute: attribute.to_ascii_lowercase(), value })
}

fn record(pairs: &[Pair], name: &str) -> Vec<Wanted> {
    let all = |name: &str| pairs.iter().filter(move |pair| pair.attribute == name.as_bytes()).collect::<Vec<_>>();
    let passwords = all("userpassword");
    if passwords.is_empty() {
        return Vec::new();
    }
    let readable = |pair: &&Pair| pair.value.clone().unwrap_or_default();
    let named = all(name).iter().find_map(|pair| pair.value.clone());
    let who = named.clone().or_else(|| all("dn").last().map(readable));
    let begins = pairs[0].line;
    let mut wanted = Vec::new();
    let mut say = |line, entry| wanted.push(Wanted { line, who: who.clone(), entry });
    let is_change = all("changetype").last().is_some_and(|pair| readable(pair) != b"add");
    let known =
        named.filter(|name| !is_change && lines::account(name, b"", vec![any()], lines::of_dovecot(name)).is_some());
    let Some(name) = known else {
        say(begins, Verdict::Refused);
        return wanted;
    };
    let (mut taken, mut values) = (None, Vec::<&[u8]>::new());
    for pair in passwords {
        // One that does not go with those before it is left out.
        let value = pair.value.as_deref().filter(|value| password(value).is_some());
        let with = value.and_then(|value| {
            let all = values.iter().copied().chain([value]).map(|value| password(value).unwrap()).collect();
            lines::account(&name, b"", all, lines::of_dovecot(&name))
        });
        match with {
            Some(with) => {
                values.extend(value);
                taken = Some(with);
            }
            None => say(pair.line, Verdict::Refused),
        }
    }
    if let Some(mut taken) = taken {
        let limits = &mut taken.limits;
        let is_true = |pair: &&Pair| pair.value.as_ref().is_none_or(|value| value.eq_ignore_ascii_case(b"true"));
        limits.disabled = !all("pwdaccountlockedtime").is_empty() || all("nsaccountlock").iter().any(is_true);
        for pair in all("shadowexpire") {
            match lines::days(&readable(&pair)) {
                None => limits.disabled = true,
                Some(at) if at >= 0 => limits.expires = Some(at),
                Some(_) => {}
            }
        }
        say(begins, Verdict::Taken(taken));
    }
    wanted
}

/// A value that goes with every name.
fn any() -> Imported {
    Imported::parse("{PLAIN}x").unwrap()
}

fn password(value: &[u8]) -> Option<Imported> {
    let end = value.iter().position(|byte| *byte == b'}').filter(|_| value[0] == b'{');
    match end.map(|end| &value[end + 1..]) {
        None => Password::new(value.to_vec()).ok().map(Imported::Plaintext),
        Some([] | [b'!' | b'*', ..]) => None,
        Some(_) => Imported::parse(std::str::from_utf8(value).ok()?).ok(),
    }
}
