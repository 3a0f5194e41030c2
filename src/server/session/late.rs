//! Failures that wait for their time.

use std::collections::VecDeque;

use crate::protocol::dovecot::{Reply, RequestId};
use crate::runtime::Moment;

/// Replies by the time at which they are due. Their requests have ended and left nothing behind but the id.
#[derive(Debug, Default)]
pub(super) struct LateReplies(VecDeque<LateReply>);

#[derive(Debug)]
struct LateReply {
    due: Moment,
    id: RequestId,
    line: Box<[u8]>,
}

impl LateReplies {
    pub(super) fn put(&mut self, due: Moment, id: RequestId, reply: &Reply<'_>) {
        let mut line = Vec::with_capacity(64);
        reply.encode(&mut line);
        // Nearly always the last one: only slow checks end out of turn.
        let place = self.0.partition_point(|other| other.due <= due);
        self.0.insert(place, LateReply { due, id, line: line.into() });
    }

    pub(super) fn due(&self) -> Option<Moment> {
        self.0.front().map(|first| first.due)
    }

    /// Takes a line that is due at `moment`.
    pub(super) fn take(&mut self, moment: Moment) -> Option<Box<[u8]>> {
        if self.due()? <= moment { self.0.pop_front().map(|late| late.line) } else { None }
    }

    pub(super) fn holds(&self, id: RequestId) -> bool {
        self.0.iter().any(|late| late.id == id)
    }

    pub(super) fn forget(&mut self, id: RequestId) {
        self.0.retain(|late| late.id != id);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
