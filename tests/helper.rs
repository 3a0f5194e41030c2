//! The helper as a process: its sockets, signals and limits.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

#[path = "helper/process.rs"]
mod process;
mod store;

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;

use nix::sys::signal::Signal;
use process::{Client, GOOD, HANDSHAKE, Helper, Site, wait_until, wrong};

#[test]
fn many_connections_and_many_requests_on_each() {
    let site = Site::with_account();
    let helper = site.start(&[]);
    let mut clients: Vec<Client> = (0..5).map(|_| helper.connect()).collect();
    for client in &mut clients {
        let requests: Vec<String> = (1..=100).map(|id| process::plain(id, GOOD)).collect();
        client.send(&format!("{HANDSHAKE}{}", requests.concat()));
    }
    for client in &mut clients {
        for id in 1..=100 {
            assert_eq!(client.line(), format!("OK\t{id}\tuser=joe@example.com"));
        }
    }
    wait_until("each has its line", || helper.log().matches("authenticated 192.0.2.7 secured PLAIN").count() == 500);
}

#[test]
fn a_failure_is_late_and_a_success_beside_it_is_not() {
    let site = Site::with_account();
    let helper = site.start(&[]);
    let mut client = helper.greeted();
    client.send(&format!("{}{}", process::plain(1, &wrong()), process::plain(2, GOOD)));
    assert_eq!(client.line(), "OK\t2\tuser=joe@example.com");
    assert_eq!(client.line(), "FAIL\t1\tuser=joe@example.com");
}

#[test]
fn changes_count_at_the_next_login_on_the_same_connection() {
    let site = Site::empty();
    let helper = site.start(&[]);
    helper.wait_for_log("logins are unavailable");
    let mut client = helper.greeted();
    client.send(&process::plain(1, GOOD));
    assert!(client.is_closed(), "without a database the connection is closed");

    site.set_password("secret");
    let mut client = helper.greeted();
    client.send(&process::plain(1, GOOD));
    assert_eq!(client.line(), "OK\t1\tuser=joe@example.com");
    site.set_password("another");
    client.send(&process::plain(2, GOOD));
    assert_eq!(client.line(), "FAIL\t2\tuser=joe@example.com");
    site.set_password("secret");
    client.send(&process::plain(3, GOOD));
    assert_eq!(client.line(), "OK\t3\tuser=joe@example.com");
}

#[test]
fn sigterm_answers_what_is_open_and_removes_the_socket() {
    let site = Site::with_account();
    site.configure("failure_delay = \"4s\"\n");
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut helper = site.start(&[]);
        let mut idle = helper.greeted();
        let mut client = helper.greeted();
        client.send(&process::plain(1, &wrong()));
        helper.wait_for_log("denied");
        helper.signal(signal);
        assert_eq!(client.line(), "FAIL\t1\tuser=joe@example.com", "answered before its delay is over");
        assert!(client.is_closed() && idle.is_closed());
        assert_eq!(helper.wait().code(), Some(0));
        assert!(!site.socket().exists());
        assert!(helper.log().ends_with("stopping\n"), "{}", helper.log());
    }
}

#[test]
fn a_socket_left_behind_is_replaced() {
    let site = Site::with_account();
    let mut killed = site.start(&[]);
    killed.signal(Signal::SIGKILL);
    killed.wait();
    assert!(site.socket().exists());
    site.start(&[]).greeted();
}

#[test]
fn a_second_helper_is_refused_and_the_first_one_goes_on() {
    let site = Site::with_account();
    let helper = site.start(&[]);
    let (status, words) = site.refused(&[]);
    assert_eq!(status, Some(1));
    assert!(words.contains("another program answers there already\nhint: "), "{words}");
    helper.greeted();
}

#[test]
fn a_socket_that_is_no_longer_ours_stays() {
    let site = Site::with_account();
    let mut helper = site.start(&[]);
    std::fs::remove_file(site.socket()).unwrap();
    let _other = UnixListener::bind(site.socket()).unwrap();
    helper.signal(Signal::SIGTERM);
    helper.wait();
    assert!(site.socket().exists());
}

#[test]
fn places_where_no_socket_can_be() {
    let site = Site::with_account();
    let missing = site.path("missing/auth");
    let link = site.path("link");
    std::os::unix::fs::symlink(site.path("."), &link).unwrap();
    let file = site.path("file");
    std::fs::write(&file, "precious").unwrap();
    let long = site.path(&"x".repeat(108));
    for (place, words) in [
        (missing, "its folder does not exist\nhint: "),
        (link.join("auth"), "its folder is a symbolic link"),
        (file.clone(), "something at this place that is not a socket\nhint: "),
        (long, "longer than 107 bytes"),
        (site.path("auth/"), "names no file"),
    ] {
        let (status, said) = site.refused(&["--dovecot", place.to_str().unwrap()]);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains(words) && said.starts_with("saslauthd-rs: socket "), "{said}");
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "precious");
}

