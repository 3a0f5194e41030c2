//! The same tests with Dovecot's auth service in our place. What is green here and red with ours is ours to mend; what is
//! red here too is the harness.

use crate::clients::{Client, Login};
use crate::doveadm::doveadm_tells_right_from_wrong;
use crate::helper::{SOCKET, start_dovecot};
use crate::machine::Machine;
use crate::site::Site;

#[test]
fn dovecot_passes_the_same_tests() {
    let site = Site::new();
    start_dovecot(&site.machine, SOCKET, &[("mailman", "secret")]);
    site.start();
    for client in [Client::Swaks, Client::Gsasl, Client::Msmtp, Client::Curl] {
        for mechanism in client.mechanisms() {
            let login = Login::right(mechanism);
            if (client, *mechanism) == (Client::Curl, "DIGEST-MD5") {
                // curl stumbles over Dovecot's quoted algorithm="md5-sess". It does not over ours.
                assert!(site.refuses(client, &login).starts_with("501 "));
            } else {
                site.relays(client, &login);
            }
        }
    }
    assert!(site.refuses(Client::Swaks, &Login::right("CRAM-MD5").password("wrong")).starts_with("535 5.7.8 "));
}

#[test]
fn doveadm_is_answered_by_dovecot_in_the_same_way() {
    let machine = Machine::start();
    start_dovecot(&machine, SOCKET, &[("mailman", "secret")]);
    doveadm_tells_right_from_wrong(&machine);
}
