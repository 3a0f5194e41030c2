//! Servers of Debian that use libsasl2.

use crate::machine::Ran;

use super::site::{SaslSite, USER};

/// A repository that nobody reads without a login, served by the user `USER`.
const SUBVERSION: &str = "
svnadmin create /srv/repository
cat >/srv/repository/conf/svnserve.conf <<'CONF'
[general]
anon-access = none
auth-access = write
realm = example.com
[sasl]
use-sasl = true
CONF
chown -R USER:USER /srv/repository
";

/// It reads its settings when it starts.
const SVNSERVE: &str = "
listens() { (</dev/tcp/127.0.0.1/3690) 2>/dev/null; }
[ ! -e /tmp/svnserve.pid ] || kill \"$(cat /tmp/svnserve.pid)\"
while listens; do sleep 0.05; done
cd /srv
setpriv --reuid USER --regid USER --clear-groups svnserve --daemon --root /srv --pid-file /tmp/svnserve.pid
until listens; do sleep 0.05; done
";

fn look_into(site: &SaslSite, user: &str, password: &str) -> Ran {
    let login = ["--username", user, "--password", password, "--no-auth-cache", "--non-interactive"];
    site.machine.run("svn", &[&["info", "--show-item", "revision", "svn://127.0.0.1/repository"][..], &login].concat())
}

#[test]
fn svnserve_lets_in_by_every_mechanism() {
    let mut site = SaslSite::with_accounts(&[("alice", "s3cr3t pass")]);
    site.machine.shell(&SUBVERSION.replace("USER", &USER.to_string()));
    for mechanism in ["DIGEST-MD5", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"] {
        site.tell_plugin("svn", &format!("mech_list: {mechanism}"));
        site.machine.shell(&SVNSERVE.replace("USER", &USER.to_string()));
        let right = look_into(&site, "alice", "s3cr3t pass");
        assert_eq!((right.status, right.text.trim()), (0, "0"), "{mechanism}: {}\n{}", right.text, site.helper.log());
        for (user, password) in [("alice", "wrong"), ("nobody", "s3cr3t pass")] {
            let wrong = look_into(&site, user, password);
            assert_ne!(wrong.status, 0, "{mechanism} {user}");
            assert!(wrong.text.contains("Authentication"), "{mechanism} {user}: {}", wrong.text);
        }
    }
    site.helper.stop();
    assert_ne!(look_into(&site, "alice", "s3cr3t pass").status, 0);
    site.start();
    assert_eq!(look_into(&site, "alice", "s3cr3t pass").status, 0);
    assert!(site.machine.run("ls", &["/etc/sasldb2"]).status != 0);
}

/// Logs in to memcached by CRAM-MD5 in its binary protocol, and says the status of the last reply.
const MEMCACHED_CLIENT: &str = r#"
import hashlib, socket, struct, sys
user, password = (text.encode() for text in sys.argv[1:])
connection = socket.create_connection(("127.0.0.1", 11211))
replies = connection.makefile("rb")
def ask(command, value):
    mechanism = b"CRAM-MD5"
    head = struct.pack(">BBHBBHLLQ", 0x80, command, len(mechanism), 0, 0, 0, len(mechanism) + len(value), 0, 0)
    connection.sendall(head + mechanism + value)
    _, _, _, _, _, status, length, _, _ = struct.unpack(">BBHBBHLLQ", replies.read(24))
    return status, replies.read(length)
status, challenge = ask(0x21, b"")
assert status == 0x21, status
def pad(byte):
    return bytes(byte ^ of_key for of_key in password.ljust(64, b"\0"))
inner = hashlib.md5(pad(0x36) + challenge).digest()
print(ask(0x22, user + b" " + hashlib.md5(pad(0x5C) + inner).hexdigest().encode())[0])
"#;

#[test]
fn memcached_tells_right_from_wrong() {
    let site = SaslSite::with_accounts(&[("alice", "s3cr3t pass")]);
    site.tell_plugin("memcached", "mech_list: CRAM-MD5");
    site.machine.write("/root/client.py", MEMCACHED_CLIENT);
    site.machine.shell(&format!(
        "setpriv --reuid {USER} --regid {USER} --clear-groups memcached -S -d -l 127.0.0.1
         until (</dev/tcp/127.0.0.1/11211) 2>/dev/null; do sleep 0.05; done"
    ));
    for (user, password, status) in [("alice", "s3cr3t pass", "0"), ("alice", "wrong", "32"), ("nobody", "x", "32")] {
        let ran = site.machine.run("python3", &["/root/client.py", user, password]);
        assert_eq!((ran.status, ran.text.trim()), (0, status), "{user}: {}\n{}", ran.text, site.helper.log());
    }
}