#[test]
fn databases_that_no_helper_should_serve() {
    let site = Site::empty();
    std::fs::write(site.place().database, "not a database at all, but long enough to be one\n".repeat(100)).unwrap();
    let (status, words) = site.refused(&[]);
    assert_eq!(status, Some(1), "{words}");
    assert!(words.contains("is not a saslpasswd-rs database\nhint: "), "{words}");

    let site = Site::with_account();
    std::fs::remove_file(site.place().key_file).unwrap();
    let (status, words) = site.refused(&[]);
    assert_eq!(status, Some(1), "{words}");
    assert!(words.contains("key file") && words.contains("hint: "), "{words}");
    assert!(!site.socket().exists());
}

#[test]
fn command_lines_and_settings_that_make_no_sense() {
    let site = Site::with_account();
    assert_eq!(site.refused(&["--no-such-option"]).0, Some(2));
    assert_eq!(site.refused(&["--realm", "a@b"]).0, Some(7));
    site.configure("user = \"no-such-user-here\"\n");
    let (status, words) = site.refused(&["--check-config"]);
    assert_eq!(status, Some(78));
    assert!(words.contains("no-such-user-here"), "{words}");
    site.configure("failure_delay = \"7s\"\n");
    assert_eq!(site.refused(&["--check-config"]).0, Some(78));
    site.configure("");
    assert_eq!(site.refused(&["--check-config"]), (Some(0), String::new()));
    assert!(!site.socket().exists());
}

#[test]
fn settings_are_read_again_on_sighup() {
    let site = Site::with_account();
    let helper = site.start(&[]);
    let mut client = helper.greeted();
    let open = process::plain(1, GOOD).replace("\tsecured", "");
    client.send(&open);
    assert_eq!(client.line(), "FAIL\t1\tuser=joe@example.com");
    site.configure("plaintext_without_tls = true\n");
    helper.signal(Signal::SIGHUP);
    helper.wait_for_log("settings read again");
    client.send(&open);
    assert_eq!(client.line(), "OK\t1\tuser=joe@example.com");
    site.configure("nonsense = 1\n");
    helper.signal(Signal::SIGHUP);
    helper.wait_for_log("settings not changed: ");
    client.send(&open);
    assert_eq!(client.line(), "OK\t1\tuser=joe@example.com");
}

#[test]
fn modes_and_peers_of_a_socket() {
    let site = Site::with_account();
    let own = nix::unistd::getuid().as_raw();
    for (peers, admitted) in [(own, true), (own + 1, false)] {
        let socket = site.socket();
        site.configure(&format!("[[dovecot]]\npath = {socket:?}\nmode = \"0622\"\npeers = [{peers}]\n"));
        let helper = site.start_with(&site.common());
        assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o622);
        if admitted {
            helper.greeted();
        } else {
            assert!(helper.connect_quietly().is_closed());
            helper.wait_for_log(&format!("connection refused: user {own} is not among the peers of"));
        }
    }
}

#[test]
fn the_userdb_socket_says_who_exists_and_sees_changes_at_once() {
    let site = Site::with_account();
    let named = site.path("named");
    site.configure(&format!("[[dovecot]]\npath = {named:?}\n"));
    let socket = site.path("userdb").to_str().unwrap().to_owned();
    let helper = site.start(&["--userdb", &socket]);
    assert!(!named.exists(), "an option names the sockets");
    let mut client = helper.connect_to(&socket);
    assert_eq!(client.line(), "VERSION\t1\t1");
    assert!(client.line().starts_with("SPID\t"));
    client.send("VERSION\t1\t1\nUSER\t1\tJOE\tservice=smtp\nUSER\t2\tann@example.com\tservice=smtp\n");
    assert_eq!(client.line(), "USER\t1\tjoe@example.com");
    assert_eq!(client.line(), "NOTFOUND\t2");
    site.add_slow("ann", "secret", 4096);
    client.send("USER\t3\tann@example.com\tservice=smtp\n");
    assert_eq!(client.line(), "USER\t3\tann@example.com");
    std::fs::rename(site.place().database, site.path("elsewhere")).unwrap();
    client.send("USER\t4\tjoe\tservice=smtp\n");
    assert_eq!(client.line(), "FAIL\t4");
    client.send("USER\t5\tnobody\tservice=smtp\n");
    assert_eq!(client.line(), "FAIL\t5");
    client.send("STATUS\n");
    assert!(client.is_closed());
    helper.greeted();
}

