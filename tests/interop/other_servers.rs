//! The recipe's three checks with the servers other than Postfix: accepted, refused, no relaying for strangers.

use crate::clients::{Client, Login, swaks};
use crate::place::{Helper, Place};
use crate::servers::Server;
use crate::site::Site;

fn relays_for_those_who_log_in_only(server: Server, helper: Helper, refused: &str) {
    let place = Place::furnish(Site::of(server), helper, &[("mailman", "secret")]);
    let site = &place.site;
    let stranger = swaks(&site.machine, None, "from-a-stranger");
    assert!(stranger.text.contains(refused), "{}", stranger.text);
    for mechanism in server.mechanisms() {
        let login = Login::right(mechanism);
        let reply = site.refuses(Client::Msmtp, &login.password("wrong"));
        assert!(reply.starts_with("535 "), "{mechanism}: {reply}");
        site.relays(Client::Msmtp, &login);
    }
    // Mail that was sent later has arrived: nothing of the stranger's is still on its way.
    assert_eq!(site.arrived().len(), server.mechanisms().len());
}

#[test]
fn exim_relays_for_those_who_log_in_only() {
    relays_for_those_who_log_in_only(Server::Exim, Helper::Ours, "550 relay not permitted");
}

#[test]
fn exim_with_dovecot_passes_the_same_test() {
    relays_for_those_who_log_in_only(Server::Exim, Helper::Dovecot, "550 relay not permitted");
}

const CHASQUID_REFUSES: &str = "550 5.7.9 Mail to submission port must be authenticated";

#[test]
fn chasquid_relays_for_those_who_log_in_only() {
    relays_for_those_who_log_in_only(Server::Chasquid, Helper::Ours, CHASQUID_REFUSES);
}

#[test]
fn chasquid_with_dovecot_passes_the_same_test() {
    relays_for_those_who_log_in_only(Server::Chasquid, Helper::Dovecot, CHASQUID_REFUSES);
}

/// It asks the second socket whether a recipient in a domain of its own exists.
fn chasquid_takes_mail_for_users_only(helper: Helper) {
    let place = Place::furnish(Site::of(Server::Chasquid), helper, &[("mailman", "secret")]);
    let replies = place.site.machine.shell(
        "exec 3<>/dev/tcp/127.0.0.1/2626
         for line in 'EHLO client.example.org' 'MAIL FROM:<friend@elsewhere.example>' 'RCPT TO:<MailMan@example.com>' \
            'RCPT TO:<nobody@example.com>' QUIT; do printf '%s\\r\\n' \"$line\" >&3; done
         cat <&3",
    );
    let replies: Vec<_> = replies.lines().filter(|line| !line.starts_with("250-")).collect();
    let [_banner, _ehlo, _from, known, unknown, ..] = &replies[..] else { panic!("{replies:?}") };
    assert!(known.starts_with("250 ") && unknown.starts_with("550 "), "{replies:?}");
}

#[test]
fn chasquid_learns_who_is_a_user() {
    chasquid_takes_mail_for_users_only(Helper::Ours);
}

#[test]
fn chasquid_learns_who_is_a_user_from_dovecot_in_the_same_way() {
    chasquid_takes_mail_for_users_only(Helper::Dovecot);
}
