//! Sessions of the Dovecot protocol. The input is a play: lines of the client as they are, and between them lines that begin
//! with `!`, which say what else happens:
//!
//! - `!b M I` our own client begins mechanism number M as request I; with `!w M I` it has a wrong password
//! - `!p I` it goes on with request I
//! - `!a N`, `!f N` the store answers one of the look-ups that are under way, or fails to
//! - `!c N`, `!o N` one of the computations is done, or finds no thread
//! - `!n` from now on, and until the next one, the store and the pool answer at once
//! - `!t N` N tenths of a second pass
//! - `!x N` N hundred requests are begun and left alone
//! - `!h` the helper stops, and failures go out at once
//!
//! Two sessions play it, one line by line and the other cut anywhere; they have to say and log the same. What the first one
//! says is held against a model of what its client knows: each request gets one reply and one line in the log.

mod model;
mod stage;

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use sasldb::mechanism::client::{self, Client, ClientStart};
use sasldb::secret::Password;
use sasldb::server::session::PATIENCE;
use sasldb::vocabulary::Mechanism;

use super::oracle;
use super::random::Random;
use super::site;
use model::Model;
use stage::{DELAY, Stage};

pub fn target(data: &[u8]) {
    let mut play = Play::new(data);
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        if play.by_lines.closed {
            break;
        }
        match line {
            [b'!', rest @ ..] => play.direct(rest),
            spoken => play.speech.extend_from_slice(spoken),
        }
    }
    play.speak();
    play.end();
}

/// A client that may know its password.
static RIGHT: LazyLock<Password> = LazyLock::new(|| site::password("secret"));
static WRONG: LazyLock<Password> = LazyLock::new(|| site::password("Secret"));

struct Play {
    by_lines: Stage,
    in_pieces: Stage,
    cuts: Random,
    model: Model,
    /// What the client says before the next thing happens.
    speech: Vec<u8>,
    at_once: bool,
    clients: BTreeMap<u32, Client<'static>>,
}

impl Play {
    fn new(data: &[u8]) -> Self {
        let (by_lines, in_pieces) = (Stage::new(), Stage::new());
        let cuts = Random::of(data);
        let (model, speech, clients) = (Model::default(), Vec::new(), BTreeMap::new());
        Self { by_lines, in_pieces, cuts, model, speech, at_once: false, clients }
    }

    fn direct(&mut self, line: &[u8]) {
        self.speak();
        let text = String::from_utf8_lossy(line);
        let mut words = text.split_ascii_whitespace();
        let word = words.next().unwrap_or_default();
        let mut number = || words.next().and_then(|word| word.parse::<u16>().ok()).map_or(0, usize::from);
        let number = number();
        match word {
            "b" | "w" => {
                let id = words.next().and_then(|word| word.parse().ok()).unwrap_or(1);
                self.begin(number, id, if word == "b" { &RIGHT } else { &WRONG });
            }
            "p" => self.proceed(number as u32),
            "a" => self.both(|stage| stage.answer(number, true)),
            "f" => self.both(|stage| stage.answer(number, false)),
            "c" => self.both(|stage| stage.compute(number, true)),
            "o" => self.both(|stage| stage.compute(number, false)),
            "n" => {
                self.at_once = !self.at_once;
                self.answer_all();
            }
            "t" => self.pass(Duration::from_millis(100 * number.min(10_000) as u64)),
            "x" => {
                for id in 0..100 * number.min(15) {
                    let id = 100_000 + id;
                    self.speech.extend_from_slice(format!("AUTH\t{id}\tLOGIN\tservice=smtp\n").as_bytes());
                }
                self.speak();
            }
            "h" => self.both(Stage::hurry),
            _ => {}
        }
    }

    /// Lets both sessions hear what was said since, one line by line.
    fn speak(&mut self) {
        let speech = std::mem::take(&mut self.speech);
        let moment = self.by_lines.moment;
        for line in speech.split_inclusive(|byte| *byte == b'\n') {
            if self.by_lines.closed {
                break;
            }
            self.by_lines.receive(line);
            self.model.client_says(line, moment, &mut self.by_lines);
        }
        for piece in self.cuts.pieces(&speech) {
            self.in_pieces.receive(piece);
        }
        self.compare();
        if self.at_once {
            self.answer_all();
        }
    }

    fn begin(&mut self, mechanism: usize, id: u32, password: &'static Password) {
        let mechanism = Mechanism::ALL[mechanism % Mechanism::ALL.len()];
        let start = ClientStart {
            mechanism,
            // The password of this one is checked by the pool.
            authcid: if id.is_multiple_of(4) { "slow" } else { "joe" },
            authzid: None,
            password,
            realm: None,
            service: "smtp",
            host: "mx1.example.org",
            nonce: "Y2xpZW50IG5vbmNl",
        };
        let opening = client::begin(start);
        let initial = opening.initial.map(|message| format!("\tresp={}", oracle::base64(message.expose())));
        let more = if id.is_multiple_of(2) { "\tfinal-resp-ok" } else { "\tnologin" };
        let begin = format!(
            "AUTH\t{id}\t{mechanism}\tservice=smtp\tsecured{more}\trip=192.0.2.{}{}\n",
            id % 4,
            initial.unwrap_or_default()
        );
        self.clients.insert(id, opening.next);
        self.speech.extend_from_slice(begin.as_bytes());
        self.speak();
    }

    fn proceed(&mut self, id: u32) {
        let Some(client) = self.clients.remove(&id) else { return };
        let Some(challenge) = self.model.challenge(id) else { return };
        let Ok((response, next)) = client.challenge(&challenge) else { return };
        self.clients.insert(id, next);
        let line = format!("CONT\t{id}\t{}\n", oracle::base64(response.expose()));
        self.speech.extend_from_slice(line.as_bytes());
        self.speak();
    }

    /// Something happens to both sessions.
    fn both(&mut self, happen: impl Fn(&mut Stage)) {
        self.happen(happen);
        if self.at_once {
            self.answer_all();
        }
    }

    fn answer_all(&mut self) {
        while self.by_lines.is_asked() {
            self.happen(|stage| stage.answer(0, true));
            self.happen(|stage| stage.compute(0, true));
        }
    }

    fn happen(&mut self, happen: impl Fn(&mut Stage)) {
        happen(&mut self.by_lines);
        self.model.server_says(&mut self.by_lines);
        happen(&mut self.in_pieces);
        self.compare();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.by_lines.moment + time;
        while let Some(due) = self.by_lines.deadline().filter(|due| *due <= end) {
            assert_eq!(self.in_pieces.deadline(), Some(due));
            self.both(|stage| stage.tick(due));
        }
        self.both(|stage| stage.moment = end);
        self.model.check_patience(&self.by_lines);
    }

    fn compare(&self) {
        let (one, other) = (&self.by_lines, &self.in_pieces);
        assert_eq!(one.closed, other.closed, "it matters how the client's bytes are cut");
        let shown = |stage: &Stage| stage.said.escape_ascii().to_string();
        assert!(one.said == other.said, "{}\nin pieces: {}", shown(one), shown(other));
        assert_eq!(one.log, other.log);
    }

    /// Everything comes to its end: what is asked is answered, what is late goes out, what nobody carries on is forgotten.
    fn end(mut self) {
        self.answer_all();
        self.pass(DELAY);
        self.model.check_answered(&self.by_lines);
        self.pass(PATIENCE * 2);
        assert!(self.by_lines.closed || self.by_lines.is_idle(), "something is left behind");
        self.both(Stage::close);
        self.model.check_log(&self.by_lines);
    }
}
