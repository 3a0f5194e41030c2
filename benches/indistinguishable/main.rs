//! Whether unknown, disabled, expired and wrong can be told apart by the time that the work takes, from a client's message to
//! the verdict, with the real store and without the delay that hides it. See docs/indistinguishable.md.
//!
//! cargo bench --bench indistinguishable [-- --samples 3000]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout
)]

#[path = "../../tests/interop/connection.rs"]
mod connection;
mod site;
mod socket;
mod statistics;

use clap::Parser;

use sasldb::vocabulary::Mechanism;

use crate::site::{Case, Moments, Site};
use crate::socket::Socket;

#[derive(Parser)]
struct Options {
    /// Failures of each kind, for each mechanism.
    #[arg(long, default_value_t = 3000)]
    samples: usize,
    #[arg(long, hide = true)]
    bench: bool,
}

/// Names of each kind in the rows where each is asked for again and again.
const FEW: usize = 150;

fn main() {
    let Options { samples, bench } = Options::parse();
    statistics::check();
    if !bench {
        println!("measures under `cargo bench` only");
        return;
    }
    let site = Site::new(samples.max(FEW));
    for (title, names, again) in
        [("each name for the first time", samples, false), ("names that were asked for before", FEW, true)]
    {
        head(&format!("the work, {title}"), samples);
        for mechanism in site::MECHANISMS {
            let mut reader = site.reader();
            let mut fail = |case, name| site.fail(&mut reader, mechanism, case, name);
            study(mechanism, samples, names, again, &mut fail);
        }
        head(&format!("through the socket, {title}"), samples);
        for mechanism in site::MECHANISMS {
            let mut socket = Socket::new(&site);
            study(mechanism, samples, names, again, &mut |case, name| socket.fail(mechanism, case, name));
        }
    }
}

fn head(title: &str, samples: usize) {
    println!("\n{title}; {samples} of each kind\n");
    println!("| message | wrong | unknown | disabled | expired | pair | Kolmogorov-Smirnov | Mann-Whitney |");
    println!("|---|--:|--:|--:|--:|---|--:|--:|");
}

/// Failures of all kinds in random order, then what can be told from their times.
fn study(
    mechanism: Mechanism,
    samples: usize,
    names: usize,
    again: bool,
    fail: &mut dyn FnMut(Case, usize) -> Moments,
) {
    let mut tries: Vec<(Case, usize)> =
        Case::ALL.into_iter().flat_map(|case| (0..samples).map(move |n| (case, n % names))).collect();
    statistics::shuffle(&mut tries);
    if again {
        tries.iter().for_each(|(case, name)| drop(fail(*case, *name)));
    }
    let measured: Vec<(Case, Moments)> = tries.iter().map(|(case, name)| (*case, fail(*case, *name))).collect();
    for message in 0..measured[0].1.len() {
        let of = |case: Case| -> Vec<f64> {
            measured.iter().filter(|(c, _)| *c == case).map(|(_, moments)| moments[message]).collect()
        };
        report(&format!("{}, {}", mechanism.name(), site::message_name(mechanism, message)), &Case::ALL.map(of));
    }
}

/// The medians in microseconds, and of the six pairs the one that is easiest to tell apart.
fn report(row: &str, samples: &[Vec<f64>; 4]) {
    let medians: Vec<String> = samples.iter().map(|s| format!("{:.2}", statistics::median(s) / 1000.0)).collect();
    let mut pairs = Vec::new();
    for (i, first) in Case::ALL.iter().enumerate() {
        for (j, second) in Case::ALL.iter().enumerate().skip(i + 1) {
            let ks = statistics::kolmogorov_smirnov(&samples[i], &samples[j]);
            let mw = statistics::mann_whitney(&samples[i], &samples[j]);
            pairs.push((ks.min(mw), format!("{first:?}, {second:?}"), ks, mw));
        }
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (_, pair, ks, mw) = &pairs[0];
    println!("| {row} | {} | {pair} | {ks:.2e} | {mw:.2e} |", medians.join(" | "));
}