/// Dovecot's own clients tell servers and connections apart by them.
#[test]
fn each_connection_has_a_number_and_a_cookie_of_its_own() {
    let site = Site::with_account();
    let helper = site.start(&[]);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let mut client = helper.connect_quietly();
        let greeting: Vec<String> = std::iter::from_fn(|| Some(client.line()).filter(|line| line != "DONE")).collect();
        for word in ["CUID\t", "COOKIE\t"] {
            let own: Vec<&String> = greeting.iter().filter(|line| line.starts_with(word)).collect();
            assert_eq!(own.len(), 1, "{greeting:?}");
            assert!(seen.insert(own[0].clone()), "{greeting:?}");
        }
    }
}

#[test]
fn one_connection_too_many_is_refused_loudly() {
    let site = Site::with_account();
    site.configure("connections = 3\n");
    let helper = site.start(&[]);
    let mut clients: Vec<Client> = (0..3).map(|_| helper.greeted()).collect();
    assert!(helper.connect_quietly().is_closed());
    helper.wait_for_log("connection refused: all 3 connections are in use");
    drop(clients.pop());
    wait_until("a place is free", || helper.connect_quietly().try_greeting());
}

#[test]
fn slow_checks_run_beside_the_loop_and_are_bounded() {
    let site = Site::with_account();
    site.add_slow("slow", "secret", 20_000);
    let helper = site.start(&[]);
    let message = |password: &str| process::message("slow", password);
    let mut client = helper.greeted();
    client.send(&process::plain(1, &message("secret")));
    assert_eq!(client.line(), "OK\t1\tuser=slow@example.com");
    client.send(&process::plain(2, &message("wrong")));
    assert_eq!(client.line(), "FAIL\t2\tuser=slow@example.com");

    // Far more than one account may have waiting; then somebody else's login overtakes them all.
    let flood: String = (10..210).map(|id| process::plain(id, &message("wrong"))).collect();
    client.send(&format!("{flood}{}", process::plain(300, GOOD)));
    let answers: Vec<String> = (0..201).map(|_| client.line()).collect();
    let place = |wanted: &dyn Fn(&str) -> bool| answers.iter().position(|line| wanted(line)).unwrap();
    let fast = place(&|line| line == "OK\t300\tuser=joe@example.com");
    let first_slow = place(&|line| line.ends_with("user=slow@example.com"));
    assert!(fast < first_slow, "{answers:?}");
    let overflow = answers.iter().filter(|line| line.ends_with("code=temp_fail\ttemp")).count();
    assert!(overflow > 0 && overflow < 200, "{overflow} of 200");
    let ids: std::collections::BTreeSet<&str> = answers.iter().map(|line| line.split('\t').nth(1).unwrap()).collect();
    assert_eq!(ids.len(), 201, "each is answered once");
}

#[test]
fn health_checks_are_not_worth_a_line() {
    let site = Site::with_account();
    let helper = site.start(&[]);
    for _ in 0..20 {
        helper.connect();
        drop(helper.greeted());
    }
    let mut client = helper.greeted();
    client.send(&process::plain(1, GOOD));
    client.line();
    helper.wait_for_log("authenticated");
    assert_eq!(helper.log().lines().count(), 2, "{}", helper.log());
}

#[test]
fn any_bytes_end_in_a_reply_or_a_closed_connection() {
    let site = Site::with_account();
    let helper = site.start(&[]);
    let mut random = std::fs::File::open("/dev/urandom").unwrap();
    for round in 0..100 {
        let mut bytes = vec![0; 64 << (round % 10)];
        random.read_exact(&mut bytes).unwrap();
        let mut client = if round % 2 == 0 { helper.connect() } else { helper.greeted() };
        // The helper may close it in the midst.
        let _ = client.stream.write_all(&bytes);
        let _ = client.stream.write_all(b"\n\n");
        assert!(client.is_closed());
    }
    helper.greeted();
    assert!(!helper.log().contains("panicked"), "{}", helper.log());
}

