//! Its connections: many of them, slow ones, rude ones, and what each is told.

use std::io::{Read, Write};

use super::process::{self, Client, GOOD, HANDSHAKE, Site, wait_until, wrong};

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

/// Of the one processor that both may have, a slow check gets a share that ends it, and leaves the most of it to the others.
#[test]
fn slow_checks_stand_behind_fast_logins_and_do_not_starve() {
    let site = Site::with_account();
    site.add_slow("slow", "secret", 4096);
    let helper = site.start(&[]);
    let mut client = helper.greeted();
    client.send(&process::plain(1, &process::message("slow", "secret")));
    assert_eq!(client.line(), "OK\t1\tuser=slow@example.com");
    let (first, slow) = (helper.nice_of("saslauthd-rs"), helper.nice_of("slow-check"));
    // sched(7): each step is worth 1.25. No thread stands behind 19, where a test that gives way itself may begin.
    let share = 1.0 / (1.0 + 1.25_f64.powi(slow - first));
    assert!((0.05..0.25).contains(&share) || slow == 19 && first > 9, "{share} at {slow}, the loop at {first}");
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
