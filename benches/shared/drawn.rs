//! What is drawn by a number, and the same in each run.

/// A number below another one (splitmix64); each `salt` draws others.
pub(crate) fn drawn(number: u64, salt: u64, below: u64) -> u64 {
    let mut state = (number ^ salt << 56).wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (state ^ state >> 31) % below
}

/// The name of an account. Those that were made one after the other are not beside each other, as people's are not.
pub(crate) fn name(number: u64) -> String {
    format!("user{:010}", number.wrapping_mul(2_654_435_761) % 10_000_000_019)
}
