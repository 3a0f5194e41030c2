//! Password files fresh from the programs that write them: imported, then logged in with by every mechanism.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::doveadm::write_client_configuration;
use crate::helper::{Ours, REALM, SOCKET};
use crate::machine::{Machine, wait_for};

/// Of every account, but for those whose hash looks at eight characters only.
const PASSWORD: &str = "secret pass";
const SHORT: &str = "secret";

const ALL: [&str; 6] = ["SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "LOGIN", "PLAIN"];

/// What became of each entry, by its name without the realm.
type Entries = BTreeMap<String, Value>;

struct Site {
    machine: Machine,
    helper: Ours,
}

impl Site {
    fn new() -> Self {
        let machine = Machine::over(&["producers"]);
        let mut helper = Ours::beside(&machine);
        helper.configure(&format!("realm = {REALM:?}\nscram_iterations = 4096\nfailure_delay = \"0s\"\n"));
        helper.start();
        Self { machine, helper }
    }

    /// Imports `file`, and logs in to each account that is taken: by the mechanisms that are said to work, by no other, and by
    /// none with another password. `short` names those with the shorter password.
    fn import(&self, from: &[&str], file: &str, short: &[&str]) -> Entries {
        let ran = self.helper.sasldb_with(&[&["import", "--json", "--from"], from, &["-"]].concat(), file);
        let mut entries = Entries::new();
        for line in ran.text.lines().filter(|line| line.starts_with('{')) {
            let entry: Value = serde_json::from_str(line).unwrap();
            let name = entry["entry"].as_str().unwrap_or_else(|| panic!("{from:?}: {line}"));
            let name = name.split(['@', ' ']).next().unwrap().to_owned();
            let password = if short.contains(&name.as_str()) { SHORT } else { PASSWORD };
            if entry["fate"] == "taken" {
                let why = entry["why"].as_str().unwrap();
                let closed = ["disabled", "expires 20", "until 20"].iter().any(|word| why.contains(word));
                let served: BTreeSet<&str> =
                    entry["mechanisms"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
                assert!(!served.is_empty(), "{line}");
                let works = if closed { BTreeSet::new() } else { served };
                assert_eq!(self.accepted(&name, password), works, "{from:?} {line}\n{}", self.helper.log());
                assert_eq!(self.accepted(&name, "Secret pass"), BTreeSet::new(), "{from:?} {line}");
            }
            assert!(entries.insert(name, entry).is_none(), "{from:?}: {line}");
        }
        assert!(!entries.is_empty(), "{from:?}: {}\n{file}", ran.text);
        let skipped = entries.values().any(|entry| entry["fate"] == "skipped");
        assert_eq!(ran.status, i32::from(skipped), "{from:?}: {}", ran.text);
        entries
    }

    /// The mechanisms by which a mail server would let `user` in.
    fn accepted(&self, user: &str, password: &str) -> BTreeSet<&'static str> {
        let socket = self.machine.shared().join(SOCKET);
        let socket = socket.to_str().unwrap();
        let test = ["test", "--secured", "--dovecot", socket, "--", user];
        // A slow hash that has waited for too long on a busy machine has no verdict.
        let ran = wait_for("verdicts", || {
            let ran = self.helper.sasldb_with(&test, password);
            (!ran.text.contains("unavailable")).then_some(ran)
        });
        let says = |name: &str, word: &str| {
            ran.text.lines().any(|line| line.split_whitespace().take(2).collect::<Vec<_>>() == [name, word])
        };
        for name in ALL {
            assert!(says(name, "accepted") != says(name, "denied"), "{user}, {name}: {}", ran.text);
        }
        ALL.into_iter().filter(|name| says(name, "accepted")).collect()
    }
}

/// The entries that are not taken.
fn left(entries: &Entries) -> Vec<&str> {
    entries.iter().filter(|(_, entry)| entry["fate"] != "taken").map(|(name, _)| name.as_str()).collect()
}

fn served(entries: &Entries, name: &str) -> String {
    let served = entries[name]["mechanisms"].as_array().unwrap();
    served.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn all_that_doveadm_makes_logs_in() {
    let site = Site::new();
    write_client_configuration(&site.machine, "/tmp/dovecot.conf");
    let file = site.machine.shell(&format!(
        "pw() {{ doveadm -c /tmp/dovecot.conf pw \"$@\"; }}
         for scheme in $(pw -l); do
             user=${{scheme,,}}
             echo \"$user@{REALM}:$(pw -s \"$scheme\" -u \"$user@{REALM}\" -p '{PASSWORD}'):1000:1000::/home::\"
         done
         echo \"hex@{REALM}:$(pw -s SSHA256.HEX -p '{PASSWORD}')\"
         echo \"b64@{REALM}:$(pw -s CRAM-MD5.B64 -p '{PASSWORD}')\""
    ));
    let entries = site.import(&["dovecot"], &file, &[]);
    let refused = ["lanman", "ntlm", "otp", "plain-md4", "plain-trunc", "rpa", "skey"];
    assert!(left(&entries).iter().all(|name| refused.contains(name)), "{entries:?}");
    for (name, mechanisms) in [
        ("plain", ALL.join(" ")),
        ("digest-md5", "DIGEST-MD5 LOGIN PLAIN".to_owned()),
        ("cram-md5", "CRAM-MD5 LOGIN PLAIN".to_owned()),
        ("b64", "CRAM-MD5 LOGIN PLAIN".to_owned()),
        ("scram-sha-1", "SCRAM-SHA-1 LOGIN PLAIN".to_owned()),
        ("scram-sha-256", "SCRAM-SHA-256 LOGIN PLAIN".to_owned()),
        ("argon2id", "LOGIN PLAIN".to_owned()),
        ("hex", "LOGIN PLAIN".to_owned()),
    ] {
        assert_eq!(served(&entries, name), mechanisms, "{name}");
    }
}

#[test]
fn all_that_apaches_tools_make_logs_in() {
    let site = Site::new();
    let file = site.machine.shell(&format!(
        "cd /tmp
         htpasswd -cbB file bcrypt '{PASSWORD}'; htpasswd -bm file md5 '{PASSWORD}'; htpasswd -bs file sha '{PASSWORD}'
         htpasswd -bd file crypt '{SHORT}'
         htpasswd -bB -C 10 file costly '{PASSWORD}'
         cat file"
    ));
    // What htpasswd says of itself stands beside it.
    let file: String = file.lines().filter(|line| line.contains(':')).map(|line| format!("{line}\n")).collect();
    let entries = site.import(&["htpasswd"], &file, &["crypt"]);
    assert_eq!((left(&entries), entries.len()), (vec![], 5));
    let file = site.machine.shell(&format!(
        "cd /tmp
         printf '{PASSWORD}\\n{PASSWORD}\\n' | htdigest -c digest {REALM} joe >/dev/null 2>&1
         cat digest"
    ));
    let entries = site.import(&["htdigest"], &file, &[]);
    assert_eq!(served(&entries, "joe"), "DIGEST-MD5 LOGIN PLAIN");
}

#[test]
fn all_that_unix_makes_logs_in() {
    let site = Site::new();
    let file = site.machine.shell(&format!(
        "for method in yescrypt scrypt bcrypt bcrypt-a sha512crypt sha256crypt md5crypt gost-yescrypt sunmd5 bsdicrypt nt; do
             echo \"$method:$(mkpasswd -m $method '{PASSWORD}')\"
         done
         echo \"descrypt:$(mkpasswd -m descrypt '{SHORT}')\""
    ));
    let entries = site.import(&["shadow"], &file, &["descrypt"]);
    assert_eq!(left(&entries), ["bsdicrypt", "gost-yescrypt", "nt", "sunmd5"]);
    let file = site.machine.shell(&format!(
        "for user in joe locked ended later empty; do
             useradd $user && echo \"$user:{PASSWORD}\" | chpasswd -c SHA512
         done >/dev/null 2>&1
         passwd -l locked >/dev/null 2>&1
         passwd -d empty >/dev/null 2>&1
         chage -E 2020-01-31 ended
         chage -E 2999-01-31 later
         cat /etc/shadow"
    ));
    let entries = site.import(&["shadow"], &file, &[]);
    assert_eq!(served(&entries, "joe"), "LOGIN PLAIN");
    assert_eq!(entries["locked"]["why"], format!("as locked@{REALM}, disabled (locked)"));
    assert_eq!(entries["ended"]["why"], format!("as ended@{REALM}, expires 2020-01-31T00:00:00Z"));
    assert_eq!(entries["later"]["why"], format!("as later@{REALM}, expires 2999-01-31T00:00:00Z"));
    assert_eq!((&entries["empty"]["fate"], &entries["root"]["fate"]), (&"skipped".into(), &"not-needed".into()));
}

/// slapd with every module for passwords, and an entry for each scheme.
const SLAPD: &str = r#"
cd /tmp
mkdir -p db
modules=/usr/lib/ldap
cat >slapd.conf <<END
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath $modules
moduleload back_mdb
moduleload argon2
moduleload pw-sha2
moduleload pw-pbkdf2
moduleload pw-apr1
database mdb
suffix dc=example,dc=com
rootdn cn=admin,dc=example,dc=com
rootpw admin
directory /tmp/db
END
module() {
    case $1 in ARGON2) echo argon2 ;; PBKDF2*) echo pw-pbkdf2 ;; *SHA?*) echo pw-sha2 ;; *) echo pw-apr1 ;; esac
}
person() {
    printf 'dn: uid=%s,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: %s\nmail: %s@example.com\ncn: %s\nsn: x\n' \
        "$1" "$1" "$1" "$1"
    printf 'userPassword: %s\n\n' "$2"
}
{
    printf 'dn: dc=example,dc=com\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: x\n\n'
    for scheme in SSHA SHA SMD5 MD5 ARGON2 SSHA256 SSHA384 SSHA512 SHA256 SHA384 SHA512 \
        PBKDF2 PBKDF2-SHA1 PBKDF2-SHA256 PBKDF2-SHA512 APR1 BSDMD5; do
        hash=$(slappasswd -n -o module-path=$modules -o module-load="$(module $scheme)" -h "{$scheme}" -s 'secret pass')
        person "${scheme,,}" "$hash"
    done
    person crypt "$(slappasswd -n -h '{CRYPT}' -s secret)"
    person bigcrypt "$(slappasswd -n -h '{CRYPT}' -s 'secret pass')"
    person crypt-sha512 "$(slappasswd -n -h '{CRYPT}' -c '$6$%.16s' -s 'secret pass')"
    person clear 'secret pass'
    person sasl '{SASL}joe@EXAMPLE.COM'
} >people.ldif
slapadd -q -f slapd.conf -l people.ldif
"#;

