//! Two tests of whether two samples come from the same distribution. Neither asks what that distribution is, so that the tails of a
//! busy machine do no harm.

use std::time::SystemTime;

/// The p-value of Kolmogorov and Smirnov: how often the two distribution functions would lie as far apart by chance.
pub(crate) fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (sorted(a), sorted(b));
    let (mut i, mut j, mut distance) = (0, 0, 0.0f64);
    while i < a.len() && j < b.len() {
        let x = a[i].min(b[j]);
        while i < a.len() && a[i] <= x {
            i += 1;
        }
        while j < b.len() && b[j] <= x {
            j += 1;
        }
        distance = distance.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    let n = (a.len() * b.len()) as f64 / (a.len() + b.len()) as f64;
    let lambda = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance;
    if lambda < 0.2 {
        return 1.0;
    }
    let term = |k: i32| (-2.0 * f64::from(k * k) * lambda * lambda).exp() * if k % 2 == 1 { 2.0 } else { -2.0 };
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// The p-value of Mann and Whitney, two-sided: how often the one would be larger than the other as often by chance.
pub(crate) fn mann_whitney(a: &[f64], b: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> = a.iter().map(|x| (*x, true)).chain(b.iter().map(|x| (*x, false))).collect();
    all.sort_by(|x, y| x.0.total_cmp(&y.0));
    let (mut ranks, mut ties, mut from) = (0.0, 0.0, 0);
    while from < all.len() {
        let same = all[from..].iter().take_while(|x| x.0 == all[from].0).count();
        let rank = from as f64 + (same as f64 + 1.0) / 2.0;
        ranks += rank * all[from..from + same].iter().filter(|x| x.1).count() as f64;
        ties += (same as f64).powi(3) - same as f64;
        from += same;
    }
    let (n, m) = (a.len() as f64, b.len() as f64);
    let u = ranks - n * (n + 1.0) / 2.0;
    let total = n + m;
    let deviation = (n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)))).sqrt();
    2.0 * upper_tail(((u - n * m / 2.0).abs() - 0.5).max(0.0) / deviation)
}

/// Puts `items` in another order each time.
pub(crate) fn shuffle<T>(items: &mut [T]) {
    let mut random = uniform(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64);
    for last in (1..items.len()).rev() {
        items.swap(last, (random() * (last + 1) as f64) as usize);
    }
}

/// Numbers from 0 to 1, evenly spread: a linear congruential generator (Knuth's MMIX).
fn uniform(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

pub(crate) fn median(sample: &[f64]) -> f64 {
    sorted(sample)[sample.len() / 2]
}

fn sorted(sample: &[f64]) -> Vec<f64> {
    let mut sample = sample.to_vec();
    sample.sort_by(f64::total_cmp);
    sample
}

/// The share of a normal distribution above `z` >= 0 (Abramowitz and Stegun, 26.2.17).
fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let coefficients = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = coefficients.iter().rev().fold(0.0, |sum, c| (sum + c) * t);
    sum * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The tests find what is there and not what is not; run before anything is measured.
pub(crate) fn check() {
    let normal = |shift: f64| {
        // Sums of twelve are near enough to a normal distribution.
        let mut uniform = uniform(42 + shift.to_bits());
        (0..2000).map(|_| (0..12).map(|_| uniform()).sum::<f64>() + shift).collect::<Vec<_>>()
    };
    let (a, same, other) = (normal(0.0), normal(1e-9), normal(0.2));
    for test in [kolmogorov_smirnov, mann_whitney] {
        assert!(test(&a, &a) > 0.99 && test(&a, &same) > 0.01 && test(&a, &other) < 1e-4);
    }
    assert!((upper_tail(1.959_964) - 0.025).abs() < 1e-6);
}
