//! The module that we ship, run by Ansible itself on a machine of its own.

use crate::machine::{Machine, Ran};
use crate::pages::contrib;

const PLAY: &str = r#"
- hosts: localhost
  gather_facts: false
  tasks:
    - sasldb_rs_accounts:
        executable: /run/sasldb-rs/sasldb-rs
        config: /root/config.toml
        accounts:
          - name: mailman
            password: kT7#qv!x0Lw
          - name: scanner@example.org
            password_hash: "{SCRAM-SHA-1}4096,zEM4yyfRd9L4nuOaSEOxrw==,QWBuXrmkVgJlkvCPPgEmJP9kHlE=,3oFtoiPoCeEI9JOMvHOP1BQ8aVo="
            mechanisms: [SCRAM-SHA-1, PLAIN]
            passwords:
              - label: desk
                password_file: /root/desk
                services: [smtp]
          - name: former
            absent: true
      register: done
    - debug: var=done
"#;

struct Site(Machine);

impl Site {
    fn new() -> Self {
        let machine = Machine::over(&["ansible"]);
        std::fs::copy(env!("CARGO_BIN_EXE_sasldb-rs"), machine.shared().join("sasldb-rs")).unwrap();
        machine.shell("mkdir -p /root/library");
        machine.write("/root/library/sasldb_rs_accounts.py", &contrib("ansible/sasldb_rs_accounts.py"));
        let config = "database = \"/root/accounts.db\"\nrealm = \"example.com\"\nscram_iterations = 4096\n";
        machine.write("/root/config.toml", config);
        machine.write("/root/desk", "pQ9-vv3-ruz-8mt\n");
        machine.write("/root/play.yml", PLAY);
        Self(machine)
    }

    fn play(&self, options: &[&str]) -> Ran {
        let arguments = [&["-i", "localhost,", "-c", "local", "-vvv", "/root/play.yml"], options].concat();
        let ran = self.0.run("ansible-playbook", &arguments);
        for secret in ["kT7#qv!x0Lw", "pQ9-vv3-ruz-8mt", "QWBuXrmkVgJlkvCPPgEmJP9kHlE"] {
            assert!(!ran.text.contains(secret), "{}", ran.text);
        }
        ran
    }

    fn sasldb(&self, arguments: &[&str], input: &str) -> Ran {
        let first = ["--config", "/root/config.toml"];
        self.0.run_with("/run/sasldb-rs/sasldb-rs", &[&first[..], arguments].concat(), input)
    }
}

fn assert_played(ran: &Ran, changed: bool) {
    let sum = if changed { "ok=2    changed=1" } else { "ok=2    changed=0" };
    assert_eq!(ran.status, 0, "{}", ran.text);
    assert!(ran.text.contains(sum), "{}", ran.text);
}

#[test]
fn a_play_changes_what_differs_and_the_second_time_nothing() {
    let site = Site::new();
    assert_played(&site.play(&["--check", "--diff"]), true);
    assert!(!site.0.has("/root/accounts.db"), "a check changed something");

    let ran = site.play(&[]);
    assert_played(&ran, true);
    assert!(ran.text.contains("2 created, 0 changed, 0 removed, 1 unchanged, 0 wrong"), "{}", ran.text);
    assert_eq!(site.sasldb(&["verify", "mailman"], "kT7#qv!x0Lw").status, 0);
    assert_eq!(site.sasldb(&["verify", "scanner@example.org"], "secret").status, 0);
    assert_played(&site.play(&["--check"]), false);
    assert_played(&site.play(&[]), false);

    assert_eq!(site.sasldb(&["account", "add", "former"], "kT7#qv!x0Lw").status, 0);
    assert_played(&site.play(&[]), true);
    assert_eq!(site.sasldb(&["account", "show", "former"], "").status, 20);

    site.0.shell("rm /root/desk");
    let ran = site.play(&[]);
    assert_eq!(ran.status, 2, "{}", ran.text);
    assert!(ran.text.contains("cannot read /root/desk"), "{}", ran.text);
}
