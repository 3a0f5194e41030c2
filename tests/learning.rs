//! Learning: a right password brings an account with an imported hash to the other mechanisms, by a process of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "a test may fail"
)]

#[path = "helper/process.rs"]
mod process;
#[path = "cli/shell.rs"]
mod shell;
mod store;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use process::{Helper, Site, wait_until};
use sasldb::credential::{Label, PasswordFacts, PasswordHash, Secrets, StoredPassword};
use sasldb::store::sqlite::Inspector;
use sasldb::store::{Applied, CredentialAdmin, Provision};
use shell::{Ran, SASLAUTHD, SASLDB, SASLPASSWD, run};

const LEARN: &str = "learn = [\"digest-md5\", \"cram-md5\", \"scram-sha-1\", \"scram-sha-256\"]\n";
const ALL: [&str; 6] = ["SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "LOGIN", "PLAIN"];
const PLAINTEXT: [&str; 2] = ["LOGIN", "PLAIN"];

/// Of the password `secret`.
const SSHA: &str = "{SSHA}1Q9pahL5/J/Qj9IzV7f3X5XeI2iCi4tk";
const BCRYPT: &str = "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a";
const SHA_CRYPT: &str =
    "$6$rounds=1000$abcdefgh$nhYjN017qxiYztzyUpZtPnUQcnLy62KsunSLHNeLahp2EHPlAKmFFlrjEwSXGo2kgY5hR2.peKEg2VGUqIJJu1";
/// Of `another`.
const OTHER: &str =
    "$6$rounds=1000$abcdefgh$wua6cs0Iw5uItsAhGsCom0RV7OAQznfCoVEOWwvute0z1sWlCDYPjfzm.FGjz5v.yIRtwptOvbBcJNHR./v9//";
/// Of `12345678` and whatever follows.
const DES: &str = "ab1iBa.N.U2C6";

/// A site, and a helper that serves it.
struct World {
    site: Site,
    helper: Helper,
}

impl World {
    /// Accounts of these names and hashes are there.
    fn with(settings: &str, accounts: &[(&str, &str)]) -> Self {
        let site = Site::empty();
        configure(&site, settings);
        accounts.iter().for_each(|(name, hash)| import(&site, name, hash));
        fs::create_dir_all(site.path("accounts.db.activity")).unwrap();
        Self { helper: site.start(&[]), site }
    }

    fn run(&self, program: &str, arguments: &[&str], stdin: &[u8]) -> Ran {
        let mut command = Command::new(program);
        command.args(self.site.common()).args(arguments);
        run(command, stdin)
    }

    /// The mechanisms by which `password` logs in.
    fn accepted(&self, user: &str, password: &str, mechanisms: &[&str]) -> Vec<String> {
        let socket = self.site.socket();
        let wanted = mechanisms.iter().flat_map(|name| ["--mechanism", *name]);
        let mut all = vec!["test", "--dovecot", socket.to_str().unwrap(), "--secured"];
        all.extend(wanted.chain([user]));
        self.run(SASLDB, &all, password.as_bytes()).accepted()
    }

    /// Logs in by PLAIN.
    fn plain(&self, user: &str, password: &str) {
        assert_eq!(self.accepted(user, password, &["PLAIN"]), ["PLAIN"], "{}", self.helper.log());
    }

    fn wait_until_learnt(&self, user: &str) {
        self.helper.wait_for_log(&format!(
            "learnt digest-md5 cram-md5 scram-sha-1 scram-sha-256 password=\"main\" user=\"{user}"
        ));
    }

    /// The learner.
    fn learner(&self) -> Pid {
        let children = children(self.helper.id());
        assert_eq!(children.len(), 1, "{}", self.helper.log());
        Pid::from_raw(children[0])
    }

    /// What the audit says was done with an account.
    fn audit(&self, user: &str) -> Vec<String> {
        let connection = rusqlite::Connection::open(self.site.place().database).unwrap();
        let mut statement =
            connection.prepare("SELECT action FROM audit WHERE subject LIKE ?1 || '@%' ORDER BY number").unwrap();
        let actions = statement.query_map([user], |row| row.get(0)).unwrap();
        actions.collect::<Result<_, _>>().unwrap()
    }

    fn is_sound(&self) {
        let inspector = Inspector::open(&self.site.place()).unwrap();
        inspector.integrity(&mut |fault| panic!("{fault}")).unwrap();
        inspector.verify_audit(&mut |_| ()).unwrap();
    }
}

fn configure(site: &Site, settings: &str) {
    site.configure(&format!("realm = \"example.com\"\nscram_iterations = 4096\n{settings}"));
}

/// Gives an account a hash and nothing else.
fn import(site: &Site, name: &str, hash: &str) {
    let mut writer = store::writer(&site.place());
    let identity = store::identity(name, "example.com");
    let expected = writer.basis(&identity, &Label::main()).unwrap().revision;
    let secrets = Secrets { hash: Some(PasswordHash::parse(hash).unwrap()), ..Secrets::default() };
    let facts = PasswordFacts::unlimited(Label::main());
    let change = Provision::password(identity, StoredPassword { facts, secrets }, expected).into();
    let applied = writer.apply(change, &store::actor(), store::NOW).unwrap().applied;
    assert_eq!(applied, if expected.is_none() { Applied::Created } else { Applied::Changed });
}

/// The processes that it started, also such as have ended and were not asked about.
fn children(parent: u32) -> Vec<i32> {
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    processes.filter(|id| stat(*id).is_some_and(|(_, of)| of == parent)).collect()
}

/// A process's state, and its parent.
fn stat(id: i32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut words = stat.rsplit_once(") ")?.1.split(' ');
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

fn has_ended(id: Pid) -> bool {
    stat(id.as_raw()).is_none_or(|(state, _)| state == 'Z')
}

#[test]
fn a_login_by_plain_opens_the_other_mechanisms_with_no_restart() {
    let accounts = [("ldap", SSHA), ("unix", SHA_CRYPT), ("php", BCRYPT)];
    let world = World::with(LEARN, &accounts);
    for (user, _) in accounts {
        assert_eq!(world.accepted(user, "secret", &["CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-256"]), [""; 0], "{user}");
        assert_eq!(world.accepted(user, "wrong", &["PLAIN"]), [""; 0]);
        world.plain(user, "secret");
        world.wait_until_learnt(user);
        assert_eq!(world.accepted(user, "secret", &[]), ALL, "{user}: {}", world.helper.log());
        assert_eq!(world.accepted(user, "wrong", &[]), [""; 0]);
        assert_eq!(world.audit(user), ["create", "add-secrets"]);
    }
    assert!(!world.helper.log().contains("secret\""), "{}", world.helper.log());
    world.is_sound();
}

#[test]
fn login_teaches_as_plain_does_and_an_account_is_learnt_once() {
    let world = World::with(LEARN, &[("ldap", SSHA)]);
    for _ in 0..3 {
        assert_eq!(world.accepted("ldap", "secret", &["LOGIN"]), ["LOGIN"]);
        world.wait_until_learnt("ldap");
    }
    assert_eq!(world.audit("ldap"), ["create", "add-secrets"]);
}

/// libsasl2's PLAIN and LOGIN come by saslauthd's protocol.
#[test]
fn saslauthds_protocol_teaches_too() {
    let mut world = World::with(LEARN, &[("ldap", SSHA)]);
    let mux = world.site.path("mux");
    world.helper.signal(Signal::SIGTERM);
    world.helper.wait();
    world.helper = world.site.start(&["--saslauthd", mux.to_str().unwrap()]);
    let mut stream = UnixStream::connect(mux).unwrap();
    let texts = ["ldap", "secret", "imap", "example.com"];
    let counted = |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
    stream.write_all(&texts.map(counted).concat()).unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap();
    assert_eq!(said, b"\0\x02OK");
    world.wait_until_learnt("ldap");
    assert_eq!(world.accepted("ldap", "secret", &[]), ALL);
}

#[test]
fn nothing_is_learnt_where_nobody_asked_for_it() {
    for settings in ["", "learn = []\n"] {
        let world = World::with(settings, &[("ldap", SSHA)]);
        assert_eq!(children(world.helper.id()), [0; 0]);
        world.plain("ldap", "secret");
        assert_eq!(world.accepted("ldap", "secret", &[]), PLAINTEXT);
        assert_eq!(world.audit("ldap"), ["create"]);
    }
}

/// What comes after it was learnt, so it had its turn.
#[test]
fn a_hash_of_a_part_of_the_password_teaches_nothing() {
    let world = World::with(LEARN, &[("old", DES), ("ldap", SSHA)]);
    for typed in ["123456789", "12345678"] {
        world.plain("old", typed);
    }
    world.plain("ldap", "secret");
    world.wait_until_learnt("ldap");
    assert_eq!(world.accepted("old", "123456789", &[]), PLAINTEXT);
    assert_eq!(world.audit("old"), ["create"]);
}

#[test]
fn a_password_changed_meanwhile_stays_changed() {
    let world = World::with(LEARN, &[("set", SSHA), ("imported", SSHA), ("last", SSHA)]);
    world.plain("last", "secret");
    world.wait_until_learnt("last");
    let learner = world.learner();
    kill(learner, Signal::SIGSTOP).unwrap();
    world.plain("set", "secret");
    world.plain("imported", "secret");
    world.run(SASLPASSWD, &["-p", "set"], b"new").quiet();
    import(&world.site, "imported", OTHER);
    import(&world.site, "last", SSHA);
    world.plain("last", "secret");
    kill(learner, Signal::SIGCONT).unwrap();
    wait_until("the last lesson is learnt", || world.audit("last").len() == 4);
    assert_eq!(world.audit("set"), ["create", "set-password"]);
    assert_eq!(world.audit("imported"), ["create", "set-password"]);
    for user in ["set", "imported"] {
        assert_eq!(world.accepted(user, "secret", &[]), [""; 0], "{user}");
    }
    assert_eq!(world.accepted("set", "new", &[]), ALL);
    assert_eq!(world.accepted("imported", "another", &[]), PLAINTEXT);
}

/// The learner does not move, and more is taught than may wait: logins go on as ever.
#[test]
fn no_login_waits_for_the_learner() {
    let names: Vec<String> = (0..40).map(|number| format!("user{number}")).collect();
    let accounts: Vec<_> = names.iter().map(|name| (name.as_str(), SSHA)).collect();
    let world = World::with(LEARN, &accounts);
    wait_until("the learner is there", || children(world.helper.id()).len() == 1);
    let learner = world.learner();
    kill(learner, Signal::SIGSTOP).unwrap();
    names.iter().for_each(|name| world.plain(name, "secret"));
    kill(learner, Signal::SIGCONT).unwrap();
    // One that was on its way, if the learner was ready before it stopped, and those that waited.
    let learnt = || names.iter().filter(|name| world.audit(name).len() > 1).count();
    wait_until("those that waited are learnt", || learnt() >= 16);
    world.plain("user39", "secret");
    world.wait_until_learnt("user39");
    assert!(learnt() <= 18, "{}", learnt());
    world.is_sound();
}

#[test]
fn without_its_learner_the_helper_goes_on_and_says_so_once() {
    let world = World::with(LEARN, &[("ldap", SSHA), ("unix", SHA_CRYPT)]);
    world.plain("ldap", "secret");
    world.wait_until_learnt("ldap");
    kill(world.learner(), Signal::SIGKILL).unwrap();
    world.helper.wait_for_log("nothing is learnt until the helper starts anew: the learner has ended");
    for _ in 0..2 {
        world.plain("unix", "secret");
    }
    assert_eq!(world.accepted("ldap", "secret", &[]), ALL);
    assert_eq!(world.helper.log().matches("nothing is learnt").count(), 1, "{}", world.helper.log());
    wait_until("nothing is left of the learner", || children(world.helper.id()).is_empty());
    world.is_sound();
}

#[test]
fn a_learner_killed_at_any_moment_damages_nothing() {
    let names: Vec<String> = (0..8).map(|number| format!("user{number}")).collect();
    let accounts: Vec<_> = names.iter().map(|name| (name.as_str(), SSHA)).collect();
    let mut world = World::with(LEARN, &accounts);
    for round in 0..names.len() {
        wait_until("the learner is there", || children(world.helper.id()).len() == 1);
        names.iter().skip(round).for_each(|name| world.plain(name, "secret"));
        kill(world.learner(), Signal::SIGKILL).unwrap();
        world.helper.wait_for_log("nothing is learnt");
        world.is_sound();
        world.helper.signal(Signal::SIGTERM);
        world.helper.wait();
        world.helper = world.site.start(&[]);
    }
    for name in &names {
        let accepted = world.accepted(name, "secret", &[]);
        assert!(accepted == ALL || accepted == PLAINTEXT, "{name}: {accepted:?}");
    }
}

#[test]
fn no_process_is_left_whatever_ends_the_helper() {
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let mut world = World::with(LEARN, &[("ldap", SSHA)]);
        world.plain("ldap", "secret");
        world.wait_until_learnt("ldap");
        let learner = world.learner();
        world.helper.signal(signal);
        world.helper.wait();
        wait_until("the learner has ended", || has_ended(learner));
    }
}

#[test]
fn settings_read_again_count_for_learning() {
    let world = World::with(LEARN, &[("ldap", SSHA), ("unix", SHA_CRYPT), ("php", BCRYPT)]);
    let reload = |settings: &str, times: usize| {
        configure(&world.site, settings);
        world.helper.signal(Signal::SIGHUP);
        wait_until("settings are read again", || world.helper.log().matches("settings read again").count() == times);
    };
    reload("", 1);
    world.plain("ldap", "secret");
    reload("learn = [\"cram-md5\"]\n", 2);
    // Whoever sends the signal by the program's name reaches the learner too.
    kill(world.learner(), Signal::SIGHUP).unwrap();
    world.plain("unix", "secret");
    world.helper.wait_for_log("learnt cram-md5 password=\"main\" user=\"unix@example.com\"");
    assert_eq!(world.accepted("unix", "secret", &[]), ["CRAM-MD5", "LOGIN", "PLAIN"]);
    assert_eq!(world.audit("ldap"), ["create"]);
    // What counts for the learner is the file, though the helper has not read it yet.
    configure(&world.site, "learn = [\"digest-md5\"]\n");
    world.plain("php", "secret");
    world.helper.wait_for_log("learnt digest-md5 password=\"main\" user=\"php@example.com\"");
    reload(LEARN, 3);
    world.plain("ldap", "secret");
    world.wait_until_learnt("ldap");
}

#[test]
fn learning_that_begins_without_a_learner_needs_a_restart_and_the_log_says_so() {
    let world = World::with("", &[("ldap", SSHA)]);
    configure(&world.site, LEARN);
    world.helper.signal(Signal::SIGHUP);
    world.helper.wait_for_log("nothing is learnt until the helper starts anew: there is no learner");
    world.plain("ldap", "secret");
}

/// The learner is started before there is a database, as the helper is.
#[test]
fn a_database_that_comes_later_is_learnt_in() {
    let site = Site::empty();
    configure(&site, LEARN);
    let world = World { helper: site.start(&[]), site };
    import(&world.site, "ldap", SSHA);
    world.plain("ldap", "secret");
    world.wait_until_learnt("ldap");
}

#[test]
fn nobody_else_is_a_learners_helper() {
    let mut command = Command::new(SASLAUTHD);
    let output = command.arg("--learner").stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("standard input is no socket of a helper"), "{said}");
    let help = Command::new(SASLAUTHD).arg("--help").output().unwrap();
    assert!(!String::from_utf8(help.stdout).unwrap().contains("learner"));
}
