//! What the doctor finds: a stable code, on what, what is wrong, and the command lines that mend it.

use serde::Serialize;

use crate::cli::failure::{self, Failure};
use crate::cli::output::{self, Data, Reader};

/// A thing that is wrong. Scripts count on the words; `docs/doctor.md` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    DatabaseMissing,
    KeyElsewhere,
    KeyPlace,
    Permissions,
    PlaintextLeft,
    RealmWithoutAccounts,
    AliasWithAccounts,
    UnknownUser,
    HelperDown,
    SocketDown,
    SocketTaken,
    SocketStale,
    FolderClosed,
    SocketClosed,
    NotAPeer,
    GroupNotYet,
    SettingsUnread,
    PostfixAuthOff,
    PostfixType,
    PostfixPath,
    PostfixChroot,
    PostfixTls,
    PostfixAnonymous,
    PostfixRelay,
    EximSocket,
    EximMechanism,
    EximRelay,
    ChasquidAuthOff,
    ChasquidSocket,
    SendmailTrust,
    SendmailLayers,
    SaslFileMissing,
    SaslFileWritable,
    SaslVerifier,
    SaslMux,
    SaslPlugin,
    SaslLookup,
    SaslUser,
    SaslMechanisms,
    SaslRealm,
    SaslStore,
    PluginMissing,
}

impl Code {
    /// Each of them.
    #[cfg(test)]
    pub(super) const ALL: [Self; 42] = [
        Self::DatabaseMissing,
        Self::KeyElsewhere,
        Self::KeyPlace,
        Self::Permissions,
        Self::PlaintextLeft,
        Self::RealmWithoutAccounts,
        Self::AliasWithAccounts,
        Self::UnknownUser,
        Self::HelperDown,
        Self::SocketDown,
        Self::SocketTaken,
        Self::SocketStale,
        Self::FolderClosed,
        Self::SocketClosed,
        Self::NotAPeer,
        Self::GroupNotYet,
        Self::SettingsUnread,
        Self::PostfixAuthOff,
        Self::PostfixType,
        Self::PostfixPath,
        Self::PostfixChroot,
        Self::PostfixTls,
        Self::PostfixAnonymous,
        Self::PostfixRelay,
        Self::EximSocket,
        Self::EximMechanism,
        Self::EximRelay,
        Self::ChasquidAuthOff,
        Self::ChasquidSocket,
        Self::SendmailTrust,
        Self::SendmailLayers,
        Self::SaslFileMissing,
        Self::SaslFileWritable,
        Self::SaslVerifier,
        Self::SaslMux,
        Self::SaslPlugin,
        Self::SaslLookup,
        Self::SaslUser,
        Self::SaslMechanisms,
        Self::SaslRealm,
        Self::SaslStore,
        Self::PluginMissing,
    ];

