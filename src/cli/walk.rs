//! Walks over many things, at which something may fail.

use super::failure::Failure;

/// Gives `each` all that `walk` comes by, until it returns false or fails; the walk itself is only told whether to go on.
pub(super) fn try_each<T, E: Into<Failure>>(
    walk: impl FnOnce(&mut dyn FnMut(T) -> bool) -> Result<(), E>,
    mut each: impl FnMut(T) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let mut failed = Ok(());
    let walked = walk(&mut |thing| {
        each(thing).unwrap_or_else(|failure| {
            failed = Err(failure);
            false
        })
    });
    walked.map_err(Into::into).and(failed)
}