#[test]
fn a_client_that_does_not_read_is_not_read_from() {
    let site = Site::with_account();
    let helper = site.start(&[]);
    let mut deaf = helper.greeted();
    deaf.stream.set_nonblocking(true).unwrap();
    let requests: String = (1..).map(|id| format!("CONT\t{id}\t\n")).take(1000).collect();
    // Far more than all buffers hold; at last it is not taken any more.
    let mut sent = 0;
    wait_until("the helper stops reading", || match deaf.stream.write(requests.as_bytes()) {
        Ok(written) => {
            sent += written;
            assert!(sent < 64 << 20, "it reads on and on");
            false
        }
        Err(fault) => fault.kind() == std::io::ErrorKind::WouldBlock && helper.is_asleep(),
    });
    let mut other = helper.greeted();
    other.send(&process::plain(1, GOOD));
    assert_eq!(other.line(), "OK\t1\tuser=joe@example.com");
    // It takes its replies, and is read from again.
    deaf.stream.set_nonblocking(false).unwrap();
    deaf.until(|line| line.starts_with("FAIL\t1000\t"));
}

#[test]
fn a_thousand_connections_come_and_go_and_leave_no_memory_behind() {
    let site = Site::with_account();
    let helper = site.start(&[]);
    let mut after_round = Vec::new();
    for round in 1..=8 {
        let mut clients: Vec<Client> = (0..1000).map(|_| helper.connect()).collect();
        for client in &mut clients {
            client.send(&format!("{HANDSHAKE}{}", process::plain(1, GOOD)));
        }
        for client in &mut clients {
            assert_eq!(client.line(), "OK\t1\tuser=joe@example.com");
        }
        // An exchange that is left behind, as Postfix does.
        clients.iter_mut().for_each(|client| client.send("AUTH\t2\tLOGIN\tservice=smtp\tsecured\n"));
        clients.iter_mut().for_each(|client| assert!(client.line().starts_with("CONT\t2\t")));
        let during = helper.resident_kib();
        assert!(during < 20 * 1024, "{during} KiB with 1000 connections");
        drop(clients);
        wait_until("all are gone", || helper.log().matches("connection closed").count() == round * 1000);
        after_round.push(helper.resident_kib());
    }
    // The allocator settles in the first rounds. Six thousand connections that each left 200 bytes would be too many.
    assert!(after_round[7] < after_round[1] + 1024, "{after_round:?} KiB");
}

#[test]
fn started_as_root_it_becomes_its_user_for_good() {
    if !nix::unistd::getuid().is_root() {
        // Nobody else can become another user.
        return;
    }
    let site = Site::with_account();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    site.give_to_group(nobody.gid);
    site.configure("user = \"nobody\"\n");
    for _ in 0..2 {
        let mut helper = site.start(&[]);
        let mut client = helper.greeted();
        client.send(&process::plain(1, GOOD));
        assert_eq!(client.line(), "OK\t1\tuser=joe@example.com");
        let ids = |id: u32| format!("\t{id}\t{id}\t{id}\t{id}");
        assert_eq!(helper.status("Uid:"), ids(nobody.uid.as_raw()));
        assert_eq!(helper.status("Gid:"), ids(nobody.gid.as_raw()));
        assert!(!helper.status("Groups:").split_ascii_whitespace().any(|group| group == "0"));
        assert_eq!(helper.status("NoNewPrivs:"), "\t1");
        helper.signal(Signal::SIGTERM);
        assert_eq!(helper.wait().code(), Some(0));
        // It may not remove what root has made; the next one finds that nobody answers there.
        assert!(site.socket().exists());
    }
}

#[test]
fn sockets_from_systemd_are_taken_by_their_name() {
    let site = Site::with_account();
    let passed = site.path("passed");
    for (name, works) in [("dovecot", true), ("userdb", true), ("saslauthd", true), ("saslauthd-rs.socket", false)] {
        let _ = std::fs::remove_file(&passed);
        let listener = UnixListener::bind(&passed).unwrap();
        let script = format!("LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES={name} exec \"$@\" 3<&0 </dev/null");
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_saslauthd-rs")]).args(site.common());
        command.stdin(std::os::fd::OwnedFd::from(listener));
        if works {
            let mut helper = Helper::spawn(command, &site, &passed);
            if name == "userdb" {
                let mut client = helper.connect_quietly();
                client.until(|line| line.starts_with("SPID\t"));
            } else if name == "saslauthd" {
                let mut client = UnixStream::connect(&passed).unwrap();
                client.write_all(b"\0\x03joe\0\x06secret\0\0\0\0").unwrap();
                let mut reply = Vec::new();
                client.read_to_end(&mut reply).unwrap();
                assert_eq!(reply, b"\0\x02OK");
            } else {
                helper.greeted();
            }
            assert!(!site.socket().exists());
            helper.signal(Signal::SIGTERM);
            assert_eq!(helper.wait().code(), Some(0));
            assert!(passed.exists(), "it is systemd's");
        } else {
            let output = command.output().unwrap();
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{words}");
            assert!(words.contains("FileDescriptorName=dovecot"), "{words}");
        }
    }
}
