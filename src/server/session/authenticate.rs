//! AUTH: from a request to its exchange.

use core::net::IpAddr;
use std::sync::Arc;

use crate::event::{Abandonment, Ending, Event, Login, Refusal};
use crate::exchange::{self, Context};
use crate::protocol::dovecot::{AuthRequest, Breach, Reply, base64_of, decode_base64};
use crate::runtime::Entropy;
use crate::vocabulary::{InitialResponse, Mechanism};

use super::open::{Request, Stage};
use super::turn::Turn;
use super::{Session, abandon, refuse};

/// The most exchanges that are open at once on a connection. A login process of Dovecot serves up to a thousand clients.
const MAX_OPEN: usize = 1024;

impl Session {
    /// Begins an exchange.
    pub(super) fn authenticate(&mut self, asked: &AuthRequest<'_>, turn: &mut Turn<'_>) -> Result<(), Breach> {
        let minor = self.handshake.minor()?;
        // An id stays in use until its failure is out, so that nobody takes that for the answer to a later request.
        if self.open.holds(asked.id) || self.late.holds(asked.id) {
            return Err(Breach::IdInUse);
        }
        let (remote, service) = (canonical(asked.rip), self.service_named(&asked.service));
        let login = Login { remote, service, secured: asked.secured };
        let Some(mechanism) = Mechanism::from_name(&asked.mechanism) else {
            self.refuse_unknown(asked, login, turn);
            return Ok(());
        };
        let context = self.context(asked, &login);
        let request = Request {
            id: asked.id,
            serial: self.open.next_serial(),
            login,
            counted: self.counted(asked, &context),
            mechanism,
            alone: asked.nologin,
            takes_final_data: asked.final_resp_ok,
            arrived: turn.moment,
            stage: Stage::Begun,
        };
        if !self.make_room(turn) {
            refuse(request, Refusal::TooManyRequests(mechanism), turn);
            return Ok(());
        }
        let Some(nonce) = nonce(turn.entropy) else {
            refuse(request, Refusal::NoEntropy(mechanism), turn);
            return Ok(());
        };
        let initial = match asked.response.initial(minor) {
            None => InitialResponse::Absent,
            Some(encoded) => match decode_base64(encoded, &mut turn.actions.decoded) {
                Ok(initial) => InitialResponse::Present(initial),
                Err(_) => {
                    turn.actions.wipe();
                    refuse(request, Refusal::InvalidBase64(mechanism), turn);
                    return Ok(());
                }
            },
        };
        let nonce = core::str::from_utf8(&nonce).unwrap_or_default();
        let progress = exchange::begin(&turn.settings.policy, context, mechanism, initial, nonce, turn.now);
        turn.actions.wipe();
        self.carry_on(request, progress, turn);
        Ok(())
    }

    /// A mechanism that is not known fails as a login does, after the delay (decision 8).
    fn refuse_unknown(&mut self, asked: &AuthRequest<'_>, login: Login, turn: &mut Turn<'_>) {
        let refusal = Refusal::UnknownMechanism(String::from_utf8_lossy(&asked.mechanism).into_owned());
        turn.actions.events.push(Event::Ended(login, Ending::Refused(refusal)));
        let reply = Reply::Fail { id: asked.id, user: None, code: None, reason: None };
        if self.is_full() {
            reply.encode(&mut turn.actions.send);
        } else {
            self.reply_late(asked.id, turn.moment, &reply, turn);
        }
    }

    /// Gives up what a client has left behind, if that makes room for one more exchange.
    fn make_room(&mut self, turn: &mut Turn<'_>) -> bool {
        if !self.is_full() {
            return true;
        }
        let oldest = self.open.take_oldest_waiting();
        oldest.map(|oldest| abandon(oldest, Abandonment::Crowded, turn)).is_some()
    }

    fn is_full(&self) -> bool {
        self.open.len().saturating_add(self.late.len()) >= MAX_OPEN
    }

    /// The name of the service; that of the last request, most of the time.
    fn service_named(&mut self, name: &[u8]) -> Arc<str> {
        if self.service.as_bytes() != name {
            self.service = String::from_utf8_lossy(name).into();
        }
        Arc::clone(&self.service)
    }

    fn context(&self, asked: &AuthRequest<'_>, login: &Login) -> Context {
        // Postfix forwards AUTH EXTERNAL from anybody, and Exim says valid-client-cert without a name: only both, from a
        // peer that somebody listed, mean something.
        let believed = self.origin.listed && asked.valid_client_cert;
        let certificate_name = asked.cert_username.as_ref().filter(|_| believed).map(|name| name.to_vec());
        let Login { remote, service, secured } = login;
        let (service, local) = (Arc::clone(service), canonical(asked.lip));
        Context { service, secured: *secured, remote: *remote, local, certificate_name }
    }

    /// The address that a failure counts for: none if the peer may say that it is not to be counted, nor where it names
    /// this host, which is a proxy's way to say that it does not know.
    fn counted(&self, asked: &AuthRequest<'_>, context: &Context) -> Option<IpAddr> {
        let spared = self.origin.listed && asked.no_penalty;
        context.remote.filter(|_| !spared).filter(|_| context.remote != context.local)
    }
}

/// 24 characters of the base64 alphabet, which all mechanisms can carry.
fn nonce(entropy: &mut dyn Entropy) -> Option<[u8; 24]> {
    let mut bytes = [0; 18];
    entropy.fill(&mut bytes).ok()?;
    Some(base64_of(bytes))
}

/// An IPv4 address mapped into IPv6 is the IPv4 address.
fn canonical(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(|address| address.to_canonical())
}
