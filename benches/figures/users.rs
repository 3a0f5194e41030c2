//! The accounts that the load logs in to, and in which order.

/// Realm of every account of the benchmark.
pub(crate) const REALM: &str = "bench.example";

/// One account, known by its number.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// Local part, the same width for every account.
    pub(crate) local: String,
    /// Name and realm.
    pub(crate) name: String,
    pub(crate) password: String,
}

impl User {
    pub(crate) fn numbered(number: u64) -> Self {
        let local = format!("user{number:08}");
        Self { name: format!("{local}@{REALM}"), password: format!("pw-{number:08}-of-bench"), local }
    }

    pub(crate) const SHARED_PASSWORD: &str = "pw-shared-of-bench";

    /// The same account where all have one password.
    pub(crate) fn sharing(self) -> Self {
        Self { password: Self::SHARED_PASSWORD.to_owned(), ..self }
    }

    /// The accounts whose passwords take long to check: as many as wait in the measurement of that name.
    pub(crate) fn slow() -> Vec<Self> {
        let named = |local: String| Self {
            name: format!("{local}@{REALM}"),
            password: Self::SHARED_PASSWORD.to_owned(),
            local,
        };
        (0..20).map(|number| named(format!("slow{number:02}"))).collect()
    }
}

/// How logins spread over the accounts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spread {
    Uniform,
    /// The account of rank k is drawn in proportion to 1/k: few people cause most logins.
    Zipf,
}

/// A small, fast generator (xorshift64*): the same draws in every run, and nothing secret.
#[derive(Clone, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// In [0, 1).
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// `length` characters of hexadecimal noise.
    pub(crate) fn noise(&mut self, out: &mut Vec<u8>, length: usize) {
        let mut left = length;
        while left > 0 {
            let mut word = self.next();
            for _ in 0..left.min(16) {
                out.push(b"0123456789abcdef"[(word & 15) as usize]);
                word >>= 4;
            }
            left -= left.min(16);
        }
    }
}

/// What is prepared for each account is too much for millions of them: so many different ones take part at most.
const MOST: u64 = 50_000;
/// Length of the prepared order of logins, after which it starts over.
const ORDER: usize = 1 << 17;

/// Numbers of the accounts that take part, and the order of logins as places in that list.
pub(crate) fn order(accounts: u64, spread: Spread) -> (Vec<u64>, Vec<u32>) {
    let mut draw = Draw::new(42);
    let taking_part: Vec<u64> =
        if accounts <= MOST { (0..accounts).collect() } else { (0..MOST).map(|_| draw.next() % accounts).collect() };
    let count = taking_part.len();
    let order = match spread {
        Spread::Uniform => (0..ORDER).map(|_| (draw.next() % count as u64) as u32).collect(),
        Spread::Zipf => {
            let mut sums = Vec::with_capacity(count);
            let mut sum = 0.0;
            for rank in 1..=count {
                sum += 1.0 / rank as f64;
                sums.push(sum);
            }
            (0..ORDER)
                .map(|_| {
                    let at = draw.fraction() * sum;
                    sums.partition_point(|&below| below <= at).min(count - 1) as u32
                })
                .collect()
        }
    };
    (taking_part, order)
}
