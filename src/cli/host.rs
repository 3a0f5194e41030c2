//! What this host is called, found without asking the DNS: a tool that makes an account must not wait for a resolver.

use std::fs;

use crate::identity::{IdentityError, Realm};

/// Where the full name of a host usually stands.
const HOSTS: &str = "/etc/hosts";

/// The host's names, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostNames {
    /// As the system has it, short or full: the default realm of saslpasswd2, which does not look up more than this.
    name: String,
    /// Up to the first dot.
    short: String,
    /// With its domain, where that is known.
    full: Option<String>,
}

impl HostNames {
    /// Asks the system.
    pub(super) fn of_this_host() -> Self {
        let name = nix::unistd::gethostname().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Self::find(&name, &fs::read_to_string(HOSTS).unwrap_or_default())
    }

    fn find(name: &str, hosts: &str) -> Self {
        let name = name.to_lowercase();
        let short = name.split('.').next().unwrap_or_default().to_owned();
        let full = if name.contains('.') { Some(name.clone()) } else { full_name(&name, hosts) };
        Self { name, short, full }
    }

    /// The default realm, if the host's name can be one.
    pub(super) fn realm(&self) -> Result<Realm, IdentityError> {
        Realm::new(&self.name)
    }

    /// What the host calls itself to others.
    pub(super) fn mail_name(&self) -> &str {
        let name = self.full.as_deref().unwrap_or(&self.name);
        if name.is_empty() { "localhost" } else { name }
    }

    /// The other names of the default realm.
    pub(super) fn aliases(&self) -> Vec<Realm> {
        [Some(&self.short), self.full.as_ref()].into_iter().flatten().filter_map(|name| Realm::new(name).ok()).collect()
    }
}

/// The name with a dot that stands beside `name` in a line of hosts(5).
fn full_name(name: &str, hosts: &str) -> Option<String> {
    hosts.lines().find_map(|line| {
        let line = line.split('#').next().unwrap_or_default().to_lowercase();
        let names: Vec<&str> = line.split_ascii_whitespace().skip(1).collect();
        let full = names.iter().find(|n| n.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))?;
        names.contains(&name).then(|| (*full).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: &str, hosts: &str) -> (String, Vec<String>) {
        let found = HostNames::find(name, hosts);
        let aliases = found.aliases().iter().map(|r| r.as_str().to_owned()).collect();
        (found.realm().map(|r| r.as_str().to_owned()).unwrap_or_default(), aliases)
    }

    #[test]
    fn short_and_full_name_are_found_beside_each_other() {
        let hosts = "127.0.0.1 localhost\n# 1.2.3.4 mx1.wrong.example mx1\n10.9.9.9\tMX1.corp.example  mx1 # here\n";
        assert_eq!(names("mx1", hosts), ("mx1".into(), vec!["mx1".into(), "mx1.corp.example".into()]));
        assert_eq!(names("MX1", hosts).0, "mx1");
        assert_eq!(names("Mail.Example.org", hosts).1, ["mail", "mail.example.org"]);
        assert_eq!(names("vm", hosts), ("vm".into(), vec!["vm".into()]));
        assert_eq!(names("mx", hosts).1, ["mx"]);
        assert_eq!(names("", ""), (String::new(), vec![]));
    }
}
