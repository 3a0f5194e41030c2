#!/usr/bin/env bash
# What the page asks of systemd, in a machine that has none: runs what the unit says.
set -eu
unit=/etc/systemd/system/saslauthd-rs.service pid=/run/saslauthd-rs.pid log=/var/log/saslauthd-rs.log

of_unit() { sed -n "s/^$1=//p" "$unit"; }

stop() {
    [ ! -e $pid ] || start-stop-daemon --stop --quiet --retry TERM/60 --remove-pidfile --pidfile $pid
}

start() {
    umask "$(of_unit UMask)"
    $(of_unit ExecStartPre)
    : >$log
    start-stop-daemon --start --quiet --background --make-pidfile --pidfile $pid --output $log \
        --startas "$(of_unit ExecStart)"
    timeout 120 sh -c "until grep -q '^listening' $log; do sleep 0.05; done" || { cat $log; exit 1; }
}

case $* in
    daemon-reload) ;;
    'enable --now saslauthd-rs') start ;;
    'restart saslauthd-rs')
        stop
        start
        ;;
    'disable --now saslauthd-rs') stop ;;
    *)
        echo "no systemctl $*" >&2
        exit 1
        ;;
esac
