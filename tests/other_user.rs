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
    start() { start_as "setpriv --reuid 1234 --regid 1234 --clear-groups" "$@"; }
    as_root() { start_as "" "$@"; }
    start_as() {
        user=$1
        shift
        : >"$2/log"
        $user saslauthd-rs --config "$2/config.toml" -f "$2/lib/accounts.db" --dovecot "$2/run/auth" 2>>"$2/log" &
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
    login() {
        work=$2 password=$3
        shift 3
        printf "$password" | setpriv --reuid 1234 --regid 1234 --clear-groups \
            sasldb-rs test --dovecot "$work/run/auth" --secured "$@" mailman >"$work/said" 2>&1
    }
    again() { tries=$((tries + 1)); [ $tries -lt 600 ] || { cat "$2/log" >&2; exit 1; }; sleep 0.05; }
    learning() {
        mount -t proc proc /proc
        printf 'schemes = ["scram-sha-256"]\nmechanisms = ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN"]\nlearn = ["cram-md5"]\n' >>"$2/config.toml"
    }
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

/// Accounts have SCRAM-SHA-256 alone, and passwords become good for CRAM-MD5. The helper becomes another user, which may read only;
/// its learner stays root.
#[test]
fn what_the_helper_may_not_write_its_learner_does() {
    in_private(
        r#"
        learning "$@"
        chgrp -R daemon "$2/etc" "$2/lib"
        chown daemon "$2/run"
        printf 'user = "daemon"\n' >>"$2/config.toml"
        set_password "$@" first
        as_root "$@"
        accepted "$@" first --mechanism PLAIN
        until grep -q "^learnt cram-md5 password=.main. user=.mailman@example.com" "$2/log"; do again "$@"; done
        accepted "$@" first --mechanism CRAM-MD5
        grep -q "^Uid:.1.1.1.1$" /proc/$helper/status
        learner=$(pgrep -P $helper)
        grep -q "^Uid:.0.0.0.0$" /proc/$learner/status
        [ "$(find "$2/lib" "$2/etc" -type f ! \( -user root -group daemon -perm 0640 \) ! -path "*/activity*" | wc -l)" = 0 ]
        stop
        while kill -0 $learner 2>>"$2/log"; do again "$@"; done
        "#,
    );
}

#[test]
fn a_helper_that_was_never_root_says_once_that_nothing_is_learnt() {
    in_private(
        r#"
        learning "$@"
        set_password "$@" first
        start "$@"
        until grep -q "^nothing is learnt" "$2/log"; do again "$@"; done
        accepted "$@" first --mechanism PLAIN
        accepted "$@" first --mechanism PLAIN
        refused "$@" first --mechanism CRAM-MD5
        [ "$(grep -c "learnt" "$2/log")" = 1 ]
        grep "^nothing is learnt" "$2/log" | grep -q "Permission denied; the accounts belong to root: run the program as root"
        [ -z "$(pgrep -P $helper)" ]
        owned "$@"
        stop
        "#,
    );
}
