//! What happens to accounts, to the database and to the helper while Postfix runs.

use crate::clients::{Client, Login};
use crate::helper::Ours;
use crate::recipe::Relay;
use crate::site::Site;

#[track_caller]
fn unavailable(site: &Site, login: &Login<'_>) {
    let reply = site.refuses(Client::Msmtp, login);
    assert!(reply.starts_with("454 4.7.0 "), "{login:?}: {reply}");
}

#[track_caller]
fn denied(site: &Site, login: &Login<'_>) {
    let reply = site.refuses(Client::Msmtp, login);
    assert!(reply.starts_with("535 5.7.8 "), "{login:?}: {reply}");
}

#[test]
fn a_database_out_of_reach_is_a_temporary_failure() {
    let relay = Relay::new();
    let site = &relay.site;
    site.relays(Client::Msmtp, &Login::right("DIGEST-MD5"));

    let folder = relay.helper.folder();
    let away = folder.with_extension("away");
    std::fs::rename(&folder, &away).unwrap();
    for mechanism in Client::Msmtp.mechanisms() {
        unavailable(site, &Login::right(mechanism));
        unavailable(site, &Login::right(mechanism).password("wrong"));
        unavailable(site, &Login::right(mechanism).user("nobody"));
    }

    std::fs::rename(&away, &folder).unwrap();
    for mechanism in Client::Msmtp.mechanisms() {
        site.relays(Client::Msmtp, &Login::right(mechanism));
    }
    denied(site, &Login::right("CRAM-MD5").password("wrong"));
}

#[test]
fn a_helper_started_before_the_first_account_serves_it_when_it_is_made() {
    let site = Site::new();
    let mut helper = Ours::beside(&site.machine);
    helper.start();
    site.start();
    for mechanism in ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN"] {
        unavailable(&site, &Login::right(mechanism));
    }
    helper.saslpasswd(&["-p", "-c"], "mailman", "secret\n");
    for mechanism in Client::Msmtp.mechanisms() {
        site.relays(Client::Msmtp, &Login::right(mechanism));
    }
}

#[test]
fn a_change_counts_at_the_very_next_login() {
    let relay = Relay::new();
    let (site, helper) = (&relay.site, &relay.helper);
    let old = Login::right("DIGEST-MD5");
    let new = old.password("new secret".trim_start_matches("new "));
    site.relays(Client::Msmtp, &old);

    helper.saslpasswd(&["-p"], "mailman", "other\n");
    for mechanism in Client::Msmtp.mechanisms() {
        site.relays(Client::Msmtp, &Login::right(mechanism).password("other"));
    }
    denied(site, &old);
    denied(site, &Login::right("PLAIN"));

    helper.saslpasswd(&["-p"], "mailman", "secret\n");
    site.relays(Client::Msmtp, &new);

    helper.saslpasswd(&["--disable"], "mailman", "");
    denied(site, &old);
    denied(site, &Login::right("PLAIN"));
    helper.saslpasswd(&["--enable"], "mailman", "");
    site.relays(Client::Msmtp, &old);

    helper.saslpasswd(&["-d"], "mailman", "");
    denied(site, &old);
    helper.saslpasswd(&["-p", "-c"], "mailman", "secret\n");
    site.relays(Client::Msmtp, &old);
}

#[test]
fn postfix_needs_nothing_when_the_helper_is_restarted() {
    let mut relay = Relay::new();
    for mechanism in ["DIGEST-MD5", "SCRAM-SHA-256"] {
        relay.site.relays(Client::Msmtp, &Login::right(mechanism));
        relay.helper.stop();
        relay.helper.start();
        relay.site.relays(Client::Msmtp, &Login::right(mechanism));
    }
}
