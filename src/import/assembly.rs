//! Text that is put together from several lines.

use zeroize::Zeroizing;

/// The longest text that is put together. A stored password with its names is a hundredth of it.
const ROOM: usize = 1 << 16;

/// A buffer that never grows, which would leave copies of passwords behind, and is wiped when it is dropped.
#[derive(Debug)]
pub(super) struct Assembly {
    bytes: Zeroizing<Vec<u8>>,
    overflows: bool,
}

impl Assembly {
    pub(super) fn new() -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(ROOM)), overflows: false }
    }

    /// Adds a piece, as far as there is room.
    pub(super) fn push(&mut self, piece: &[u8]) {
        let left = ROOM.saturating_sub(self.bytes.len());
        self.overflows |= piece.len() > left;
        self.bytes.extend_from_slice(piece.get(..left).unwrap_or(piece));
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.overflows = false;
    }

    /// What fitted.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether something did not fit.
    pub(super) fn overflows(&self) -> bool {
        self.overflows
    }

    /// Makes it known that something is missing.
    pub(super) fn cut(&mut self) {
        self.overflows = true;
    }
}
