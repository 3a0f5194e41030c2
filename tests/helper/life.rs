//! Its start, its settings and its end.

use nix::sys::signal::Signal;

use super::process::{self, GOOD, Site, wrong};

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
