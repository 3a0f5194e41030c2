//! What the configuration of a program says to this plugin, such as `/etc/sasl2/smtpd.conf`.

use nix::unistd::User;

/// Where the helper is asked unless `sasldb_rs_socket` says otherwise.
const DEFAULT_SOCKET: &str = "/run/sasldb-rs/lookup";

/// Whom the helper runs as unless `sasldb_rs_user` says otherwise.
const DEFAULT_USER: &str = "sasldb-rs";

/// The settings, read when libsasl2 loads the plugin: later the program may be in a chroot, where nobody knows a user's number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where to ask, in this order: one is right outside of a chroot, another inside.
    pub(crate) sockets: Vec<String>,
    /// Whether the configuration names a socket.
    pub(crate) asked_for: bool,
    /// Who is believed besides root.
    pub(crate) helper: Option<u32>,
}

/// Settings that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SettingsFault {
    /// A socket's path.
    #[error("sasldb_rs_socket: {0:?} is no path that begins with / and has at most 107 bytes")]
    Socket(String),
    /// The helper's user.
    #[error("sasldb_rs_user: there is no user {0:?}; a helper that runs as root is believed")]
    User(String),
}

impl Settings {
    /// Reads the values of `sasldb_rs_socket` and `sasldb_rs_user`. What is wrong is left out, and told.
    pub(crate) fn read(socket: Option<&str>, user: Option<&str>) -> (Self, Vec<SettingsFault>) {
        let mut faults = Vec::new();
        let mut sockets = Vec::new();
        for path in socket.unwrap_or(DEFAULT_SOCKET).split_ascii_whitespace() {
            if path.starts_with('/') && path.len() <= 107 {
                sockets.push(path.to_owned());
            } else {
                faults.push(SettingsFault::Socket(path.to_owned()));
            }
        }
        let helper = number_of(user.map_or(DEFAULT_USER, str::trim));
        if let (None, Some(user)) = (helper, user) {
            faults.push(SettingsFault::User(user.to_owned()));
        }
        (Self { sockets, asked_for: socket.is_some(), helper }, faults)
    }

    /// Whether a helper that runs as this user is to be believed.
    pub(crate) fn believes(&self, uid: u32) -> bool {
        uid == 0 || self.helper == Some(uid)
    }
}

fn number_of(user: &str) -> Option<u32> {
    match user.parse() {
        Ok(number) => Some(number),
        Err(_) => User::from_name(user).ok().flatten().map(|user| user.uid.as_raw()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_sockets_are_tried_in_their_order() {
        let (settings, faults) = Settings::read(Some(" /run/sasldb-rs/lookup\t/lookup "), Some("107"));
        assert_eq!(settings.sockets, ["/run/sasldb-rs/lookup", "/lookup"]);
        assert_eq!(faults, []);
        assert!(settings.asked_for && settings.believes(107) && settings.believes(0) && !settings.believes(108));
    }

    #[test]
    fn without_settings_there_are_defaults_and_only_root_may_be_left_to_believe() {
        let (settings, faults) = Settings::read(None, None);
        assert_eq!(settings.sockets, [DEFAULT_SOCKET]);
        assert_eq!(faults, []);
        assert!(!settings.asked_for && !settings.believes(u32::MAX));
    }

    #[test]
    fn what_cannot_be_used_is_told_and_left_out() {
        let long = format!("/{}", "x".repeat(107));
        let (settings, faults) = Settings::read(Some(&format!("lookup {long} /lookup")), Some("no-such-user-here"));
        assert_eq!(settings.sockets, ["/lookup"]);
        assert_eq!(settings.helper, None);
        let told = [
            SettingsFault::Socket("lookup".to_owned()),
            SettingsFault::Socket(long),
            SettingsFault::User("no-such-user-here".to_owned()),
        ];
        assert_eq!(faults, told);
    }
}
