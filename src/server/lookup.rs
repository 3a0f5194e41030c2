//! One connection of the lookup protocol, without the connection: one request of libsasl2's plugin, one answer. Pure.

use std::sync::Arc;
use std::time::Duration;

use crate::authenticator::Inquiry;
use crate::event::Event;
use crate::exchange::{DecoyKeys, Fault, Grant, HandOut, HandedOut};
use crate::protocol::lookup::{Answer, Request};
use crate::runtime::Moment;

use super::session::{Serial, Turn};

/// How long a connection may take in all. The plugin gives up after three seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who asks, and what may be given there.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The user of the process.
    pub uid: u32,
    /// What it may get.
    pub grant: Arc<Grant>,
    /// Of how many accounts in a minute.
    pub accounts_per_minute: u32,
}

/// One connection.
#[derive(Debug)]
pub struct LookupSession {
    asker: Asker,
    received: Vec<u8>,
    /// The service of the request, once it has come.
    service: Option<Arc<str>>,
    deadline: Moment,
}

impl LookupSession {
    /// Begins, without a greeting.
    #[must_use]
    pub fn begin(asker: Asker, turn: &Turn<'_>) -> Self {
        Self { asker, received: Vec::new(), service: None, deadline: turn.moment.saturating_add(PATIENCE) }
    }

    /// Takes what the plugin sent.
    pub fn receive(&mut self, bytes: &[u8], turn: &mut Turn<'_>) {
        if self.service.is_some() || bytes.is_empty() {
            return;
        }
        self.received.extend_from_slice(bytes);
        let request = match Request::parse(&self.received) {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(fault) => {
                turn.actions.events.push(Event::LookupBreach { uid: self.asker.uid, fault });
                turn.actions.close = true;
                return;
            }
        };
        let mut decoy = [0; 176];
        let entropy = turn.entropy.fill(&mut decoy);
        let (who, hand_out) = HandOut::begin(&turn.settings.policy, &self.asker.grant, &request, DecoyKeys::new(decoy));
        let service = Arc::clone(hand_out.service());
        self.service = Some(Arc::clone(&service));
        match entropy {
            Ok(()) => turn.actions.inquiries.push((Serial::default(), who, Inquiry::HandOut(hand_out.into()))),
            Err(_) => self.end(HandedOut::Unavailable(Fault::NoEntropy), &service, turn),
        }
    }

    /// Takes what came of the request. There is one for each connection.
    pub fn answer(&mut self, given: HandedOut, turn: &mut Turn<'_>) {
        let Some(service) = self.service.clone() else { return };
        let Asker { uid, accounts_per_minute: most, .. } = self.asker;
        let within_quota = match &given {
            HandedOut::Given(identity, ..) => turn.limits.may_get(uid, most, identity.key(), turn.moment),
            HandedOut::Withheld { .. } => turn.limits.may_get_more(uid, most, turn.moment),
            HandedOut::Unavailable(_) => true,
        };
        let given = if within_quota { given } else { HandedOut::Unavailable(Fault::OverQuota) };
        self.end(given, &service, turn);
    }

    fn end(&mut self, given: HandedOut, service: &Arc<str>, turn: &mut Turn<'_>) {
        let encoded = match &given {
            HandedOut::Given(_, _, answer) | HandedOut::Withheld { answer, .. } => answer.encode(),
            HandedOut::Unavailable(_) => Answer::Unavailable.encode(),
        };
        turn.actions.send.extend_from_slice(encoded.expose());
        turn.actions.events.push(Event::HandedOut { uid: self.asker.uid, service: Arc::clone(service), given });
        turn.actions.close = true;
    }

    /// When [`Self::tick`] closes the connection.
    #[must_use]
    pub fn deadline(&self) -> Moment {
        self.deadline
    }

    /// Time has passed: nobody waits that long.
    pub fn tick(&mut self, turn: &mut Turn<'_>) {
        turn.actions.close |= self.deadline <= turn.moment;
    }

    /// Whether no answer is due.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.service.is_none()
    }
}
