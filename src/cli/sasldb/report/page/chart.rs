//! Bars. Each is a small drawing that takes the width there is; its words stand beside it as text, which no screen makes too small.

use std::fmt;

use super::html::{Grouped, Share, Text};

/// How wide a drawing is, in its own units.
const WIDTH: u64 = 1000;

/// What can still be seen.
const LEAST: u64 = 3;

/// A part of a bar.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'p> {
    /// Its classes in the style sheet.
    pub(super) class: &'p str,
    pub(super) name: &'static str,
    pub(super) number: u64,
}

/// A bar of parts, of which `full` would take all the width.
pub(super) struct Bar<'p> {
    pub(super) parts: &'p [Part<'p>],
    pub(super) full: u64,
    pub(super) class: &'static str,
}

impl fmt::Display for Bar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = if self.class.is_empty() { String::new() } else { format!(" class=\"{}\"", self.class) };
        write!(f, "<svg{class} viewBox=\"0 0 {WIDTH} 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">")?;
        let mut x = 0u64;
        for part in self.parts.iter().filter(|part| part.number > 0) {
            let width = scaled(part.number, self.full).max(LEAST).min(WIDTH.saturating_sub(x));
            write!(f, "<rect class=\"{}\" x=\"{x}\" y=\"0\" width=\"{width}\" height=\"10\">", part.class)?;
            write!(f, "<title>{}: {}</title></rect>", Text(part.name), Grouped(part.number))?;
            x = x.saturating_add(width);
        }
        f.write_str("</svg>")
    }
}

fn scaled(number: u64, full: u64) -> u64 {
    let wide = u128::from(number).saturating_mul(u128::from(WIDTH));
    wide.checked_div(u128::from(full)).and_then(|width| u64::try_from(width).ok()).unwrap_or_default()
}

/// What the colours mean, with numbers where `whole` is given.
pub(super) struct Legend<'p> {
    pub(super) parts: &'p [Part<'p>],
    pub(super) whole: Option<u64>,
}

impl fmt::Display for Legend<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<ul class=\"legend\">\n")?;
        for part in self.parts {
            let swatch = format_args!("<rect class=\"{}\" width=\"10\" height=\"10\"></rect>", part.class).to_string();
            write!(f, "<li><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\">{swatch}</svg>{}", Text(part.name))?;
            if let Some(whole) = self.whole {
                let share = Share(part.number, whole).to_string();
                write!(f, " <span class=\"muted\">{} · {}</span>", Grouped(part.number), Text(share))?;
            }
            f.write_str("</li>\n")?;
        }
        f.write_str("</ul>\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_number_and_never_too_long() {
        let part = |number| Part { class: "used", name: "a<b", number };
        let widths = |numbers: &[u64], full| {
            let parts: Vec<Part<'_>> = numbers.iter().map(|number| part(*number)).collect();
            let drawn = Bar { parts: &parts, full, class: "" }.to_string();
            assert!(!drawn.contains("a<b"), "{drawn}");
            drawn.split(" width=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(widths(&[1, 0, 3], 4), ["250", "750"]);
        assert_eq!(widths(&[1], 1_000_000), ["3"], "it can be seen");
        assert_eq!(widths(&[999_999, 1], 1_000_000), ["999", "1"]);
        assert_eq!(widths(&[5], 0), ["3"]);
        assert_eq!(widths(&[u64::MAX, u64::MAX], u64::MAX), ["1000", "0"]);
        assert_eq!(widths(&[], 7), [] as [&str; 0]);
    }
}
