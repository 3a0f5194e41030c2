//! Exim, by the dovecot socket. Also what can be wrong for every server that reaches its socket by a group, and with access lists.

use crate::installed::set_up;
use crate::servers::Server;

use super::{Case, case, each_is_found_and_mended, is_found_and_mended, mail_goes};

pub(super) const CASES: &[Case] = &[
    case("exim-socket", "xargs sed", "sed -i 's|/run/sasldb-rs/auth|/run/other/auth|' /etc/exim4/exim4.conf"),
    case(
        "exim-socket",
        "[[dovecot]]",
        "stop; sed -i '/^\\[\\[dovecot/,$d' $config
         printf '%s\\n' '[[userdb]]' 'path = \"/run/sasldb-rs/other\"' >>$config; start",
    ),
    case(
        "exim-mechanism",
        "server_advertise_condition = no",
        "sed -i 's/^  public_name = SCRAM-SHA-1$/  public_name = SCRAM-SHA-512/' /etc/exim4/exim4.conf
         /etc/init.d/exim4 restart </dev/null >/var/log/start.log 2>&1",
    ),
    case(
        "exim-relay",
        "accept authenticated = *",
        "sed -i '/accept authenticated/d' /etc/exim4/exim4.conf
         /etc/init.d/exim4 restart </dev/null >/var/log/start.log 2>&1",
    ),
    case(
        "socket-closed",
        "usermod -a -G mail-clients Debian-exim",
        "groupadd mail-clients; stop; sed -i '/^group = /d' $config
         sed -i '/^\\[\\[dovecot/a group = \"mail-clients\"' $config; start",
    ),
    case("socket-closed", "group = \"Debian-exim\"", "stop; sed -i '/^group = /d' $config; start"),
    case(
        "socket-closed",
        "mode = \"0660\"",
        "stop; sed -i -e '/^group = /d' -e 's/^mode = .*/mode = \"0600\"/' $config; start",
    ),
    case("folder-closed", "chmod o+x", "chmod 700 /run/sasldb-rs"),
    // Somebody else's, as Postfix's are.
    case(
        "folder-closed",
        "setfacl -m u:Debian-exim:x /srv/theirs",
        "mkdir -m 700 /srv/theirs; chown daemon /srv/theirs; stop
         sed -i 's|/run/sasldb-rs/auth\"|/srv/theirs/auth\"|' $config; start
         sed -i 's|/run/sasldb-rs/auth|/srv/theirs/auth|' /etc/exim4/exim4.conf
         /etc/init.d/exim4 restart </dev/null >/var/log/start.log 2>&1",
    ),
    case("not-a-peer", "peers = [\"root\", \"Debian-exim\"]", "stop; echo 'peers = [\"root\"]' >>$config; start"),
    case(
        "group-not-yet",
        "/etc/init.d/exim4 restart",
        "groupadd later; stop; sed -i '/^group = /d' $config
         sed -i '/^\\[\\[dovecot/a group = \"later\"' $config; start; usermod -a -G later Debian-exim",
    ),
    case("permissions", "gpasswd -d Debian-exim sasldb-rs", "usermod -a -G sasldb-rs Debian-exim"),
    case("permissions", "setfacl -b", "setfacl -m u:Debian-exim:r /var/lib/sasldb-rs/accounts.db"),
    case(
        "permissions",
        "chgrp",
        "groupadd both; usermod -a -G both sasldb-rs; useradd -g both web; chgrp both /etc/sasldb-rs/accounts.key",
    ),
];

/// What Exim needs that asks the helper as if it were saslauthd.
const BY_MUX: Case = case(
    "exim-socket",
    "path = \"/run/saslauthd/mux\"",
    r#"sed -i '/^begin authenticators/,$d' /etc/exim4/exim4.conf
    cat >>/etc/exim4/exim4.conf <<'END'
begin authenticators
plain_mux:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_advertise_condition = ${if def:tls_in_cipher}
  server_condition = ${if saslauthd{{$auth2}{$auth3}{smtp}}}
  server_set_id = $auth2
END
    /etc/init.d/exim4 restart </dev/null >/var/log/start.log 2>&1"#,
);

#[test]
fn what_goes_wrong_with_exim_is_found_and_mended() {
    let site = set_up(Server::Exim);
    each_is_found_and_mended(&site, "SCRAM-SHA-256", CASES);
    is_found_and_mended(&site.machine, &BY_MUX);
    mail_goes(&site, "PLAIN");
    site.machine.shell("echo nonsense >>/etc/exim4/exim4.conf");
    let ran = site.machine.run("sasldb-rs", &["doctor", "exim"]);
    assert!(ran.status == 75 && ran.text.contains("Exim does not tell its settings"), "{ran:?}");
}
