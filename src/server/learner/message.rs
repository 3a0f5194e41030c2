//! What helper and learner say to each other, each message with its length before it. Both are this program, and the same
//! version of it.

use std::io::{self, Read, Write};

use zeroize::Zeroizing;

use crate::credential::{Label, Lesson};
use crate::identity::{Identity, Name, Realm};
use crate::secret::{Password, SecretBytes};
use crate::vocabulary::Scheme;

/// The longest message in bytes: a password of the greatest length, names, and room to spare.
pub(super) const MAX_MESSAGE: usize = 8192;

/// Bytes of a length.
pub(super) const PREFIX: usize = 4;

/// What the learner says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// It is ready for lessons. Comes once, first.
    Ready,
    /// It cannot write, and ends. Comes first instead.
    CannotWrite(String),
    /// These schemes were made, and written down.
    Learnt(Vec<Scheme>),
    /// Nothing was to be learnt: the account has changed meanwhile.
    Nothing,
    /// It should have been written down, and could not be.
    Failed(String),
}

impl Report {
    fn encode(&self) -> Vec<u8> {
        let (tag, text) = match self {
            Self::Ready => (b'R', String::new()),
            Self::CannotWrite(fault) => (b'C', fault.clone()),
            Self::Learnt(schemes) => (b'L', schemes.iter().map(|s| s.name()).collect::<Vec<_>>().join(" ")),
            Self::Nothing => (b'N', String::new()),
            Self::Failed(fault) => (b'F', fault.clone()),
        };
        let text = text.as_bytes();
        [&[tag], text.get(..MAX_MESSAGE.saturating_sub(1)).unwrap_or(text)].concat()
    }

    pub(super) fn decode(message: &[u8]) -> Option<Self> {
        let (tag, text) = message.split_first()?;
        let text = String::from_utf8_lossy(text).into_owned();
        Some(match tag {
            b'R' => Self::Ready,
            b'C' => Self::CannotWrite(text),
            b'L' => Self::Learnt(text.split(' ').filter_map(Scheme::from_name).collect()),
            b'N' => Self::Nothing,
            b'F' => Self::Failed(text),
            _ => return None,
        })
    }

    /// Sends it.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn send(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&with_length(&self.encode()))
    }
}

/// A lesson as it is sent, its length before it.
pub(super) fn encode(lesson: &Lesson) -> SecretBytes {
    let Lesson { identity, label, revision, password } = lesson;
    let (name, realm) = (identity.name.as_str().as_bytes(), identity.realm.as_str().as_bytes());
    let texts = [name, realm, label.as_str().as_bytes()];
    // As long as it gets from the beginning, so that no part of the password stays behind where it grew.
    let mut message = Zeroizing::new(Vec::with_capacity(MAX_MESSAGE));
    message.extend_from_slice(&revision.to_be_bytes());
    for text in texts {
        message.extend_from_slice(&length(text.len()));
        message.extend_from_slice(text);
    }
    message.extend_from_slice(password.expose());
    SecretBytes::new(with_length(&message))
}

fn decode(mut message: &[u8]) -> Option<Lesson> {
    let message = &mut message;
    let revision = u64::from_be_bytes(*message.split_off(..8)?.first_chunk()?);
    let mut text = || {
        let length = u32::from_be_bytes(*message.split_off(..PREFIX)?.first_chunk()?);
        core::str::from_utf8(message.split_off(..usize::try_from(length).ok()?)?).ok()
    };
    let identity = Identity::new(Name::new(text()?).ok()?, Realm::imported(text()?).ok()?);
    let label = Label::new(text()?).ok()?;
    let password = Password::new(message.to_vec()).ok()?;
    Some(Lesson { identity, label, revision, password })
}

/// Waits for the next lesson; none once the helper is gone, or what is at the other end is no helper.
///
/// # Errors
/// Those of `from`.
pub fn receive(from: &mut impl Read) -> io::Result<Option<Lesson>> {
    let mut length = [0; PREFIX];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(fault) => return Err(fault),
    }
    let Some(length) = usize::try_from(u32::from_be_bytes(length)).ok().filter(|length| *length <= MAX_MESSAGE) else {
        return Ok(None);
    };
    let mut message = Zeroizing::new(vec![0; length]);
    from.read_exact(&mut message)?;
    Ok(decode(&message))
}

fn with_length(message: &[u8]) -> Vec<u8> {
    [length(message.len()).as_slice(), message].concat()
}

fn length(of: usize) -> [u8; PREFIX] {
    u32::try_from(of).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::ScramHash;

    #[test]
    fn the_longest_lesson_arrives_as_it_was_sent() {
        let long = "x".repeat(255);
        let lesson = || Lesson {
            identity: Identity::new(Name::new(&long).unwrap(), Realm::new(&long).unwrap()),
            label: Label::new(&"l".repeat(64)).unwrap(),
            revision: u64::MAX,
            password: Password::new(vec![0xE4; Password::MAX]).unwrap(),
        };
        let sent = encode(&lesson());
        assert_eq!(receive(&mut sent.expose()).unwrap(), Some(lesson()));
        assert_eq!(receive(&mut [].as_slice()).unwrap(), None);
        assert!(receive(&mut &sent.expose()[..sent.expose().len() - 1]).is_err());
        for cut in 0..=8 + 3 * PREFIX + 2 * 255 + 64 {
            let message = &sent.expose()[PREFIX..PREFIX + cut];
            assert_eq!(receive(&mut with_length(message).as_slice()).unwrap(), None, "{cut}");
        }
        assert_eq!(receive(&mut [0xff; 64].as_slice()).unwrap(), None, "longer than any lesson");
    }

    #[test]
    fn reports_arrive_as_they_were_sent() {
        for report in [
            Report::Ready,
            Report::CannotWrite("/x: may not be written".to_owned()),
            Report::Learnt(vec![Scheme::DigestMd5, Scheme::Scram(ScramHash::Sha256)]),
            Report::Nothing,
            Report::Failed("the database is busy".to_owned()),
        ] {
            let mut sent = Vec::new();
            report.send(&mut sent).unwrap();
            assert_eq!(sent[..PREFIX], length(sent.len() - PREFIX));
            assert_eq!(Report::decode(&sent[PREFIX..]), Some(report));
        }
        assert_eq!(Report::decode(b"?"), None);
        assert_eq!(Report::decode(b""), None);
    }
}
