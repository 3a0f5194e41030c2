//! A machine with libsasl2, our plugin and a program that logs in to itself; outside of it the helper with a lookup socket.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::helper::Ours;
use crate::machine::{Machine, project, wait_for};
use crate::pages::block;

/// The user as which programs of the machine run besides root.
pub(crate) const USER: u32 = 1000;

/// The page that says how to set up programs that use libsasl2.
pub(crate) const PAGE: &str = "docs/libsasl2.md";

/// What the programs of the machine are told. The second socket is the first as it is seen in a chroot to its folder.
const PLUGIN: &str = "auxprop_plugin: sasldb_rs\nsasldb_rs_socket: /run/sasldb-rs/lookup /lookup\n";

pub(crate) struct SaslSite {
    pub(crate) helper: Ours,
    pub(crate) machine: Machine,
}

impl SaslSite {
    /// No helper runs yet, and there are no accounts.
    pub(crate) fn new() -> Self {
        let machine = Machine::over(&["sasl"]);
        let site = Self { helper: Ours::beside(&machine), machine };
        install_plugin(&site.machine);
        let shared = site.machine.shared();
        std::fs::copy(project().join("tests/interop/sasl/host.c"), shared.join("host.c")).unwrap();
        site.machine.shell(
            "gcc -O1 -g -Wall -Wextra -Werror -Wno-cast-function-type -o /usr/bin/host /run/sasldb-rs/host.c -lsasl2
             rm /etc/sasldb2",
        );
        site.tell("host", PLUGIN);
        site
    }

    /// With a helper, and no database yet.
    pub(crate) fn without_database() -> Self {
        let mut site = Self::new();
        site.helper.configure(&site.settings());
        site.start();
        site
    }

    /// With a helper, and accounts of the realm example.com.
    pub(crate) fn with_accounts(accounts: &[(&str, &str)]) -> Self {
        let mut site = Self::new();
        site.helper.configure(&site.settings());
        for (name, password) in accounts {
            site.helper.saslpasswd(&["-p", "-c"], name, password);
        }
        site.start();
        site
    }

    /// Configures a program that uses libsasl2.
    pub(crate) fn tell(&self, program: &str, settings: &str) {
        self.machine.write(&format!("/etc/sasl2/{program}.conf"), settings);
    }

    pub(crate) fn tell_plugin(&self, program: &str, more: &str) {
        self.tell(program, &format!("{PLUGIN}{more}\n"));
    }

    fn settings(&self) -> String {
        let mut peers = String::new();
        for inside in [0, USER] {
            let _ = write!(peers, "{{ user = {} }},", outside(&self.machine, inside));
        }
        let [lookup, mux, store] = ["lookup", "mux", "store"].map(|name| self.machine.shared().join(name));
        format!(
            "schemes = [\"digest-md5\", \"cram-md5\", \"scram-sha-1\", \"scram-sha-256\", \"scram-sha-512\"]\n\
             realm = \"example.com\"\nrealm_aliases = [\"mail\", \"mail.example.com\"]\nscram_iterations = 4096\n\
             [[lookup]]\npath = \"{}\"\nmode = \"0666\"\npeers = [{peers}]\naccounts_per_minute = 1000\n\
             [[saslauthd]]\npath = \"{}\"\nmode = \"0666\"\n\
             [[store]]\npath = \"{}\"\nmode = \"0666\"\npeers = [{}]\n",
            lookup.display(),
            mux.display(),
            store.display(),
            outside(&self.machine, 0)
        )
    }

    pub(crate) fn start(&mut self) {
        self.helper.start();
        wait_for("the lookup socket", || UnixStream::connect(self.machine.shared().join("lookup")).ok());
    }

    /// Runs the program that logs in to itself: what it says.
    pub(crate) fn host(&self, arguments: &[&str]) -> String {
        let ran = self.machine.run("host", arguments);
        assert_eq!(ran.status, 0, "{arguments:?}\n{}\n--- helper\n{}", ran.text, self.helper.log());
        ran.text
    }

    /// One login that ends with this result, and leaves nothing behind.
    #[track_caller]
    pub(crate) fn ends(&self, arguments: &[&str], result: &str) {
        let said = self.host(arguments);
        let lines: Vec<&str> = said.lines().collect();
        let told = lines.first().is_some_and(|line| line.starts_with(result));
        assert!(told && lines.contains(&"clean"), "{arguments:?} gives\n{said}\n--- helper\n{}", self.helper.log());
    }
}

/// Puts the plugin where libsasl2 finds it, as the page on it says.
pub(crate) fn install_plugin(machine: &Machine) {
    std::fs::copy(plugin(), machine.shared().join("libsasldb_rs.so")).unwrap();
    let line = block(PAGE, "## Setting up", "install ");
    machine.shell(&[&line.replace("target/release", "/run/sasldb-rs"), "mkdir -p /etc/sasl2\n"].concat());
}

/// What the page shows for every program: the helper's sockets, for this user of the machine.
pub(crate) fn sockets(machine: &Machine, user: &str) -> String {
    from_outside(machine, &block(PAGE, "## Setting up", "[[lookup]]").replace("USER", user), user)
}

/// And what stands in the program's own file.
pub(crate) fn sasl_file() -> String {
    block(PAGE, "## Setting up", "pwcheck_method")
}

/// Settings that an administrator pastes, as they have to be for a helper outside of the machine: it knows the machine's
/// folder by another name, and `user` by another number.
pub(crate) fn from_outside(machine: &Machine, pasted: &str, user: &str) -> String {
    let shared = format!("\"{}/", machine.shared().display());
    let settings = pasted.replace("\"/run/sasldb-rs/", &shared).replace("\"/var/spool/postfix/private/", &shared);
    assert_ne!(settings, pasted);
    let number =
        outside(machine, machine.shell(&format!("id -u {user} 2>/dev/null || echo {user}")).trim().parse().unwrap());
    if settings.contains("peers = ") {
        settings.replace(&format!("\"{user}\""), &number.to_string())
    } else {
        // The default, root, is another outside.
        settings + &format!("peers = [{{ user = {number} }}]\n")
    }
}

/// The number outside of the machine for a user in it.
fn outside(machine: &Machine, inside: u32) -> u32 {
    let map = machine.shell("cat /proc/self/uid_map");
    let numbers = |line: &str| line.split_ascii_whitespace().map(|n| n.parse::<u32>().unwrap()).collect::<Vec<_>>();
    let holds = |range: &Vec<u32>| (range[0]..range[0].saturating_add(range[2])).contains(&inside);
    let range = map.lines().map(numbers).find(holds).unwrap();
    range[1] + (inside - range[0])
}

/// The plugin, built now if it is not.
pub(crate) fn plugin() -> &'static Path {
    static PLUGIN: OnceLock<PathBuf> = OnceLock::new();
    PLUGIN.get_or_init(|| {
        let folder = Path::new(env!("CARGO_BIN_EXE_saslauthd-rs")).parent().unwrap();
        let mut command = Command::new(env!("CARGO"));
        command.current_dir(project()).args(["build", "--locked", "--quiet", "--package", "sasldb-rs-auxprop"]);
        command.arg("--target-dir").arg(folder.parent().unwrap());
        if folder.ends_with("release") {
            command.arg("--release");
        }
        assert!(command.status().unwrap().success(), "the plugin is not built");
        let plugin = folder.join("libsasldb_rs.so");
        let mode = std::fs::metadata(&plugin).unwrap().permissions().mode();
        assert_ne!(mode & 0o444, 0);
        plugin
    })
}
