//! The Dovecot protocol in both directions: the input is what came over the socket, where the byte 0xFF stands for two thousand
//! `x`. However it is cut into reads, the same comes out; what comes out can be written and read again; and lines are told
//! apart as a second reading of `dovecot-auth` does it.

use sasldb::protocol::dovecot::{
    Breach, Command, CommandDecoder, FrameError, MAX_LINE, Reply, ReplyDecoder, ServerLine, UnknownReply, decode_base64,
};

use super::oracle;
use super::random::Random;

pub fn target(data: &[u8]) {
    let stream: Vec<u8> =
        data.iter().flat_map(|byte| if *byte == 0xff { vec![b'x'; 2000] } else { vec![*byte] }).collect();
    let cuts = Random::of(data).pieces(&stream);
    let commands = commands(&[&stream]);
    assert_eq!(self::commands(&cuts), commands);
    check_lines(&stream, &commands);
    let replies = replies(&[&stream]);
    // After a line that is too long it depends on the cuts what is taken for the next one; a client gives up there.
    if stream.split(|byte| *byte == b'\n').all(|line| line.len() < MAX_LINE) {
        assert_eq!(self::replies(&cuts), replies);
    }
    replies.iter().flatten().for_each(check_reply);
    check_base64(data);
}

/// What is read of a client's bytes, each command as it would be written. The end is the first line that is too long.
fn commands(pieces: &[&[u8]]) -> Vec<Result<Vec<u8>, FrameError>> {
    let mut decoder = CommandDecoder::default();
    let mut read = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while let Some(command) = decoder.take(&mut rest) {
            let too_long = command == Err(Breach::LineTooLong.into());
            read.push(command.map(|command| check_command(&command)));
            if too_long {
                return read;
            }
        }
    }
    read
}

/// Writes the command and reads it again.
fn check_command(command: &Command<'_>) -> Vec<u8> {
    let mut written = Vec::new();
    command.encode(&mut written);
    let nameless = matches!(command, Command::Auth(request) if request.mechanism.is_empty());
    // What is taken as it came, data in base64, may end in a CR, which the end of a line would swallow.
    if !nameless && !written.ends_with(b"\r\n") && written.len() <= MAX_LINE {
        let mut decoder = CommandDecoder::default();
        let mut rest = written.as_slice();
        assert_eq!(decoder.take(&mut rest), Some(Ok(command.clone())), "{}", written.escape_ascii());
        assert!(rest.is_empty());
    }
    written
}

/// Each line is a command, or the fault that a plain reading of it shows.
fn check_lines(stream: &[u8], commands: &[Result<Vec<u8>, FrameError>]) {
    let mut lines: Vec<&[u8]> = stream.split(|byte| *byte == b'\n').collect();
    let unfinished = lines.pop().unwrap_or_default();
    let fits = |line: &&&[u8]| line.len() < MAX_LINE;
    let complete = lines.iter().take_while(fits).count();
    let breaks_off = complete < lines.len() || !fits(&&unfinished);
    assert_eq!(commands.len(), complete + usize::from(breaks_off));
    for (line, command) in lines.iter().zip(commands).take(complete) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
        let known: [&[u8]; 5] = [b"AUTH", b"CONT", b"CANCEL", b"VERSION", b"CPID"];
        let shown = line.escape_ascii();
        if line.contains(&0) {
            assert_eq!(*command, Err(Breach::Nul.into()), "{shown}");
        } else if !known.contains(&fields[0]) {
            assert_eq!(*command, Err(Breach::UnknownCommand.into()), "{shown}");
        } else if let Ok(written) = command {
            // The word and the number are those of the line.
            let id = fields[1..].iter().find_map(|field| std::str::from_utf8(field).ok()?.parse::<u32>().ok()).unwrap();
            assert!(written.starts_with(&[fields[0], format!("\t{id}").as_bytes()].concat()), "{shown}");
        }
    }
    if breaks_off {
        assert_eq!(commands.last(), Some(&Err(Breach::LineTooLong.into())));
    }
}

fn replies(pieces: &[&[u8]]) -> Vec<Result<ServerLine, UnknownReply>> {
    let mut decoder = ReplyDecoder::default();
    let mut read = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while let Some(line) = decoder.take(&mut rest) {
            read.push(line);
        }
    }
    read
}

/// Writes a reply and reads it again.
fn check_reply(line: &ServerLine) {
    let ServerLine::Reply(reply) = line else { return };
    let reply: &Reply<'_> = reply;
    let mut written = Vec::new();
    reply.encode(&mut written);
    assert!(written.ends_with(b"\n") && written.iter().filter(|byte| **byte == b'\n').count() == 1);
    if written.len() <= MAX_LINE {
        let mut rest = written.as_slice();
        let again = ReplyDecoder::default().take(&mut rest);
        assert_eq!(again.as_ref(), Some(&Ok(line.clone())), "{}", written.escape_ascii());
    }
}

fn check_base64(text: &[u8]) {
    let mut buffer = Vec::new();
    let decoded = decode_base64(text, &mut buffer).ok();
    let compact: Vec<u8> = text.iter().copied().filter(|byte| *byte != b' ').collect();
    assert_eq!(decoded, oracle::unbase64(&compact).as_deref(), "{}", text.escape_ascii());
}
