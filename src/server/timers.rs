//! Who has to be called when. Nobody else is looked at.

use std::collections::BTreeSet;

use crate::runtime::Moment;

/// Deadlines by time. Each holder keeps the one that it has set, so that it can be moved or taken back.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Moment, usize)>);

impl Timers {
    /// Moves the deadline of `holder` from `set`, which is then `wanted`.
    pub(super) fn set(&mut self, holder: usize, set: &mut Option<Moment>, wanted: Option<Moment>) {
        if *set == wanted {
            return;
        }
        if let Some(old) = *set {
            self.0.remove(&(old, holder));
        }
        if let Some(new) = wanted {
            self.0.insert((new, holder));
        }
        *set = wanted;
    }

    /// The next deadline.
    pub(super) fn next(&self) -> Option<Moment> {
        self.0.first().map(|&(moment, _)| moment)
    }

    /// A holder whose deadline has come; it stays set until the holder moves it.
    pub(super) fn due(&self, moment: Moment) -> Option<usize> {
        self.0.first().filter(|&&(at, _)| at <= moment).map(|&(_, holder)| holder)
    }
}
