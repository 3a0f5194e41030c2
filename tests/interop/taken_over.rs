//! A sasldb2 of a thousand accounts that Debian's saslpasswd2 made, taken over: each of them logs in afterwards, by each mechanism,
//! on the helper's socket.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use sasldb::secret::Password;
use sasldb::vocabulary::Mechanism;

use crate::connection::Connection;
use crate::helper::{Ours, SOCKET};
use crate::machine::{Machine, PATIENCE};

const MECHANISMS: [Mechanism; 4] = [Mechanism::DigestMd5, Mechanism::CramMd5, Mechanism::ScramSha256, Mechanism::Plain];

const ACCOUNTS: usize = 1000;

/// Clients that log in at the same time.
const CLIENTS: usize = 8;

/// In every password, so that none is found where it should not be.
const MARK: &str = "geheim";

/// An account as it was made, and as its owner logs in.
struct Account {
    /// The argument of saslpasswd2.
    made_as: Vec<u8>,
    logs_in_as: String,
    /// What the helper calls it.
    canonical: String,
    password: Password,
}

impl Account {
    /// One in ten has a name in UTF-8, one in ISO 8859-1, one a password in the one and one in the other, and so on.
    fn number(n: usize) -> Self {
        let mut password = format!("{MARK} {n}").into_bytes();
        let (mut name, mut latin1, mut realm) = (format!("user{n}"), false, "@example.com");
        match n % 10 {
            1 => name = format!("jörg{n}"),
            2 => (name, latin1) = (format!("Müller{n}"), true),
            3 => name = format!("日本{n}"),
            4 => password.extend("ß€".as_bytes()),
            5 => password.extend(b"\xDF\xFC"),
            6 => realm = "@lists.example.net",
            7 => realm = "@",
            8 => password = [&password[..], &vec![b'x'; 2000]].concat()[..2000].to_vec(),
            _ => {}
        }
        let canonical = format!("{name}{realm}");
        let made_as = match latin1 {
            true => canonical.chars().map(|c| u8::try_from(c).unwrap()).collect(),
            false => canonical.clone().into_bytes(),
        };
        let is_bare = realm == "@example.com" && n % 4 < 2;
        let logs_in_as = if is_bare { name } else { canonical.clone() };
        Self { made_as, logs_in_as, canonical, password: Password::new(password).unwrap() }
    }
}

/// Bytes as a shell's printf and `$'…'` take them.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\x{byte:02x}").unwrap();
        text
    })
}

fn make(machine: &Machine, accounts: &[Account]) {
    for some in accounts.chunks(ACCOUNTS / 10) {
        let script: String = some
            .iter()
            .map(|Account { made_as, password, .. }| {
                let (password, name) = (escaped(password.expose()), escaped(made_as));
                format!("printf '{password}' | saslpasswd2 -p -c -f /run/sasldb-rs/sasldb2 $'{name}'\n")
            })
            .collect();
        machine.shell(&script);
    }
}

#[test]
fn everybody_of_a_sasldb2_logs_in_after_the_import() {
    let machine = Machine::over(&["sasl"]);
    let mut helper = Ours::beside(&machine);
    helper.configure("realm = \"example.com\"\nfailure_delay = \"0s\"\nscram_iterations = 4096\n");
    let accounts: Vec<Account> = (0..ACCOUNTS).map(Account::number).collect();
    make(&machine, &accounts);
    assert_eq!(machine.shell("sasldblistusers2 /run/sasldb-rs/sasldb2 | wc -l").trim(), ACCOUNTS.to_string());

    let file = machine.shared().join("sasldb2");
    let ran = helper.sasldb(&["import", "--from", "sasldb2", file.to_str().unwrap()]);
    assert!(ran.text.ends_with("\n1000 taken, 0 kept, 0 skipped\n"), "{}", ran.text);
    assert_eq!(ran.status, 0);
    for left in std::fs::read_dir(helper.folder()).unwrap() {
        let left = left.unwrap().path();
        let bytes = if left.is_file() { std::fs::read(&left).unwrap() } else { Vec::new() };
        assert!(!bytes.windows(MARK.len()).any(|part| part == MARK.as_bytes()), "{}", left.display());
    }

    helper.start();
    let socket = machine.shared().join(SOCKET);
    let next = AtomicUsize::new(0);
    let other = Password::new(format!("{MARK} of nobody").into_bytes()).unwrap();
    let client = || {
        let mut connection = Connection::new(&socket, PATIENCE);
        let mut wrong = Vec::new();
        while let Some(account) = accounts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let said = connection.ask_by_plain("service=smtp\tsecured", &account.made_as, account.password.expose());
            if said != format!("OK user={}", account.canonical) {
                wrong.push(format!("{} as it was made: {said}", account.canonical));
            }
            for mechanism in MECHANISMS {
                let (name, user) = (&account.logs_in_as, &account.canonical);
                // A name is told back as it is written here only to who has proven to own it.
                let denied = format!("FAIL user={}", user.to_lowercase());
                for (password, expected) in [(&account.password, format!("OK user={user}")), (&other, denied)] {
                    let said = connection.log_in(mechanism, name, password);
                    if said != expected {
                        wrong.push(format!("{} {name}: {said}, not {expected}", mechanism.name()));
                    }
                }
            }
        }
        wrong
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        running.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ACCOUNTS * MECHANISMS.len() * 2, wrong.join("\n"));
}
