//! The recipe, end to end: strangers are turned away, those who log in send through the server from anywhere.

use crate::clients::{Client, Login};
use crate::helper::Ours;
use crate::site::Site;

/// A mail server with our helper and the account mailman, password "secret".
pub(crate) struct Relay {
    pub(crate) helper: Ours,
    pub(crate) site: Site,
}

impl Relay {
    pub(crate) fn new() -> Self {
        let site = Site::new();
        let mut helper = Ours::beside(&site.machine);
        helper.start();
        helper.saslpasswd(&["-p", "-c"], "mailman", "secret\n");
        site.start();
        Self { helper, site }
    }
}

fn every_mechanism_relays(client: Client) {
    let relay = Relay::new();
    for mechanism in client.mechanisms() {
        for user in ["mailman", "mailman@example.com"] {
            relay.site.relays(client, &Login::right(mechanism).user(user));
        }
    }
}

#[test]
fn swaks_sends_by_every_mechanism_it_has() {
    every_mechanism_relays(Client::Swaks);
}

#[test]
fn gsasl_sends_by_every_mechanism() {
    every_mechanism_relays(Client::Gsasl);
}

#[test]
fn msmtp_sends_by_every_mechanism() {
    every_mechanism_relays(Client::Msmtp);
}

#[test]
fn curl_sends_by_every_mechanism_it_has() {
    every_mechanism_relays(Client::Curl);
}

#[test]
fn a_stranger_is_turned_away() {
    let relay = Relay::new();
    relay.site.turns_a_stranger_away();

    // Mail that is sent later and arrives shows that nothing is still on its way.
    relay.site.relays(Client::Swaks, &Login::right("DIGEST-MD5"));
    let arrived = relay.site.arrived();
    assert_eq!(arrived.len(), 1, "{arrived:?}");
    assert!(!arrived[0].contains("from-a-stranger"));
}

#[test]
fn a_readable_password_is_neither_asked_for_nor_taken_without_tls() {
    let relay = Relay::new();
    let mut dialogue = relay.site.dialogue();
    let offered = dialogue.offered();
    assert!(offered.contains("DIGEST-MD5") && offered.contains("SCRAM-SHA-256"), "{offered}");
    assert!(!offered.contains("PLAIN") && !offered.contains("LOGIN"), "{offered}");

    // "\0mailman\0secret", the right password
    for line in ["AUTH PLAIN AG1haWxtYW4Ac2VjcmV0", "AUTH LOGIN bWFpbG1hbg=="] {
        let reply = dialogue.say(line);
        assert!(reply.starts_with("535 5.7.8 "), "{line}: {reply}");
    }
    dialogue.say("MAIL FROM:<mailman@example.com>");
    let reply = dialogue.say("RCPT TO:<friend@elsewhere.example>");
    assert!(reply.starts_with("554 5.7.1 "), "{reply}");
}

/// Postfix as many have it set up: it offers PLAIN and LOGIN to everybody, and leaves the judgement to the helper.
#[test]
fn the_helper_itself_refuses_a_readable_password_without_tls() {
    let relay = Relay::new();
    relay
        .site
        .machine
        .shell("postconf -e smtpd_sasl_security_options=noanonymous && postfix reload >/var/log/reload.log 2>&1");
    relay.site.wait_for_banner();
    for mechanism in ["PLAIN", "LOGIN"] {
        let open = Login { tls: false, ..Login::right(mechanism) };
        let reply = relay.site.refuses(Client::Swaks, &open);
        assert!(reply.starts_with("535 5.7.8 "), "{mechanism}: {reply}");
        relay.site.relays(Client::Swaks, &Login::right(mechanism));
    }
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_told_the_same() {
    let relay = Relay::new();
    let site = &relay.site;
    // A failure is answered late on purpose; side by side they cost that once.
    let replies: Vec<(&str, String)> = std::thread::scope(|scope| {
        let attempts: Vec<_> = Client::Msmtp
            .mechanisms()
            .iter()
            .flat_map(|mechanism| {
                let right = Login::right(mechanism);
                let wrong = [right.password("wrong"), right.user("nobody"), right.user("nobody@elsewhere.example")];
                wrong.map(|login| (*mechanism, scope.spawn(move || site.refuses(Client::Msmtp, &login))))
            })
            .collect();
        attempts.into_iter().map(|(mechanism, attempt)| (mechanism, attempt.join().unwrap())).collect()
    });
    assert_eq!(replies.len(), 18);
    for (mechanism, reply) in &replies {
        assert!(reply.starts_with("535 5.7.8 "), "{mechanism}: {reply}");
        assert_eq!(*reply, replies[0].1, "{mechanism}");
    }
    assert!(site.arrived().is_empty());
}
