//! The recipe's three checks with the servers other than Postfix: accepted, refused, no relaying for strangers.

use crate::place::{Helper, Place};
use crate::servers::Server;
use crate::site::Site;

fn relays_for_those_who_log_in_only(server: Server, helper: Helper) {
    let place = Place::furnish(Site::of(server), helper, &[("mailman", "secret")]);
    let site = &place.site;
    site.relays_for_those_who_log_in_only();
    // Mail that was sent later has arrived: nothing of the stranger's is still on its way.
    assert_eq!(site.arrived().len(), server.mechanisms().len());
}

#[test]
fn exim_relays_for_those_who_log_in_only() {
    relays_for_those_who_log_in_only(Server::Exim, Helper::Ours);
}

#[test]
fn exim_with_dovecot_passes_the_same_test() {
    relays_for_those_who_log_in_only(Server::Exim, Helper::Dovecot);
}

#[test]
fn chasquid_relays_for_those_who_log_in_only() {
    relays_for_those_who_log_in_only(Server::Chasquid, Helper::Ours);
}

#[test]
fn chasquid_with_dovecot_passes_the_same_test() {
    relays_for_those_who_log_in_only(Server::Chasquid, Helper::Dovecot);
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
