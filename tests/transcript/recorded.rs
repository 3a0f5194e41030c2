//! What real programs and Dovecot said, with our session in Dovecot's place.

use sasldb::mechanism::client::{self, Client, ClientStart};
use sasldb::protocol::dovecot::{Reply, ReplyDecoder, ServerLine};
use sasldb::secret::Password;
use sasldb::vocabulary::Mechanism;

use base64ct::{Base64, Encoding};

use super::{DELAY, World, meant, shown};

/// The account that was there.
const ACCOUNT: (&str, &str) = ("mailman", "secret");

pub(crate) fn play(text: &str) -> Result<(), String> {
    let mut world = World::new("example.com");
    world.add(ACCOUNT.0, ACCOUNT.1);
    world.connect();
    if !text.contains("VERSION") {
        // Recorded from a later request on: the handshake was Postfix's.
        while world.next_line().is_some() {}
        world.receive(b"VERSION\t1\t0\nCPID\t7\n");
    }
    let mut player = Player { world, start: text, client: None };
    for (number, line) in text.lines().enumerate() {
        let played = match line.split_once(": ") {
            Some(("C", said)) => player.say(said),
            Some(("S", heard)) => player.hear(heard),
            _ => Ok(()),
        };
        played.map_err(|fault| format!("line {}: {fault}", number + 1))?;
    }
    match player.world.next_line() {
        Some(line) => Err(format!("we also say {}", shown(&line))),
        None if player.world.closed => Err("we close the connection".to_owned()),
        None => Ok(()),
    }
}

struct Player<'t> {
    world: World,
    start: &'t str,
    /// The client in our proofs: what was recorded was made for other nonces.
    client: Option<Proving>,
}

struct Proving {
    state: Client<'static>,
    /// What goes out in answer to an empty challenge.
    initial: Option<String>,
    challenge: Option<Vec<u8>>,
}

impl Player<'_> {
    fn say(&mut self, said: &str) -> Result<(), String> {
        let mut fields: Vec<String> = said.split("<T>").map(str::to_owned).collect();
        let mechanism = fields.get(2).and_then(|name| Mechanism::from_name(name.as_bytes()));
        match (fields[0].as_str(), mechanism) {
            ("AUTH", Some(mechanism)) if !mechanism.is_plaintext() => {
                let opening = client::begin(self.client_start(mechanism));
                let mut initial = opening.initial.map(|initial| Base64::encode_string(initial.expose()));
                if let Some(response) = fields.last_mut().filter(|field| field.starts_with("resp=")) {
                    *response = format!("resp={}", initial.take().unwrap_or_default());
                }
                self.client = Some(Proving { state: opening.next, initial, challenge: None });
            }
            ("CONT", _) => {
                if let Some(Proving { state, initial, challenge: Some(challenge) }) = self.client.take() {
                    let (response, state) = match initial {
                        Some(initial) => (initial, state),
                        None => {
                            let (response, state) = state.challenge(&challenge).map_err(|fault| fault.to_string())?;
                            (Base64::encode_string(response.expose()), state)
                        }
                    };
                    fields[2] = response;
                    self.client = Some(Proving { state, initial: None, challenge: None });
                }
            }
            _ => {}
        }
        let mut line = meant(&fields.join("<T>"));
        line.push(b'\n');
        self.world.receive(&line);
        Ok(())
    }

    fn hear(&mut self, heard: &str) -> Result<(), String> {
        let expected = parsed(&meant(heard))?;
        let ServerLine::Reply(expected) = expected else { return self.hear_greeting(heard) };
        let line = match self.world.next_line() {
            Some(line) => line,
            None => {
                self.world.advance(DELAY);
                self.world.next_line().ok_or("we say nothing")?
            }
        };
        let ours = parsed(&line)?;
        let is_plain = self.client.is_none();
        match (expected, ours) {
            (Reply::Continue { id, data }, ServerLine::Reply(Reply::Continue { id: our_id, data: our_data }))
                if id == our_id && (!is_plain || data == our_data) =>
            {
                if let Some(client) = &mut self.client {
                    client.challenge = Some(our_data.into_owned());
                }
                Ok(())
            }
            (Reply::Ok { id, user, .. }, ServerLine::Reply(Reply::Ok { id: our_id, user: our_user, .. }))
                if id == our_id && user == our_user =>
            {
                self.client = None;
                Ok(())
            }
            (
                Reply::Fail { id, user, code, .. },
                ServerLine::Reply(Reply::Fail { id: our_id, user: our_user, code: our_code, .. }),
            ) if id == our_id && user == our_user && code == our_code => {
                self.client = None;
                Ok(())
            }
            _ => Err(format!("we say {}", shown(&line))),
        }
    }

    /// Ours has the same lines but for the mechanisms' order, our numbers and our cookie.
    fn hear_greeting(&mut self, heard: &str) -> Result<(), String> {
        let line = shown(&self.world.next_line().ok_or("we say nothing")?);
        let word = |line: &str| line.split("<T>").next().map(str::to_owned);
        let known = match word(heard).as_deref() {
            Some("MECH") => self.start.contains(&format!("S: {line}\n")),
            Some("SPID" | "CUID" | "COOKIE") => heard.len().abs_diff(line.len()) < 8,
            _ => heard == line,
        };
        if known && word(heard) == word(&line) { Ok(()) } else { Err(format!("we say {line}")) }
    }

    fn client_start(&self, mechanism: Mechanism) -> ClientStart<'static> {
        let about = self.start.lines().find_map(|line| line.split_once("password "));
        let password = about.map_or(ACCOUNT.1, |(_, rest)| rest.split([';', ',']).next().unwrap());
        // Tests end soon enough to leave their words behind.
        let password: &'static Password = Box::leak(Box::new(Password::new(password.into()).unwrap()));
        ClientStart {
            mechanism,
            authcid: ACCOUNT.0,
            authzid: None,
            password,
            realm: None,
            service: "smtp",
            host: "mail.example.com",
            nonce: "uUfRHQ5icFttMVUeZMyo9g==",
        }
    }
}

fn parsed(line: &[u8]) -> Result<ServerLine, String> {
    let mut decoder = ReplyDecoder::default();
    let mut bytes = line.to_vec();
    bytes.push(b'\n');
    let parsed = decoder.take(&mut &bytes[..]).ok_or("no line")?;
    parsed.map_err(|fault| format!("{fault}: {}", shown(line)))
}
