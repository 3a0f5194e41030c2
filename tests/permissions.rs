//! `sasldb-rs check` on who can read the database: users and groups as a mail server's machine has them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod private;

/// In a private namespace, as its root: `$1` is a folder with our programs, `$2` one to work in. The helper is a user of its
/// own; postfix opens the socket as one of its peers, exim as a member of its group.
const PRELUDE: &str = r#"
    export PATH="$1:$PATH"
    work=$2
    mkdir -p "$work/etc" "$work/lib" "$work/keys"
    users() { printf '%s\n' root:x:0:0::/:/bin/sh helper:x:1234:1234::/: postfix:x:1235:1235::/: "$@" >"$work/etc/passwd"; }
    groups() { printf '%s\n' root:x:0: postfix:x:1235: exim:x:1236: clients:x:1300:exim "$@" >"$work/etc/group"; }
    users exim:x:1236:1236::/:
    groups helper:x:1234:
    mount --bind "$work/etc/passwd" /etc/passwd
    mount --bind "$work/etc/group" /etc/group
    chgrp 1234 "$work/lib" "$work/keys"
    chmod 2750 "$work/lib" "$work/keys"
    chmod 755 "$work"
    settings() {
        printf '%s\n' "database = \"$work/lib/accounts.db\"" "key_file = \"$work/keys/accounts.key\"" \
            'user = "helper"' 'realm = "example.com"' 'scram_iterations = 4096' \
            '[[dovecot]]' 'path = "/run/helper/auth"' "$@" >"$work/config.toml"
    }
    settings 'group = "clients"' 'peers = ["postfix", "exim"]'
    printf secret | saslpasswd-rs --config "$work/config.toml" -p -c mailman
    # What is found about our files, one line for each, without the folder's name.
    found() {
        sasldb-rs check --config "$work/config.toml" >"$work/said" || [ $? = 1 ]
        sed -n "s,^permissions\t$work/,,p; /^permissions\t.run/p" "$work/said" | tr '\t' ' '
    }
    expect() { found >"$work/found"; printf '%s\n' "$@" | diff - "$work/found" >&2; }
    nothing() { [ -z "$(found)" ] || { cat "$work/said" >&2; exit 1; }; }
    nothing
"#;

fn in_private(script: &str) {
    private::run(&format!("{PRELUDE}\n{script}"));
}

#[test]
fn a_client_in_the_group_that_reads_is_found() {
    in_private(
        r#"
        groups helper:x:1234:helper,exim
        through='may be read by user exim, who may open the socket /run/helper/auth, through group helper'
        expect "lib/accounts.db $through" "lib/accounts.db-wal $through" "lib/accounts.db-shm $through" \
            "keys/accounts.key $through"
        "#,
    );
}

#[test]
fn a_user_whose_own_group_it_is_is_found() {
    in_private(
        r#"
        users exim:x:1236:1236::/: web:x:1237:1234::/:
        chmod 600 "$work"/lib/*.db* && chmod 640 "$work/keys/accounts.key" && chown 1234 "$work"/lib/*.db*
        found | grep -qx 'keys/accounts.key may be read by user web, through group helper'
        ! found | grep -q 'lib.*may be read'
        "#,
    );
}

#[test]
fn a_socket_of_the_group_that_reads_is_found() {
    in_private(
        r#"
        settings 'group = "helper"'
        through='may be read by whoever may open the socket /run/helper/auth, through group helper'
        expect "lib/accounts.db $through" "lib/accounts.db-wal $through" "lib/accounts.db-shm $through" \
            "keys/accounts.key $through"
        settings 'peers = ["postfix", "helper"]'
        expect 'permissions /run/helper/auth lets in user helper, who is also the helper'"'"'s and reads the database'
        "#,
    );
}

#[test]
fn what_the_helper_cannot_reach_is_found() {
    in_private(
        r#"
        by="by the helper's user helper"
        chgrp 1300 "$work/keys/accounts.key"
        expect \
            'keys/accounts.key may be read by user exim, who may open the socket /run/helper/auth, through group clients' \
            'keys/accounts.key may be read by whoever may open the socket /run/helper/auth, through group clients' \
            "keys/accounts.key cannot be read $by: logins are unavailable"
        chgrp 1234 "$work/keys/accounts.key"
        chmod 700 "$work/keys"
        expect "keys cannot be entered $by: logins are unavailable"
        chmod 2750 "$work/keys"
        nothing
        chown 0 "$work/lib/accounts.db.activity"
        expect "lib/accounts.db.activity cannot be written $by: who logged in when is not recorded"
        rmdir "$work/lib/accounts.db.activity"
        expect "lib/accounts.db.activity cannot be written $by: who logged in when is not recorded"
        "#,
    );
}
