//! One authentication from its first message to its outcome: the mechanism proves, the policy permits.

mod attempt;
mod handout;
mod outcome;
mod policy;
#[cfg(test)]
mod tests;

pub use attempt::{Asked, Progress, Waiting, Work, begin, present};
pub use handout::{DecoyKeys, Grant, HandOut, HandedOut, Withheld};
pub use outcome::{Authenticated, Denied, Fault, Outcome, Reason, Unavailable};
pub use policy::{Context, Policy};
