//! How much of a file is under way at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of lines that have been read and are not done with. What is made of a line takes some times as much. Only lines of more than some
/// ten thousand bytes are so long that fewer of them than a transaction holds fill it.
const ROOM: usize = 32 << 20;

/// Room for what is under way. Clones are the same room.
#[derive(Clone)]
pub(super) struct Room(Arc<Shared>);

struct Shared {
    left: Mutex<usize>,
    freed: Condvar,
}

/// A part of the room, taken until it is dropped.
pub(super) struct Part {
    room: Room,
    size: usize,
}

impl Room {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared { left: Mutex::new(ROOM), freed: Condvar::new() }))
    }

    /// Takes a part, and waits until there is as much. Nobody may wait who has a part.
    pub(super) fn take(&self, size: usize) -> Part {
        let size = size.min(ROOM);
        let waited = self.0.freed.wait_while(self.left(), |left| *left < size);
        let mut left = waited.unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_sub(size);
        Part { room: self.clone(), size }
    }

    /// What nobody has taken.
    pub(super) fn left(&self) -> MutexGuard<'_, usize> {
        self.0.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut left = self.room.left();
        *left = left.saturating_add(self.size);
        self.room.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_finds_no_room_waits_until_there_is_some() {
        let room = Room::new();
        let (first, second) = (room.take(ROOM / 2), room.take(ROOM / 2));
        let (taken, taking) = channel();
        thread::scope(|scope| {
            scope.spawn(|| taken.send(room.take(1).size).unwrap());
            assert!(taking.recv_timeout(Duration::from_millis(50)).is_err());
            drop(first);
            assert_eq!(taking.recv(), Ok(1));
        });
        assert_eq!(*room.left(), ROOM / 2);
        drop(second);
        assert_eq!(room.take(usize::MAX).size, ROOM, "what is larger than all the room is under way alone");
    }
}
