//! Activity: who logged in when, and since when nothing was missed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "store/mod.rs"]
mod store;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use sasldb::runtime::UnixTime;
use sasldb::store::StoreError;
use sasldb::store::activity::{ActivityReader, ActivityWriter, FILE, HandedOut, REST, Seen, Use};
use sasldb::vocabulary::Mechanism;
use store::*;

const OURS: [u8; 16] = [1; 16];
const OTHER: [u8; 16] = [2; 16];

fn one(name: &str, label: &str, mechanism: Mechanism) -> Use {
    Use { key: identity(name, "example.com").key(), label: label.to_owned(), mechanism }
}

fn seen(at: i64, remote: Option<&str>) -> Seen {
    Seen { at: UnixTime(at), remote: remote.map(|address| address.parse().unwrap()) }
}

fn record(writer: &mut ActivityWriter, database: &[u8; 16], what: &Use, at: i64, gap: bool) {
    writer.record(database, [(what, &seen(at, None))], [], gap, UnixTime(at)).unwrap();
}

fn since(folder: &Path, database: [u8; 16]) -> Option<i64> {
    ActivityReader::open(folder, database).unwrap().continuous_since().unwrap().map(|time| time.0)
}

#[test]
fn the_last_use_of_each_password_and_mechanism_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ActivityWriter::begin(folder.path(), UnixTime(10)).unwrap();
    let (main, phone) = (one("joe", "main", Mechanism::Plain), one("joe", "phone", Mechanism::ScramSha256));
    record(&mut writer, &OURS, &main, 20, false);
    record(&mut writer, &OURS, &phone, 30, false);
    record(&mut writer, &OURS, &main, 40, false);
    record(&mut writer, &OURS, &main, 35, false);
    record(&mut writer, &OTHER, &main, 50, false);
    let reader = ActivityReader::open(folder.path(), OURS).unwrap();
    let uses = reader.last_uses(&main.key).unwrap();
    let seen: Vec<_> = uses.iter().map(|u| (u.label.as_str(), u.mechanism, u.last.unwrap().at.0)).collect();
    assert_eq!(seen, [("main", Mechanism::Plain, 40), ("phone", Mechanism::ScramSha256, 30)]);
    assert_eq!(reader.last_uses(&one("ann", "main", Mechanism::Plain).key).unwrap(), []);
    assert_eq!((since(folder.path(), OURS), since(folder.path(), OTHER)), (Some(20), Some(50)));
    assert_eq!(since(folder.path(), [3; 16]), None, "unknown is not unused");
}

#[test]
fn what_was_handed_out_is_counted_apart_from_successes() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ActivityWriter::begin(folder.path(), UnixTime(10)).unwrap();
    let (joe, ann) = (one("joe", "main", Mechanism::CramMd5), one("ann", "main", Mechanism::CramMd5));
    record(&mut writer, &OURS, &joe, 20, false);
    for (times, at) in [(2, 40), (3, 30)] {
        let handed_out = HandedOut { times, last: UnixTime(at) };
        writer.record(&OURS, [], [(&joe, &handed_out), (&ann, &handed_out)], false, UnixTime(at)).unwrap();
    }
    let reader = ActivityReader::open(folder.path(), OURS).unwrap();
    let known = |one: &Use| {
        let uses = reader.last_uses(&one.key).unwrap();
        (uses[0].last, uses[0].handed_out)
    };
    let both = Some(HandedOut { times: 5, last: UnixTime(40) });
    assert_eq!(known(&joe), (Some(seen(20, None)), both));
    assert_eq!(known(&ann), (None, both));
}

#[test]
fn the_address_is_that_of_the_last_use() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ActivityWriter::begin(folder.path(), UnixTime(10)).unwrap();
    let joe = one("joe", "main", Mechanism::Plain);
    for (at, remote, last) in [
        (20, Some("192.0.2.7"), (20, Some("192.0.2.7"))),
        (40, Some("2001:db8::7"), (40, Some("2001:db8::7"))),
        (30, Some("192.0.2.7"), (40, Some("2001:db8::7"))),
        (50, None, (50, None)),
    ] {
        writer.record(&OURS, [(&joe, &seen(at, remote))], [], false, UnixTime(at)).unwrap();
        let uses = ActivityReader::open(folder.path(), OURS).unwrap().last_uses(&joe.key).unwrap();
        assert_eq!(uses[0].last, Some(seen(last.0, last.1)));
    }
}

