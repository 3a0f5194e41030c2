//! `sasldb-rs doctor` on accounts and helper: what is made wrong on purpose is found, and the commands that it prints mend it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod private;

/// In a private namespace, as its root: `$1` is a folder with our programs, `$2` one to work in. The helper is a user of its
/// own, started as the doctor says; exim is one of its peers.
const PRELUDE: &str = r#"
    export PATH="$1:$PATH"
    work=$2
    mkdir -p "$work/etc" "$work/lib" "$work/keys" "$work/run" "$work/settings"
    printf '%s\n' root:x:0:0::/:/bin/sh helper:x:1234:1234::/: exim:x:1236:1236::/: >"$work/etc/passwd"
    printf '%s\n' root:x:0: helper:x:1234: exim:x:1236: clients:x:1300:exim >"$work/etc/group"
    mount --bind "$work/etc/passwd" /etc/passwd
    mount --bind "$work/etc/group" /etc/group
    mount -t proc proc /proc
    mount -t tmpfs log /var/log
    chgrp 1234 "$work/lib" "$work/keys"
    chmod 2750 "$work/lib" "$work/keys"
    chmod 755 "$work" "$work/run"
    key_file="key_file = \"$work/keys/accounts.key\""
    config="$work/settings/config.toml"
    settings() {
        printf '%s\n' "$@" "database = \"$work/lib/accounts.db\"" 'user = "helper"' 'scram_iterations = 4096' \
            'weak_passwords = "allow"' '[[dovecot]]' "path = \"$work/run/auth\"" 'group = "clients"' 'peers = ["root", "exim"]' >"$config"
    }
    account() { printf secret | saslpasswd-rs --config "$config" -p -c "$1"; }
    # What is found, one code in a line.
    codes() {
        status=0
        sasldb-rs doctor --config "$config" accounts helper >"$work/said" 2>"$work/errors" || status=$?
        [ $status -le 1 ] || [ -s "$work/errors" ]
        grep -v '^mend:' "$work/said" | cut -f 1 || true
    }
    fail() { echo "$1" >&2; cat "$work/said" "$work/errors" /var/log/saslauthd-rs.log >&2; exit 1; }
    found() { codes | grep -qx "$1"; }
    # Runs the commands that belong to findings of this code.
    mend() {
        awk -F '\t' -v code="$1" '$1 == "mend:" { if (own) print $2; next } { own = ($1 == code) }' "$work/said" >"$work/mend"
        [ -s "$work/mend" ] || fail "nothing mends $1"
        printf secret >"$work/input"
        sh -eu "$work/mend" <"$work/input" >>"$work/mended" 2>&1 || { cat "$work/mended" >&2; fail "the mending of $1 failed"; }
    }
    # Asks again while a helper that was started is not there yet.
    until_well() {
        tries=0
        while [ -n "$(codes)" ] || [ -s "$work/errors" ]; do
            tries=$((tries + 1))
            [ $tries -lt 200 ] || fail 'it does not get well'
            sleep 0.1
        done
    }
    logs_in() { printf secret | sasldb-rs test --dovecot "$(sed -n 's/^path = "\(.*\)"/\1/p' "$config" | head -n 1)" --secured mailman >"$work/login" ||
        { cat "$work/login" >&2; fail 'nobody logs in'; }; }
    until_codes() {
        tries=0
        until [ "$(codes)" = "$1" ]; do
            tries=$((tries + 1))
            [ $tries -lt 200 ] || fail "$1 alone is not found"
            sleep 0.1
        done
    }
    until_found() {
        tries=0
        until found "$1"; do
            tries=$((tries + 1))
            [ $tries -lt 200 ] || fail "$1 is not found"
            sleep 0.1
        done
    }
    # Found, as soon as what was started for it is there, mended as printed, not found any more, and somebody logs in. The first may
    # bring the second along.
    is_mended() {
        until_found "$1"
        mend "$1"
        cp "$work/mend" "$work/mended_by"
        if [ $# = 2 ] && found "$2"; then mend "$2"; fi
        until_well
        logs_in
    }
    settings "$key_file" 'realm = "example.com"' 'realm_aliases = ["mx1"]'
    account mailman
    chown 1234 "$work/lib/accounts.db.activity"
"#;

fn in_private(script: &str) {
    private::run(&format!("{PRELUDE}\n{script}"));
}

/// With a helper that runs, and nothing wrong.
fn running(script: &str) {
    in_private(&format!("is_mended \"helper-down\"\n{script}"));
}

#[test]
fn a_helper_that_does_not_run_is_found_and_started() {
    running(
        r#"
        [ "$(sasldb-rs doctor --config "$config" --json accounts helper)" = "[]" ]
        kill "$(pgrep -x saslauthd-rs | head -n 1)"
        while pgrep -x saslauthd-rs >/dev/null; do sleep 0.1; done
        is_mended "helper-down"
        # As after a crash: the socket is there, and nobody listens.
        kill -KILL "$(pgrep -x saslauthd-rs | head -n 1)"
        while pgrep -x saslauthd-rs >/dev/null; do sleep 0.1; done
        [ -S "$work/run/auth" ]
        is_mended "helper-down"
        "#,
    );
}

#[test]
fn sockets_that_are_not_as_the_settings_say_are_found() {
    running(
        r#"
        rm "$work/run/auth"
        is_mended "socket-down"
        chmod 600 "$work/run/auth"
        is_mended "socket-stale"
        chgrp 1234 "$work/run/auth"
        is_mended "socket-stale"
        printf '%s\n' '[[saslauthd]]' "path = \"$work/run/mux\"" >>"$config"
        is_mended "socket-down"
        [ -S "$work/run/mux" ]
        # It is there, and nobody listens.
        rm "$work/run/mux"
        cp "$1/saslauthd-rs" "$work/crashed"
        printf '%s\n' "$key_file" "database = \"$work/lib/accounts.db\"" 'realm = "example.com"' >"$work/other.toml"
        "$work/crashed" --config "$work/other.toml" --saslauthd "$work/run/mux" </dev/null >/dev/null 2>&1 &
        while ! [ -S "$work/run/mux" ]; do sleep 0.1; done
        kill -KILL $!
        wait $! || true
        is_mended "socket-down"
        "#,
    );
}

#[test]
fn a_client_that_does_not_get_to_its_socket_is_found() {
    running(
        r#"
        chmod 700 "$work/run"
        is_mended "folder-closed"
        # Nobody but root and the helper is in its group, and nobody else is to be.
        sed -i 's/^group = .*/group = "helper"/' "$config"
        found "socket-stale" || fail 'another group is not found'
        mend "socket-stale"
        until_found "socket-closed"
        is_mended "socket-closed"
        grep -qx 'group = "exim"' "$config"
        "#,
    );
}

#[test]
fn another_program_on_the_socket_is_found() {
    in_private(
        r#"
        cp "$1/saslauthd-rs" "$work/dovecot"
        printf '%s\n' "$key_file" "database = \"$work/lib/accounts.db\"" 'realm = "example.com"' >"$work/other.toml"
        setsid "$work/dovecot" --config "$work/other.toml" --dovecot "$work/run/auth" </dev/null >/dev/null 2>&1 &
        while ! [ -S "$work/run/auth" ]; do sleep 0.1; done
        is_mended "socket-taken"
        "#,
    );
}

#[test]
fn a_database_that_is_missing_is_found() {
    running(
        r#"
        mkdir "$work/away"
        mv "$work"/lib/* "$work/away"
        mv "$work/keys/accounts.key" "$work/away"
        is_mended "database-missing" "permissions"
        # With its folder.
        mv "$work/lib" "$work/keys/accounts.key" "$work/away"
        is_mended "database-missing" "permissions"
        grep -q "install -d -g 1234 -m 2750 $work/lib" "$work/mended_by"
        "#,
    );
}

/// The key goes into a folder of its own then.
#[test]
fn a_key_beside_database_and_settings_is_found() {
    in_private(
        r#"
        mv "$work/keys/accounts.key" "$work/lib/accounts.db.key"
        config="$work/lib/config.toml"
        settings 'realm = "example.com"' 'realm_aliases = ["mx1"]'
        found "helper-down" && mend "helper-down"
        is_mended "key-place"
        [ -e "$work/lib/keys/accounts.db.key" ]
        "#,
    );
}

/// In a file that has no line for them yet, and in one where a list goes over several lines.
#[test]
fn settings_are_mended_wherever_they_stand() {
    running(
        r#"
        account anna@elsewhere.example
        sasldb-rs --config "$config" account remove mailman@example.com
        sed -i -e '/^realm = /d' -e 's/^realm_aliases = .*/realm_aliases = [ # two\n    "mx1",\n    "elsewhere.example",\n]/' "$config"
        found "alias-with-accounts" || fail 'it is not found'
        mend "alias-with-accounts"
        # And nothing else: what mends it ends the helper that was started just now, if that is there.
        until_codes "realm-without-accounts"
        mend "realm-without-accounts"
        until_well
        [ "$(head -n 1 "$config")" = 'realm = "elsewhere.example"' ]
        grep -qx 'realm_aliases = \["mx1"\]' "$config"
        printf secret | sasldb-rs test --dovecot "$work/run/auth" --secured anna >"$work/login" || fail 'anna does not log in'
        "#,
    );
}

#[test]
fn a_key_in_another_place_is_found() {
    running(
        r#"
        mv "$work/keys/accounts.key" "$work/keys/accounts.key.old"
        is_mended "key-elsewhere"
        sed 's/^key ..../key 0000/' "$work/keys/accounts.key.old" >"$work/keys/accounts.key"
        is_mended "key-elsewhere"
        [ -e "$work/keys/accounts.key.other" ]
        "#,
    );
}

#[test]
fn a_key_that_is_nowhere_is_not_invented() {
    running(
        r#"
        mv "$work/keys/accounts.key" "$work/elsewhere"
        codes >"$work/found"
        [ $status = 75 ] && ! [ -s "$work/found" ] && grep -q 'does not exist, and without it the accounts cannot be opened' "$work/errors"
        "#,
    );
}

#[test]
fn a_key_beside_another_configuration_is_found() {
    running(
        r#"
        mv "$work/keys/accounts.key" "$work/settings/accounts.key"
        is_mended "key-elsewhere"
        "#,
    );
}

/// A folder has the file's name: not even root can read that.
#[test]
fn what_cannot_be_read_is_told() {
    in_private(
        r#"
        mount -t tmpfs etc /etc
        cp "$work/etc/passwd" "$work/etc/group" /etc
        mkdir -p /etc/chasquid/chasquid.conf
        status=0
        sasldb-rs doctor --config "$config" chasquid >"$work/said" 2>"$work/errors" || status=$?
        [ $status = 75 ] || fail "the status is $status"
        grep -q '/etc/chasquid/chasquid.conf cannot be read' "$work/errors" || fail 'it is not told'
        "#,
    );
}

#[test]
fn a_database_that_cannot_be_seen_is_not_called_missing() {
    in_private(
        r#"
        status=0
        setpriv --reuid 4321 --regid 4321 --clear-groups sasldb-rs doctor --config "$config" accounts \
            >"$work/said" 2>"$work/errors" || status=$?
        [ $status = 75 ] || fail "the status is $status"
        ! grep -q '^database-missing' "$work/said" || fail 'it is there'
        grep -q 'accounts.db: Permission denied' "$work/errors" || fail 'it is not told'
        "#,
    );
}

#[test]
fn a_program_that_is_named_and_is_not_there_is_told() {
    in_private(
        r#"
        mount -t tmpfs etc /etc
        cp "$work/etc/passwd" "$work/etc/group" /etc
        for part in chasquid sendmail; do
            status=0
            sasldb-rs doctor --config "$config" $part >"$work/said" 2>"$work/errors" || status=$?
            [ $status = 75 ] || fail "the status is $status"
            grep -q ' is not there' "$work/errors" || fail 'it is not told'
        done
        "#,
    );
}

#[test]
fn the_helper_is_known_by_its_settings_and_not_in_a_container() {
    in_private(
        r#"
        mkdir "$work/other"
        unshare --pid --fork saslauthd-rs --config "$config" --dovecot "$work/other/auth" 2>"$work/other/log" &
        until grep -q listening "$work/other/log"; do kill -0 $!; sleep 0.1; done
        found helper-down || fail 'a helper of another system is taken for ours'
        kill "$(pgrep -x saslauthd-rs | head -n 1)"
        while pgrep -x saslauthd-rs >/dev/null; do sleep 0.1; done
        saslauthd-rs --config="$config" --dovecot "$work/other/auth" 2>"$work/other/log" &
        until grep -q listening "$work/other/log"; do kill -0 $!; sleep 0.1; done
        found socket-down || fail 'our helper is not known'
        "#,
    );
}

#[test]
fn a_key_beside_the_database_is_found() {
    in_private(
        r#"
        mv "$work/keys/accounts.key" "$work/lib/accounts.db.key"
        settings 'realm = "example.com"' 'realm_aliases = ["mx1"]'
        found "helper-down" && mend "helper-down"
        is_mended "key-place"
        [ -e "$work/settings/accounts.db.key" ]
        "#,
    );
}

#[test]
fn files_that_are_open_or_closed_are_found() {
    running(
        r#"
        for change in 'chmod 644 lib/accounts.db' 'chmod 660 lib/accounts.db-wal' 'chmod 600 lib/accounts.db' \
            'chmod 664 keys/accounts.key' 'chgrp 0 keys/accounts.key' 'chmod 2757 keys' 'chmod 2770 lib' 'chmod 700 keys' 'chmod 700 .' \
            'chgrp 0 lib' 'chown 1236 lib/accounts.db' 'chown 1236 keys' 'chown 0 lib/accounts.db.activity' \
            'rm -r lib/accounts.db.activity'; do
            (cd "$work" && $change)
            found "permissions" || fail "not found: $change"
            is_mended "permissions"
        done
        "#,
    );
}

#[test]
fn realms_that_do_not_fit_the_accounts_are_found() {
    running(
        r#"
        sed -i 's/^realm = .*/realm = "wrong.test"/' "$config"
        is_mended "realm-without-accounts"
        account joe@other.test
        sed -i 's/^realm_aliases = .*/realm_aliases = ["mx1", "other.test"]/' "$config"
        is_mended "alias-with-accounts"
        grep -qx 'realm_aliases = \["mx1"\]' "$config"
        "#,
    );
}
