//! From samples to figures: percentiles, medians.

use std::time::Duration;

use crate::client::Outcome;
use crate::table::number;

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

pub(crate) fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), number)
}
