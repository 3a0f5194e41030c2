//! Accounts by the million, thousands at once.

use std::ops::Range;
use std::sync::mpsc::sync_channel;
use std::thread;

/// Accounts in one transaction.
const AT_ONCE: u64 = 10_000;
/// Finished batches that may wait for the writer.
const AHEAD: usize = 2;

/// The numbers of so many accounts, batch by batch.
pub(crate) fn batches(accounts: u64) -> impl Iterator<Item = Range<u64>> {
    let firsts = (0..accounts).step_by(usize::try_from(AT_ONCE).unwrap());
    firsts.map(move |first| first..accounts.min(first + AT_ONCE))
}

/// Makes accounts by their numbers, on a thread of its own, while `write` writes the batches before.
pub(crate) fn make<T: Send>(
    accounts: u64,
    account: impl Fn(u64) -> anyhow::Result<T> + Send,
    mut write: impl FnMut(Vec<T>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (finished, made) = sync_channel(AHEAD);
    thread::scope(|scope| {
        scope.spawn(move || {
            for numbers in batches(accounts) {
                let batch: anyhow::Result<Vec<T>> = numbers.map(&account).collect();
                // The writer has given up, and says why.
                if finished.send(batch).is_err() {
                    return;
                }
            }
        });
        for batch in made {
            write(batch?)?;
        }
        Ok(())
    })
}