#[test]
fn all_that_openldap_makes_logs_in() {
    let site = Site::new();
    site.machine.shell(SLAPD);
    let file = site.machine.shell("slapcat -f /tmp/slapd.conf");
    let entries = site.import(&["ldif"], &file, &["crypt"]);
    assert_eq!((left(&entries), entries.len()), (vec!["sasl"], 22));
    assert_eq!(served(&entries, "clear"), ALL.join(" "));
    assert_eq!(served(&entries, "argon2"), "LOGIN PLAIN");
    // Lines are folded otherwise there, and the name is another attribute.
    let searched = site.machine.shell(
        "cd /tmp
         slapd -f slapd.conf -h ldapi://%2ftmp%2fldapi
         for try in $(seq 600); do [ -S ldapi ] && break; sleep 0.1; done
         ldapsearch -H ldapi://%2ftmp%2fldapi -x -D cn=admin,dc=example,dc=com -w admin -b dc=example,dc=com \
             '(userPassword=*)' mail userPassword",
    );
    let again = site.import(&["ldif", "--replace", "--name-attribute", "mail"], &searched, &["crypt"]);
    assert_eq!(again.keys().collect::<Vec<_>>(), entries.keys().collect::<Vec<_>>());
}

#[test]
fn postgresqls_verifiers_log_in() {
    let site = Site::new();
    site.machine.shell(
        "cd /tmp
         export PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
         useradd postgresql
         install -d -o postgresql data sockets
         cat >start <<END
initdb -D data -U admin --no-sync -E UTF8 --locale=C.UTF-8
pg_ctl -D data -w -s -o '-k /tmp/sockets -c listen_addresses= -c fsync=off' -l sockets/log start
END
         setpriv --reuid=postgresql --clear-groups -- bash -eu start >/dev/null
         cat >roles <<END
create role joe login password 'secret pass';
create role \"ann@example.com\" login password 'secret pass' valid until '2999-01-31 12:00:00+01';
create role past login password 'secret pass' valid until '2020-01-31 12:00:00+01';
create role nologin nologin password 'secret pass';
create role nopassword login;
comment on role joe is 'it''s;
 a comment';
alter role joe set search_path to 'x; y';
set password_encryption = md5;
create role old login password 'secret pass';
END
         psql -q -h /tmp/sockets -U admin -d postgres -v ON_ERROR_STOP=1 -f roles",
    );
    let psql = "psql -h /tmp/sockets -U admin -d postgres";
    let dump = site
        .machine
        .shell("$(echo /usr/lib/postgresql/*/bin)/pg_dumpall -h /tmp/sockets -U admin -l postgres --roles-only");
    let rows = site.machine.shell(&format!(
        "PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
         {psql} -c \"select rolname, rolpassword, rolvaliduntil from pg_authid where rolname !~ '^pg_'\""
    ));
    let csv = site.machine.shell(&format!(
        "PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
         {psql} --csv -c \"select rolname as user, rolpassword as verifier from pg_authid where rolname in ('joe', 'old')\""
    ));
    let entries = site.import(&["postgresql"], &dump, &[]);
    assert_eq!(served(&entries, "joe"), "SCRAM-SHA-256 LOGIN PLAIN");
    assert_eq!(entries["nologin"]["why"], format!("as nologin@{REALM}, disabled (NOLOGIN)"));
    assert_eq!(entries["past"]["why"], format!("as past@{REALM}, its password until 2020-01-31T11:00:00Z"));
    assert_eq!(entries["ann"]["why"], format!("as ann@{REALM}, its password until 2999-01-31T11:00:00Z"));
    let reason = "PostgreSQL's md5 is not supported: it is made of the role's name and opens PostgreSQL as it stands";
    assert_eq!((&entries["old"]["fate"], &entries["old"]["why"]), (&"skipped".into(), &reason.into()));
    assert_eq!(entries["nopassword"]["fate"], "not-needed");
    site.import(&["postgresql", "--replace"], &rows, &[]);
    let entries = site.import(&["csv", "--replace"], &csv, &[]);
    assert_eq!((left(&entries), entries.len()), (vec!["old"], 2));
}
