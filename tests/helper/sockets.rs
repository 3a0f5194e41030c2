//! Its sockets: where they can be, who may speak, and what is spoken.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;

use nix::sys::signal::Signal;

use super::process::{Helper, Site};

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
