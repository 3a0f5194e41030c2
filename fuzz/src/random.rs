//! Numbers that follow from a seed (xorshift64*), and what is made with them: cuts, and inputs out of other inputs.

/// The generator.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Every seed gives another sequence.
    pub fn new(seed: u64) -> Self {
        // Small seeds are made to differ in many bits; the state is never 0.
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A sequence that belongs to `data` (FNV-1a).
    pub fn of(data: &[u8]) -> Self {
        let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        Self::new(data.iter().fold(0xcbf2_9ce4_8422_2325, hash))
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// Below `bound`, which is more than 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// `data` in pieces, as reads from a socket would bring it.
    pub fn pieces<'d>(&mut self, data: &'d [u8]) -> Vec<&'d [u8]> {
        let longest = 1 << self.below(12);
        let (mut pieces, mut rest) = (Vec::new(), data);
        while !rest.is_empty() {
            let (piece, others) = rest.split_at((1 + self.below(longest)).min(rest.len()));
            pieces.push(piece);
            rest = others;
        }
        pieces
    }

    /// An input like `data`: bits flipped, bytes put in, parts left out, doubled or taken from `other`, words put in.
    pub fn mutated(&mut self, data: &[u8], other: &[u8], words: &[Vec<u8>]) -> Vec<u8> {
        let mut made = data.to_vec();
        for _ in 0..1 + self.below(4) {
            let place = self.below(made.len() + 1);
            let part = |random: &mut Self, of: &[u8]| {
                let start = random.below(of.len() + 1);
                start..of.len().min(start + 1 + random.below(16))
            };
            match self.below(8) {
                0 if place < made.len() => made[place] ^= 1 << self.below(8),
                1 if place < made.len() => made[place] = self.next() as u8,
                2 => made.insert(place, self.next() as u8),
                3 => drop(made.drain(part(self, &made.clone()))),
                4 => {
                    let copy = made[part(self, &made)].to_vec();
                    made.splice(place..place, copy);
                }
                5 => {
                    let range = part(self, other);
                    made.splice(place..place, other[range].iter().copied());
                }
                6 => {
                    let range = place..(place + self.below(8)).min(made.len());
                    let from = part(self, other);
                    made.splice(range, other[from].iter().copied());
                }
                _ if !words.is_empty() => {
                    let word = words[self.below(words.len())].clone();
                    made.splice(place..place, word);
                }
                _ => made.push(self.next() as u8),
            }
        }
        made
    }
}
