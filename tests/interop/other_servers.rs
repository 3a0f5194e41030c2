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

/// With Dovecot, because ours has no socket for chasquid's look-ups yet.
#[test]
fn chasquid_relays_for_those_who_log_in_only() {
    let refused = "550 5.7.9 Mail to submission port must be authenticated";
    relays_for_those_who_log_in_only(Server::Chasquid, Helper::Dovecot, refused);
}