/// A helper that could not write here leaves no trace. So a long time in which none was at work is one of which nothing is
/// known.
#[test]
fn a_long_rest_begins_a_new_period_and_a_short_one_does_not() {
    let rest = REST.as_secs().cast_signed();
    let folder = tempfile::tempdir().unwrap();
    let joe = one("joe", "main", Mechanism::Plain);
    let mut writer = ActivityWriter::begin(folder.path(), UnixTime(10)).unwrap();
    record(&mut writer, &OURS, &joe, 20, false);
    writer.end(UnixTime(1000)).unwrap();
    ActivityWriter::begin(folder.path(), UnixTime(1000 + rest)).unwrap().end(UnixTime(5000)).unwrap();
    assert_eq!(since(folder.path(), OURS), Some(20));
    let other = ActivityWriter::begin(folder.path(), UnixTime(5001 + rest)).unwrap();
    assert_eq!(since(folder.path(), OURS), Some(5001 + rest));
    other.end(UnixTime(6000)).unwrap();
    // A clock that was set back says nothing.
    ActivityWriter::begin(folder.path(), UnixTime(10)).unwrap().end(UnixTime(20)).unwrap();
    assert_eq!(since(folder.path(), OURS), Some(5001 + rest));
}

#[test]
fn a_gap_begins_a_new_period() {
    let folder = tempfile::tempdir().unwrap();
    let joe = one("joe", "main", Mechanism::Plain);
    let mut writer = ActivityWriter::begin(folder.path(), UnixTime(10)).unwrap();
    record(&mut writer, &OURS, &joe, 20, false);
    writer.end(UnixTime(30)).unwrap();
    let mut writer = ActivityWriter::begin(folder.path(), UnixTime(100)).unwrap();
    record(&mut writer, &OURS, &joe, 110, false);
    assert_eq!(since(folder.path(), OURS), Some(20), "a farewell keeps the period");
    record(&mut writer, &OURS, &joe, 120, true);
    assert_eq!(since(folder.path(), OURS), Some(120), "something was lost");
    record(&mut writer, &OURS, &joe, 90, true);
    assert_eq!(since(folder.path(), OURS), Some(120), "a clock that was set back makes no period longer");
    // Without a farewell, as after kill -9: its process is another one now.
    drop(writer);
    let file = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    assert_eq!(file.execute("UPDATE helpers SET started = started + 1", ()).unwrap(), 1);
    assert_eq!(since(folder.path(), OURS), None, "unknown at once");
    ActivityWriter::begin(folder.path(), UnixTime(200)).unwrap();
    assert_eq!(since(folder.path(), OURS), Some(200));
}

/// A helper that was stopped while it began leaves an empty file.
#[test]
fn damage_is_not_taken_for_that_of_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ActivityWriter::begin(folder.path(), NOW).unwrap();
    record(&mut writer, &OURS, &one("joe", "main", Mechanism::Plain), 110, false);
    drop(writer);
    let file = folder.path().join(FILE);
    let whole = fs::read(&file).unwrap();
    let fails = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let reader = ActivityReader::open(folder.path(), OURS);
        reader.and_then(|reader| reader.continuous_since()).unwrap_err()
    };
    for bytes in [&whole[..3000], b"a text that is long enough to be taken for something else than an empty file"] {
        let fault = fails(bytes);
        assert!(matches!(fault, StoreError::Activity { .. }), "{fault}");
        assert!(fault.to_string().contains(FILE), "{fault}");
    }
    assert!(matches!(fails(b""), StoreError::Missing(_)));
}

#[test]
fn what_is_not_ours_or_not_there_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none");
    assert!(matches!(ActivityWriter::begin(&missing, NOW), Err(StoreError::Unreachable { .. })));
    assert!(matches!(ActivityReader::open(folder.path(), OURS), Err(StoreError::Missing(_))));
    let file = folder.path().join(FILE);
    fs::write(&file, "a text that is long enough to be taken for something else than an empty file").unwrap();
    assert!(ActivityWriter::begin(folder.path(), NOW).is_err());
    assert!(fs::read(&file).unwrap().starts_with(b"a text"));
    fs::remove_file(&file).unwrap();
    rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(ActivityWriter::begin(folder.path(), NOW), Err(StoreError::Activity { .. })));
    rusqlite::Connection::open(&file).unwrap().execute_batch("PRAGMA application_id = 7").unwrap();
    assert!(matches!(ActivityWriter::begin(folder.path(), NOW), Err(StoreError::Activity { .. })));
}

