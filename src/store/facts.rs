//! Labels and limits of an account's passwords as a compact text.

use serde::{Deserialize, Serialize};

use crate::credential::{Label, PasswordFacts, ServiceName};
use crate::runtime::UnixTime;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    services: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    networks: Vec<String>,
}

impl From<&PasswordFacts> for Text {
    fn from(facts: &PasswordFacts) -> Self {
        Self {
            label: facts.label.as_str().to_owned(),
            expires: facts.expires.map(|time| time.0),
            services: facts.services.iter().map(|service| service.as_str().to_owned()).collect(),
            networks: facts.networks.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Text {
    fn into_facts(self) -> Option<PasswordFacts> {
        Some(PasswordFacts {
            label: Label::new(&self.label).ok()?,
            expires: self.expires.map(UnixTime),
            services: self.services.iter().map(|text| ServiceName::new(text)).collect::<Option<_>>()?,
            networks: self.networks.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?,
        })
    }
}

/// One password's facts, for the audit.
pub(super) fn to_json(facts: &PasswordFacts) -> serde_json::Value {
    serde_json::to_value(Text::from(facts)).unwrap_or_default()
}

/// The facts of all passwords; `None` for the usual case of a single `main` without limits.
pub(super) fn write<'a>(passwords: impl ExactSizeIterator<Item = &'a PasswordFacts>) -> Option<String> {
    let mut passwords = passwords.peekable();
    if passwords.len() == 1 && passwords.peek().is_some_and(|facts| **facts == PasswordFacts::unlimited(Label::main()))
    {
        return None;
    }
    // Texts and numbers always have a JSON form; an empty text would be read by nobody.
    Some(serde_json::to_string(&passwords.map(Text::from).collect::<Vec<_>>()).unwrap_or_default())
}

/// Reads what [`write()`] wrote; `None` if it did not.
pub(super) fn read(text: Option<&str>) -> Option<Vec<PasswordFacts>> {
    let Some(text) = text else { return Some(vec![PasswordFacts::unlimited(Label::main())]) };
    let passwords: Vec<Text> = serde_json::from_str(text).ok()?;
    passwords.into_iter().map(Text::into_facts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_written_as_they_are_read() {
        let main = PasswordFacts::unlimited(Label::main());
        let phone = PasswordFacts {
            label: Label::new("my \"phone\"").unwrap(),
            expires: Some(UnixTime(1_800_000_000)),
            services: vec![ServiceName::new("smtp").unwrap()],
            networks: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        };
        assert_eq!(write([&main].into_iter()), None);
        assert_eq!(read(None).unwrap(), std::slice::from_ref(&main));
        let text = write([&main, &phone].into_iter()).unwrap();
        assert_eq!(
            text,
            r#"[{"label":"main"},{"label":"my \"phone\"","expires":1800000000,"services":["smtp"],"networks":["192.0.2.0/24","2001:db8::/32"]}]"#
        );
        assert_eq!(read(Some(&text)).unwrap(), [main, phone]);
    }

    #[test]
    fn other_texts_are_no_facts() {
        for text in
            ["", "[{}]", r#"[{"label":""}]"#, r#"[{"label":"a","expire":1}]"#, r#"[{"label":"a","networks":["x"]}]"#]
        {
            assert_eq!(read(Some(text)), None, "{text}");
        }
    }
}
