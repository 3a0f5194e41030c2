//! What the configuration of a program says to this plugin, such as `/etc/sasl2/smtpd.conf`.

use nix::unistd::User;

/// Where the helper is asked unless `sasldb_rs_socket` says otherwise.
const DEFAULT_SOCKET: &str = "/run/sasldb-rs/lookup";

/// Where changes are sent unless `sasldb_rs_store` says otherwise.
const DEFAULT_STORE: &str = "/run/sasldb-rs/store";

/// Whom the helper runs as unless `sasldb_rs_user` says otherwise.
const DEFAULT_USER: &str = "sasldb-rs";

/// The settings, read when libsasl2 loads the plugin: later the program may be in a chroot, where nobody knows a user's number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where to ask, in this order: one is right outside of a chroot, another inside.
    pub(crate) sockets: Vec<String>,
    /// Where to send changes, likewise.
    pub(crate) stores: Vec<String>,
    /// Whether the configuration names a socket, or the plugin.
    pub(crate) asked_for: bool,
    /// Who is believed besides root.
    pub(crate) helper: Option<u32>,
}

/// Settings that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SettingsFault {
    /// A socket's path.
    #[error("{0}: {1:?} is no path that begins with / and has at most 107 bytes")]
    Socket(&'static str, String),
    /// The helper's user.
    #[error("sasldb_rs_user: there is no user {0:?}; a helper that runs as root is believed")]
    User(String),
}

impl Settings {
    /// Reads the values of `sasldb_rs_socket`, `sasldb_rs_store` and `sasldb_rs_user`. What is wrong is left out, and told.
    /// `is_named` says that `auxprop_plugin` is set.
    pub(crate) fn read(
        socket: Option<&str>,
        store: Option<&str>,
        user: Option<&str>,
        is_named: bool,
    ) -> (Self, Vec<SettingsFault>) {
        let mut faults = Vec::new();
        let sockets = paths("sasldb_rs_socket", socket.unwrap_or(DEFAULT_SOCKET), &mut faults);
        let stores = paths("sasldb_rs_store", store.unwrap_or(DEFAULT_STORE), &mut faults);
        let helper = number_of(user.map_or(DEFAULT_USER, str::trim));
        if let (None, Some(user)) = (helper, user) {
            faults.push(SettingsFault::User(user.to_owned()));
        }
        let asked_for = socket.is_some() || store.is_some() || is_named;
        (Self { sockets, stores, asked_for, helper }, faults)
    }

    /// Whether a helper that runs as this user is to be believed.
    pub(crate) fn believes(&self, uid: u32) -> bool {
        uid == 0 || self.helper == Some(uid)
    }
}

fn paths(setting: &'static str, value: &str, faults: &mut Vec<SettingsFault>) -> Vec<String> {
    let (good, bad): (Vec<&str>, Vec<&str>) =
        value.split_ascii_whitespace().partition(|path| path.starts_with('/') && path.len() <= 107);
    faults.extend(bad.into_iter().map(|path| SettingsFault::Socket(setting, path.to_owned())));
    good.into_iter().map(str::to_owned).collect()
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
        let (settings, faults) =
            Settings::read(Some(" /run/sasldb-rs/lookup\t/lookup "), Some("/store /s"), Some("107"), false);
        assert_eq!(settings.sockets, ["/run/sasldb-rs/lookup", "/lookup"]);
        assert_eq!(settings.stores, ["/store", "/s"]);
        assert_eq!(faults, []);
        assert!(settings.asked_for && settings.believes(107) && settings.believes(0) && !settings.believes(108));
    }

    #[test]
    fn without_settings_there_are_defaults_and_only_root_may_be_left_to_believe() {
        let (settings, faults) = Settings::read(None, None, None, false);
        assert_eq!(
            (&settings.sockets[..], &settings.stores[..]),
            (&[DEFAULT_SOCKET.to_owned()][..], &[DEFAULT_STORE.to_owned()][..])
        );
        assert_eq!(faults, []);
        assert!(!settings.asked_for && !settings.believes(u32::MAX));
        assert!(Settings::read(None, None, None, true).0.asked_for);
        assert!(Settings::read(None, Some("/store"), None, false).0.asked_for);
    }

    #[test]
    fn what_cannot_be_used_is_told_and_left_out() {
        let long = format!("/{}", "x".repeat(107));
        let (settings, faults) =
            Settings::read(Some(&format!("lookup {long} /lookup")), Some("x"), Some("no-such-user-here"), false);
        assert_eq!(settings.sockets, ["/lookup"]);
        assert_eq!(settings.helper, None);
        let told = [
            SettingsFault::Socket("sasldb_rs_socket", "lookup".to_owned()),
            SettingsFault::Socket("sasldb_rs_socket", long),
            SettingsFault::Socket("sasldb_rs_store", "x".to_owned()),
            SettingsFault::User("no-such-user-here".to_owned()),
        ];
        assert_eq!(faults, told);
    }
}
