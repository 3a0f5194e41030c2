//! Pieces of HTML. Whatever is not ours goes through [`Text`].

use std::fmt;

/// Text of any origin, as what it says and nothing else.
pub(super) struct Text<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::write(&mut Escaping(f), format_args!("{}", self.0))
    }
}

struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| match character {
            '&' => self.0.write_str("&amp;"),
            '<' => self.0.write_str("&lt;"),
            '>' => self.0.write_str("&gt;"),
            '"' => self.0.write_str("&quot;"),
            '\'' => self.0.write_str("&#39;"),
            // What moves or hides its neighbours is shown, not done.
            other if crate::prep::is_invisible(other) => write!(self.0, "{}", other.escape_default()),
            other => write!(self.0, "{other}"),
        })
    }
}

/// A name, apart from the text around it, and from left to right as addresses are read even where its letters are not.
pub(super) struct Name<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Name<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<bdi dir=\"ltr\">{}</bdi>", Text(&self.0))
    }
}

/// A number in groups of three digits, under the name that it has in the JSON.
pub(super) struct Number(pub(super) &'static str, pub(super) u64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<data data-fact=\"{}\" value=\"{}\">{}</data>", self.0, self.1, Grouped(self.1))
    }
}

/// A number in groups of three digits.
pub(super) struct Grouped(pub(super) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && digits.len().saturating_sub(place).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// How much of a whole.
pub(super) struct Share(pub(super) u64, pub(super) u64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(part, whole) = *self;
        match part.saturating_mul(200).saturating_add(whole).checked_div(whole.saturating_mul(2)) {
            None => Ok(()),
            Some(0) if part > 0 => f.write_str("< 1 %"),
            Some(100..) if part < whole => f.write_str("> 99 %"),
            Some(percent) => write!(f, "{percent} %"),
        }
    }
}

/// A time in RFC 3339, shown as its day.
pub(super) struct Day<'t>(pub(super) &'t str);

impl fmt::Display for Day<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = self.0.split('T').next().unwrap_or_default();
        write!(f, "<time datetime=\"{}\">{}</time>", Text(self.0), Text(day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text() {
        let text = "<script>alert(\"x\")</script>&'\u{202e}\n";
        assert_eq!(Text(text).to_string(), "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;\\u{202e}\\n");
        assert_eq!(Name("ä<").to_string(), "<bdi dir=\"ltr\">ä&lt;</bdi>");
        assert_eq!(
            Day("2026-11-28T04:00:00Z").to_string(),
            "<time datetime=\"2026-11-28T04:00:00Z\">2026-11-28</time>"
        );
    }

    #[test]
    fn numbers_are_read_at_a_glance() {
        let grouped = [0, 999, 1000, 12_345, 1_234_567].map(|number| Grouped(number).to_string());
        assert_eq!(grouped, ["0", "999", "1,000", "12,345", "1,234,567"]);
        let shares = [(0, 0), (0, 7), (1, 1000), (1, 3), (2, 3), (999, 1000), (7, 7), (u64::MAX, u64::MAX)]
            .map(|(part, whole)| Share(part, whole).to_string());
        assert_eq!(shares[..7], ["", "0 %", "< 1 %", "33 %", "67 %", "> 99 %", "100 %"]);
    }
}
