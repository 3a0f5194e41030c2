#!/usr/bin/env bash
# Becomes a private machine: the ROOTs, the first uppermost, below a writable layer in memory, in namespaces of its own,
# on a network that ends at its loopback. FOLDER holds `system`, on which it is mounted, and `shared`, which the machine
# sees as /run/sasldb-rs. Says `ready PID` when it is up, and is gone, with all that runs in it, when its standard input
# ends. Users and groups are the uppermost root's.
#
# usage: tests/interop/machine.sh FOLDER ROOT...
set -euo pipefail
# Where Debian keeps pivot_root, which an ordinary user's path leaves out.
PATH=$PATH:/usr/sbin:/sbin

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "$1" != --inside ]; then
    exec "$here/../../scripts/private" --net "$here/machine.sh" --inside "$@"
fi
system=$2/system shared=$2/shared
shift 2

# The process id as the machine outside knows it: this /proc is still that one's.
read -r pid _ </proc/self/stat

# A user namespace may not write the overlay's usual (trusted) attributes.
options=
read -r _ first _ </proc/self/uid_map
[ "$first" = 0 ] || options=,userxattr

mount -t tmpfs -o mode=755 machine "$system"
mkdir "$system"/{upper,work,root}
chmod 755 "$system/upper"
cd "$system"
# Names of our own, because the mount option can't hold every path.
layers=
for root; do
    ln -s "$root" "layer$#"
    layers=${layers:+$layers:}layer$#
    shift
done
mount -t overlay -o "lowerdir=$layers,upperdir=upper,workdir=work$options" machine root
cd root

mount -t tmpfs -o mode=755 dev dev
for node in null zero full random urandom tty; do
    : >"dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
ln -s /proc/self/fd dev/fd
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=0666 pts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=755 run run
mkdir run/lock run/sasldb-rs
mount --bind "$shared" run/sasldb-rs
# smtpd is chrooted on Debian, and sees its queue folder only.
mkdir -p var/spool/postfix/private/sasldb-rs
mount --bind "$shared" var/spool/postfix/private/sasldb-rs
mount -t proc proc proc

# The new root covers the old one, which then goes.
pivot_root . .
umount --lazy .
cd /
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
# A Postfix that has never run makes this folder itself, were it not there for the mount.
if id postfix >/dev/null 2>&1; then
    chown postfix /var/spool/postfix/private
    chmod 700 /var/spool/postfix/private
fi
hostname mail.example.com
echo mail.example.com >/etc/mailname
printf '%s\n' '127.0.0.1 localhost' '192.0.2.1 mail.example.com mail' >/etc/hosts
: >/etc/resolv.conf
ip link set lo up
ip address add 192.0.2.1/24 dev lo

echo "ready $pid"
# The first process of a machine inherits the orphans; this shell collects them while it waits.
while read -r _; do :; done