    /// The word, and what the page says of it.
    pub(super) const fn about(self) -> (&'static str, &'static str) {
        match self {
            Self::DatabaseMissing => ("database-missing", "There is no database: every login is unavailable."),
            Self::KeyElsewhere => (
                "key-elsewhere",
                "The key file is missing or another database's, and the right one lies in another place.",
            ),
            Self::KeyPlace => ("key-place", "The key lies in the database's folder: a copy of it takes both."),
            Self::Permissions => (
                "permissions",
                "Others than root and the helper can read or change the database, its key or the folders above, or the \
                 helper cannot read them.",
            ),
            Self::PlaintextLeft => ("plaintext-left", "`/etc/sasldb2` still holds passwords in the clear."),
            Self::RealmWithoutAccounts => (
                "realm-without-accounts",
                "All accounts are of other realms than the default one: a bare name finds none of them.",
            ),
            Self::AliasWithAccounts => (
                "alias-with-accounts",
                "An alias of the default realm has accounts of its own: the helper does not start.",
            ),
            Self::UnknownUser => ("unknown-user", "The settings name a user or group that this system does not have."),
            Self::HelperDown => ("helper-down", "Nobody listens on any of the helper's sockets."),
            Self::SocketDown => ("socket-down", "The helper runs, but does not listen on a socket of the settings."),
            Self::SocketTaken => ("socket-taken", "Another program listens on a socket of the settings."),
            Self::SocketStale => ("socket-stale", "A socket has another mode or group than the settings say."),
            Self::FolderClosed => ("folder-closed", "A program's user may not enter a folder above its socket."),
            Self::SocketClosed => ("socket-closed", "A program's user may not write to its socket."),
            Self::NotAPeer => ("not-a-peer", "A program's user is not among those whom a socket answers."),
            Self::GroupNotYet => {
                ("group-not-yet", "A program was started before its user came into the group that may open the socket.")
            }
            Self::SettingsUnread => {
                ("settings-unread", "A mail server has not read its settings, or libsasl2's, since they were changed.")
            }
            Self::PostfixAuthOff => ("postfix-auth-off", "Postfix has a socket here, and does not let anybody log in."),
            Self::PostfixType => ("postfix-type", "Postfix is to speak to libsasl2 where it should ask the helper."),
            Self::PostfixPath => ("postfix-path", "Postfix asks on a path where nobody listens."),
            Self::PostfixChroot => ("postfix-chroot", "Postfix's smtpd is in its chroot, and the socket is outside."),
            Self::PostfixTls => ("postfix-tls", "Postfix lets people log in under TLS only, and has no TLS."),
            Self::PostfixAnonymous => ("postfix-anonymous", "Postfix would take an anonymous login."),
            Self::PostfixRelay => ("postfix-relay", "Postfix does not relay for those who log in."),
            Self::EximSocket => ("exim-socket", "Exim asks on a path where nobody listens."),
            Self::EximMechanism => ("exim-mechanism", "Exim offers a mechanism for which nothing is stored."),
            Self::EximRelay => ("exim-relay", "Exim does not relay for those who log in."),
            Self::ChasquidAuthOff => {
                ("chasquid-auth-off", "chasquid names the helper's sockets, and does not use them.")
            }
            Self::ChasquidSocket => {
                ("chasquid-socket", "chasquid asks on a path where nobody listens; it needs two sockets.")
            }
            Self::SendmailTrust => {
                ("sendmail-trust", "Sendmail does not relay for those who log in by some mechanism.")
            }
            Self::SendmailLayers => (
                "sendmail-layers",
                "Sendmail offers DIGEST-MD5's layers, which some clients take and do not have: no mail after a good login.",
            ),
            Self::SaslFileMissing => {
                ("sasl-file-missing", "libsasl2 finds no settings for the program and, without a word, asks sasldb2.")
            }
            Self::SaslFileWritable => {
                ("sasl-file-writable", "Everybody may write libsasl2's settings: Sendmail skips them.")
            }
            Self::SaslVerifier => ("sasl-verifier", "libsasl2 does not ask saslauthd about PLAIN and LOGIN."),
            Self::SaslMux => ("sasl-mux", "libsasl2 asks about PLAIN and LOGIN where nobody listens."),
            Self::SaslPlugin => ("sasl-plugin", "libsasl2 is not told to use the plugin."),
            Self::SaslLookup => ("sasl-lookup", "The plugin asks where nobody listens."),
            Self::SaslUser => {
                ("sasl-user", "The plugin does not believe the helper, which runs as another user than it is told.")
            }
            Self::SaslMechanisms => ("sasl-mechanisms", "libsasl2 offers mechanisms for which nothing is stored."),
            Self::SaslRealm => (
                "sasl-realm",
                "The program gives another realm to DIGEST-MD5 than the accounts have: nobody logs in by it.",
            ),
            Self::SaslStore => ("sasl-store", "saslpasswd2 is to send changes to a socket where nobody listens."),
            Self::PluginMissing => {
                ("plugin-missing", "libsasl2 is told to use the plugin, which is not among its plugins.")
            }
        }
    }

    pub(super) const fn word(self) -> &'static str {
        self.about().0
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    code: Code,
    subject: String,
    what: String,
    mend: Vec<String>,
}

impl Finding {
    /// `what` goes on where `subject` leaves off; each of `mend` is for root's shell, in this order.
    pub(super) fn new(code: Code, subject: impl ToString, what: impl ToString, mend: Vec<String>) -> Self {
        Self { code, subject: subject.to_string(), what: what.to_string(), mend }
    }
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Adds one, unless it has been said.
    pub(super) fn add(&mut self, finding: Finding) {
        let same = |known: &Finding| known.code == finding.code && known.subject == finding.subject;
        if !self.0.iter().any(|known| same(known) && known.mend == finding.mend) {
            self.0.push(finding);
        }
    }

    /// Tells them; says whether there are any.
    pub(super) fn tell(&self, json: bool) -> Result<bool, Failure> {
        let mut data = Data::new();
        if json {
            let text = serde_json::to_string_pretty(&self.0).map_err(std::io::Error::from);
            failure::written(text.and_then(|text| data.text(format_args!("{text}\n"))))?;
            return Ok(!self.0.is_empty());
        }
        for Finding { code, subject, what, mend } in &self.0 {
            let head = if output::is_terminal() {
                format!("{subject} {what}")
            } else {
                format!("{}\t{subject}\t{what}", code.word())
            };
            let lines = std::iter::once(head).chain(mend.iter().map(|line| format!("mend:\t{line}")));
            for line in lines {
                if failure::written(data.line(line))? == Reader::Gone {
                    return Ok(true);
                }
            }
        }
        failure::written(data.finish())?;
        Ok(!self.0.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../docs/doctor.md");

    #[test]
    fn the_page_lists_every_finding() {
        let rows: String = Code::ALL.map(Code::about).map(|(word, about)| format!("| `{word}` | {about} |\n")).concat();
        assert!(
            PAGE.contains(&format!("| code | meaning |\n|---|---|\n{rows}\n")),
            "docs/doctor.md needs these rows:\n{rows}"
        );
    }
}
