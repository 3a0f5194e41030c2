//! A mail server, what answers it, and the accounts.

use crate::helper::{Ours, SOCKET, USERDB_SOCKET, start_dovecot};
use crate::machine::Machine;
use crate::sasl::relays;
use crate::servers::Server;
use crate::site::Site;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Helper {
    Ours,
    Dovecot,
}

impl Helper {
    /// Starts it beside the machine, or in it. Ours dies with the thread that starts it: call this from one that stays.
    pub(crate) fn start(self, machine: &Machine, accounts: &[(&str, &str)], settings: &str) -> Option<Ours> {
        if self == Self::Dovecot {
            start_dovecot(machine, SOCKET, accounts);
            return None;
        }
        let mut ours = Ours::beside(machine);
        ours.configure(settings);
        ours.start();
        for (name, password) in accounts {
            ours.saslpasswd(&["-p", "-c"], name, &format!("{password}\n"));
        }
        Some(ours)
    }
}

pub(crate) struct Place {
    /// It goes before the machine, whose folder has its log.
    pub(crate) ours: Option<Ours>,
    pub(crate) site: Site,
}

impl Place {
    pub(crate) fn furnish(site: Site, helper: Helper, accounts: &[(&str, &str)]) -> Self {
        let userdb = site.machine.shared().join(USERDB_SOCKET);
        let settings = match site.server {
            Server::Chasquid => format!("[[userdb]]\npath = \"{}\"\nmode = \"0666\"\n\n", userdb.display()),
            Server::Postfix | Server::Exim | Server::OpenSmtpd => String::new(),
            server @ (Server::Sendmail | Server::SaslPostfix | Server::SaslExim) => {
                relays::settings(server, &site.machine)
            }
        };
        let ours = helper.start(&site.machine, accounts, &settings);
        site.start();
        Self { site, ours }
    }
}
