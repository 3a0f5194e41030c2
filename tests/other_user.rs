//! The helper as a user of its own, who may read the database and write none of it, whichever starts first.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod private;

/// In a private namespace, as its root: `$1` is a folder with our programs, `$2` one to work in. The helper is user and group
/// 1234, which root's new files are readable for because the folders pass their group on.
const PRELUDE: &str = r#"
    export PATH="$1:$PATH"
    mkdir -p "$2/etc" "$2/lib" "$2/run"
    chgrp 1234 "$2/etc" "$2/lib"
    chmod 2750 "$2/etc" "$2/lib"
    chown 1234:1234 "$2/run"
    printf 'realm = "example.com"\nscram_iterations = 4096\nkey_file = "%s/etc/accounts.key"\n' "$2" >"$2/config.toml"
    chmod 755 "$2"
    start() {
        : >"$2/log"
        setpriv --reuid 1234 --regid 1234 --clear-groups \
            saslauthd-rs --config "$2/config.toml" -f "$2/lib/accounts.db" --dovecot "$2/run/auth" 2>>"$2/log" &
        helper=$!
        tries=0
        until grep -q "^listening on" "$2/log"; do
            tries=$((tries + 1))
            [ $tries -lt 200 ] && kill -0 $helper || { cat "$2/log" >&2; exit 1; }
            sleep 0.05
        done
    }
    stop() { kill $helper; wait $helper; }
    set_password() { printf "$3" | saslpasswd-rs --config "$2/config.toml" -p -c -f "$2/lib/accounts.db" mailman; }
    login() { printf "$3" | setpriv --reuid 1234 --regid 1234 --clear-groups \
        sasldb-rs test --dovecot "$2/run/auth" --secured mailman >"$2/said" 2>&1; }
    accepted() { login "$@" || { cat "$2/said" "$2/log" >&2; exit 1; }; }
    refused() { if login "$@" || grep -q unavailable "$2/said"; then cat "$2/said" "$2/log" >&2; exit 1; fi; }
    unavailable() { if login "$@" || ! grep -q unavailable "$2/said"; then cat "$2/said" "$2/log" >&2; exit 1; fi; }
    owned() { [ "$(find "$2/lib" "$2/etc" -type f \( -user 1234 -o -perm /0027 -a ! -perm 0640 \) | wc -l)" = 0 ]; }
"#;

fn in_private(script: &str) {
    private::run(&format!("{PRELUDE}\n{script}"));
}

#[test]
fn the_helper_starts_before_there_is_a_database() {
    in_private(
        r#"
        start "$@"
        unavailable "$@" first
        set_password "$@" first
        accepted "$@" first
        set_password "$@" second
        accepted "$@" second
        owned "$@"
        stop
        "#,
    );
}

#[test]
fn the_helper_starts_after_the_first_account_while_nobody_writes() {
    in_private(
        r#"
        set_password "$@" first
        start "$@"
        accepted "$@" first
        owned "$@"
        set_password "$@" second
        refused "$@" first
        accepted "$@" second
        stop
        start "$@"
        accepted "$@" second
        stop
        owned "$@"
        "#,
    );
}

#[test]
fn writers_come_and_go_and_each_change_counts_at_once() {
    in_private(
        r#"
        set_password "$@" first
        start "$@"
        for round in 1 2 3 4 5 6 7 8 9 10 11 12; do
            set_password "$@" "password$round"
            accepted "$@" "password$round"
        done
        printf x | saslpasswd-rs --config "$2/config.toml" -d -f "$2/lib/accounts.db" mailman
        refused "$@" password12
        owned "$@"
        stop
        "#,
    );
}

#[test]
fn a_key_or_database_that_the_helper_may_not_read_makes_logins_unavailable() {
    in_private(
        r#"
        set_password "$@" first
        start "$@"
        accepted "$@" first
        stop
        chmod 600 "$2/lib/accounts.db"
        start "$@"
        unavailable "$@" first
        chmod 640 "$2/lib/accounts.db"
        accepted "$@" first
        stop
        "#,
    );
}

/// The folder is root's here. Logins go on, the log says it once, and what can be written later is, with no restart.
#[test]
fn activity_that_the_helper_may_not_write_keeps_nobody_from_logging_in() {
    in_private(
        r#"
        set_password "$@" first
        [ "$(stat -c %u "$2/lib/accounts.db.activity")" = 0 ]
        start "$@"
        accepted "$@" first
        accepted "$@" first
        [ "$(grep -c "who logged in when is not recorded" "$2/log")" = 1 ]
        [ ! -e "$2/lib/accounts.db.activity/activity.db" ]
        chown 1234 "$2/lib/accounts.db.activity"
        tries=0
        until [ -s "$2/lib/accounts.db.activity/activity.db" ]; do
            tries=$((tries + 1))
            [ $tries -lt 600 ] || { cat "$2/log" >&2; exit 1; }
            sleep 0.1
        done
        stop
        [ "$(grep -c "who logged in when is not recorded" "$2/log")" = 1 ]
        "#,
    );
}
