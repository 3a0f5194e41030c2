//! The learner: a process of its own that writes down what logins teach, because the helper may not write. Here is the
//! helper's side of it: lessons wait in a short queue, one at a time is on its way, and no login waits for any.

mod message;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::process::{Child, Command, Stdio};

use mio::net::UnixStream;
use mio::{Interest, Registry, Token};

use crate::credential::{Label, Lesson};
use crate::event::Event;
use crate::identity::Identity;

use message::{MAX_MESSAGE, PREFIX, encode};
pub use message::{Report, receive};

/// The most lessons that wait. What is dropped, the next login teaches again.
const MAX_WAITING: usize = 16;

/// A learner that was started. It ends when this is dropped, or the process is gone that holds it.
#[derive(Debug)]
pub struct Learner {
    stream: StdStream,
    process: Child,
}

impl Learner {
    /// Starts `program` as one, its end of the only connection to it as standard input. To be called with the rights that
    /// the learner is to have.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn start(mut program: Command) -> io::Result<Self> {
        let (stream, theirs) = StdStream::pair()?;
        stream.set_nonblocking(true)?;
        let process = program.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).spawn()?;
        Ok(Self { stream, process })
    }
}

/// Lessons on their way to the learner.
#[derive(Default)]
pub(super) struct Lessons {
    line: Option<Line>,
    waiting: VecDeque<Box<Lesson>>,
    /// A lesson was not written down, and the log has said so.
    complained: bool,
}

/// The connection to a learner that lives.
struct Line {
    stream: UnixStream,
    process: Child,
    received: Vec<u8>,
    state: State,
}

/// What the learner does.
enum State {
    /// It has not said yet whether it can write.
    Starting,
    /// It waits for a lesson.
    Idle,
    /// It learns this password.
    Learning(Identity, Label),
}

impl Lessons {
    /// Without a learner everything is dropped.
    pub(super) fn new(learner: Option<Learner>, registry: &Registry, token: Token) -> io::Result<Self> {
        let Some(Learner { stream, process }) = learner else { return Ok(Self::default()) };
        let mut stream = UnixStream::from_std(stream);
        registry.register(&mut stream, token, Interest::READABLE)?;
        let line = Line { stream, process, received: Vec::new(), state: State::Starting };
        Ok(Self { line: Some(line), ..Self::default() })
    }

    /// Whether there is somebody to learn.
    pub(super) fn has_learner(&self) -> bool {
        self.line.is_some()
    }

    /// Takes a lesson, or drops it where there is no room for it.
    pub(super) fn take(&mut self, lesson: Box<Lesson>) {
        let known = self.waiting.iter().any(|other| **other == *lesson);
        if self.line.is_some() && !known && self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(lesson);
        }
    }

    /// Sends the next lesson, if the learner waits for one.
    pub(super) fn send(&mut self, events: &mut Vec<Event>) {
        let Some(line) = self.line.as_mut().filter(|line| matches!(line.state, State::Idle)) else { return };
        let Some(lesson) = self.waiting.pop_front() else { return };
        let message = encode(&lesson);
        // The learner has read all that was sent before, so there is room for all of it.
        if matches!(line.stream.write(message.expose()), Ok(sent) if sent == message.expose().len()) {
            line.state = State::Learning(lesson.identity, lesson.label);
        } else {
            self.hang_up(events, "it cannot be reached".to_owned());
        }
    }

    /// Hears what the learner has to say.
    pub(super) fn hear(&mut self, events: &mut Vec<Event>) {
        while let Some(line) = &mut self.line {
            match line.next() {
                Ok(report) => self.heed(report, events),
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => return,
                Err(fault) => self.hang_up(events, fault.to_string()),
            }
        }
    }

    fn heed(&mut self, report: Report, events: &mut Vec<Event>) {
        let Some(line) = &mut self.line else { return };
        let state = core::mem::replace(&mut line.state, State::Idle);
        match (report, state) {
            (Report::CannotWrite(fault), _) => self.hang_up(events, fault),
            (Report::Learnt(schemes), State::Learning(identity, label)) => {
                self.complained = false;
                events.push(Event::Learnt { identity, label, schemes });
            }
            (Report::Failed(fault), _) if !self.complained => {
                self.complained = true;
                events.push(Event::NotLearnt(fault));
            }
            (Report::Ready | Report::Learnt(_) | Report::Nothing | Report::Failed(_), _) => {}
        }
    }

    /// No more learning: who could start another learner is gone.
    fn hang_up(&mut self, events: &mut Vec<Event>, why: String) {
        let Some(Line { stream, mut process, .. }) = self.line.take() else { return };
        drop(stream);
        self.waiting.clear();
        events.push(Event::LearningOff(why));
        // It has ended or is about to. Somebody has to take note, and the loop must not wait.
        let _ = std::thread::Builder::new().name("learner".to_owned()).spawn(move || process.wait());
    }
}

impl Line {
    /// The next report, once all of it is here.
    fn next(&mut self) -> io::Result<Report> {
        loop {
            if let Some((length, rest)) = self.received.split_first_chunk::<PREFIX>() {
                let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
                if length > MAX_MESSAGE {
                    return Err(ErrorKind::InvalidData.into());
                }
                if let Some(message) = rest.get(..length) {
                    let report = Report::decode(message);
                    self.received.drain(..length.saturating_add(PREFIX));
                    return report.ok_or_else(|| ErrorKind::InvalidData.into());
                }
            }
            let mut buffer = [0; 1024];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::Error::new(ErrorKind::UnexpectedEof, "the learner has ended")),
                Ok(read) => self.received.extend_from_slice(buffer.get(..read).unwrap_or_default()),
                Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
        }
    }
}
