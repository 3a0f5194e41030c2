#!/usr/bin/env bash
# `systemctl` in a machine that systemd does not run: does what the unit says, else what the script in /etc/init.d does.
set -eu
name=${!#}
case $* in
    daemon-reload) exit ;;
    "enable --now $name" | "restart $name") action=restart ;;
    "disable --now $name") action=stop ;;
    *)
        echo "no systemctl $*" >&2
        exit 1
        ;;
esac
pid=/run/$name.pid log=/var/log/$name.started unit=
for folder in /etc/systemd/system /lib/systemd/system; do
    [ -n "$unit" ] || [ ! -e "$folder/$name.service" ] || unit=$folder/$name.service
done
if [ -z "$unit" ]; then
    # Debian's scripts would come back here.
    SYSTEMCTL_SKIP_REDIRECT=1 exec "/etc/init.d/$name" $action </dev/null
fi

of_unit() { sed -n "s/^$1=//p" "$unit"; }

[ ! -e "$pid" ] || start-stop-daemon --stop --quiet --oknodo --retry TERM/60 --remove-pidfile --pidfile "$pid"
[ $action = restart ] || exit 0
for folder in $(of_unit RuntimeDirectory); do
    mkdir -p "/run/$folder"
done
mask=$(of_unit UMask)
umask "${mask:-0022}"
of_unit ExecStartPre | while read -r line; do ${line#[-+]}; done
user=$(of_unit User)
command=$(of_unit ExecStart)
if [ -n "$user" ]; then
    # As whom systemd lets it listen on the ports of mail.
    command="setpriv --reuid $user --regid $(id -g "$user") --init-groups --inh-caps +net_bind_service
        --ambient-caps +net_bind_service $command"
fi
: >"$log"
set -- $command
start-stop-daemon --start --quiet --background --make-pidfile --pidfile "$pid" --output "$log" \
    --startas "$(command -v "$1")" -- "${@:2}"
# Our helper says when it is ready.
if [ "$(of_unit Type)" = notify ] && [ "$name" = saslauthd-rs ]; then
    timeout 120 sh -c "until grep -q '^listening' $log; do sleep 0.05; done" || { cat "$log"; exit 1; }
fi
