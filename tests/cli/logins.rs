//! `sasldb-rs test` against a helper that says what the test wants: every ending has its line and its status.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use crate::shell::{Ran, SASLDB, Shell};

/// What the helper does once it has read AUTH: gets the line and the rest of the conversation.
type Answer = fn(&str, &mut Talk);

struct Talk {
    stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Talk {
    fn new(stream: UnixStream) -> Self {
        Self { lines: BufReader::new(stream.try_clone().unwrap()), stream }
    }

    fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// The next line without its end; nothing once the client is gone.
    fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        self.lines.read_line(&mut line).ok().filter(|&count| count > 0)?;
        Some(line.trim_end_matches('\n').to_owned())
    }
}

/// Runs `sasldb-rs test` with these arguments against a helper that greets with `greeting`.
fn test(greeting: &'static str, answer: Answer, arguments: &[&str]) -> Ran {
    let shell = Shell::new();
    let listener = UnixListener::bind(shell.path("auth")).unwrap();
    // Ends with the test's process; it has nothing that would be left behind.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut talk = Talk::new(stream.unwrap());
            talk.say(greeting);
            while let Some(line) = talk.hear() {
                if line.starts_with("AUTH\t") {
                    answer(&line, &mut talk);
                    break;
                }
            }
        }
    });
    shell.run(SASLDB, &[&["test", "--dovecot", "auth"], arguments, &["mailman"]].concat(), b"secret\n")
}

/// The lines without the times.
fn lines(ran: &Ran) -> Vec<String> {
    let without_time = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert!(words[2].parse::<f64>().is_ok() && words[3] == "ms", "{line}");
        [&words[..2], &words[4..]].concat().join(" ")
    };
    ran.out.lines().map(without_time).collect()
}

const HANDSHAKE: &str = "VERSION\t1\t2\nMECH\tCRAM-MD5\tdictionary\tactive\nMECH\tGSSAPI\nMECH\tPLAIN\tplaintext\n\
                         SPID\t1\nCUID\t1\nCOOKIE\t4eaa7ef4f415d61b0d7deb57346ca57a\nDONE\n";

#[test]
fn every_announced_mechanism_is_tried() {
    let ran = test(
        HANDSHAKE,
        |line, talk| match line.split('\t').nth(2).unwrap() {
            "PLAIN" => {
                assert_eq!(line, "AUTH\t1\tPLAIN\tservice=imap\tnologin\tsecured\tresp=AG1haWxtYW4Ac2VjcmV0");
                talk.say("OK\t1\tuser=mailman@example.com\n");
            }
            "CRAM-MD5" => {
                assert_eq!(line, "AUTH\t1\tCRAM-MD5\tservice=imap\tnologin\tsecured");
                talk.say("CONT\t1\tPDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+\n");
                assert!(talk.hear().unwrap().starts_with("CONT\t1\tbWFpbG1hbi"));
                talk.say("OK\t1\tuser=mailman@example.com\n");
            }
            other => panic!("{other}"),
        },
        &["--secured", "--service", "imap"],
    );
    assert_eq!(lines(&ran), ["CRAM-MD5 accepted mailman@example.com", "PLAIN accepted mailman@example.com"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn one_denial_is_enough_for_status_1() {
    let ran = test(
        HANDSHAKE,
        |line, talk| {
            if line.contains("\tPLAIN\t") {
                talk.say("OK\t1\tuser=m\x1b[2J\n");
            } else {
                talk.say("FAIL\t1\tuser=mailman\n");
            }
        },
        &[],
    );
    assert_eq!(lines(&ran), ["CRAM-MD5 denied", "PLAIN accepted m\\u{1b}[2J"]);
    assert_eq!(ran.status, Some(1));
}

#[test]
fn a_server_that_cannot_tell_is_unavailable() {
    for (answer, detail) in [
        ((|_, _| ()) as Answer, "the server closed the connection"),
        (|_, talk| talk.say("FAIL\t1\tcode=temp_fail\ttemp\n"), "temporary failure"),
        (|_, talk| talk.say("CONT\tx\n"), "the server does not speak the Dovecot auth protocol"),
    ] {
        let ran = test(HANDSHAKE, answer, &["--mechanism", "plain"]);
        assert_eq!(lines(&ran), [format!("PLAIN unavailable {detail}")]);
        assert_eq!(ran.status, Some(75));
    }
}

#[test]
fn a_server_without_a_proof_is_not_believed() {
    let greeting = "VERSION\t1\t2\nMECH\tSCRAM-SHA-256\tmutual-auth\nSPID\t1\nCUID\t1\nDONE\n";
    let ran = test(greeting, |_, talk| talk.say("OK\t1\tuser=mailman\n"), &[]);
    assert_eq!(ran.status, Some(1));
    assert!(lines(&ran)[0].starts_with("SCRAM-SHA-256 denied the server says success"), "{ran:?}");
}

#[test]
fn a_mechanism_that_is_not_announced_is_not_tried() {
    let ran = test(HANDSHAKE, |_, _| panic!("tried"), &["--mechanism", "LOGIN"]);
    assert_eq!(lines(&ran), ["LOGIN unavailable the server does not announce it"]);
    assert_eq!(ran.status, Some(75));
}

#[test]
fn the_realm_goes_where_the_mechanism_has_a_place_for_it() {
    let ran = test(
        "VERSION\t1\t2\nMECH\tDIGEST-MD5\nMECH\tPLAIN\nSPID\t1\nCUID\t1\nDONE\n",
        |line, talk| {
            if line.contains("\tPLAIN\t") {
                // \0mailman@example.org\0secret
                assert!(line.ends_with("\tresp=AG1haWxtYW5AZXhhbXBsZS5vcmcAc2VjcmV0"), "{line}");
                return talk.say("FAIL\t1\n");
            }
            // realm="example.com",nonce="n",qop="auth",charset=utf-8,algorithm=md5-sess
            talk.say("CONT\t1\tcmVhbG09ImV4YW1wbGUuY29tIixub25jZT0ibiIscW9wPSJhdXRoIixjaGFyc2V0PXV0Zi04LGFsZ29yaXRobT1tZDUtc2Vzcw==\n");
            let line = talk.hear().unwrap();
            let response = line.strip_prefix("CONT\t1\t").unwrap();
            let decoded = <base64ct::Base64 as base64ct::Encoding>::decode_vec(response).unwrap();
            let decoded = String::from_utf8(decoded).unwrap();
            assert!(decoded.contains("realm=\"example.org\"") && decoded.contains("username=\"mailman\""), "{decoded}");
            talk.say("FAIL\t1\n");
        },
        &["--realm", "example.org"],
    );
    assert_eq!(lines(&ran), ["DIGEST-MD5 denied", "PLAIN denied"]);
}

#[test]
fn something_else_on_the_socket_is_no_helper() {
    for greeting in ["220 mail.example.com ESMTP\n", "VERSION\t2\t0\nDONE\n", "OK\t1\tuser=x\n"] {
        let ran = test(greeting, |_, _| (), &[]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(75), ""), "{greeting:?}");
        assert!(ran.err.contains("hint: "), "{ran:?}");
    }
}
