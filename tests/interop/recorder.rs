//! Writes down what real programs and Dovecot's auth service say to each other, as the transcripts that
//! `tests/transcripts/dovecot` holds: `# ` lines that name program and version, then `C: ` and `S: ` lines with TAB
//! written as `<T>`.
//!
//! `SASLDB_RECORD=FOLDER cargo test --test interop recorder` keeps them; every other run writes to a throw-away folder.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::clients::{Client, Login};
use crate::helper::{SOCKET, start_dovecot};
use crate::lines::shown;
use crate::machine::wait_for;
use crate::site::Site;

/// Name of the real socket while the recorder listens on the one that the programs know.
const BEHIND: &str = "behind";

/// Listens in front of a real socket and notes every line that passes, in the order of arrival.
struct Recorder {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    fn start(front: &Path, behind: PathBuf) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let listener = UnixListener::bind(front).unwrap();
        std::fs::set_permissions(front, PermissionsExt::from_mode(0o666)).unwrap();
        let noted = Arc::clone(&lines);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = wait_for("Dovecot to take one more", || UnixStream::connect(&behind).ok());
                let (back, forth) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (said, answered) = (Arc::clone(&noted), Arc::clone(&noted));
                std::thread::spawn(move || pass_on("C: ", &client, &server, &said));
                std::thread::spawn(move || pass_on("S: ", &forth, &back, &answered));
            }
        });
        Self { lines }
    }

    /// Gives what was noted since the last time.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

fn pass_on(who: &str, from: &UnixStream, mut to: &UnixStream, lines: &Mutex<Vec<String>>) {
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        lines.lock().unwrap().push(format!("{who}{}", shown(line.as_bytes())));
        if to.write_all(format!("{line}\n").as_bytes()).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// Where the transcripts go, and how they are written.
struct Transcripts {
    folder: PathBuf,
    server: String,
}

impl Transcripts {
    fn keep(&self, name: &str, client: &str, what: &str, lines: &[String]) {
        assert!(!lines.is_empty(), "{name}: nothing was said");
        let text = format!("# {client} and {}\n# {what}\n{}\n", self.server, lines.join("\n"));
        std::fs::write(self.folder.join(format!("{name}.txt")), text).unwrap();
    }
}

fn starts_with(lines: &[String], start: &str) -> bool {
    lines.iter().any(|line| line.starts_with(start))
}

#[test]
fn the_programs_say_what_the_transcripts_hold() {
    let site = Site::new();
    let machine = &site.machine;
    start_dovecot(machine, BEHIND, &[("mailman", "secret")]);
    let recorder = Recorder::start(&machine.shared().join(SOCKET), machine.shared().join(BEHIND));
    let thrown_away = tempfile::tempdir().unwrap();
    let transcripts = Transcripts {
        folder: std::env::var_os("SASLDB_RECORD").map_or(thrown_away.path().to_owned(), PathBuf::from),
        server: format!("Dovecot {}", machine.shell("dovecot --version | cut -d ' ' -f 1").trim()),
    };
    let postfix = format!("Postfix {}", machine.shell("postconf -h mail_version 2>/dev/null").trim());

    site.start();
    // A new smtpd for each transcript, so that each begins with the handshake.
    let afresh = || {
        // It returns before the master has ended, and a start would find that one still there.
        machine
            .shell("{ postfix abort; while postfix status; do sleep 0.1; done; } </dev/null >/var/log/abort.log 2>&1");
        recorder.take();
        site.start();
    };
    for mechanism in Client::Msmtp.mechanisms() {
        afresh();
        let right = Login::right(mechanism);
        site.relays(Client::Msmtp, &right);
        let lines = recorder.take();
        assert!(starts_with(&lines, "C: VERSION<T>1<T>0"), "{lines:?}");
        assert!(
            starts_with(&lines, &format!("C: AUTH<T>1<T>{mechanism}<T>service=smtp<T>nologin<T>lip=")),
            "{lines:?}"
        );
        assert!(starts_with(&lines, "S: OK<T>1<T>user=mailman@example.com"), "{lines:?}");
        let what = format!("{mechanism} through msmtp, user mailman, password secret; the login is accepted");
        transcripts.keep(&format!("postfix-{}", mechanism.to_lowercase()), &postfix, &what, &lines);

        site.refuses(Client::Msmtp, &right.password("wrong"));
        let lines = recorder.take();
        let failed = lines.iter().find(|line| line.starts_with("S: FAIL<T>")).expect("a failure");
        assert!(!failed.contains("code="), "{failed}");
        let what =
            format!("{mechanism} through msmtp, user mailman, password wrong; a later login on the same connection");
        transcripts.keep(&format!("postfix-{}-wrong", mechanism.to_lowercase()), &postfix, &what, &lines);
    }

    afresh();
    let mut dialogue = site.dialogue();
    dialogue.say("EHLO client.example.org");
    assert!(dialogue.say("AUTH DIGEST-MD5").starts_with("334 "));
    assert!(dialogue.say("*").starts_with("501 "));
    assert!(dialogue.say("AUTH CRAM-MD5").starts_with("334 "));
    let what = "the mail client gives DIGEST-MD5 up with `*`, which Postfix tells nobody, and begins CRAM-MD5";
    transcripts.keep("postfix-given-up", &postfix, what, &recorder.take());
    drop(dialogue);

    let doveadm = format!("doveadm {}", machine.shell("dovecot --version | cut -d ' ' -f 1").trim());
    for (name, user, password, status) in [
        ("doveadm-right", "mailman", "secret", 0),
        ("doveadm-wrong", "mailman@example.com", "wrong", 77),
        ("doveadm-unknown", "nobody", "secret", 77),
    ] {
        recorder.take();
        let ran = crate::doveadm::auth_test(machine, user, password);
        assert_eq!(ran.status, status, "{}", ran.text);
        let lines = wait_for("doveadm's end", || {
            let lines = recorder.take();
            (!lines.is_empty()).then_some(lines)
        });
        // 2.4 says protocol= where 2.3 says service=.
        assert!(starts_with(&lines, "C: AUTH<T>1<T>PLAIN<T>"), "{lines:?}");
        transcripts.keep(name, &doveadm, &format!("auth test, user {user}, password {password}"), &lines);
    }
}