/// How many helpers have begun to listen.
fn listening(folder: &Path) -> usize {
    fs::read_to_string(folder.join("log")).unwrap().matches("listening on").count()
}

struct Helper {
    child: Child,
    folder: tempfile::TempDir,
}

impl Helper {
    fn start(folder: tempfile::TempDir) -> Self {
        let log = fs::File::options().append(true).create(true).open(folder.path().join("log")).unwrap();
        let before = listening(folder.path());
        let child = Command::new(env!("CARGO_BIN_EXE_saslauthd-rs"))
            .args(["--realm", "example.com", "-f"])
            .arg(folder.path().join("accounts.db"))
            .arg("--dovecot")
            .arg(folder.path().join("auth"))
            .stderr(log)
            .spawn()
            .unwrap();
        let helper = Self { child, folder };
        for _ in 0..400 {
            if listening(helper.folder.path()) > before {
                return helper;
            }
            sleep(Duration::from_millis(25));
        }
        panic!("{}", fs::read_to_string(helper.path("log")).unwrap());
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn log_in(&self, password: &str) -> bool {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sasldb-rs"))
            .args(["test", "--secured", "--mechanism", "CRAM-MD5", "--mechanism", "SCRAM-SHA-256", "--dovecot"])
            .arg(self.path("auth"))
            .arg("mailman")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        child.wait().unwrap().success()
    }

    fn stop(mut self) -> tempfile::TempDir {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.folder
    }
}

fn with_account() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_saslpasswd-rs"))
        .args(["-p", "-c", "-u", "example.com", "-f"])
        .arg(folder.path().join("accounts.db"))
        .arg("mailman")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"secret").unwrap();
    assert!(child.wait().unwrap().success());
    folder
}

#[test]
fn the_helper_records_successes_and_nothing_else() {
    let helper = Helper::start(with_account());
    assert!(helper.log_in("secret"));
    assert!(!helper.log_in("wrong"));
    let folder = helper.stop();
    let id = sasldb::store::sqlite::Reader::new(&place(folder.path()), shape()).database_id().unwrap();
    let reader = ActivityReader::open(&folder.path().join("accounts.db.activity"), id).unwrap();
    assert!(reader.continuous_since().unwrap().is_some());
    let uses = reader.last_uses(&identity("mailman", "example.com").key()).unwrap();
    let seen: Vec<_> = uses.iter().map(|u| (u.label.as_str(), u.mechanism)).collect();
    assert_eq!(seen, [("main", Mechanism::CramMd5), ("main", Mechanism::ScramSha256)]);
    assert_eq!(fs::metadata(folder.path().join("accounts.db.activity")).unwrap().permissions().mode() & 0o777, 0o750);
}

/// One that never could write leaves no trace of what it missed; the time that its place was empty does.
#[test]
fn the_time_of_a_helper_that_never_could_write_is_a_gap() {
    let helper = Helper::start(with_account());
    assert!(helper.log_in("secret"));
    let folder = helper.stop();
    let activity = folder.path().join("accounts.db.activity");
    let file = |sql: &str| rusqlite::Connection::open(activity.join(FILE)).unwrap().execute(sql, ()).unwrap();
    let id = sasldb::store::sqlite::Reader::new(&place(folder.path()), shape()).database_id().unwrap();
    assert_eq!(file("UPDATE periods SET since = 5"), 1);
    let folder = Helper::start(folder).stop();
    assert_eq!(since(&activity, id), Some(5), "a short rest");

    let away = folder.path().join("away");
    fs::rename(&activity, &away).unwrap();
    let helper = Helper::start(folder);
    assert!(helper.log_in("secret"));
    let folder = helper.stop();
    fs::rename(&away, &activity).unwrap();
    assert_eq!(file(&format!("UPDATE farewell SET at = at - {}", REST.as_secs() + 1)), 1);
    let folder = Helper::start(folder).stop();
    assert!(since(&activity, id) > Some(5));
    drop(folder);
}

#[test]
fn logins_go_on_where_nothing_can_be_recorded() {
    let folder = with_account();
    fs::remove_dir(folder.path().join("accounts.db.activity")).unwrap();
    let helper = Helper::start(folder);
    assert!(helper.log_in("secret"));
    assert!(helper.log_in("secret"));
    let folder = helper.stop();
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(log.matches("who logged in when is not recorded").count(), 1, "{log}");
}
