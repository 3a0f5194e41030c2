//! The recipe's three checks with the servers other than Postfix: accepted, refused, no relaying for strangers.

use crate::clients::{Client, Login, swaks};
use crate::helper::{SOCKET, start_dovecot};
use crate::servers::Server;
use crate::site::Site;

fn relays_for_those_who_log_in_only(server: Server, refused: &str) {
    let site = Site::of(server);
    start_dovecot(&site.machine, SOCKET, &[("mailman", "secret")]);
    site.start();
    let stranger = swaks(&site.machine, None, "from-a-stranger");
    assert!(stranger.text.contains(refused), "{}", stranger.text);
    for mechanism in server.mechanisms() {
        let login = Login::right(mechanism);
        let reply = site.refuses(Client::Msmtp, &login.password("wrong"));
        assert!(reply.starts_with("535 "), "{mechanism}: {reply}");
        site.relays(Client::Msmtp, &login);
    }
    assert_eq!(site.arrived().len(), server.mechanisms().len());
}

#[test]
fn exim_relays_for_those_who_log_in_only() {
    relays_for_those_who_log_in_only(Server::Exim, "550 relay not permitted");
}

#[test]
fn chasquid_relays_for_those_who_log_in_only() {
    relays_for_those_who_log_in_only(Server::Chasquid, "550 5.7.9 Mail to submission port must be authenticated");
}
