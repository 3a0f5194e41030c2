//! From samples to figures: percentiles, medians, a Markdown table.

use std::time::Duration;

use crate::client::Outcome;

/// One measurement of one server under one load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    /// Exchanges a second.
    pub(crate) rate: f64,
    /// CPU time of the server for each exchange, in microseconds.
    pub(crate) cpu: f64,
    /// Latency in microseconds.
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Measure {
    /// Of the logins with the right password, or of all where none of them was right. `None`: not one has ended.
    pub(crate) fn new(outcome: &mut Outcome, cpu: Duration) -> Option<Self> {
        let count = outcome.authenticated.len() + outcome.denied.len();
        let samples = if outcome.authenticated.is_empty() { &mut outcome.denied } else { &mut outcome.authenticated };
        if samples.is_empty() {
            return None;
        }
        samples.sort_unstable();
        let at = |fraction: f64| samples[((samples.len() - 1) as f64 * fraction).round() as usize] as f64 / 1000.0;
        Some(Self {
            rate: count as f64 / outcome.elapsed.as_secs_f64(),
            cpu: cpu.as_nanos() as f64 / 1000.0 / count as f64,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: at(1.0),
        })
    }

    /// Each figure's median over the rounds.
    pub(crate) fn median(rounds: &[Self]) -> Option<Self> {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure).collect());
        Some(Self {
            rate: of(|measure| measure.rate)?,
            cpu: of(|measure| measure.cpu)?,
            p50: of(|measure| measure.p50)?,
            p90: of(|measure| measure.p90)?,
            p99: of(|measure| measure.p99)?,
            max: of(|measure| measure.max)?,
        })
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Three significant digits, thousands apart.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => {
            let digits = format!("{value:.0}");
            let mut text = String::new();
            for (place, digit) in digits.chars().enumerate() {
                if place > 0 && (digits.len() - place).is_multiple_of(3) {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
    }
}

pub(crate) fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), number)
}

/// A table whose cells line up in the source too.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text += &format!("| {} |\n", cells.join(" | "));
        if place == 0 {
            let rules: Vec<String> = widths.iter().enumerate().map(|(column, width)| rule(column, *width)).collect();
            text += &format!("|{}|\n", rules.join("|"));
        }
    }
    text
}

/// Figures to the right, the words of the first column to the left.
fn rule(column: usize, width: usize) -> String {
    if column == 0 { "-".repeat(width + 2) } else { format!("{}:", "-".repeat(width + 1)) }
}
