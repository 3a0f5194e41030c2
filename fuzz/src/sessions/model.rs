//! What the client of a session knows: which of its requests are open, and whether the last that it heard was a challenge.

use std::collections::BTreeMap;

use sasldb::protocol::dovecot::{MAX_LINE, MAX_REPLY};
use sasldb::runtime::Moment;
use sasldb::server::session::PATIENCE;

use super::super::{oracle, site};
use super::stage::Stage;

#[derive(Default)]
pub(super) struct Model {
    open: BTreeMap<u32, Request>,
    /// How many were begun: each has to have one line in the log at the end.
    begun: usize,
    /// What of the server's lines and log has been looked at.
    heard: usize,
    logged: usize,
    /// The beginning of a line of the client.
    unfinished: Vec<u8>,
}

struct Request {
    order: usize,
    /// The challenge, in base64, and when it came; none while the server owes an answer.
    challenge: Option<(Vec<u8>, Moment)>,
    spoke: Moment,
}

impl Model {
    /// The challenge that request `id` waits with.
    pub(super) fn challenge(&self, id: u32) -> Option<Vec<u8>> {
        let (challenge, _) = self.open.get(&id)?.challenge.as_ref()?;
        Some(oracle::unbase64(challenge).expect("a challenge is in base64"))
    }

    /// The client has said `piece`, a line or the beginning of one, and the session has heard it.
    pub(super) fn client_says(&mut self, piece: &[u8], moment: Moment, stage: &mut Stage) {
        self.unfinished.extend_from_slice(piece);
        let Some(line) = self.unfinished.strip_suffix(b"\n").map(<[u8]>::to_vec) else {
            assert_eq!(stage.closed, self.unfinished.len() >= MAX_LINE);
            return self.server_says(stage);
        };
        self.unfinished.clear();
        let must_close = line.len() >= MAX_LINE || line.contains(&0);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
        let id = fields.get(1).and_then(|id| std::str::from_utf8(id).ok()?.parse().ok()).unwrap_or(0);
        let breach = stage.log[self.logged..].iter().any(|line| line.starts_with("connection closed: "));
        assert_eq!(stage.closed, breach, "only a breach closes while the client speaks");
        assert!(breach || !must_close);
        let shown = line.escape_ascii();
        match fields[0] {
            _ if breach => {}
            b"AUTH" => {
                self.make_room(stage);
                let request = Request { order: self.begun, challenge: None, spoke: moment };
                self.begun += 1;
                assert!(id != 0 && self.open.insert(id, request).is_none(), "an id in use closes: {shown}");
            }
            b"CONT" => match self.open.get_mut(&id) {
                Some(request) => {
                    request.challenge = None;
                    request.spoke = moment;
                }
                None => {
                    let reply = format!("FAIL\t{id}\treason=Authentication request timed out\n");
                    assert_eq!(&stage.said[self.heard..], reply.as_bytes(), "{shown}");
                    self.heard = stage.said.len();
                }
            },
            b"CANCEL" => drop(self.open.remove(&id)),
            b"VERSION" | b"CPID" => {}
            _ => panic!("no command, and the connection is open: {shown}"),
        }
        self.server_says(stage);
    }

    /// A server that has too many open gives up the oldest one that waits for its client.
    fn make_room(&mut self, stage: &Stage) {
        for _ in stage.log[self.logged..].iter().filter(|line| line.contains("reason=\"too many left open\"")) {
            let waiting = self.open.iter().filter(|(_, request)| request.challenge.is_some());
            let oldest = waiting.min_by_key(|(_, request)| request.order).map(|(id, _)| *id);
            self.open.remove(&oldest.expect("nobody waits"));
        }
    }

    /// Something has happened, and the session may have said something.
    pub(super) fn server_says(&mut self, stage: &mut Stage) {
        self.forget_expired(stage);
        let said = stage.said[self.heard..].to_vec();
        self.heard = stage.said.len();
        assert!(said.is_empty() || said.ends_with(b"\n"));
        for line in said.split_inclusive(|byte| *byte == b'\n') {
            self.server_line(line, stage.moment);
        }
        self.logged = stage.log.len();
        assert!(self.open.len() <= 2048, "more are open than a session may have");
    }

    fn server_line(&mut self, line: &[u8], moment: Moment) {
        let shown = line.escape_ascii();
        assert!(line.len() <= MAX_REPLY && !line.contains(&0) && !line.contains(&b'\r'), "{shown}");
        let text = String::from_utf8(line.to_vec()).unwrap();
        let fields: Vec<&str> = text.trim_end().split('\t').collect();
        let id: u32 = fields[1].parse().unwrap();
        let request = self.open.get_mut(&id).unwrap_or_else(|| panic!("of no request: {shown}"));
        assert!(request.challenge.is_none(), "it is the client's turn: {shown}");
        match fields[0] {
            "CONT" => request.challenge = Some((fields.get(2).unwrap_or(&"").as_bytes().to_vec(), moment)),
            "OK" => {
                let user = fields[2].strip_prefix("user=").unwrap();
                let mut accounts = site::ACCOUNTS.iter().filter(|account| !account.disabled);
                assert!(accounts.any(|account| account.identity().to_string() == user), "{shown}");
                self.open.remove(&id);
            }
            "FAIL" => drop(self.open.remove(&id)),
            _ => panic!("{shown}"),
        }
    }

    /// All that are overdue are given up at once, or none.
    fn forget_expired(&mut self, stage: &Stage) {
        let given_up =
            stage.log[self.logged..].iter().filter(|line| line.contains("reason=\"no response came\"")).count();
        if given_up == 0 {
            return;
        }
        let overdue = |request: &Request| request.challenge.is_some() && request.spoke + PATIENCE <= stage.moment;
        let before = self.open.len();
        self.open.retain(|_, request| !overdue(request));
        assert_eq!(before - self.open.len(), given_up, "given up too early, or not all of them");
    }

    /// Nobody is waited for longer than [`PATIENCE`].
    pub(super) fn check_patience(&self, stage: &Stage) {
        let waits =
            |request: &Request| request.challenge.as_ref().is_some_and(|(_, since)| *since + PATIENCE < stage.moment);
        let kept: Vec<_> = self.open.iter().filter(|(_, request)| waits(request)).map(|(id, _)| id).collect();
        assert!(stage.closed || kept.is_empty(), "kept for longer than their clients are waited for: {kept:?}");
    }

    /// Nothing is under way any more, so each request has had its answer, unless the connection was closed instead.
    pub(super) fn check_answered(&self, stage: &Stage) {
        let owed: Vec<_> =
            self.open.iter().filter(|(_, request)| request.challenge.is_none()).map(|(id, _)| id).collect();
        assert!(stage.closed || owed.is_empty(), "no answer to {owed:?}");
    }

    /// Each request has one line in the log.
    pub(super) fn check_log(&self, stage: &Stage) {
        let lines = stage.log.iter().filter(|line| !line.starts_with("connection closed: ")).count();
        assert_eq!(lines, self.begun, "{:#?}", stage.log);
    }
}
